"""The graphs themselves: usearch's, over quantised rows. It is loaded when a graph is first needed, not before."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from usearch.index import Index

    from corpus.vectors.sqlite.rows import Block, Keys, Scores

CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH = 32, 256, 128
"""The parameters of HNSW: links a row, rows looked at to add one, and at least so many looked at by a search."""


def empty(dimensions: int) -> Index:
    """Return a graph without a row."""
    return _index()(ndim=dimensions, metric="cos", dtype="i8", connectivity=CONNECTIVITY, expansion_add=EXPANSION_ADD)


def opened(path: Path, rows: int, dimensions: int, *, view: bool) -> Index | None:
    """Return the graph of a file: with `view` mapped, to be searched; else read, to be added to.

    None if it is not there, is damaged, or has other rows than so many of this width.
    """
    try:
        index = _index().restore(path, view=view) if path.exists() else None
    except (RuntimeError, ValueError, OSError):
        return None
    if index is None or len(index) != rows or index.ndim != dimensions:
        return None
    index.expansion_search = max(EXPANSION_SEARCH, isqrt(rows))  # type: ignore[misc]  # its setter is not typed
    return index


def add(index: Index, keys: Keys, block: Block) -> None:
    """Put rows into a graph, with half of the processors: somebody may be searching meanwhile."""
    index.add(keys.astype(np.uint64), block, threads=max(1, (os.cpu_count() or 1) // 2))


def search(index: Index, query: Block, count: int) -> tuple[Scores, Keys]:
    """Return the cosines and keys of about the `count` nearest rows, best first."""
    found = index.search(query[0], count, threads=1)
    return 1.0 - found.distances.astype(np.float64), found.keys.astype(np.int64)


def _index() -> type[Index]:
    """The class of usearch.

    Its wheel for Linux holds a C++ library of its own whose symbols are for all to see. A module that is loaded after
    it and wants the system's, as ONNX's runtime does, is given that instead and dies. So the system's comes first.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            ctypes.CDLL("libstdc++.so.6", mode=ctypes.RTLD_GLOBAL)
    from usearch.index import Index  # noqa: PLC0415 -- loading it takes longer than most searches

    return Index
