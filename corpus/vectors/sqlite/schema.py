"""The tables of the index in SQLite, what is written into them for a generation, and how an older file is brought up.

A generation's number is never used twice, and its rows never change: that is what lets every process keep them in
memory. A row of vectors is named by its key, the generation's number and the chunk's index in one integer. `audience`
says of each principal how many chunks it may read, how many were taken away in all, and which generation came last:
whoever has read as much before need not read it again.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from corpus.database import Connection
from corpus.keys import chunk_id
from corpus.model import Chunk, Generation, GenerationId
from corpus.vectors.common import searched_words
from corpus.vectors.sqlite.rows import BATCH, halved, quantised

if TYPE_CHECKING:
    from corpus.model import Matrix

INDEX_BITS = 24
"""Bits of a key that are the chunk's index; those above are its generation's number."""
INDEX_MASK = (1 << INDEX_BITS) - 1

_PUNCTUATION = string.punctuation.replace("'", "''").replace('"', '""')
_TOKENIZER = f"\"ascii tokenchars '{_PUNCTUATION}'\""
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS space (name TEXT NOT NULL, dimensions INTEGER NOT NULL)",
    """
    CREATE TABLE IF NOT EXISTS generation (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        documentId TEXT NOT NULL, version TEXT NOT NULL, recipe TEXT NOT NULL,
        userId TEXT NOT NULL, tenantId TEXT NOT NULL, fileName TEXT NOT NULL, fileType TEXT NOT NULL,
        tags TEXT NOT NULL, title TEXT NOT NULL, createdAt TEXT NOT NULL,
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
    CREATE TABLE IF NOT EXISTS audience (
        tenantId TEXT NOT NULL, principal TEXT NOT NULL,
        chunks INTEGER NOT NULL, removed INTEGER NOT NULL, newest INTEGER NOT NULL,
        PRIMARY KEY (tenantId, principal)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS graph (
        tenantId TEXT NOT NULL, principal TEXT NOT NULL, file TEXT NOT NULL,
        chunks INTEGER NOT NULL, removed INTEGER NOT NULL, newest INTEGER NOT NULL,
        PRIMARY KEY (tenantId, principal)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS chunk (
        id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, chunkIndex INTEGER NOT NULL, chunkId TEXT NOT NULL,
        startPosition INTEGER NOT NULL, endPosition INTEGER NOT NULL, content TEXT NOT NULL, section TEXT NOT NULL,
        pageNumber INTEGER NOT NULL, endPage INTEGER NOT NULL, wordCount INTEGER NOT NULL, charCount INTEGER NOT NULL,
        UNIQUE (generation, chunkIndex)
    )
    """,
    "CREATE TABLE IF NOT EXISTS block (generation INTEGER PRIMARY KEY, scales BLOB NOT NULL, bytes BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS half (id INTEGER PRIMARY KEY, row BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS tableHeader (chunk INTEGER PRIMARY KEY, header TEXT NOT NULL)",
    f"CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (searchText, readers, tokenize = {_TOKENIZER})",
)


def insert(connection: Connection, generation: Generation) -> None:
    """Store a generation: its chunks, their words and vectors, and who may read them."""
    number = _insert_generation(connection, generation)
    audience = " ".join(map(coded, (*generation.readers, document_reader(generation.id.document_id))))
    for chunk in generation.chunks:
        rowid = _insert_chunk(connection, number, generation.id, chunk)
        searched = searched_words(generation, chunk)
        connection.execute(
            "INSERT INTO words (rowid, searchText, readers) VALUES (?, ?, ?)", (rowid, searched, audience)
        )
        if chunk.header:
            connection.execute("INSERT INTO tableHeader VALUES (?, ?)", (rowid, chunk.header))
    _insert_vectors(connection, number, generation.vectors)


def remove(connection: Connection, numbers: Iterable[int]) -> None:
    """Take generations away, and say so to their audiences."""
    for number in numbers:
        (size,) = connection.execute("SELECT count(*) FROM chunk WHERE generation = ?", (number,)).fetchone()
        connection.execute(
            """
            UPDATE audience SET chunks = chunks - ?1, removed = removed + ?1
            WHERE (tenantId, principal) IN (SELECT tenantId, principal FROM reader WHERE generation = ?2)
            """,
            (size, number),
        )
        for table, key in (("words", "rowid"), ("tableHeader", "chunk")):
            chunks = "SELECT id FROM chunk WHERE generation = ?"
            connection.execute(f"DELETE FROM {table} WHERE {key} IN ({chunks})", (number,))
        connection.execute("DELETE FROM half WHERE id BETWEEN ? AND ?", (key_of(number), key_of(number) | INDEX_MASK))
        for table in ("block", "chunk", "reader"):
            connection.execute(f"DELETE FROM {table} WHERE generation = ?", (number,))
        connection.execute("DELETE FROM generation WHERE id = ?", (number,))


def numbers_of(connection: Connection, generation: GenerationId) -> list[int]:
    """Return the numbers under which a generation lies in the file: one, or none."""
    statement = "SELECT id FROM generation WHERE documentId = ? AND version = ? AND recipe = ?"
    return [row["id"] for row in connection.execute(statement, generation)]


def key_of(number: int, index: int = 0) -> int:
    """Return the key of a chunk's vector."""
    return number << INDEX_BITS | index


def document_reader(document_id: str) -> str:
    """Return the principal that stands for whoever a document is shared with by name."""
    return f"document:{document_id}"


def marks(values: Iterable[object]) -> str:
    """Return a question mark for each value."""
    return ", ".join("?" for _ in values)


def coded(principal: str) -> str:
    """Return a principal as one word of the full-text index, which folds case and parts words at blanks."""
    return principal.encode().hex()


def bring_up(connection: Connection) -> None:
    """Turn a file whose generations held their vectors as float32 into one of this layout; others stay as they are."""
    if "embedding" not in {row["name"] for row in connection.execute("PRAGMA table_info(generation)")}:
        return
    for row in connection.execute("SELECT id FROM generation").fetchall():
        (stored,) = connection.execute("SELECT embedding FROM generation WHERE id = ?", (row["id"],)).fetchone()
        (dimensions,) = connection.execute("SELECT dimensions FROM space").fetchone()
        _insert_vectors(connection, row["id"], np.frombuffer(stored, np.float32).reshape(-1, dimensions))
    connection.execute(
        """
        INSERT INTO audience SELECT tenantId, principal, count(chunk.id), 0, max(reader.generation)
        FROM reader LEFT JOIN chunk ON chunk.generation = reader.generation GROUP BY tenantId, principal
        """
    )
    connection.execute("ALTER TABLE generation DROP COLUMN embedding")


def _insert_generation(connection: Connection, generation: Generation) -> int:
    about = (
        *(generation.user_id, generation.tenant_id, generation.file_name, generation.file_type),
        *(json.dumps(generation.tags), generation.title, generation.created_at),
    )
    cursor = connection.execute(
        """
        INSERT INTO generation
            (documentId, version, recipe, userId, tenantId, fileName, fileType, tags, title, createdAt)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (*generation.id, *about),
    )
    number = int(cursor.lastrowid or 0)
    readers = dict.fromkeys((*generation.readers, document_reader(generation.id.document_id)))
    rows = [(generation.tenant_id, principal, number) for principal in readers]
    connection.executemany("INSERT INTO reader VALUES (?, ?, ?)", rows)
    connection.executemany(
        """
        INSERT INTO audience VALUES (?1, ?2, ?4, 0, ?3)
        ON CONFLICT DO UPDATE SET chunks = chunks + ?4, newest = ?3
        """,
        [(*row, len(generation.chunks)) for row in rows],
    )
    return number


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


def _insert_vectors(connection: Connection, number: int, vectors: Matrix) -> None:
    """Store rows twice: quantised in one block, which is scanned, and as halves one by one, which rescore the best."""
    if not len(vectors):
        return
    block, scales = quantised(vectors)
    connection.execute("INSERT INTO block VALUES (?, ?, ?)", (number, scales.data, block.data))
    for start in range(0, len(vectors), BATCH):
        halves = halved(vectors[start : start + BATCH])
        rows = [(key_of(number, n), row.data.cast("B")) for n, row in enumerate(halves, start)]
        connection.executemany("INSERT INTO half VALUES (?, ?)", rows)
