"""From a question to an answer whose every sentence can be opened: evidence, draft, verification, or "not found".

It is the same for every model. A draft's sentence stays only if it ends in a mark `[n "quote"]` whose quote stands,
word for word, in evidence n, and in the text that is stored for that version of the document; the citation is cut out
of the stored text, not out of the draft.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace

from corpus import words
from corpus.model import HEADING_SEPARATOR, Answer, Citation, Document, Evidence, Extracted, Hit, Page, Prompt, Scope
from corpus.ports import LLM, BlobStore, Embedder
from corpus.texts import stored
from search.retrieve import Found, Retriever
from search.support import support

log = logging.getLogger(__name__)

CANDIDATES = 20
"""Hits whose words decide whether an answer is tried."""
EVIDENCE = 5
TRIES = 2
NOT_FOUND = "The documents do not answer this."
INSTRUCTIONS = (
    "Answer the question from the evidence only. End each sentence with a mark that names the piece of evidence it "
    'rests on and quotes it word for word: [n "quote"]. If the evidence holds no answer, write nothing.'
)
SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", '"', "”", "»", ")")
_BRACKETED = re.compile(r"\[(\d+)\]")
_STOP = re.compile(r"[.!?]+")
_MARK = re.compile(r'\s*\[(\d{1,4}) "(.+?)"\]', re.DOTALL)


class Answerer:
    """Answers questions over one index with one model."""

    def __init__(self, retriever: Retriever, blobs: BlobStore, embedder: Embedder, llm: LLM) -> None:
        self._retriever, self._blobs, self._embedder, self._llm = retriever, blobs, embedder, llm

    def ask(self, scope: Scope, question: str) -> Answer:
        """Return an answer with citations, or one that says that nothing was found."""
        for _ in range(TRIES):  # a document that is replaced while it is quoted is quoted anew
            found = self._retriever.search(scope, question, CANDIDATES)
            if not support(question, found.hits, found.cosine).suffices(self._embedder.space):
                break
            answer = self._answered(question, found)
            if answer:
                return answer
        return Answer("not_found", NOT_FOUND)

    def _answered(self, question: str, found: Found) -> Answer | None:
        evidence = found.hits[:EVIDENCE]
        numbered = tuple(Evidence(n, _source(hit), hit.content) for n, hit in enumerate(evidence, 1))
        draft = "".join(self._llm.stream(Prompt(INSTRUCTIONS, question, numbered)))
        sentences: list[str] = []
        citations: list[Citation] = []
        for sentence, marks in _parsed(draft):
            cited = [one for number, quote in marks if (one := self._cite(number, quote, evidence, found))]
            if not cited:
                log.info("a sentence without a verified quote was left out", extra={"llm": self._llm.name})
                continue
            numbers = dict.fromkeys(_number(citations, one) for one in cited)
            own = _BRACKETED.sub(r"(\1)", sentence)  # a document's own note numbers are not ours
            ends = (
                " " if own.endswith(SENTENCE_ENDS) else "\n"
            )  # a table's row or a list's item stands on a line of its own
            sentences += [own, " ", *(f"[{number}]" for number in numbers), ends]
        if not sentences:
            return None
        gaps = _gaps(citations, found)
        return Answer("partial" if gaps else "grounded", "".join(sentences).rstrip(), tuple(citations), gaps)

    def _cite(self, number: int, quote: str, evidence: tuple[Hit, ...], found: Found) -> Citation | None:
        """The citation of a quote, cut out of the stored text; None if it does not stand there."""
        if not 1 <= number <= len(evidence) or not quote.split():
            return None
        hit = evidence[number - 1]
        place = re.compile(r"\s+".join(map(re.escape, quote.split()))).search(hit.content)
        text = self._text(found.documents[hit.generation.document_id], hit)
        if place is None or text is None:
            return None
        start, end = hit.start + place.start(), hit.start + place.end()
        if text.text[start:end] != place[0]:
            return None
        page = _page_at(text, start)
        return Citation(
            number=0,
            document_id=hit.generation.document_id,
            version=hit.generation.version,
            file_name=hit.file_name,
            page=page.number,
            page_label=page.label,
            section=_section_at(text, start),
            start=start,
            end=end,
            quote=place[0],
        )

    def _text(self, document: Document, hit: Hit) -> Extracted | None:
        try:
            return stored(self._blobs, document.user_id, hit.generation)
        except ValueError:
            log.error("a stored text is damaged", extra={"document_id": document.document_id})  # noqa: TRY400 -- no bug
            return None


def _parsed(draft: str) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield each sentence of a draft with the marks behind it; what has no mark behind it has none."""
    at = 0
    pending: tuple[str, list[tuple[int, str]]] | None = None
    for mark in _MARK.finditer(draft):
        sentence = " ".join(draft[at : mark.start()].split())
        if pending and (stop := _STOP.match(sentence)):  # a mark before the full stop of its sentence
            pending = (pending[0] + stop[0], pending[1])
            sentence = sentence[stop.end() :].lstrip()
        if sentence or pending is None:
            if pending:
                yield pending
            pending = (sentence, [])
        pending[1].append((int(mark[1]), mark[2]))
        at = mark.end()
    if pending:
        stop = _STOP.match(draft[at:].lstrip())
        yield pending[0] + (stop[0] if stop else ""), pending[1]


def _number(citations: list[Citation], one: Citation) -> int:
    """The number under which a place is cited, new if it is cited for the first time."""
    for known in citations:
        if replace(known, number=0) == one:
            return known.number
    citations.append(replace(one, number=len(citations) + 1))
    return len(citations)


def _source(hit: Hit) -> str:
    return words.heading_line(hit.title, [hit.section]) or hit.file_name


def _page_at(text: Extracted, offset: int) -> Page:
    return [page for page in text.pages if page.start <= offset][-1]


def _section_at(text: Extracted, offset: int) -> str:
    above = [section for section in text.sections if section.start <= offset]
    return HEADING_SEPARATOR.join(above[-1].headings) if above else ""


def _gaps(citations: list[Citation], found: Found) -> tuple[str, ...]:
    """What could not be read of the documents that are cited: the answer may lie there too."""
    cited = dict.fromkeys(one.document_id for one in citations)
    gaps = [(found.documents[name].file_name, found.documents[name].coverage.gaps) for name in cited]
    return tuple(f"Of {name}, page {', '.join(ranges)} could not be read." for name, ranges in gaps if ranges)
