"""Whether what was found can answer at all: better to say "not found" than to quote something near.

Three signals that no engine's scores enter: the cosine of the nearest chunk; the share of the question that the best
chunk covers; and the share that the first chunks cover together. An asked word weighs by its idf among all hits of both
lists, so one that stands in none of them weighs most: it is what a foreign question is told by. A logistic function of
the three was fitted to questions that can be answered and to others' (`bench/calibration.py`). A cosine means something
only within its space, so a space that was not measured goes by the other two.
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

FIRST = 5
"""Chunks that may cover a question together: as many as a model is given."""
ANY = "any"
THRESHOLDS = Path(__file__).with_name("thresholds.json")


@dataclass(frozen=True, slots=True)
class Support:
    """How well a question is supported: the nearest chunk's cosine, the best chunk's coverage, that of the first."""

    cosine: float = 0.0
    coverage: float = 0.0
    together: float = 0.0

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
    texts = {hit.chunk_id: asked.found_in(_shown(hit), hit.language) for hit in (*counted, *candidates)}
    masses = words.rarity(asked.words, list(texts.values()))
    total = math.fsum(masses.values())
    if not total or not candidates:
        return Support(cosine)

    def covered(text: Collection[tuple[str, ...]]) -> float:
        return math.fsum(masses[word] for word in text) / total

    together = frozenset[tuple[str, ...]]().union(*(texts[hit.chunk_id] for hit in candidates[:FIRST]))
    return Support(cosine, max(covered(texts[hit.chunk_id]) for hit in candidates), covered(together))


def _shown(hit: Hit) -> str:
    """What a hit says, and what stands above it: title and headings, and the columns of its rows."""
    return "\n".join((words.heading_line(hit.title, [hit.section]), hit.header, hit.content))


@lru_cache(maxsize=1)
def _weights() -> dict[str, dict[str, float]]:
    """The measured weight of each signal and the bias, by space, and for any other."""
    found: dict[str, dict[str, float]] = json.loads(THRESHOLDS.read_text("utf-8"))
    return found
