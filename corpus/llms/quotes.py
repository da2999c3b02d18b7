"""The language model that needs no model: it quotes the sentences that say most of what was asked, and never invents.

It reads the same evidence and writes the same `[n "quote"]` marks as any other, and is verified like one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from corpus import figures, words
from corpus.answers import Evidence, Prompt
from corpus.sentences import is_row, sentences

Word: TypeAlias = tuple[str, ...]
Held: TypeAlias = frozenset[Word]

MOST = 2
RANK_WEIGHT = 0.2
"""What standing in the best piece of evidence is worth, against 1 for saying everything that was asked."""
ABOVE_WEIGHT = 0.5
EXACT_WEIGHT = 0.2
FIGURE_WEIGHT = 0.15
"""What a figure is worth where a figure is asked for."""
SECOND_SHARE = 0.7
"""How much of the best sentence's worth a second one needs."""
FEWEST_WORDS = 3
HEADING_WORDS = 8
_NUMBERING = re.compile(r"^\s*(?:§|Art\.?|Section|Chapter)?\s*[\dIVX]+(?:\.\d+)*[.)]?\s+")
_BULLET = re.compile(r"\s*[-*•▪◦‣|]")
_WRITTEN = re.compile(r"[^\W_]{3,}")
_ASKS_FIGURE = re.compile(
    r"\bhow (?:many|much|high|long|far|old|fast|often|big|large|late|early|soon)\b|\bwhen\b|\bwhat time\b"
    r"|\b(?:which|what) (?:day|date|year|age)|\b(?:cost|price|number)\b"
    r"|\bwie (?:viel|hoch|lange|oft|spät|weit)|\bwann\b|\bcombien\b|\bquand\b",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*\|\s*:?-{2,}")
_LEANS = re.compile(
    r"(?:it|its|they|their|he|his|she|her|this|these|those|such)\b|(?:er|dies\w*|dabei|dazu|dafür)\b"
    r"|(?:ils?|elles?|ce|cet|cette|ces|cela|ceci)\b|これ|それ|この|その|こう|そう|彼|前者|后者|後者|[这這那其该該它他她]|이것|그",
    re.IGNORECASE,
)
"""How a sentence begins that speaks of what the one before it named."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence at its offset, its words as they are written, and which asked ones it and the heading above it hold.

    `answers` says that it has a figure where one is asked for.
    """

    evidence: Evidence
    rank: int
    start: int
    text: str
    says: frozenset[str]
    written: frozenset[str]
    asked: Held
    above: Held
    answers: bool


class Quotes:
    """An `LLM` that answers with at most two sentences of the evidence."""

    @property
    def name(self) -> str:
        return "quotes"

    def stream(self, prompt: Prompt) -> Generator[str, None, None]:
        asked, written = words.asked(prompt.question), _written(prompt.question)
        candidates = [
            one
            for rank, evidence in enumerate(prompt.evidence)
            for one in _candidates(asked, evidence, rank, figure=bool(_ASKS_FIGURE.search(prompt.question)))
        ]
        weights = _weights(asked, candidates)
        scored = [(_worth(one, weights, written), one) for one in candidates]
        best = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: -pair[0])
        for number, one in enumerate(_chosen(best, candidates)):
            yield f'{" " if number else ""}{" ".join(one.text.split())} [{one.evidence.number} "{one.text}"]'


def _chosen(best: list[tuple[float, _Candidate]], candidates: list[_Candidate]) -> list[_Candidate]:
    """The sentences of an answer, from those with their worth, best first: the best, and with it at most one other.

    That is the one behind it if this leans on it, or one of nearly its worth, or else the one before, if the best leans
    on that. What leans stands behind what it leans on.
    """
    if not best:
        return []
    most, first = best[0]
    behind = [one for one in candidates if _leans(one, first)]
    near = [one for worth, one in best if worth >= SECOND_SHARE * most and one.says != first.says]
    before = [] if near else [one for one in candidates if _leans(first, one)]
    return [*before, first, *behind, *near][:MOST]


def _leans(one: _Candidate, other: _Candidate) -> bool:
    """Whether a sentence stands right behind another, in its paragraph, and begins by speaking of it."""
    if one.evidence is not other.evidence or one.start <= other.start or not _LEANS.match(one.text):
        return False
    between = one.evidence.content[other.start + len(other.text) : one.start]
    return not between.strip() and between.count("\n") <= 1


def _candidates(asked: words.Asked, evidence: Evidence, rank: int, *, figure: bool) -> Iterator[_Candidate]:
    """The sentences that could answer: not headings, not scraps, and nothing that would break the marks."""
    above = asked.found_in(f"{evidence.source}\n{evidence.header}", evidence.language)
    spans = sentences(evidence.content)
    texts = [evidence.content[start:end] for start, end in spans]
    for (start, end), text, before, behind in zip(spans, texts, ["", *texts], [*texts[1:], ""], strict=False):
        found = asked.found_in(text, evidence.language)
        if _is_header(text, before, behind) if is_row(text) else _is_heading(text):
            above = found
        elif words.count(text) >= FEWEST_WORDS and not _RULE.match(evidence.content, end) and '"]' not in text:
            answers = figure and figures.has_figure(_NUMBERING.sub("", text))
            says = frozenset(words.tokens(text))
            yield _Candidate(evidence, rank, start, text, says, _written(text), found, above, answers)


def _is_header(row: str, before: str, behind: str) -> bool:
    """Whether a row names the columns of those behind it: the first of them, and without a figure in it."""
    return is_row(behind) and not is_row(before) and not any(c.isdigit() for c in row)


def _is_heading(text: str) -> bool:
    """Whether a line looks like a heading: marked as one, a question, or short, without a full stop or a figure.

    A number in front does not count as a figure, nor does a year, unless it stands behind a colon; a table's row has
    one further on.
    """
    if text.startswith("#") or text.endswith(("?", "？")):
        return True
    bare = _NUMBERING.sub("", text)
    open_ended = text[-1] not in ".!?:;)…。！？" and not _BULLET.match(text)
    dateless = bare if ":" in bare else figures.YEAR.sub("", bare)
    return open_ended and len(bare.split()) <= HEADING_WORDS and not any(map(str.isdigit, dateless))


def _written(text: str) -> frozenset[str]:
    """The words of a text as they are written, but for case."""
    return frozenset(_WRITTEN.findall(text.casefold()))


def _weights(asked: words.Asked, candidates: list[_Candidate]) -> dict[Word, float]:
    """The share of each asked word in the question: the rarer among the candidates, the more."""
    masses = words.rarity(asked.words, [one.asked for one in candidates])
    total = math.fsum(masses.values())
    return {word: mass / total for word, mass in masses.items()} if total else {}


def _worth(candidate: _Candidate, weights: dict[Word, float], written: frozenset[str]) -> float:
    """The share of the question that a sentence holds, a word above it counting half; 0 if that is nothing.

    A little goes to the rank of the evidence, to words in the very form in which they were asked, and to a figure.
    """
    share = math.fsum(
        weight if word in candidate.asked else ABOVE_WEIGHT * weight
        for word, weight in weights.items()
        if word in candidate.asked or word in candidate.above
    )
    if not share:
        return 0.0
    exact = len(written & candidate.written) / max(1, len(written))
    return share + RANK_WEIGHT / (1 + candidate.rank) + EXACT_WEIGHT * exact + FIGURE_WEIGHT * candidate.answers
