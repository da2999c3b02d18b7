"""Whether what was found can answer at all: better to say "not found" than to quote something near.

Three signals that no engine's scores enter: the cosine of the nearest chunk; the share of the question that the chunk
covers that covers most; and the share that one sentence of the first chunk covers. An asked word weighs by its idf
among all hits of both lists, so one that stands in none of them weighs most: it is what a foreign question is told
by. A logistic function of the three was fitted to questions that can be answered and to others'
(`bench/calibration.py`). A cosine means something only within its space, so a space that was not measured goes by the
other two.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from corpus import words
from corpus.model import Hit, Space
from corpus.sentences import sentences

ABOVE = 0.5
"""What an asked word is worth to a sentence if it stands in the headings above."""
ANY = "any"
THRESHOLDS = Path(__file__).with_name("thresholds.json")


@dataclass(frozen=True, slots=True)
class Support:
    """How well a question is supported: the nearest chunk's cosine, the best chunk's coverage, a sentence's."""

    cosine: float = 0.0
    coverage: float = 0.0
    sentence: float = 0.0

    def suffices(self, space: Space) -> bool:
        """Whether an answer should be tried."""
        return bool(self.coverage) and self.score(space) >= 0

    def score(self, space: Space) -> float:
        """The three in one number, which is 0 where an answer begins to be worth trying."""
        weights = _weights().get(str(space)) or _weights()[ANY]
        return weights["bias"] + math.fsum(weights[name] * getattr(self, name) for name in self.__slots__)


def support(question: str, candidates: Sequence[Hit], cosine: float, counted: Sequence[Hit]) -> Support:
    """Return how well the candidates, best first, support the question; words are weighed by the hits `counted`."""
    asked = words.asked(question)
    texts = {
        hit.chunk_id: asked.found_in(f"{_above(hit)}\n{hit.content}", hit.language) for hit in (*counted, *candidates)
    }
    masses = words.rarity(asked.words, list(texts.values()))
    total = math.fsum(masses.values())
    if not total or not candidates:
        return Support(cosine)

    def share(held: Collection[tuple[str, ...]]) -> float:
        return math.fsum(masses[word] for word in held) / total

    first = candidates[0]
    said = [asked.found_in(first.content[start:end], first.language) for start, end in sentences(first.content)]
    above = asked.found_in(_above(first), first.language)
    sentence = max((share(one) + ABOVE * share(above - one) for one in said), default=0.0)
    return Support(cosine, max(share(texts[hit.chunk_id]) for hit in candidates), sentence)


def _above(hit: Hit) -> str:
    """What stands above a hit: title and headings, and the columns of its rows."""
    return f"{words.heading_line(hit.title, [hit.section])}\n{hit.header}"


@lru_cache(maxsize=1)
def _weights() -> dict[str, dict[str, float]]:
    """The measured weight of each signal and the bias, by space, and for any other."""
    found: dict[str, dict[str, float]] = json.loads(THRESHOLDS.read_text("utf-8"))
    return found
