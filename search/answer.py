"""From a question to an answer whose every sentence can be opened: evidence, draft, verification, or "not found".

It is the same for every model. A draft's sentence stays only if it ends in a mark `[n "quote"]` whose quote has three
words and stands, but for case and blanks, in evidence n, and in the text that is stored for that version of the
document; and if every number and every link of the sentence stands in one of its quotes. The citation is cut out of the
stored text, not out of the draft. A model that stalls or fails is stood in for, and the answer says so.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace

from corpus import words
from corpus.answers import Answer, Citation, Evidence, Prompt
from corpus.errors import FootnoteError, Unavailable
from corpus.model import HEADING_SEPARATOR, Document, Extracted, Hit, Page, Scope
from corpus.ports import LLM, BlobStore, Embedder
from corpus.sentences import sentences
from corpus.texts import stored
from search.retrieve import Found, Retriever
from search.support import support

log = logging.getLogger(__name__)

CANDIDATES = 20
"""Hits whose words decide whether an answer is tried."""
EVIDENCE = 5
TRIES = 2
NOT_FOUND = "The documents do not answer this."
FEWEST_WORDS = 3
"""Words of a quote; with fewer, nearly anything stands somewhere."""
LATE = "The model did not answer in time; these are quotes."
FAILED = "The model could not be asked; these are quotes."
INSTRUCTIONS = (
    "Answer the question from the evidence only, in one to three short sentences and in the question's language. End "
    "each sentence with a mark that names the piece of evidence it rests on and quotes at least three words of it "
    'word for word: [n "quote"]. Every number you write has to stand in a quote of the same sentence. If the evidence '
    "holds no answer, write nothing."
)
SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", '"', "”", "»", ")")
_BRACKETED = re.compile(r"\[(\d+)\]")
_STOP = re.compile(r"[.!?]+")
_CLAIM = re.compile(r"(?:\w+://|www\.)[^\s\[\]()<>]+|\d+(?:[.,'’]\d+)*")
"""A link or a number: what a reader would act on, and what a model gets wrong most easily."""
_ENUMERATED = re.compile(r"\d{1,2}[.)]\s+")
_MARK = re.compile(r'\s*\[(\d{1,4}) "(.+?)"\]', re.DOTALL)


class Answerer:
    """Answers questions over one index with one model; `stand_in` answers when the model does not."""

    def __init__(self, retriever: Retriever, blobs: BlobStore, embedder: Embedder, llm: LLM, stand_in: LLM) -> None:
        self._retriever, self._blobs, self._embedder = retriever, blobs, embedder
        self._llm, self._stand_in = llm, stand_in

    def ask(self, scope: Scope, question: str, as_of: str = "") -> Answer:
        """Return an answer with citations, or one that says that nothing was found.

        It rests on documents in force at the scope's time or, with `as_of`, an ISO date, on that day.
        """
        return replace(self._asked(scope, question, as_of), as_of=as_of)

    def _asked(self, scope: Scope, question: str, as_of: str) -> Answer:
        answer, before = Answer("not_found", NOT_FOUND), Found()
        for _ in range(TRIES):  # a document that is replaced while it is quoted is quoted anew
            found = self._retriever.search(scope, question, CANDIDATES, as_of=as_of)
            if not support(question, found.hits, found.cosine).suffices(self._embedder.space):
                break
            if found.hits == before.hits:  # nothing was replaced: a model would only be paid twice
                break
            answer, before = self._answered(question, found), found
            if answer.type != "not_found":
                break
        return answer

    def _answered(self, question: str, found: Found) -> Answer:
        evidence = found.hits[:EVIDENCE]
        numbered = tuple(
            Evidence(n, _source(hit), hit.content, hit.header, hit.language) for n, hit in enumerate(evidence, 1)
        )
        draft, notes = self._drafted(Prompt(INSTRUCTIONS, question, numbered))
        kept: list[str] = []
        citations: list[Citation] = []
        for sentence, marks in _parsed(draft):
            cited = [one for number, quote in marks if (one := self._cite(number, quote, evidence, found))]
            if not cited or not _claims(sentence) <= _claims(" ".join(one.quote for one in cited)):
                log.info("a sentence without a verified quote was left out", extra={"llm": self._llm.name})
                continue
            numbers = dict.fromkeys(_number(citations, one) for one in cited)
            own = _BRACKETED.sub(r"(\1)", sentence)  # a document's own note numbers are not ours
            ends = " " if own.endswith(SENTENCE_ENDS) else "\n"  # a table's row stands on a line of its own
            kept += [own, " ", *(f"[{number}]" for number in numbers), ends]
        if not kept:
            return Answer("not_found", NOT_FOUND, notes=notes)
        gaps = _gaps(citations, found)
        return Answer("partial" if gaps else "grounded", "".join(kept).rstrip(), tuple(citations), gaps + notes)

    def _drafted(self, prompt: Prompt) -> tuple[str, tuple[str, ...]]:
        """A whole draft, and what is to be said of how it came about."""
        try:
            return "".join(self._llm.stream(prompt)), ()
        except FootnoteError as error:
            log.warning("a model was stood in for", extra={"llm": self._llm.name, "error": error.code})
            note = LATE if isinstance(error, Unavailable) else FAILED
            return "".join(self._stand_in.stream(prompt)), (note,)

    def _cite(self, number: int, quote: str, evidence: tuple[Hit, ...], found: Found) -> Citation | None:
        """The citation of a quote, cut out of the stored text; None if it does not stand there."""
        if not 1 <= number <= len(evidence) or words.count(quote) < FEWEST_WORDS:
            return None
        hit = evidence[number - 1]
        place = re.compile(r"\s+".join(map(re.escape, quote.split())), re.IGNORECASE).search(hit.content)
        document = found.documents[hit.generation.document_id]
        text = self._text(document, hit)
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
            in_force_from=document.force.start,
            in_force_until=document.force.until,
        )

    def _text(self, document: Document, hit: Hit) -> Extracted | None:
        try:
            return stored(self._blobs, document.user_id, hit.generation)
        except ValueError:
            log.error("a stored text is damaged", extra={"document_id": document.document_id})  # noqa: TRY400 -- no bug
            return None


def _parsed(draft: str) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield each sentence of a draft that has marks behind it, with these; the others are gone."""
    at = 0
    pending: tuple[str, list[tuple[int, str]]] | None = None
    for mark in _MARK.finditer(draft):
        before = draft[at : mark.start()].lstrip()
        if pending and (stop := _STOP.match(before)):  # a mark before the full stop of its sentence
            pending = (pending[0] + stop[0], pending[1])
            before = before[stop.end() :]
        sentence = _last(before)
        if sentence or pending is None:
            if pending:
                yield pending
            pending = (sentence, [])
        pending[1].append((int(mark[1]), mark[2]))
        at = mark.end()
    if pending:
        stop = _STOP.match(draft[at:].lstrip())
        yield pending[0] + (stop[0] if stop else ""), pending[1]


def _last(text: str) -> str:
    """The last sentence of a piece of a draft, in one line: the mark behind it speaks for no other."""
    spans = sentences(text)
    return " ".join(text[slice(*spans[-1])].split()) if spans else ""


def _claims(text: str) -> set[str]:
    """The numbers and links of a text, as they are written."""
    listed = _ENUMERATED.match(text)
    bare = text[listed.end() :] if listed else text
    return {found.rstrip(".,;:!?\"'”’").casefold() for found in _CLAIM.findall(bare)}


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
