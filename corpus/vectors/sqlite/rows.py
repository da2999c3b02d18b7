"""Vectors as rows of bytes: quantised to be scanned, halved to be scored, and the kernel that does both.

A quantised row is its vector divided by a scale of its own, so that its greatest part is 127, and rounded (symmetric
quantisation). The dot product of two is a whole number, exact in 32 bits; times the row's scale it ranks as the cosine
does, but for an error of some thousandths. That is why the best are scored again by their halves (float16), whose error
is below 1e-3. The kernels are numkong's, which chooses them by what the processor can do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numkong
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from corpus.model import Matrix, Vector

    Block = NDArray[np.int8]
    Halves = NDArray[np.float16]
    Keys = NDArray[np.int64]
    Places = NDArray[np.intp]
    Scores = NDArray[np.float64]

BATCH = 1024
"""Rows that are converted at a time, so that a long document takes no second copy of itself."""
GREATEST = 127
FEW = 4
"""A search that may see less than one in so many rows compares these alone."""


class Slab(NamedTuple):
    """Rows that can be scanned: the block, each row's scale and key, and which of them count (None: all do).

    `halves` are there where memory holds these too.
    """

    block: Block
    scales: Vector
    keys: Keys
    alive: NDArray[np.bool_] | None = None
    halves: Halves | None = None


def quantised(vectors: Matrix) -> tuple[Block, Vector]:
    """Return the rows as int8 and each one's scale."""
    block = np.empty(vectors.shape, np.int8)
    scales = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), BATCH):
        rows = vectors[start : start + BATCH]
        scale = np.maximum(np.abs(rows).max(axis=1), np.finfo(np.float32).tiny) / np.float32(GREATEST)
        scales[start : start + BATCH] = scale
        block[start : start + BATCH] = np.rint(rows / scale[:, None])
    return block, scales


def quantised_one(vector: Vector) -> tuple[Block, float]:
    """Return one vector as a block of one row, and its scale."""
    scale = float(np.abs(vector).max()) / GREATEST or 1.0
    return np.rint(vector / np.float32(scale)).astype(np.int8)[None], scale


def halved(vectors: Matrix) -> Halves:
    """Return the rows as float16."""
    return np.ascontiguousarray(vectors, np.float16)


def best_of(slab: Slab, query: Block, count: int) -> tuple[Scores, Places]:
    """Return the scores and places of the `count` best rows for a quantised query of one row, in no order."""
    block, scales, alive, chosen = slab.block, slab.scales, slab.alive, None
    if alive is not None and FEW * np.count_nonzero(alive) < len(block):
        chosen = np.flatnonzero(alive)
        block, scales, alive = block[chosen], scales[chosen], None
    if not len(block):
        return np.zeros(0), np.zeros(0, np.int64)
    scores = _dots(query, block) * scales
    if alive is not None:
        scores[~alive] = -np.inf
    best = np.argpartition(scores, -count)[-count:] if len(scores) > count else np.arange(len(scores))
    if alive is not None:
        best = best[np.isfinite(scores[best])]
    return scores[best], best if chosen is None else chosen[best]


def cosines(halves: Halves, vector: Vector) -> Scores:
    """Return the cosine of each row with a vector; both are of unit length."""
    return _dots(halved(vector[None]), halves) if len(halves) else np.zeros(0)


def _dots(query: Block | Halves, rows: Block | Halves) -> Scores:
    """The dot product of the query's one row with each of the rows."""
    dots: Scores = np.asarray(numkong.cdist(query, rows, "dot"))[0]
    return dots
