"""Whether two sentences, or two rows of tables, say the same of the same thing but for a figure, a date or a "not".

It works without a model, and rather misses a contradiction than sees one that is none: nearly all words have to be the
same, and what differs has to be figures that both have, or a word like "not" that one of them has. Sentences that name
different years speak of different times, and contradict nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpus import figures, words
from corpus.answers import Citation
from corpus.figures import DAYS, NUMBER_WORDS
from corpus.model import Hit
from corpus.sentences import is_row, sentences

SAME = 0.8
"""The share of their words that two sentences need to have in common, figures aside; without figures more."""
SAME_BUT_FOR_NOT = 0.85
FEWEST = 3
FEWEST_OF_THE_SAME = 2
"""Words that have to be in common, and how many do where no others are."""
_ENUMERATED = re.compile(r"\s*(?:\(?\d{1,2}[.)]|[-*•|])\s+")
TURNS = frozenset(
    """
    not no never none nobody without cannot can't don't doesn't isn't aren't mustn't
    forbidden prohibited allowed permitted banned open closed required optional
    """.split()  # noqa: SIM905 -- a column of quoted strings would be harder to read
)
"""Words that turn a sentence into its opposite."""
UNITS = frozenset(words.tokens("minute hour day week month quarter year night euro dollar million billion percent"))
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Statement:
    """What a sentence says in parts: the words around its figures, the figures, its days, years and turns."""

    frame: frozenset[str]
    figures: Counter[str]
    years: frozenset[str]
    turns: frozenset[str]
    row: bool

    @classmethod
    def of(cls, text: str) -> Statement:
        """Take a sentence or a row apart."""
        begun = _ENUMERATED.match(text)
        bare = text[begun.end() :] if begun else text
        found = [word.replace("’", "'") for word in map(str.casefold, _WORD.findall(bare))]
        stated = [figures.plain_number(one) for one in figures.NUMBER.findall(bare)]
        stated += [NUMBER_WORDS[one] for one in found if one in NUMBER_WORDS]
        named = [one for one in found if one in DAYS and (one != "may" or re.search(r"\bMay\b(?! I\b)|\d may\b", bare))]
        plain = " ".join(
            one for one in found if one not in NUMBER_WORDS and one not in TURNS and (one not in DAYS or one == "may")
        )
        return cls(
            frame=frozenset(words.tokens(plain)),
            figures=Counter(stated + named),
            years=frozenset(figures.YEAR.findall(bare)),
            turns=frozenset(found) & TURNS,
            row=is_row(text),
        )


def disagree(one: Statement, other: Statement) -> bool:
    """Whether the two cannot both be right."""
    together, either = one.frame & other.frame, one.frame | other.frame
    fewest = FEWEST_OF_THE_SAME if together == either else FEWEST
    if one.row != other.row or len(together) < fewest or one.years != other.years or (one.frame ^ other.frame) & UNITS:
        return False
    same = len(together) / len(either)
    more, less = one.figures - other.figures, other.figures - one.figures
    if more and less:
        return same >= SAME and one.turns == other.turns
    return not more and not less and one.turns != other.turns and same >= SAME_BUT_FOR_NOT


def contradictions(question: str, own: Citation, hits: Sequence[Hit]) -> Iterator[tuple[Hit, str]]:
    """Yield what other documents say against a citation, among these hits: the first of each, with where it stands.

    Both say the same of what was asked, and something of it. Documents whose names or titles both bear figures, and
    not the same ones, are of different periods: what differs in those has changed.
    """
    asked = frozenset(words.asked(question).searched)
    about = [
        Statement.of(hit.content[start:end])
        for hit in hits
        if hit.generation.document_id == own.document_id
        for start, end in sentences(hit.content)
        if hit.start + start < own.end and own.start < hit.start + end
    ]
    about = [one for one in about if one.frame & asked]
    periods = {hit.generation.document_id: _periods(hit) for hit in hits}
    period = periods.get(own.document_id, frozenset())
    met: set[str] = set()
    for hit in hits:
        name = hit.generation.document_id
        if name == own.document_id or name in met or (period and periods[name] and period != periods[name]):
            continue
        for start, end in sentences(hit.content) if about else ():
            other = Statement.of(hit.content[start:end])
            if any(one.frame & asked == other.frame & asked and disagree(one, other) for one in about):
                met.add(name)
                yield hit, hit.content[start:end]
                break


def _periods(hit: Hit) -> frozenset[str]:
    """The words with figures in the names of a document: 2023, Q1, 05."""
    named = f"{words.file_words(hit.file_name)} {hit.title}".casefold().split()
    return frozenset(one for one in named if any(c.isdigit() for c in one))
