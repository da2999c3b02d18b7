"""Whether what was found can answer at all: better to say "not found" than to quote something near.

The support of a question is the cosine of the nearest chunk plus half the share of its idf mass that the best chunk
covers. The idf is taken over the candidates, so no engine's scores or statistics enter. A cosine means something only
within its space: thresholds are measured for each (`bench/support.py`), and a space without one goes by coverage alone.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from corpus import words
from corpus.model import Hit, Space

COVERAGE_WEIGHT = 0.5
THRESHOLDS = Path(__file__).with_name("thresholds.json")


@dataclass(frozen=True, slots=True)
class Support:
    """How well a question is supported: the nearest chunk's cosine, and the best chunk's coverage."""

    cosine: float
    coverage: float

    @property
    def score(self) -> float:
        """Both in one number."""
        return self.cosine + COVERAGE_WEIGHT * self.coverage

    def suffices(self, space: Space) -> bool:
        """Whether an answer should be tried."""
        known = thresholds()
        if str(space) in known["support"]:
            return self.score >= known["support"][str(space)]
        return self.coverage >= known["coverage"]["any"]


def support(question: str, candidates: Sequence[Hit], cosine: float) -> Support:
    """Return how well the candidates support the question."""
    asked = words.asked(question)
    texts = [asked.found_in("\n".join(_shown(hit)), hit.language) for hit in candidates]
    counts = Counter(word for text in texts for word in text)
    masses = {word: math.log(1 + (len(texts) - counts[word] + 0.5) / (counts[word] + 0.5)) for word in asked.words}
    total = math.fsum(masses.values())
    covered = max((math.fsum(masses[word] for word in text) for text in texts), default=0.0)
    return Support(cosine, covered / total if total else 0.0)


def _shown(hit: Hit) -> tuple[str, ...]:
    """What a hit says, and what stands above it: title and headings, and the columns of its rows."""
    return words.heading_line(hit.title, [hit.section]), hit.header, hit.content


@lru_cache(maxsize=1)
def thresholds() -> dict[str, dict[str, float]]:
    """Return the measured thresholds: `support` by space, and `coverage` for any other."""
    found: dict[str, dict[str, float]] = json.loads(THRESHOLDS.read_text("utf-8"))
    return found
