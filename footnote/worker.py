"""A worker: threads that apply changes until they are told to stop.

There are two, so that one document is read in the child process while another is cut and written in this one. A third
looks after the index now and then, so that nothing waits for a graph.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from corpus.errors import Unavailable
from footnote.connect import Footnote
from ingest.claim import Stopped
from ingest.sweep import sweep

log = logging.getLogger(__name__)

WAIT_SECONDS = 1.0  # the shortest that SQS can wait, too
PAUSE_SECONDS = 2.0
SWEEP_SECONDS = 300
TEND_SECONDS = 30
HANDS = 2


class Worker:
    """Takes what waits in the queue, two changes at a time. What ends it for good is in `error`."""

    def __init__(self, footnote: Footnote) -> None:
        self._footnote = footnote
        self._stopping = threading.Event()
        self._swept = time.monotonic()
        steps = [self._step] * HANDS + [self._tend]
        self._threads = [
            threading.Thread(target=self._run, args=(step,), name=f"worker-{n}", daemon=True)
            for n, step in enumerate(steps)
        ]
        self.error: BaseException | None = None

    def start(self) -> None:
        """Begin to work. Raises `ConfigError` at once if a part cannot be opened."""
        self._footnote.queue, self._footnote.ingestor  # noqa: B018 -- opened here, not by threads at once
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Give back what is being worked on, and return when that is done."""
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _run(self, step: Callable[[], None]) -> None:
        try:
            while not self._stopping.is_set():
                step()
        except Stopped:
            log.info("the worker was stopped in the middle of a document")
        except BaseException as error:  # noqa: BLE001 -- told to whoever started the thread
            self.error = error
            self._stopping.set()

    def _step(self) -> None:
        try:
            self._footnote.ingestor.drain(self._footnote.queue, wait=WAIT_SECONDS, stop=self._stopping.is_set)
            if time.monotonic() - self._swept > SWEEP_SECONDS:
                self._swept = time.monotonic()
                sweep(self._footnote.table, self._footnote.queue, self._footnote.clock)
        except Unavailable as error:  # the queue itself: the changes are safe in it
            log.warning("the queue is away", extra={"error": error.code})
            self._stopping.wait(PAUSE_SECONDS)

    def _tend(self) -> None:
        """Build the index's graphs, if any are wanting, and rest."""
        try:
            self._footnote.index.tend(self._stopping.is_set)
        except Unavailable as error:
            log.warning("the index is away", extra={"error": error.code})
        self._stopping.wait(TEND_SECONDS)
