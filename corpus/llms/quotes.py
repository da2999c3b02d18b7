"""The language model that needs no model: it quotes the sentences that say most of what was asked, and never invents.

It reads the same evidence and writes the same `[n "quote"]` marks as any other, and is verified like one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from corpus import words
from corpus.model import Evidence, Prompt
from corpus.sentences import sentences

MOST = 2
RANK_WEIGHT = 0.2
"""What standing in the best piece of evidence is worth, against 1 for saying everything that was asked."""
SECOND_SHARE = 0.6
"""How much of the best sentence's worth a second one needs."""
FEWEST_WORDS = 3


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence, where it stands, and the different words it holds."""

    evidence: Evidence
    rank: int
    text: str
    words: frozenset[str]


class Quotes:
    """An `LLM` that answers with at most two sentences of the evidence."""

    @property
    def name(self) -> str:
        return "quotes"

    def stream(self, prompt: Prompt) -> Iterator[str]:
        asked = frozenset(words.tokens(prompt.question))
        candidates = [one for rank, evidence in enumerate(prompt.evidence) for one in _candidates(evidence, rank)]
        weights = _weights(asked, candidates)
        scored = [(_worth(one, weights), one) for one in candidates]
        best = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: -pair[0])
        chosen: list[_Candidate] = []
        for worth, one in best:
            if len(chosen) == MOST or worth < SECOND_SHARE * best[0][0]:
                return
            if all(one.words != other.words for other in chosen):
                chosen.append(one)
                blank = " " if len(chosen) > 1 else ""
                yield f'{blank}{" ".join(one.text.split())} [{one.evidence.number} "{one.text}"]'


def _candidates(evidence: Evidence, rank: int) -> Iterator[_Candidate]:
    """The sentences that could answer: not headings, not scraps, and nothing that would break the marks."""
    where = frozenset(words.tokens(evidence.source))
    for start, end in sentences(evidence.content):
        text = evidence.content[start:end]
        found = frozenset(words.tokens(text))
        if len(text.split()) >= FEWEST_WORDS and not found <= where and '"]' not in text:
            yield _Candidate(evidence, rank, text, found)


def _weights(asked: frozenset[str], candidates: list[_Candidate]) -> dict[str, float]:
    """The share of each asked word in the question: the rarer among the candidates, the more."""
    counts = Counter(word for one in candidates for word in one.words & asked)
    masses = {word: math.log(1 + (len(candidates) - counts[word] + 0.5) / (counts[word] + 0.5)) for word in asked}
    total = math.fsum(masses.values())
    return {word: mass / total for word, mass in masses.items()} if total else {}


def _worth(candidate: _Candidate, weights: dict[str, float]) -> float:
    """The share of the question a sentence holds, with a little for the rank of its evidence; 0 if it holds none."""
    share = math.fsum(weight for word, weight in weights.items() if word in candidate.words)
    return share + RANK_WEIGHT / (1 + candidate.rank) if share else 0.0
