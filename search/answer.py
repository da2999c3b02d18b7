"""From a question to an answer whose every sentence can be opened: evidence, draft, verification, or "not found".

It is the same for every model. A draft's sentence stays only if it ends in a mark `[n "quote"]` whose quote has three
words and stands, but for case and blanks, in evidence n, and in the text that is stored for that version of the
document; and if its quotes bear it out (`search/verify.py`). The citation is cut out of the stored text, not out of the
draft. A model that stalls or fails is stood in for, and the answer says so; if something of its draft was verified
before, that is the answer, and it is partial. So a sentence can be sent as soon as it is verified: none is taken back.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple, TypeAlias, TypeVar

from corpus import words
from corpus.answers import Answer, AnswerType, Citation, Evidence, Prompt, Sentence
from corpus.bait import addressed
from corpus.errors import Conflict, FootnoteError, QuotaExceeded, Unavailable
from corpus.model import Document, Extracted, GenerationId, Hit, pages_of
from corpus.ports import LLM, BlobStore, Embedder
from corpus.scope import Scope
from corpus.sentences import is_row, sentences
from corpus.texts import TextLost, answering
from corpus.ways import EVERYTHING, Filter
from search.compound import parts
from search.conflict import contradictions
from search.neighbours import WIDENED, widened
from search.retrieve import Found, Retriever
from search.support import support
from search.text import Text
from search.verify import Quoted, borne_out, parsed

log = logging.getLogger(__name__)

CANDIDATES = 20
"""Hits whose words decide whether an answer is tried."""
EVIDENCE = 5
TRIES = 2
HALF = 0.5
LED_UP = 200
"""Characters before a sentence within which nothing may be said to a model, in the same paragraph."""
_PARAGRAPH = re.compile(r"\n\s*\n")
NOT_FOUND = "The documents do not answer this."
FEWEST_WORDS = 3
"""Words of a quote; with fewer, nearly anything stands somewhere."""
LATE = "The model did not answer in time; these are quotes."
FAILED = "The model could not be asked; these are quotes."
SPENT = "What models may cost the building this month is used up; not all of this was looked up."
BROKE_OFF = "The model broke off; it may have had more to say."
INSTRUCTIONS = (
    "Answer the question from the evidence only, in one to three short sentences and in the question's language. End "
    "each sentence with a mark that names the piece of evidence it rests on and quotes at least three words of it "
    'word for word: [n "quote"]. Every number you write has to stand in a quote of the same sentence. If the evidence '
    "holds no answer, write nothing."
)


class Outcome(NamedTuple):
    """What became of one question."""

    type: AnswerType
    notes: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


_T = TypeVar("_T")
Saying: TypeAlias = Generator[Sentence | None, None, _T]
Answering: TypeAlias = Generator[Sentence | Answer | None, None, None]


class Answerer:
    """Answers a question over one index with one model; `stand_in` answers when the model does not.

    It remembers the texts that it read: it is made anew for each question.
    """

    def __init__(
        self, retriever: Retriever, blobs: BlobStore, embedder: Embedder, llm: LLM, stand_in: LLM, manner: str = ""
    ) -> None:
        """Take also in which manner a model is to answer: in its prompt only, before what it has to keep to."""
        self._retriever, self._blobs, self._embedder = retriever, blobs, embedder
        self._llm, self._stand_in = llm, stand_in
        self._instructions = f"{manner}\n\n{INSTRUCTIONS}" if manner else INSTRUCTIONS
        self._texts: dict[GenerationId, Extracted | None] = {}
        self._drafted = False

    def ask(self, scope: Scope, question: str, *, only: Filter = EVERYTHING, as_of: str = "") -> Answer:
        """Return an answer with citations, or one that says that nothing was found.

        It rests on documents that pass the filter and are in force at the scope's time or, with `as_of`, an ISO date,
        on that day. What a question asks besides is answered apart, and what of it was not found is named.
        """
        return whole(self.stream(scope, question, only=only, as_of=as_of))

    def stream(self, scope: Scope, question: str, *, only: Filter = EVERYTHING, as_of: str = "") -> Answering:
        """Yield the sentences of an answer as each is verified, and last the answer, of which each is a part.

        Yields None besides: once when the question was looked up, and while the model writes. Closing it in the middle
        ends what the model writes, and so does the end of the asker's rights, which have to hold still before anything
        is told. Raises what `Scope.expect_still` does, and `Conflict` where the answer names what was taken back since
        it was said.
        """
        asked, text, outcomes = parts(question), Text(), list[Outcome]()
        for part in asked:
            outcomes.append((yield from self._asked(scope, part, as_of, only, text)))
            text.end_line()
        if len(asked) > 1 and all(one.type == "not_found" for one in outcomes):
            asked, outcomes = (question,), [(yield from self._asked(scope, question, as_of, only, text))]
        kind, notes, about = _joined(asked, outcomes)
        answer = Answer(kind, str(text) or NOT_FOUND, tuple(text.citations), notes, as_of, about)
        if not self._retriever.may_read(scope, answer.documents):
            raise Conflict("What this answer rests on was taken back while it was written.", hint="Ask again.")
        yield answer

    def _asked(self, scope: Scope, question: str, as_of: str, only: Filter, text: Text) -> Saying[Outcome]:
        """Add to the text what is to be said of one question."""
        outcome, before = Outcome("not_found"), Found()
        for _ in range(TRIES):  # a document that is replaced while it is quoted is quoted anew
            try:
                found = self._retriever.search(scope, question, CANDIDATES, only=only, as_of=as_of)
            except QuotaExceeded:
                if not self._drafted:
                    raise
                return Outcome("not_found", (SPENT,))
            yield None
            supported = support(question, found.hits, found.cosine, found.counted)
            if not supported.suffices(self._embedder.space):
                break
            if found.hits == before.hits:  # nothing was replaced: a model would only be paid twice
                break
            outcome, before = (yield from self._answered(scope, question, found, supported.coverage, text)), found
            if outcome.type != "not_found":
                break
        return outcome

    def _answered(self, scope: Scope, question: str, found: Found, coverage: float, text: Text) -> Saying[Outcome]:
        """Add to the text what was found, where a chunk covers at most this share of the question.

        What may turn out to be asked of pages that nobody could read is added only once all of the draft is known.
        """
        evidence = self._evidence(found)
        uncertain = coverage < HALF and bool(_gaps([hit.generation.document_id for hit in evidence], found))
        verified, notes = list[Sentence](), list[str]()
        for one in self._verified(scope, question, evidence, found, notes):
            verified += [one] if one else []
            yield text.add(one) if one and not uncertain else None
        if uncertain:  # what was not told at once
            verified = [one for one in verified if self._may_read(scope, one.citations)]
        cited = tuple(dict.fromkeys(citation for one in verified for citation in one.citations))
        if not cited:
            return Outcome("not_found", tuple(notes))
        gaps = _gaps([one.document_id for one in cited], found)
        if gaps and coverage < HALF:  # what was asked may well stand where nobody could read it
            named = dict.fromkeys(one.document_id for one in cited if found.documents[one.document_id].coverage.gaps)
            return Outcome("not_found", (*gaps, *notes), tuple(named))
        for one in verified if uncertain else ():
            yield text.add(one)
        disagreeing = yield from self._contradicted(scope, question, cited, found, text)
        kind: AnswerType = "conflict" if disagreeing else "partial" if gaps or BROKE_OFF in notes else "grounded"
        return Outcome(kind, (*disagreeing, *gaps, *notes))

    def _verified(
        self, scope: Scope, question: str, evidence: Sequence[Hit], found: Found, notes: list[str]
    ) -> Iterator[Sentence | None]:
        """Yield what of a draft its quotes bear out, None while it is written, and note what became of the model.

        One that fails before anything of it is borne out is stood in for; later, what was said stands.
        """
        numbered = tuple(
            Evidence(n, _source(hit), hit.content, hit.header, hit.language) for n, hit in enumerate(evidence, 1)
        )
        prompt, failures, said = Prompt(self._instructions, question, numbered), list[FootnoteError](), False
        with closing(_until(self._llm.stream(prompt), failures, refusing=not self._drafted)) as draft:
            for one in self._borne_out(scope, draft, question, evidence, found):
                said = said or one is not None
                yield one
        self._drafted = True
        for error in failures:
            log.warning("a model failed", extra={"llm": self._llm.name, "error": error.code, "said": said})
            notes.append(BROKE_OFF if said else LATE if isinstance(error, Unavailable) else FAILED)
        if failures and not said:
            yield from self._borne_out(scope, self._stand_in.stream(prompt), question, evidence, found)

    def _borne_out(
        self, scope: Scope, draft: Iterator[str], question: str, evidence: Sequence[Hit], found: Found
    ) -> Iterator[Sentence | None]:
        """Yield the sentences of a draft that their quotes bear out, and None for each piece of it.

        A model takes its time: whoever may not read any more what a sentence cites is not told it.
        """
        for ended in parsed(draft):
            for sentence, marks in ended:
                hits = [(evidence[n - 1], quote) for n, quote in marks if 1 <= n <= len(evidence)]
                cited = [(hit, one) for hit, quote in hits if (one := self._cite(hit, quote, found))]
                citations = tuple(one for _, one in cited)
                if not citations or not borne_out(sentence, [_quoted(hit, one) for hit, one in cited], question):
                    log.info("a sentence that its quotes do not bear out was left out", extra={"llm": self._llm.name})
                elif not self._may_read(scope, citations):
                    log.info("a sentence whose documents were taken back meanwhile was left out")
                else:
                    yield Sentence(sentence, citations)
            yield None

    def _evidence(self, found: Found) -> tuple[Hit, ...]:
        """The best hits, the very best of them with what stands around them."""
        best = found.hits[:EVIDENCE]
        texts = [self._text(found.documents[hit.generation.document_id], hit) for hit in best[:WIDENED]]
        read = [widened(hit, text.text, best) if text else hit for hit, text in zip(best, texts, strict=False)]
        return (*read, *best[WIDENED:])

    def _contradicted(
        self, scope: Scope, question: str, cited: Sequence[Citation], found: Found, text: Text
    ) -> Saying[tuple[str, ...]]:
        """Add what other documents say against what was said, and return a note for each that does."""
        notes: dict[str, None] = {}
        for own in cited:
            for hit, quote in contradictions(question, own, found.hits):
                against = self._cite(hit, quote, found)
                if against and self._may_read(scope, [against]):
                    if not text.has(against):
                        yield text.add(Sentence(" ".join(quote.split()), (against,)))
                    names = sorted((_called(own), _called(against)))
                    notes[f"{names[0]} and {names[1]} disagree."] = None
        return tuple(notes)

    def _cite(self, hit: Hit, quote: str, found: Found) -> Citation | None:
        """The citation of a quote, cut out of the stored text; None if it stands elsewhere, or speaks to a model."""
        if words.count(quote) < FEWEST_WORDS:
            return None
        place = re.compile(r"\s+".join(map(re.escape, quote.split())), re.IGNORECASE).search(hit.content)
        document = found.documents[hit.generation.document_id]
        text = self._text(document, hit)
        if place is None or text is None:
            return None
        start, end = hit.start + place.start(), hit.start + place.end()
        if text.text[start:end] != place[0] or addressed(_led_up_to(hit.content, place.start(), place.end())):
            return None
        page = text.page_at(start)
        return Citation(
            number=0,
            document_id=hit.generation.document_id,
            version=hit.generation.version,
            file_name=hit.file_name,
            page=page.number,
            page_label=page.label,
            section=text.section_at(start),
            start=start,
            end=end,
            quote=place[0],
            in_force_from=document.force.start,
            in_force_until=document.force.until,
        )

    def _may_read(self, scope: Scope, cited: Sequence[Citation]) -> bool:
        return self._retriever.may_read(scope, {one.document_id for one in cited})

    def _text(self, document: Document, hit: Hit) -> Extracted | None:
        """The stored text of a hit's document, read once."""
        if hit.generation not in self._texts:
            try:
                self._texts[hit.generation] = answering(self._blobs, document.user_id, hit.generation)
            except TextLost:  # what cannot be looked up is not cited
                self._texts[hit.generation] = None
        return self._texts[hit.generation]


def whole(answering: Answering) -> Answer:
    """Return the answer that a stream ends in."""
    (answer,) = [one for one in answering if isinstance(one, Answer)]
    return answer


def _until(pieces: Iterator[str], failures: list[FootnoteError], *, refusing: bool) -> Generator[str, None, None]:
    """Yield the pieces of a draft; where the model fails it ends, and the failure is added.

    What nobody may pay for is refused, if it is the first: what was paid for before is not lost to the next.
    """
    try:
        yield from pieces
    except FootnoteError as error:
        if refusing and isinstance(error, QuotaExceeded):
            raise
        failures.append(error)


def _joined(asked: Sequence[str], outcomes: Sequence[Outcome]) -> Outcome:
    """What became of the parts of a question as one: what of it was not found is named."""
    if len(outcomes) == 1:
        return outcomes[0]
    notes = dict[str, None]()
    for part, outcome in zip(asked, outcomes, strict=True):
        missing = (f"Not found: {part}",) if outcome.type == "not_found" else ()
        notes.update(dict.fromkeys((*missing, *outcome.notes)))
    kinds = {outcome.type for outcome in outcomes}
    kind: AnswerType = "conflict" if "conflict" in kinds else "grounded" if kinds == {"grounded"} else "partial"
    return Outcome(kind, tuple(notes), tuple(dict.fromkeys(name for outcome in outcomes for name in outcome.about)))


def _source(hit: Hit) -> str:
    return words.heading_line(hit.title, [hit.section]) or hit.file_name


def _gaps(document_ids: Sequence[str], found: Found) -> tuple[str, ...]:
    """What could not be read of these documents: the answer may lie there too."""
    gaps = [
        (found.documents[name].file_name, found.documents[name].coverage.gaps) for name in dict.fromkeys(document_ids)
    ]
    return tuple(f"Of {name}, {pages_of(ranges)} could not be read." for name, ranges in gaps if ranges)


def _called(citation: Citation) -> str:
    page = f", page {citation.page_label}" if citation.page_label else ""
    return citation.file_name + page


def _led_up_to(content: str, start: int, end: int) -> str:
    """The sentences that a quote stands in, and what leads up to them: an order may take more than one.

    A table's row stands for itself, and a paragraph does not lead up to the next.
    """
    around = [(a, b) for a, b in sentences(content) if a < end and start < b]
    begin, end = min([start, *(a for a, _ in around)]), max([end, *(b for _, b in around)])
    before = content[max(0, begin - LED_UP) : begin]
    if is_row(content[begin:end]):
        return content[begin:end]
    return _PARAGRAPH.split(before)[-1] + content[begin:end]


def _quoted(hit: Hit, citation: Citation) -> Quoted:
    """A verified quote, with the sentences of the hit that it is taken from."""
    start, end = citation.start - hit.start, citation.end - hit.start
    around = [hit.content[a:b] for a, b in sentences(hit.content) if a < end and start < b]
    above = "\n".join((_source(hit), citation.section, words.file_words(hit.file_name), hit.header))
    return Quoted(citation.quote, " ".join(around), above, hit.language)
