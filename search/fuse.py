"""Two ranked lists to one: the same ranking over every engine, as a pure function.

Each leg's scores become comparable by their z-scores, taken over that leg's own hits, and the two are added: with equal
weight, unless the best match stands out from the words' leg much further than the nearest does from its own. That is so
where the embedder does not know the language. On short or flat lists, where a deviation says nothing, scores are
stretched between their least and greatest instead. The figures are in docs/decisions/0017.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from corpus.model import Hit, Legs

WEIGHT, MOST = 0.5, 0.8
"""What the words' leg counts for, against 1 for both; and what it does if it is much more decided."""
DECIDED, DECIDED_MOST = 1.5, 2.0
"""How many times as far the best match must stand out for words to count for more, and for most."""
FEW = 3
FLAT = 1e-6
"""A deviation of less than this share of the best score is none."""


def fuse(legs: Legs) -> list[Hit]:
    """Return the hits of both legs, best first, with their fused scores; ties go by document and place in it.

    A chunk that one leg did not find counts there as the least of what it found, and as 0 where that leg was stretched
    or empty. Of two copies of a chunk the newer stays.
    """
    hits: dict[str, Hit] = {}
    for hit in (*legs.nearest, *legs.matching):
        if hit.chunk_id not in hits or hits[hit.chunk_id].created_at < hit.created_at:
            hits[hit.chunk_id] = hit
    nearest, missing_near = normalised(_scores(legs.nearest))
    matching, missing_match = normalised(_scores(legs.matching))
    weight = _weight(nearest, matching)
    fused = [
        hit._replace(score=(1 - weight) * nearest.get(name, missing_near) + weight * matching.get(name, missing_match))
        for name, hit in hits.items()
    ]
    return sorted(fused, key=lambda hit: (-hit.score, hit.generation.document_id, hit.chunk_index))


def _weight(nearest: Mapping[str, float], matching: Mapping[str, float]) -> float:
    """What the words' leg counts for: the more, the further its best hit stands out."""
    near, match = max(nearest.values(), default=0.0), max(matching.values(), default=0.0)
    decided = match / near if near > 0 else 0.0
    return WEIGHT + (MOST - WEIGHT) * min(1.0, max(0.0, (decided - DECIDED) / (DECIDED_MOST - DECIDED)))


def normalised(scores: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """Return the scores of one leg made comparable, and what counts for a chunk that is not among them."""
    if not scores:
        return {}, 0.0
    values = list(scores.values())
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    if len(values) >= FEW and deviation >= FLAT * abs(max(values)) and deviation > 0:
        found = {name: (score - mean) / deviation for name, score in scores.items()}
        return found, min(found.values())
    least, span = min(values), max(values) - min(values)
    return {name: (score - least) / span if span else 1.0 for name, score in scores.items()}, 0.0


def _scores(leg: Sequence[Hit]) -> dict[str, float]:
    """The best score of each chunk of a leg."""
    found: dict[str, float] = {}
    for hit in leg:
        found[hit.chunk_id] = max(hit.score, found.get(hit.chunk_id, hit.score))
    return found
