"""From chunks to vectors, buying only what nobody bought before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from corpus.model import Passage
from corpus.ports import Embedder
from ingest.derived import Derived, embed_hash

if TYPE_CHECKING:
    from corpus.model import Matrix, Vector


def embedded(
    passages: Sequence[Passage],
    derived: Derived,
    live: Derived | None,
    embedder: Embedder,
    report: Callable[[int], None],
) -> Matrix:
    """Return the passages' vectors: those that are kept, else equal ones of the live generation, else new ones.

    `report` is told after each block how many passages have a vector.
    """
    kept = derived.vectors()
    if kept is not None and len(kept) == len(passages):
        return kept
    names = [embed_hash(one) for one in passages]
    rows = _rows_of(live) if live else {}
    missing = {name: one for name, one in zip(names, passages, strict=True) if name not in rows}
    done, wanted = len(passages) - len(missing), iter(missing)
    for block in embedder.embed(list(missing.values()), "document"):
        for row in block:
            rows[next(wanted)] = row
        done += len(block)
        report(done)
    vectors = np.stack([rows[name] for name in names])
    derived.keep_vectors(vectors)
    return vectors


def _rows_of(live: Derived) -> dict[str, Vector]:
    """The vectors of a generation by the name of what was embedded."""
    names, vectors = live.embed_hashes(), live.vectors()
    if vectors is None or len(vectors) != len(names):
        return {}
    return dict(zip(names, vectors, strict=True))
