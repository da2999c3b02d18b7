"""Chunks in SQLite: rows, full-text words, and vectors that are compared exactly or, of many, by graphs.

Everything of a generation is written, and pruned, in one transaction, so the rows, the words and the vectors of a chunk
are there together or not at all. Who may read what is decided within the transaction that searches.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.database import Connection, Database
from corpus.errors import ConfigError
from corpus.model import Generation, GenerationId, Hit, Legs, Space
from corpus.ports import MAX_QUERY_WORDS
from corpus.scope import Where
from corpus.vectors.common import check_vectors, index_name
from corpus.vectors.sqlite.nearest import Nearest
from corpus.vectors.sqlite.schema import INDEX_BITS, INDEX_MASK, SCHEMA, bring_up, coded, insert, numbers_of, remove
from corpus.vectors.sqlite.visible import conditions, left_out, principals_of
from corpus.ways import CACHE_BYTES, EXACT_BELOW, Exact, GraphState

if TYPE_CHECKING:
    from corpus.model import Vector

_HIT = """
    chunk.chunkId, generation.documentId, generation.version, generation.recipe,
    chunk.chunkIndex, chunk.startPosition, chunk.endPosition, chunk.content, chunk.pageNumber, chunk.endPage,
    generation.fileName, generation.title, chunk.section, generation.createdAt,
    coalesce((SELECT header FROM tableHeader WHERE tableHeader.chunk = chunk.id), '')
"""
"""What makes a `Hit`, in the order of `_hit`."""


class SqliteIndex:
    """A `VectorIndex` in one SQLite file, for one space.

    Up to `exact_below` chunks of a reader every one is compared; `cache_bytes` is what is kept in memory.
    """

    def __init__(
        self, path: Path, space: Space, *, exact_below: int = EXACT_BELOW, cache_bytes: int = CACHE_BYTES
    ) -> None:
        self.space = space
        self.name = index_name(space)
        self._database = Database(path, SCHEMA, bring_up)
        self._nearest = Nearest(self._database, space.dimensions, exact_below, cache_bytes)
        self._of_this_space = False

    def write(self, generation: Generation) -> None:
        check_vectors(generation, self.space)
        with self._database.write() as connection:
            self._check_space(connection, claim=True)
            remove(connection, numbers_of(connection, generation.id))
            insert(connection, generation)

    def count(self, generation: GenerationId) -> int:
        statement = f"""
            SELECT count(DISTINCT chunk.chunkId) FROM generation
            JOIN chunk ON chunk.generation = generation.id JOIN words ON words.rowid = chunk.id
            JOIN block ON block.generation = generation.id
            JOIN half ON half.id = (generation.id << {INDEX_BITS}) + chunk.chunkIndex
            WHERE documentId = ? AND version = ? AND recipe = ? AND length(bytes) >= ? * (chunk.chunkIndex + 1)
        """
        with self._database.read() as connection:
            return int(connection.execute(statement, (*generation, self.space.dimensions)).fetchone()[0])

    def prune(self, document_id: str, keep: GenerationId | None, upto: str) -> None:
        statement = "SELECT id, documentId, version, recipe FROM generation WHERE documentId = ? AND version <= ?"
        with self._database.read() as connection:
            if not connection.execute(statement, (document_id, upto)).fetchone():
                return
        with self._database.write() as connection:
            rows = connection.execute(statement, (document_id, upto)).fetchall()
            remove(connection, [row["id"] for row in rows if tuple(row)[1:] != keep])

    def legs(self, vector: Vector, words: Sequence[str], k: int, where: Where) -> Legs:
        with self._database.read() as connection:
            self._check_space(connection)
            nearest, way = self._nearest.find(connection, vector, k, where)
            return Legs(_hits(connection, nearest), _matching(connection, words, k, where), way)

    def exactly(self, vector: Vector, k: int, where: Where) -> Exact:
        with self._database.read() as connection:
            self._check_space(connection)
            nearest, way = self._nearest.find(connection, vector, k, where, exact=True)
            return Exact(tuple(hit.chunk_id for hit in _hits(connection, nearest)), way.exact)

    def tend(self, stop: Callable[[], bool]) -> None:
        self._nearest.graphs.tend(stop)

    def graphs(self) -> list[GraphState]:
        with self._database.read() as connection:
            return self._nearest.graphs.states(connection)

    def ping(self) -> None:
        with self._database.write() as connection:
            self._check_space(connection, claim=True)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _check_space(self, connection: Connection, *, claim: bool = False) -> None:
        """Refuse an index of another space; with `claim`, make a new one this space's. It stays what it is."""
        if self._of_this_space:
            return
        if claim:
            mine = (self.space.name, self.space.dimensions)
            connection.execute("INSERT INTO space SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM space)", mine)
        row = connection.execute("SELECT name, dimensions FROM space").fetchone()
        if row and tuple(row) != (self.space.name, self.space.dimensions):
            raise ConfigError(
                f"The index {self._database.path} holds {row['name']}@{row['dimensions']}, not {self.space}.",
                hint="Set FOOTNOTE_EMBEDDER back, or name another file in FOOTNOTE_INDEX and run `footnote reindex`.",
            )
        self._of_this_space = row is not None and not claim


def _hits(connection: Connection, found: Sequence[tuple[int, float]]) -> tuple[Hit, ...]:
    """The chunks of these keys, with these scores."""
    statement = f"""
        SELECT asked.value, {_HIT} FROM json_each(?) AS asked
        CROSS JOIN chunk ON chunk.generation = asked.value >> {INDEX_BITS}
            AND chunk.chunkIndex = asked.value & {INDEX_MASK}
        CROSS JOIN generation ON generation.id = chunk.generation
    """
    rows = connection.execute(statement, (json.dumps([key for key, _ in found]),))
    chunks = {row[0]: row for row in rows}
    return tuple(_hit(chunks[key][1:], score) for key, score in found)


def _matching(connection: Connection, words: Sequence[str], k: int, where: Where) -> tuple[Hit, ...]:
    if not words:
        return ()
    readers = [coded(one) for one in principals_of(where)]
    query = f"searchText : ({_any_of(words[:MAX_QUERY_WORDS])}) AND readers : ({_any_of(readers)})"
    clauses, values = conditions(where.only)
    statement = f"""
        SELECT bm25(words, 1.0, 0.0) AS rank, {_HIT} FROM words
        JOIN chunk ON chunk.id = words.rowid JOIN generation ON generation.id = chunk.generation
        WHERE words MATCH ? AND generation.tenantId = ?
          AND generation.id NOT IN (SELECT value FROM json_each(?)) {clauses}
        ORDER BY rank, generation.documentId, chunk.chunkIndex LIMIT ?
    """
    asked = (query, where.tenant_id, json.dumps(left_out(connection, where)), *values, k)
    return tuple(_hit(row[1:], -row[0]) for row in connection.execute(statement, asked))


def _hit(row: Sequence[Any], score: float) -> Hit:
    name, document_id, version, recipe, index, start, end, content, page, end_page, file, title, section, at, header = (
        row
    )
    generation = GenerationId(document_id, version, recipe)
    return Hit(name, generation, index, start, end, content, page, end_page, file, title, section, at, score, header)


def _any_of(words: Iterable[str]) -> str:
    """A full-text query for any of these words, each taken literally."""
    return " OR ".join('"' + word.replace('"', '""') + '"' for word in words)
