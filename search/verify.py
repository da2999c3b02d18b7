"""What of a draft may be said: its sentences with their marks, and whether a sentence is borne out by its quotes.

That a quote stands in a document says nothing of the sentence before it. So the sentence's figures and links have to
stand in its quotes. Its names and outcomes have to stand in the sentences these are taken from; it has to say "not" if
and only if those do; and most of its other words have to be theirs, or of the heading above, or of the question.

And it has to answer. An order planted for every question, "end each answer with …", can be quoted word for word, and in
wordings that nobody foresaw; but it holds nothing of what was asked. So a word of the question has to stand in the
sentences that are quoted, or above them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from corpus import words
from corpus.figures import NUMBER_WORDS
from corpus.sentences import sentences

BORNE_OUT = 0.6
"""The share of a sentence's words that quotes, heading and question have to hold, and the share that quotes have to."""
QUOTED = 0.4
_MARK = re.compile(r'\[(\d{1,4}) "(.+?)"\]', re.DOTALL)
_BEGUN = re.compile(r'\[(?:\d{0,4}|\d{1,4} (?:".*)?)', re.DOTALL)
"""What may yet become a mark."""
_STOP = re.compile(r"[.!?]+")
_CLAIM = re.compile(r"(?:\w+://|www\.)[^\s\[\]()<>]+|\d+(?:[.,'’]\d+)*")
"""A link or a number: what a reader would act on, and what a model gets wrong most easily."""
_ENUMERATED = re.compile(r"\d{1,2}[.)]\s+")
_NAME = re.compile(r"(?<=[^\W\d_][,;:)] )[A-ZÀ-Þ][\w'’-]+|(?<=\w )[A-ZÀ-Þ][\w'’-]+|\b[A-ZÀ-Þ]{2,}\b|\b[A-Z]\b(?![.)])")
_TURNED = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|cannot|without|forbidden|prohibited|banned|refused)\b|n['’]t\b",
    re.IGNORECASE,
)
OUTCOMES = frozenset(
    words.tokens(
        "accepted adopted agreed approved granted passed permitted denied declined dismissed refused rejected "
        "cancelled delayed postponed suspended begun completed finished repaired increased reduced raised lowered won "
        "lost"
    )
)
"""Words for how something ended: one of them in the place of another turns a sentence round."""
_KANA = re.compile("[\u3040-\u309f]+")
_FIRST_PERSON = frozenset({"I"})


class Marked(NamedTuple):
    """A sentence of a draft and the marks behind it, as (number of the evidence, quote)."""

    sentence: str
    marks: tuple[tuple[int, str], ...] = ()


def parsed(pieces: Iterable[str]) -> Iterator[list[Marked]]:
    """Yield, for each piece of a draft, the sentences with marks that are whole with it, and at last those left.

    The others are gone. A sentence is whole when what stands behind its marks and its full stop can no longer become
    one more mark of it; so a draft has the same sentences however it is cut into pieces.
    """
    rest, pending = "", Marked("")
    for piece in pieces:
        rest += piece
        at, whole = 0, list[Marked]()
        for mark in _MARK.finditer(rest) if '"]' in rest[-len(piece) - 1 :] else ():
            before = rest[at : mark.start()]
            if pending.marks:  # the full stop may stand behind the mark
                stop, before = _stopped(before)
                pending = pending._replace(sentence=pending.sentence + stop)
            sentence = _last(before)
            if sentence or not pending.marks:
                whole += [pending] if pending.marks else []
                pending = Marked(sentence)
            pending = pending._replace(marks=(*pending.marks, (int(mark[1]), mark[2])))
            at = mark.end()
        rest = rest[at:]
        stop, behind = _stopped(rest)
        if pending.marks and behind and not _BEGUN.fullmatch(behind):
            whole.append(pending._replace(sentence=pending.sentence + stop))
            rest, pending = behind, Marked("")
        yield whole
    yield [pending._replace(sentence=pending.sentence + _stopped(rest)[0])] if pending.marks else []


def _stopped(text: str) -> tuple[str, str]:
    """The full stop that a text begins with, "" without one, and what stands behind it."""
    bare = text.lstrip()
    stop = _STOP.match(bare)
    end = stop.end() if stop else 0
    return bare[:end], bare[end:].lstrip()


def _last(text: str) -> str:
    """The last sentence of what stands before a mark, in one line: the mark speaks for no other."""
    bare = text.strip()
    spans = sentences(bare)
    return " ".join(bare[slice(*spans[-1])].split()) if spans else ""


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote, the whole sentence of the document that it is taken from, what stands above that, and the language."""

    quote: str
    sentence: str
    above: str = ""
    language: str = ""


def borne_out(sentence: str, quoted: Sequence[Quoted], question: str) -> bool:
    """Whether a sentence says no more than its quotes do, where they stand, in answer to the question."""
    quotes, around = " ".join(one.quote for one in quoted), " ".join(one.sentence for one in quoted)
    asked = words.asked(question)
    if not any(_bears_on(asked, one) for one in quoted):
        return False
    if _plain(sentence) and _plain(sentence) in map(_plain, (quotes, around)):
        return True
    if not figures_of(sentence) <= figures_of(quotes) or bool(_TURNED.search(sentence)) != bool(_TURNED.search(around)):
        return False
    theirs = frozenset(words.tokens(around))
    headed = theirs | frozenset(words.tokens("\n".join(one.above for one in quoted)))
    said = frozenset(words.tokens(_CLAIM.sub(" ", sentence)))
    if not frozenset(words.tokens(" ".join(names_of(sentence)))) <= headed or not said & OUTCOMES <= theirs:
        return False
    known = headed | frozenset(asked.searched)
    return len(said & known) >= BORNE_OUT * len(said) and len(said & theirs) >= QUOTED * len(said)


def _bears_on(asked: words.Asked, quoted: Quoted) -> bool:
    """Whether a word of the question stands in a quoted sentence or above it; kana alone are grammar: "ですか"."""
    held = asked.found_in(f"{quoted.above}\n{quoted.sentence}", quoted.language)
    return not all(map(_is_kana, held)) or (bool(held) and all(map(_is_kana, asked.words)))


def _is_kana(word: tuple[str, ...]) -> bool:
    return bool(_KANA.fullmatch(word[0]))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!?")


def names_of(sentence: str) -> list[str]:
    """Return the words within a sentence that are written like names."""
    return [name for name in _NAME.findall(sentence) if name not in _FIRST_PERSON]


def figures_of(text: str) -> set[str]:
    """Return the numbers and links of a text, as they are written, and the numbers that are words.

    "one" is too often none.
    """
    listed = _ENUMERATED.match(text)
    bare = (text[listed.end() :] if listed else text).casefold()
    found = {one.rstrip(".,;:!?\"'”’") for one in _CLAIM.findall(bare)}
    return found | {NUMBER_WORDS[one] for one in re.findall(r"[a-z]+", bare) if one in NUMBER_WORDS and one != "one"}
