"""Chunks in SQLite: rows, full-text words, and one block of vectors a generation, scanned exactly.

Everything of a generation is written, and pruned, in one transaction, so the rows, the words and the vectors of a chunk
are there together or not at all. A generation's number is never used twice and its block never changes: that is what
lets every process keep blocks in memory without asking whether they are still right.
"""

from __future__ import annotations

import json
import string
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from corpus.database import Connection, Database, Row
from corpus.errors import ConfigError
from corpus.keys import chunk_id
from corpus.model import Chunk, Generation, GenerationId, Hit, Legs, Space, Where
from corpus.ports import MAX_QUERY_WORDS
from corpus.vectors.common import check_vectors, index_name, searched_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from corpus.model import Matrix, Vector

    Numbers = NDArray[np.int64]

CACHE_BYTES = 512 * 2**20
CACHE_SETS = 4
"""How much memory one process may spend on vectors it has read before, and for how many sets of readers."""

_PUNCTUATION = string.punctuation.replace("'", "''").replace('"', '""')
_TOKENIZER = f"\"ascii tokenchars '{_PUNCTUATION}'\""
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS space (name TEXT NOT NULL, dimensions INTEGER NOT NULL)",
    """
    CREATE TABLE IF NOT EXISTS generation (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        documentId TEXT NOT NULL, version TEXT NOT NULL, recipe TEXT NOT NULL,
        userId TEXT NOT NULL, tenantId TEXT NOT NULL, fileName TEXT NOT NULL, fileType TEXT NOT NULL,
        tags TEXT NOT NULL, title TEXT NOT NULL, createdAt TEXT NOT NULL, embedding BLOB NOT NULL,
        UNIQUE (documentId, version, recipe)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS reader (
        tenantId TEXT NOT NULL, principal TEXT NOT NULL, generation INTEGER NOT NULL,
        PRIMARY KEY (tenantId, principal, generation)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS reader_generation ON reader (generation)",
    """
    CREATE TABLE IF NOT EXISTS chunk (
        id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, chunkIndex INTEGER NOT NULL, chunkId TEXT NOT NULL,
        startPosition INTEGER NOT NULL, endPosition INTEGER NOT NULL, content TEXT NOT NULL, section TEXT NOT NULL,
        pageNumber INTEGER NOT NULL, endPage INTEGER NOT NULL, wordCount INTEGER NOT NULL, charCount INTEGER NOT NULL,
        UNIQUE (generation, chunkIndex)
    )
    """,
    "CREATE TABLE IF NOT EXISTS tableHeader (chunk INTEGER PRIMARY KEY, header TEXT NOT NULL)",
    f"CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (searchText, readers, tokenize = {_TOKENIZER})",
)
_HIT = """
    chunk.chunkId, chunk.chunkIndex, chunk.startPosition, chunk.endPosition, chunk.content, chunk.section,
    chunk.pageNumber, chunk.endPage, generation.documentId, generation.version, generation.recipe,
    generation.fileName, generation.title, generation.createdAt,
    coalesce((SELECT header FROM tableHeader WHERE tableHeader.chunk = chunk.id), '') AS header
"""


class SqliteIndex:
    """A `VectorIndex` in one SQLite file, for one space."""

    def __init__(self, path: Path, space: Space) -> None:
        self.space = space
        self.name = index_name(space)
        self._database = Database(path, _SCHEMA)
        self._stacks = _Stacks()

    def write(self, generation: Generation) -> None:
        check_vectors(generation, self.space)
        with self._database.write() as connection:
            self._check_space(connection, claim=True)
            _remove(connection, _numbers(connection, generation.id))
            number = _insert(connection, generation)
            audience = " ".join(map(_coded, (*generation.readers, _document_reader(generation.id.document_id))))
            for chunk in generation.chunks:
                searched = searched_words(generation, chunk)
                rowid = _insert_chunk(connection, number, generation.id, chunk)
                connection.execute(
                    "INSERT INTO words (rowid, searchText, readers) VALUES (?, ?, ?)", (rowid, searched, audience)
                )
                if chunk.header:
                    connection.execute("INSERT INTO tableHeader VALUES (?, ?)", (rowid, chunk.header))

    def count(self, generation: GenerationId) -> int:
        statement = """
            SELECT count(DISTINCT chunk.chunkId) FROM generation
            JOIN chunk ON chunk.generation = generation.id JOIN words ON words.rowid = chunk.id
            WHERE documentId = ? AND version = ? AND recipe = ?
              AND length(embedding) >= 4 * ? * (chunk.chunkIndex + 1)
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
            _remove(connection, [row["id"] for row in rows if tuple(row)[1:] != keep])

    def legs(self, vector: Vector, words: Sequence[str], k: int, where: Where) -> Legs:
        with self._database.read() as connection:
            self._check_space(connection)
            left_out = {number for one in where.without for number in _numbers(connection, one)}
            return Legs(
                self._nearest(connection, vector, k, where, left_out),
                self._matching(connection, words, k, where, left_out),
            )

    def _nearest(
        self, connection: Connection, vector: Vector, k: int, where: Where, left_out: set[int]
    ) -> tuple[Hit, ...]:
        principals = (*where.principals, *map(_document_reader, where.document_ids))
        statement = f"SELECT DISTINCT generation FROM reader WHERE tenantId = ? AND principal IN ({_marks(principals)})"
        rows = connection.execute(statement, (where.tenant_id, *principals))
        numbers = tuple(sorted({row[0] for row in rows} - left_out))
        matrix, owners, indexes = self._stacks.get(connection, numbers, self.space.dimensions)
        scores = matrix @ vector
        best = np.argpartition(-scores, k)[:k] if len(scores) > k else np.arange(len(scores))
        best = best[np.argsort(-scores[best], kind="stable")]
        found = f"""
            SELECT {_HIT} FROM chunk JOIN generation ON generation.id = chunk.generation
            WHERE chunk.generation = ? AND chunk.chunkIndex = ?
        """
        places = ((float(scores[i]), (int(owners[i]), int(indexes[i]))) for i in best)
        return tuple(_hit(connection.execute(found, place).fetchone(), score) for score, place in places)

    def _matching(
        self, connection: Connection, words: Sequence[str], k: int, where: Where, left_out: set[int]
    ) -> tuple[Hit, ...]:
        if not words:
            return ()
        readers = [_coded(one) for one in (*where.principals, *map(_document_reader, where.document_ids))]
        query = f"searchText : ({_any_of(words[:MAX_QUERY_WORDS])}) AND readers : ({_any_of(readers)})"
        statement = f"""
            SELECT {_HIT}, bm25(words, 1.0, 0.0) AS rank FROM words
            JOIN chunk ON chunk.id = words.rowid JOIN generation ON generation.id = chunk.generation
            WHERE words MATCH ? AND generation.tenantId = ? AND generation.id NOT IN ({_marks(left_out)})
            ORDER BY rank, generation.documentId, chunk.chunkIndex LIMIT ?
        """
        rows = connection.execute(statement, (query, where.tenant_id, *left_out, k)).fetchall()
        return tuple(_hit(row, -row["rank"]) for row in rows)

    def ping(self) -> None:
        with self._database.write() as connection:
            self._check_space(connection, claim=True)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _check_space(self, connection: Connection, *, claim: bool = False) -> None:
        """Refuse an index of another space; with `claim`, make a new one this space's."""
        if claim:
            mine = (self.space.name, self.space.dimensions)
            connection.execute("INSERT INTO space SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM space)", mine)
        row = connection.execute("SELECT name, dimensions FROM space").fetchone()
        if row and tuple(row) != (self.space.name, self.space.dimensions):
            raise ConfigError(
                f"The index {self._database.path} holds {row['name']}@{row['dimensions']}, not {self.space}.",
                hint="Set FOOTNOTE_EMBEDDER back, or name another file in FOOTNOTE_INDEX and run `footnote reindex`.",
            )


class _Stacks:
    """The vectors of sets of generations, stacked; the sets used last stay in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, ...], tuple[Matrix, Numbers, Numbers]] = OrderedDict()

    def get(self, connection: Connection, numbers: tuple[int, ...], dimensions: int) -> tuple[Matrix, Numbers, Numbers]:
        """Return the vectors of these generations, and for each row its generation and its chunk's index."""
        with self._lock:
            if numbers in self._kept:
                self._kept.move_to_end(numbers)
                return self._kept[numbers]
        blocks = [_block(connection, number, dimensions) for number in numbers]
        stack = (
            np.concatenate([np.zeros((0, dimensions), np.float32), *blocks]),
            np.repeat(np.array(numbers, np.int64), [len(block) for block in blocks]),
            np.concatenate([np.zeros(0, np.int64), *(np.arange(len(block)) for block in blocks)]),
        )
        with self._lock:
            self._kept[numbers] = stack
            while len(self._kept) > 1 and (len(self._kept) > CACHE_SETS or self._bytes() > CACHE_BYTES):
                self._kept.popitem(last=False)
        return stack

    def _bytes(self) -> int:
        return sum(matrix.nbytes for matrix, _, _ in self._kept.values())


def _block(connection: Connection, number: int, dimensions: int) -> Matrix:
    row = connection.execute("SELECT embedding FROM generation WHERE id = ?", (number,)).fetchone()
    return np.frombuffer(row["embedding"], np.float32).reshape(-1, dimensions)


def _numbers(connection: Connection, generation: GenerationId) -> list[int]:
    statement = "SELECT id FROM generation WHERE documentId = ? AND version = ? AND recipe = ?"
    return [row["id"] for row in connection.execute(statement, generation)]


def _insert(connection: Connection, generation: Generation) -> int:
    cursor = connection.execute(
        """
        INSERT INTO generation
            (documentId, version, recipe, userId, tenantId, fileName, fileType, tags, title, createdAt, embedding)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            *generation.id,
            generation.user_id,
            generation.tenant_id,
            generation.file_name,
            generation.file_type,
            json.dumps(generation.tags),
            generation.title,
            generation.created_at,
            _bytes(generation.vectors),
        ),
    )
    readers = dict.fromkeys((*generation.readers, _document_reader(generation.id.document_id)))
    rows = [(generation.tenant_id, principal, cursor.lastrowid) for principal in readers]
    connection.executemany("INSERT INTO reader VALUES (?, ?, ?)", rows)
    return int(cursor.lastrowid or 0)


def _bytes(vectors: Matrix) -> memoryview | bytes:
    """The vectors as they are stored, without a copy of them all; of none there is no view."""
    return np.ascontiguousarray(vectors, np.float32).data.cast("B") if vectors.size else b""


def _insert_chunk(connection: Connection, number: int, generation: GenerationId, chunk: Chunk) -> int:
    cursor = connection.execute(
        """
        INSERT INTO chunk (generation, chunkIndex, chunkId, startPosition, endPosition, content, section,
                           pageNumber, endPage, wordCount, charCount)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            number,
            chunk.index,
            chunk_id(*generation, chunk.index),
            chunk.start,
            chunk.end,
            chunk.content,
            chunk.section,
            chunk.page,
            chunk.end_page,
            len(chunk.content.split()),
            len(chunk.content),
        ),
    )
    return int(cursor.lastrowid or 0)


def _remove(connection: Connection, numbers: Iterable[int]) -> None:
    for number in numbers:
        for table, key in (("words", "rowid"), ("tableHeader", "chunk")):
            chunks = "SELECT id FROM chunk WHERE generation = ?"
            connection.execute(f"DELETE FROM {table} WHERE {key} IN ({chunks})", (number,))
        connection.execute("DELETE FROM chunk WHERE generation = ?", (number,))
        connection.execute("DELETE FROM reader WHERE generation = ?", (number,))
        connection.execute("DELETE FROM generation WHERE id = ?", (number,))


def _hit(row: Row, score: float) -> Hit:
    return Hit(
        chunk_id=row["chunkId"],
        generation=GenerationId(row["documentId"], row["version"], row["recipe"]),
        chunk_index=row["chunkIndex"],
        start=row["startPosition"],
        end=row["endPosition"],
        content=row["content"],
        page=row["pageNumber"],
        end_page=row["endPage"],
        file_name=row["fileName"],
        title=row["title"],
        section=row["section"],
        created_at=row["createdAt"],
        score=score,
        header=row["header"],
    )


def _document_reader(document_id: str) -> str:
    """The principal that stands for whoever a document is shared with by name."""
    return f"document:{document_id}"


def _coded(principal: str) -> str:
    """A principal as one word of the full-text index, which folds case and parts words at blanks."""
    return principal.encode().hex()


def _any_of(words: Iterable[str]) -> str:
    """A full-text query for any of these words, each taken literally."""
    return " OR ".join('"' + word.replace('"', '""') + '"' for word in words)


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)
