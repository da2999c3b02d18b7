"""From chunks to vectors, buying only what nobody bought before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
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
    checkpoint_rows: int,
) -> Matrix:
    """Return the passages' vectors: those that are kept, else equal ones of the live generation, else new ones.

    New ones are kept as soon as there are `checkpoint_rows` of them, before more are bought. `report` is told at
    first, and after each block, how many passages have a vector.
    """
    kept = derived.vectors()
    if kept is not None and len(kept) == len(passages):
        report(len(passages))
        derived.drop_checkpoints()
        return kept
    names = [embed_hash(one) for one in passages]
    rows = (_rows_of(live) if live else {}) | derived.checkpoints()
    missing = {name: one for name, one in zip(names, passages, strict=True) if name not in rows}
    times, wanted = Counter(names), iter(missing)
    done = len(passages) - sum(times[name] for name in missing)
    report(done)
    fresh: dict[str, Vector] = {}
    with closing(embedder.embed(list(missing.values()), "document")) as blocks:  # or a stop would leave it running
        for block in blocks:
            bought = [next(wanted) for _ in block]
            fresh.update(zip(bought, block, strict=True))
            done += sum(times[name] for name in bought)
            if len(fresh) >= checkpoint_rows:
                derived.keep_checkpoint(fresh)
                rows |= fresh
                fresh = {}
            report(done)
    rows |= fresh
    vectors = np.stack([rows[name] for name in names])
    del rows, fresh  # as large as the vectors
    derived.keep_vectors(vectors)
    derived.drop_checkpoints()
    return vectors


def _rows_of(live: Derived) -> dict[str, Vector]:
    """The vectors of a generation by the name of what was embedded."""
    names, vectors = live.embed_hashes(), live.vectors()
    if vectors is None or len(vectors) != len(names):
        return {}
    return dict(zip(names, vectors, strict=True))
