"""One question: asked of search and of answers as any other, timed, and held against its labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import lru_cache

from corpus.answers import Answer, Citation
from corpus.model import Extracted, Hit
from corpus.scope import Scope
from footnote.connect import Footnote
from footnote.evaluation import metrics
from footnote.evaluation.metrics import Intervals, Place, Scores
from footnote.evaluation.offsets import Offsets
from footnote.evaluation.runs import Foreign, QuestionRun
from footnote.evaluation.sets import LabelledSet, Question
from search.answer import CANDIDATES
from search.support import Support, support

DEPTH = 100
"""Hits from which documents are ranked: many may be of one document."""
KEPT = 10


class Observer:
    """Asks the questions of one set, or of others, over its documents; `files` are their names by id."""

    def __init__(
        self,
        footnote: Footnote,
        scope: Scope,
        labelled: LabelledSet,
        files: Mapping[str, str],
        timer: Callable[[], float],
    ) -> None:
        self._footnote, self._scope, self._set = footnote, scope, labelled
        self._files, self._timer = files, timer
        self._stored = lru_cache(maxsize=None)(self._text)
        self._offset_of = lru_cache(maxsize=None)(self._offsets)
        self._found_in = lru_cache(maxsize=None)(self._places)

    def ask(self, question: Question) -> QuestionRun:
        """Ask a question, and return what came of it with all that can be scored."""
        known, answer, seconds = self._asked(question.text)
        deep = self._footnote.search(self._scope, question.text, DEPTH).hits
        scores = self._found(question, deep)
        scores.update(self._answered(question, answer))
        return QuestionRun(
            id=question.id,
            question=question.text,
            unanswerable=question.unanswerable,
            support=known.score(self._footnote.embedder.space),
            type=answer.type,
            answer=answer.text,
            scores=scores,
            found=[(self._name(one), one.start, one.end, one.page) for one in deep[:KEPT]],
            search_seconds=seconds[0],
            ask_seconds=seconds[1],
            citations=len(answer.citations),
            signals=asdict(known),
        )

    def ask_foreign(self, question: Question) -> Foreign:
        """Ask a question that these documents do not answer."""
        known, answer, _ = self._asked(question.text)
        return Foreign(question.id, known.score(self._footnote.embedder.space), answer.type == "not_found")

    def unplaced(self, question: Question) -> bool:
        """Whether a quote that is wanted stands in none of the texts: a slip of the label, or of the reader."""
        return not all(self._wanted(question, quote) for quote in question.quotes)

    def _asked(self, text: str) -> tuple[Support, Answer, tuple[float, float]]:
        begun = self._timer()
        found = self._footnote.search(self._scope, text, CANDIDATES)
        searched = self._timer()
        answer = self._footnote.ask(self._scope, text)
        seconds = (searched - begun, self._timer() - searched)
        return support(text, found.hits, found.cosine, found.counted), answer, seconds

    def _found(self, question: Question, hits: tuple[Hit, ...]) -> Scores:
        scores: Scores = {}
        if question.grades:
            scores.update(metrics.ranking(question.grades, [self._name(hit) for hit in hits]))
        if question.spans:
            shown = [self._source(hit.generation.document_id, hit.start, hit.end) for hit in hits[: max(metrics.CUTS)]]
            scores.update(metrics.characters(question.spans, [one for one in shown if one]))
        if question.pages:
            pages = [(self._name(hit), page) for hit in hits for page in range(hit.page, hit.end_page + 1)]
            scores.update(metrics.pages(question.pages, pages))
        if question.quotes:
            ranks = [self._rank(self._wanted(question, quote), hits) for quote in question.quotes]
            scores.update(metrics.at_cuts("quote_recall", ranks))
        return scores

    def _rank(self, wanted: Mapping[str, Intervals], hits: tuple[Hit, ...]) -> int | None:
        """The rank of the first hit that holds one of these places as a whole."""
        for rank, hit in enumerate(hits, 1):
            places = wanted.get(hit.generation.document_id, [])
            if any(hit.start <= start and end <= hit.end for start, end in places):
                return rank
        return None

    def _answered(self, question: Question, answer: Answer) -> Scores:
        declined = answer.type == "not_found"
        scores: Scores = {}
        if answer.citations:
            stands = [self._resolves(one) for one in answer.citations]
            scores["citations_resolve"] = sum(stands) / len(stands)
        if question.unanswerable:
            return {**scores, "declined": float(declined), "right": float(declined)}
        right = [self._cites(question, one) for one in answer.citations]
        placed = bool(question.grades or question.quotes)
        scores["lost"] = float(declined)
        if placed and right:
            scores["citations_right"] = sum(right) / len(right)
        if question.prose:
            scores["word_recall"] = 0.0 if declined else metrics.word_recall(question.prose, answer.text)
        if question.answers:
            scores["contains"] = float(not declined and metrics.contains(question.answers, answer.text))
        if question.answers or placed:
            scores["right"] = scores.get("contains", float(any(right)))
        return scores

    def _resolves(self, one: Citation) -> bool:
        """Whether a citation's words are those of the stored text at its offsets, and on its page."""
        text = self._stored(one.document_id)
        page = [page for page in text.pages if page.start <= one.start][-1]
        return text.text[one.start : one.end] == one.quote and page.number == one.page and page.label == one.page_label

    def _cites(self, question: Question, one: Citation) -> bool:
        """Whether a citation lies in what is labelled: document, page, characters and quotes, as far as they are."""
        name = self._set.names[self._files[one.document_id]]
        if question.grades and name not in question.grades:
            return False
        if question.pages and (name, one.page) not in question.pages:
            return False
        if question.spans:
            place = self._source(one.document_id, one.start, one.end)
            return place is not None and metrics.characters(question.spans, [place])["char_recall@1"] > 0
        wanted = [self._wanted(question, quote).get(one.document_id, []) for quote in question.quotes]
        return not wanted or any(one.start < end and start < one.end for places in wanted for start, end in places)

    def _wanted(self, question: Question, quote: str) -> dict[str, Intervals]:
        """Where a quote stands, by id of the documents that are labelled, or of all."""
        found = {
            document_id: self._found_in(document_id, quote)
            for document_id, file_name in self._files.items()
            if not question.grades or self._set.names[file_name] in question.grades
        }
        return {document_id: places for document_id, places in found.items() if places}

    def _places(self, document_id: str, quote: str) -> Intervals:
        words = r"\s+".join(map(re.escape, quote.split()))
        return [match.span() for match in re.finditer(words, self._stored(document_id).text, re.IGNORECASE)]

    def _source(self, document_id: str, start: int, end: int) -> Place | None:
        span = self._offset_of(document_id).span(start, end)
        return (self._set.names[self._files[document_id]], *span) if span else None

    def _offsets(self, document_id: str) -> Offsets:
        name = self._files[document_id]
        return Offsets(name, self._set.files[name].decode("utf-8-sig", "replace"), self._stored(document_id).text)

    def _text(self, document_id: str) -> Extracted:
        """The text that answers; an empty one of a document that was rejected."""
        document = self._footnote.documents.get(document_id)
        return (document and self._footnote.text(document)) or Extracted("", ())

    def _name(self, hit: Hit) -> str:
        return self._set.names[self._files[hit.generation.document_id]]
