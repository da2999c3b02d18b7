"""HNSW graphs for readers who see more than can be compared one by one: a file each, beside the database.

A graph is built by a worker into a new file, and a row of the table `graph` says which file serves a reader principal
and up to which generation it goes. Readers are never kept waiting: until that row is written they use the graph before
it, or none. What is newer than the graph is compared exactly; chunks that were taken away since stay in the file, and
are left out by whoever asks, until there are so many that the graph counts as stale. Losing the folder loses time only.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from corpus.database import Connection, Database
from corpus.vectors.sqlite import hnsw
from corpus.vectors.sqlite.audiences import Audience, numbers_of_audience, read_rows
from corpus.ways import GraphState

if TYPE_CHECKING:
    from usearch.index import Index

    from corpus.vectors.sqlite.rows import Block, Keys, Scores

log = logging.getLogger(__name__)

STALE = 10
"""A graph is stale once one chunk in so many of it is gone; and one in so many is a tail worth adding."""
A_BATCH = 128
"""Generations that are read at a time while a graph is built, so that no transaction lasts long."""
MOST_OPEN = 64


class Stamp(NamedTuple):
    """Which file serves a reader, how many chunks it has, and of which state: what was removed, what came last."""

    file: str
    chunks: int
    removed: int
    newest: int

    def gone(self, audience: Audience) -> int:
        """At most how many of its chunks are there no longer."""
        return audience.removed - self.removed

    def stale(self, audience: Audience) -> bool:
        """Whether so many are gone that it is not used any more."""
        return self.gone(audience) * STALE > self.chunks

    def tail(self, audience: Audience) -> int:
        """At most how many chunks are newer than it."""
        return max(0, audience.chunks - self.chunks + self.gone(audience))


@dataclass(slots=True)
class Graph:
    """A graph that is open; its file may be gone from the folder meanwhile."""

    stamp: Stamp
    index: Index
    lock: threading.Lock = field(default_factory=threading.Lock)
    _seen: tuple[int, frozenset[int]] = (-1, frozenset())

    def seen(self, connection: Connection, audience: Audience) -> frozenset[int]:
        """Return the numbers of the generations that the reader sees; of those newer than the graph maybe not all.

        They are read anew whenever something was taken away.
        """
        removed, numbers = self._seen
        if removed != audience.removed:
            numbers = frozenset(numbers_of_audience(connection, audience, 0).tolist())
            self._seen = (audience.removed, numbers)
        return numbers

    def search(self, query: Block, count: int) -> tuple[Scores, Keys]:
        """Return the cosines and keys of about the `count` nearest chunks, best first."""
        with self.lock:  # a graph serves one search at a time: they share its scratch memory
            return hnsw.search(self.index, query, count)


class Graphs:
    """The graphs of one index."""

    def __init__(self, database: Database, dimensions: int, exact_below: int) -> None:
        self._database = database
        self._folder = database.path.with_name(f"{database.path.name}.graphs")
        self._dimensions = dimensions
        self._exact_below = exact_below
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, Graph] = OrderedDict()

    def serving(self, connection: Connection, audience: Audience) -> Graph | None:
        """Return the graph that a search of this reader may use; None if it is to compare every chunk."""
        if audience.chunks <= self._exact_below:
            return None
        stamp = _stamp(connection, audience)
        return None if stamp is None or stamp.stale(audience) else self._open(stamp)

    def states(self, connection: Connection) -> list[GraphState]:
        """Return how it stands with each reader that is to have a graph, the greatest first."""
        found = []
        for audience in _large(connection, self._exact_below):
            stamp, kind = _stamp(connection, audience), audience.principal.partition(":")[0]
            fresh = stamp is not None and not stamp.stale(audience) and self._open(stamp) is not None
            found.append(GraphState(kind, audience.chunks, stamp.chunks if stamp else 0, fresh=fresh))
        return found

    def tend(self, stop: Callable[[], bool]) -> None:
        """Build the graphs that are missing, stale or far behind, and drop those that are not needed any more.

        Another process that does so already is left to it.
        """
        with self._database.read() as connection:
            large = _large(connection, self._exact_below)
            due = [one for one in large if self._due(connection, one)]
            kept = {stamp.file for one in large if (stamp := _stamp(connection, one))}
        if not due and kept.issuperset(path.name for path in self._folder.glob("*.usearch*")):
            return
        self._folder.mkdir(exist_ok=True)
        with _alone(self._folder) as alone:
            for audience in due if alone else ():
                if not stop():
                    self._build(audience, stop)
            if alone:
                self._drop()

    def _due(self, connection: Connection, audience: Audience) -> bool:
        stamp = _stamp(connection, audience)
        if stamp is None or stamp.stale(audience) or self._open(stamp) is None:
            return True
        return stamp.tail(audience) > min(self._exact_below, stamp.chunks // STALE)

    def _build(self, audience: Audience, stop: Callable[[], bool]) -> None:
        """Build a reader's graph, or add to a copy of the one it has, and let it serve."""
        with self._database.read() as connection:
            before = _stamp(connection, audience)
        index, since, removed = hnsw.empty(self._dimensions), 0, audience.removed
        if before and not before.stale(audience):
            copy = hnsw.opened(self._folder / before.file, before.chunks, self._dimensions, view=False)
            index, since, removed = (copy, before.newest, before.removed) if copy else (index, since, removed)
        with self._database.read() as connection:
            numbers = numbers_of_audience(connection, audience, since)
        numbers = numbers[numbers <= audience.newest]
        for start in range(0, len(numbers), A_BATCH):
            if stop():
                return
            with self._database.read() as connection:
                slabs = list(read_rows(connection, audience, since, self._dimensions, numbers[start : start + A_BATCH]))
            for slab in slabs:
                hnsw.add(index, slab.keys, slab.block)
        self._publish(audience, index, Stamp(_file(audience), len(index), removed, audience.newest))

    def _publish(self, audience: Audience, index: Index, stamp: Stamp) -> None:
        unfinished = self._folder / f"{stamp.file}.new"
        index.save(unfinished)
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(self._folder / stamp.file)
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO graph VALUES (?, ?, ?, ?, ?, ?)",
                (audience.tenant_id, audience.principal, *stamp),
            )
        log.info("a graph was built", extra={"chunks": stamp.chunks})

    def _drop(self) -> None:
        """Remove the graphs of readers that have become small, and files that serve nobody."""
        with self._database.write() as connection:
            connection.execute(
                """
                DELETE FROM graph WHERE NOT EXISTS (
                    SELECT 1 FROM audience WHERE audience.tenantId = graph.tenantId
                    AND audience.principal = graph.principal AND audience.chunks > ?)
                """,
                (self._exact_below,),
            )
            kept = {one.file for one in _stamps(connection)}
        for path in self._folder.glob("*.usearch*"):
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def _open(self, stamp: Stamp) -> Graph | None:
        """The graph of a stamp, mapped into memory; None if its file is not there or not what it should be."""
        with self._lock:
            if stamp.file in self._opened:
                self._opened.move_to_end(stamp.file)
                return self._opened[stamp.file]
        index = hnsw.opened(self._folder / stamp.file, stamp.chunks, self._dimensions, view=True)
        if index is None:
            log.warning("a graph is missing or damaged", extra={"file": stamp.file})
            return None
        with self._lock:
            graph = self._opened.setdefault(stamp.file, Graph(stamp, index))
            while len(self._opened) > MOST_OPEN:
                self._opened.popitem(last=False)
        return graph


def _file(audience: Audience) -> str:
    """The name of a reader's graph in one state: whoever it is does not stand in it."""
    reader = hashlib.sha256(f"{audience.tenant_id}\0{audience.principal}".encode()).hexdigest()[:16]
    return f"{reader}-{audience.removed}-{audience.newest}.usearch"


def _stamp(connection: Connection, audience: Audience) -> Stamp | None:
    statement = "SELECT file, chunks, removed, newest FROM graph WHERE tenantId = ? AND principal = ?"
    row = connection.execute(statement, (audience.tenant_id, audience.principal)).fetchone()
    return Stamp(*row) if row else None


def _stamps(connection: Connection) -> Iterator[Stamp]:
    return (Stamp(*row) for row in connection.execute("SELECT file, chunks, removed, newest FROM graph").fetchall())


def _large(connection: Connection, exact_below: int) -> list[Audience]:
    statement = (
        "SELECT tenantId, principal, chunks, removed, newest FROM audience WHERE chunks > ? ORDER BY chunks DESC"
    )
    return [Audience(*row) for row in connection.execute(statement, (exact_below,))]


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether no other process builds in this folder; for as long as the body lasts, none begins to."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
