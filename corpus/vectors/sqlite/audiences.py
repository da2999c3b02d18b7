"""What each reader principal may see, kept in memory: its quantised rows, in the order in which they were written.

One reader's rows serve everyone who has that principal, in every thread. What is kept is compared with the reader's row
of the table `audience` at every search, within the search's own transaction: generations that came since are read and
put behind the others, those that are gone are marked dead. So other processes' writes are seen at once, and cost what
they add. Memory is bounded in bytes: the readers used last stay, and one that does not fit at all is read anew, block
by block, each time.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from corpus.database import Connection
from corpus.vectors.sqlite.rows import Slab
from corpus.vectors.sqlite.schema import INDEX_BITS, INDEX_MASK, key_of, marks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from corpus.vectors.sqlite.rows import Halves, Keys

    Allowed = NDArray[np.int64]

SPARE = 8
"""One row in so many is room for what comes next, once a reader has grown."""
MOST_DEAD = 4
"""When one row in so many is dead, the reader is read anew."""
STREAMED_ROWS = 8192
WITH_HALVES = 2048
"""Up to so many rows of a reader memory holds the halves too: three times the room, for a search of half the time."""


class Audience(NamedTuple):
    """A reader principal in one state of the file: how many chunks it sees, how many it ever lost, what came last."""

    tenant_id: str
    principal: str
    chunks: int
    removed: int
    newest: int


@dataclass(slots=True)
class _Held:
    """The rows of one reader that came after some generation; `size` of them count, `dead` ones have no life left."""

    dimensions: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    block: NDArray[np.int8] = field(default_factory=lambda: np.empty((0, 0), np.int8))
    scales: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    keys: Keys = field(default_factory=lambda: np.empty(0, np.int64))
    halves: Halves | None = None
    alive: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    size: int = 0
    dead: bool = False
    removed: int = 0
    newest: int = 0

    def slab(self, newest: int) -> Slab:
        """The rows of generations up to `newest`: what is behind them, a younger search has put there."""
        size = self.size if newest >= self.newest else int(np.searchsorted(self.keys[: self.size], key_of(newest + 1)))
        alive = self.alive[:size] if self.dead else None
        halves = None if self.halves is None else self.halves[:size]
        return Slab(self.block[:size], self.scales[:size], self.keys[:size], alive, halves)

    def bury(self, numbers: Allowed) -> None:
        """Mark the rows dead whose generation is not among `numbers`, or forget all if these are many.

        Searches under way keep what they have.
        """
        self.alive = self.alive.copy()
        self.alive[: self.size] = np.isin(self.keys[: self.size] >> INDEX_BITS, numbers)
        living = np.count_nonzero(self.alive[: self.size])
        self.dead = bool(living < self.size)
        if MOST_DEAD * (self.size - living) > self.size:
            self.block, self.scales, self.keys = self.block[:0], self.scales[:0], self.keys[:0]
            self.halves = None if self.halves is None else self.halves[:0]
            self.alive, self.size, self.dead, self.newest = self.alive[:0], 0, False, 0

    def reserve(self, rows: int, spare: int) -> None:
        """Make room for so many rows in all, if there is none."""
        if rows <= len(self.keys):
            return
        room = rows + spare
        wide = (room, self.dimensions)
        for name, shape in (("block", wide), ("halves", wide), ("scales", room), ("keys", room), ("alive", room)):
            old = getattr(self, name)
            if old is None:
                continue
            new = np.empty(shape, old.dtype)
            if self.size:
                new[: self.size] = old[: self.size]
            setattr(self, name, new)

    def append(self, slab: Slab) -> None:
        """Put rows behind the others; nobody sees them before `size` says so."""
        end = self.size + len(slab.keys)
        if slab.halves is None or end > WITH_HALVES:
            self.halves = None
        self.reserve(end, end // SPARE)
        if self.halves is not None:
            self.halves[self.size : end] = slab.halves
        self.block[self.size : end] = slab.block
        self.scales[self.size : end] = slab.scales
        self.keys[self.size : end] = slab.keys
        self.alive[self.size : end] = True
        self.size = end

    @property
    def bytes(self) -> int:
        halves = 0 if self.halves is None else self.halves.nbytes
        return self.block.nbytes + self.scales.nbytes + self.keys.nbytes + self.alive.nbytes + halves


class Audiences:
    """The rows of readers, shared by threads, in at most so many bytes."""

    def __init__(self, dimensions: int, most_bytes: int) -> None:
        self._dimensions = dimensions
        self._most = most_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, str, int], _Held] = OrderedDict()

    def slabs(
        self, connection: Connection, audience: Audience, since: int = 0, allowed: Allowed | None = None
    ) -> Iterator[Slab]:
        """Yield the rows that a reader sees of generations after `since`; of those `allowed` alone if that is given."""
        if audience.newest <= since:
            return
        slab = self._kept(connection, audience, since, only_known=allowed is not None)
        if slab is None:
            yield from read_rows(connection, audience, since, self._dimensions, allowed)
        elif allowed is None:
            yield slab
        else:
            passing = np.isin(slab.keys >> INDEX_BITS, allowed)
            yield slab._replace(alive=passing if slab.alive is None else passing & slab.alive)

    def _kept(self, connection: Connection, audience: Audience, since: int, *, only_known: bool) -> Slab | None:
        """The rows from memory, brought up to this state of the file; None where memory cannot say."""
        name = (audience.tenant_id, audience.principal, since)
        with self._lock:
            held = self._held.get(name)
            if held is None and (only_known or self._row_bytes(audience.chunks) > self._most):
                return None
            if held is None:
                held = self._held[name] = _Held(self._dimensions)
                if audience.chunks <= WITH_HALVES and self._row_bytes(audience.chunks, halves=True) <= self._most:
                    held.halves = np.empty((0, self._dimensions), np.float16)
            self._held.move_to_end(name)
        with held.lock:
            before = held.bytes
            if not self._freshen(connection, held, audience, since):
                return None
            slab, grown = held.slab(audience.newest), held.bytes > before
        if grown:
            self._shrink()
        return slab

    def _freshen(self, connection: Connection, held: _Held, audience: Audience, since: int) -> bool:
        """Bring what is held up to this state; False if it has seen a younger one in which something was gone."""
        if held.removed > audience.removed:
            return False
        if held.removed < audience.removed:
            numbers = numbers_of_audience(connection, audience, since)
            held.bury(numbers)
            held.removed = audience.removed
        if held.newest < audience.newest:
            if not held.size and not since:
                held.reserve(audience.chunks, 0)
            begin, halves = max(since, held.newest), held.halves is not None
            for slab in read_rows(connection, audience, begin, self._dimensions, None, halves=halves):
                held.append(slab)
            held.newest = audience.newest
        return True

    def _row_bytes(self, rows: int, *, halves: bool = False) -> int:
        return rows * (self._dimensions * (3 if halves else 1) + 4 + 8 + 1)

    def _shrink(self) -> None:
        """Forget the readers that were used longest ago, until the rest is within bounds."""
        with self._lock:
            total = sum(held.bytes for held in self._held.values())
            while total > self._most and self._held:
                total -= self._held.popitem(last=False)[1].bytes


def audiences_of(connection: Connection, tenant_id: str, principals: list[str]) -> list[Audience]:
    """Return those of a tenant's reader principals that see anything."""
    statement = f"""
        SELECT tenantId, principal, chunks, removed, newest FROM audience
        WHERE tenantId = ? AND principal IN ({marks(principals)}) AND chunks > 0
    """
    return [Audience(*row) for row in connection.execute(statement, (tenant_id, *principals))]


def numbers_of_audience(connection: Connection, audience: Audience, since: int) -> Allowed:
    """Return the numbers of the generations after `since` that a reader sees, in order."""
    statement = "SELECT generation FROM reader WHERE tenantId = ? AND principal = ? AND generation > ?"
    rows = connection.execute(statement, (audience.tenant_id, audience.principal, since))
    return np.array([row[0] for row in rows], np.int64)


def read_rows(
    connection: Connection,
    audience: Audience,
    since: int,
    dimensions: int,
    allowed: Allowed | None,
    *,
    halves: bool = False,
) -> Iterator[Slab]:
    """Yield a reader's rows from the file, some thousands at a time, oldest generation first."""
    among = "" if allowed is None else "AND reader.generation IN (SELECT value FROM json_each(?))"
    statement = f"""
        SELECT reader.generation, scales, bytes FROM reader JOIN block ON block.generation = reader.generation
        WHERE tenantId = ? AND principal = ? AND reader.generation > ? {among} ORDER BY reader.generation
    """
    named = () if allowed is None else (json.dumps(allowed.tolist()),)
    slabs, rows = list[Slab](), 0
    for number, scales, block in connection.execute(statement, (audience.tenant_id, audience.principal, since, *named)):
        slabs.append(_slab(connection, number, scales, block, dimensions, halves=halves))
        rows += len(slabs[-1].keys)
        if rows >= STREAMED_ROWS:
            yield _joined(slabs)
            slabs, rows = [], 0
    if rows:
        yield _joined(slabs)


def _slab(connection: Connection, number: int, scales: bytes, block: bytes, dimensions: int, *, halves: bool) -> Slab:
    """The rows of one generation."""
    rows = np.frombuffer(block, np.int8).reshape(-1, dimensions)
    keys = key_of(number) + np.arange(len(rows), dtype=np.int64)
    found = None
    if halves:
        statement = "SELECT row FROM half WHERE id BETWEEN ? AND ? ORDER BY id"
        stored = connection.execute(statement, (key_of(number), key_of(number) | INDEX_MASK))
        found = np.frombuffer(b"".join(row[0] for row in stored), np.float16).reshape(-1, dimensions)
    return Slab(rows, np.frombuffer(scales, np.float32), keys, halves=found)


def _joined(slabs: list[Slab]) -> Slab:
    block, scales, keys = (np.concatenate([slab[n] for slab in slabs]) for n in range(3))
    halves = [slab.halves for slab in slabs if slab.halves is not None]
    return Slab(block, scales, keys, halves=np.concatenate(halves) if halves else None)
