"""The recall meter: a few questions are asked again exactly, off the request's path, and what was missed is counted.

A graph that misses says nothing. So of a share of the questions the nearest are looked for once more, every chunk
compared, and the records keep by how much of the corpus their askers see how many of the ten nearest had been found.
Nothing of a question is kept but these counts.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from corpus.errors import FootnoteError
from corpus.model import Legs
from corpus.ports import VectorIndex
from corpus.records.recall import Recalls
from corpus.scope import Where

if TYPE_CHECKING:
    from corpus.model import Vector

log = logging.getLogger(__name__)

DEPTH = 10
MOST_WAITING = 16
"""Questions that may wait to be asked again; while so many do, others are not measured."""
CLOSING_SECONDS = 5.0


class _Sample(NamedTuple):
    vector: Vector
    where: Where
    found: frozenset[str]


class RecallMeter:
    """Measures a share of the questions that it is shown, in a thread of its own."""

    def __init__(
        self, index: VectorIndex, recalls: Recalls, share: float, clock: Callable[[], float], dice: Callable[[], float]
    ) -> None:
        """`dice` gives a number from 0 to below 1 for each question; those below `share` are measured."""
        self._index, self._recalls = index, recalls
        self._share, self._clock, self._dice = share, clock, dice
        self._waiting: queue.Queue[_Sample | None] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def look(self, vector: Vector, where: Where, legs: Legs) -> None:
        """Take note of a question and what was found, or not; never waits."""
        if self._dice() >= self._share:
            return
        found = frozenset(hit.chunk_id for hit in legs.nearest[:DEPTH])
        try:
            self._waiting.put_nowait(_Sample(vector, where, found))
        except queue.Full:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="recall", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Measure what waits, as far as that takes no more than a moment."""
        if self._thread:
            self._waiting.put(None)
            self._thread.join(CLOSING_SECONDS)

    def _run(self) -> None:
        while sample := self._waiting.get():
            try:
                self._measure(sample)
            except FootnoteError as error:
                log.warning("recall could not be measured", extra={"error": error.code})

    def _measure(self, sample: _Sample) -> None:
        exact = self._index.exactly(sample.vector, DEPTH, sample.where)
        if exact.chunk_ids:
            found = len(sample.found.intersection(exact.chunk_ids))
            self._recalls.add(self._clock(), exact.compared, len(exact.chunk_ids), found)
