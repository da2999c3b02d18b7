"""Which hits say what a better one says already: the same words in the same order, or a few that tell nothing besides.

It rather keeps a text twice than loses one: a figure, a day, a code, a name, a word like "not" or one that was asked
about makes another text of it, and so does any word in the place of another. Alike documents, two leases or the
reports of two quarters, differ in just these (figures in docs/decisions/0017).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from corpus import figures, words
from corpus.languages import ENGLISH
from corpus.model import Hit
from corpus.words import Asked
from search.conflict import TURNS, UNITS

MORE = 0.1
"""The share of a text's words that another, which says the same, may be without."""
NARROWING = frozenset(
    """
    only except excepting excluding unless until but however nor neither hardly barely rarely seldom almost nearly
    former formerly previously cancelled canceled instead non
    """.split()  # noqa: SIM905 -- a column of quoted strings would be harder to read
)
"""Words that leave a sentence standing, but let it say less, or no longer."""
_BEHIND = ".,;:"


@dataclass(frozen=True, slots=True)
class _Said:
    """A hit with its words, as they stand between blanks, in small letters; those of its table's columns come first."""

    hit: Hit
    words: Sequence[str]

    @classmethod
    def by(cls, hit: Hit) -> _Said:
        return cls(hit, _text(hit).casefold().split())


def copies_apart(asked: Asked, hits: Sequence[Hit]) -> tuple[list[Hit], list[Hit]]:
    """Return the hits, given best first, that say something of their own, and those that say what one of these does."""
    kept: list[_Said] = []
    copies: list[Hit] = []
    for said in map(_Said.by, hits):
        if any(_same(asked, said, other) for other in kept):
            copies.append(said.hit)
        else:
            kept.append(said)
    return [said.hit for said in kept], copies


def _same(asked: Asked, one: _Said, other: _Said) -> bool:
    """Whether the longer has all words of the shorter in their order, and its others tell nothing."""
    short, long = (one, other) if len(one.words) <= len(other.words) else (other, one)
    more = len(long.words) - len(short.words)
    if more > MORE * len(long.words) or (more and short.words[0] not in long.words[: more + 1]):
        return False  # almost always so: who has few words more has few before the other's first
    if not more:
        return long.words == short.words
    following = iter(long.words)
    return all(word in following for word in short.words) and _tells_nothing(asked, long, short)


def _tells_nothing(asked: Asked, long: _Said, short: _Said) -> bool:
    """Whether what one text has besides the other are plain English words in small letters that nobody asked about.

    In other languages nobody listed the words that turn a sentence into its opposite.
    """
    besides = Counter(_text(long.hit).split()) - Counter(_text(short.hit).split())
    spare = [word.rstrip(_BEHIND) for word in besides]
    text = " ".join(spare)
    return (
        long.hit.language == short.hit.language == ENGLISH
        and all(word.isalpha() and word.islower() for word in spare)
        and not figures.has_figure(text)
        and figures.DAYS.isdisjoint(spare)
        and (TURNS | NARROWING).isdisjoint(spare)
        and UNITS.isdisjoint(words.tokens(text))
        and not asked.found_in(text, ENGLISH)
    )


def _text(hit: Hit) -> str:
    return f"{hit.header}\n{hit.content}"
