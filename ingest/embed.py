"""From chunks to vectors, buying only what nobody bought before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import chain
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
    rows = _Rows(names, embedder.space.dimensions)
    for bought_before in chain([_rows_of(live)] if live else [], derived.checkpoints()):
        rows.take(bought_before)
    missing = {name: one for name, one in zip(names, passages, strict=True) if name not in rows.known}
    report(rows.done)
    wanted, fresh = iter(missing), list[str]()
    with closing(embedder.embed(list(missing.values()), "document")) as blocks:  # or a stop would leave it running
        for block in blocks:
            bought = {next(wanted): row for row in block}
            rows.take(bought)
            fresh += bought
            if len(fresh) >= checkpoint_rows:
                derived.keep_checkpoint({name: rows.of(name) for name in fresh})
                fresh.clear()
            report(rows.done)
    derived.keep_vectors(rows.matrix)
    derived.drop_checkpoints()
    return rows.matrix


class _Rows:
    """The vectors of all passages, filled as they are found: the one place where they lie."""

    def __init__(self, names: Sequence[str], dimensions: int) -> None:
        self.matrix: Matrix = np.empty((len(names), dimensions), np.float32)
        self.known: set[str] = set()
        self.done = 0
        self._places: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            self._places.setdefault(name, []).append(place)

    def take(self, rows: Mapping[str, Vector]) -> None:
        """Put rows, by name, where they belong; those that belong nowhere are left out."""
        for name in rows.keys() & self._places.keys() - self.known:
            self.matrix[self._places[name]] = rows[name]
            self.done += len(self._places[name])
            self.known.add(name)

    def of(self, name: str) -> Vector:
        """The row of a name that is known."""
        row: Vector = self.matrix[self._places[name][0]]
        return row


def _rows_of(live: Derived) -> dict[str, Vector]:
    """The vectors of a generation by the name of what was embedded."""
    names, vectors = live.embed_hashes(), live.vectors()
    if vectors is None or len(vectors) != len(names):
        return {}
    return dict(zip(names, vectors, strict=True))
