"""The nearest chunks that a search may see: candidates by quantised rows or by graphs, then scored by their halves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from corpus.database import Connection, Database
from corpus.scope import Where
from corpus.vectors.sqlite.audiences import Audience, Audiences, audiences_of
from corpus.vectors.sqlite.graphs import Graphs
from corpus.vectors.sqlite.rows import best_of, cosines, quantised_one
from corpus.vectors.sqlite.schema import INDEX_BITS
from corpus.vectors.sqlite.visible import passing, principals_of
from corpus.ways import Way

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from corpus.model import Vector
    from corpus.vectors.sqlite.audiences import Allowed
    from corpus.vectors.sqlite.rows import Block, Halves, Keys, Scores, Slab

RESCORED = 40
"""The fewest candidates that are found; where more hits are wanted, half as many again as these."""
REACH = 8
"""Candidates so many steps of the query's quantisation behind the k-th best are not scored again.

Rounding both vectors sets two cosines apart by some half a step (its standard deviation).
"""


class _Asked(NamedTuple):
    """A question's vector, quantised; how many hits and candidates; and which generations pass, None for all."""

    block: Block
    scale: float
    k: int
    candidates: int
    allowed: Allowed | None


class _Found(NamedTuple):
    """Candidates of one reader, how they were found, and their halves where memory has them."""

    scores: Scores
    keys: Keys
    way: Way
    halves: Halves | None = None


class Nearest:
    """Searches by vector over one database."""

    def __init__(self, database: Database, dimensions: int, exact_below: int, cache_bytes: int) -> None:
        self.graphs = Graphs(database, dimensions, exact_below)
        self._audiences = Audiences(dimensions, cache_bytes)
        self._dimensions = dimensions

    def find(
        self, connection: Connection, vector: Vector, k: int, where: Where, *, exact: bool = False
    ) -> tuple[list[tuple[int, float]], Way]:
        """Return keys and cosines of the k nearest chunks that `where` may see, best first, and how they were found.

        With `exact`, no graph is used.
        """
        block, scale = quantised_one(vector)
        asked = _Asked(block, scale, k, max(RESCORED, k + k // 2), passing(connection, where))
        parts = list[_Found]()
        for audience in audiences_of(connection, where.tenant_id, principals_of(where)):
            part = None if exact else self._by_graph(connection, asked, audience)
            parts.append(part or self._exactly(connection, asked, audience))
        keys, halves = _best(parts, asked)
        if halves is None:
            keys, halves = self._read(connection, keys)
        scores = cosines(halves, vector)
        best = np.lexsort((keys, -scores))[:k]
        way = Way(sum(part.way.graph for part in parts), sum(part.way.exact for part in parts))
        return list(zip(keys[best].tolist(), scores[best].tolist(), strict=True)), way

    def _by_graph(self, connection: Connection, asked: _Asked, audience: Audience) -> _Found | None:
        """A reader's candidates by its graph, and exactly among what is newer; None if that might miss some.

        Only generations that the reader sees in this very state of the file pass, whatever the graph's file holds.
        """
        graph = self.graphs.serving(connection, audience)
        if graph is None:
            return None
        scores, keys = graph.search(asked.block, asked.candidates)
        seen = graph.seen(connection, audience)
        visible = [number in seen for number in (keys >> INDEX_BITS).tolist()]
        passes = np.array(visible, np.bool_)
        if asked.allowed is not None:
            passes &= np.isin(keys >> INDEX_BITS, asked.allowed)
        whole = sum(visible) >= graph.stamp.chunks - graph.stamp.gone(audience)
        if np.count_nonzero(passes) < asked.k and not whole:
            return None
        scores, keys = scores[passes], keys[passes]
        best = _contenders(scores, asked)
        newer = self._exactly(
            connection, asked, audience._replace(chunks=graph.stamp.tail(audience)), graph.stamp.newest
        )
        return _Found(
            np.concatenate([scores[best], newer.scores]),
            np.concatenate([keys[best], newer.keys]),
            Way(graph.stamp.chunks, newer.way.exact),
        )

    def _exactly(self, connection: Connection, asked: _Asked, audience: Audience, since: int = 0) -> _Found:
        """A reader's candidates among all that it sees of generations after `since`."""
        slabs = self._audiences.slabs(connection, audience, since, asked.allowed)
        parts = [_scanned(slab, asked) for slab in slabs] or [_Found(np.zeros(0), np.zeros(0, np.int64), Way())]
        if len(parts) == 1:
            return parts[0]
        scores, keys = (np.concatenate([part[n] for part in parts]) for n in (0, 1))
        return _Found(scores, keys, Way(exact=sum(part.way.exact for part in parts)))

    def _read(self, connection: Connection, keys: Keys) -> tuple[Keys, Halves]:
        """The halves of candidates from the file, and which they are of."""
        statement = "SELECT id, row FROM half WHERE id IN (SELECT value FROM json_each(?))"
        rows = connection.execute(statement, (json.dumps(keys.tolist()),)).fetchall()
        halves = np.frombuffer(b"".join(row[1] for row in rows), np.float16).reshape(-1, self._dimensions)
        return np.array([row[0] for row in rows], np.int64), halves


def _scanned(slab: Slab, asked: _Asked) -> _Found:
    scores, places = best_of(slab, asked.block, asked.candidates)
    compared = len(slab.keys) if slab.alive is None else int(np.count_nonzero(slab.alive))
    scores = scores * asked.scale
    best = _contenders(scores, asked)
    places = places[best]
    halves = None if slab.halves is None else slab.halves[places]
    return _Found(scores[best], slab.keys[places], Way(exact=compared), halves)


def _contenders(scores: Scores, asked: _Asked) -> NDArray[np.bool_]:
    """Which of these may be among the k best once they are scored by their halves."""
    best = sorted(scores.tolist(), reverse=True)[: asked.k]  # of so few this is faster than numpy
    return scores >= (best[-1] if best else 0.0) - REACH * asked.scale


def _best(parts: list[_Found], asked: _Asked) -> tuple[Keys, Halves | None]:
    """The keys of the best candidates of several readers, each once, and their halves if all are known."""
    if not parts:
        return np.zeros(0, np.int64), None
    if len(parts) == 1 and len(parts[0].keys) <= asked.candidates:
        return parts[0].keys, parts[0].halves
    scores, keys = np.concatenate([part.scores for part in parts]), np.concatenate([part.keys for part in parts])
    order = np.argsort(-scores)
    first = order[np.sort(np.unique(keys[order], return_index=True)[1])[: asked.candidates]]
    first = first[_contenders(scores[first], asked)]
    halves = [part.halves for part in parts if part.halves is not None]
    return keys[first], np.concatenate(halves)[first] if len(halves) == len(parts) else None
