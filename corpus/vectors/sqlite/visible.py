"""What a search may see, as clauses of SQL and as the numbers of generations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from corpus.database import Connection
from corpus.model import Where
from corpus.vectors.sqlite.schema import document_reader, numbers_of
from corpus.ways import Filter

if TYPE_CHECKING:
    from corpus.vectors.sqlite.audiences import Allowed

TAGGED = """EXISTS (
    SELECT 1 FROM json_each(generation.tags) AS tag WHERE tag.value IN (SELECT value FROM json_each(?))
)"""


def principals_of(where: Where) -> list[str]:
    """Return whose rows a search may see: the asker's principals', and those of documents shared by name."""
    return sorted((*where.principals, *map(document_reader, where.document_ids)))


def left_out(connection: Connection, where: Where) -> list[int]:
    """Return the numbers of the generations that a search leaves out."""
    return [number for one in where.without for number in numbers_of(connection, one)]


def passing(connection: Connection, where: Where) -> Allowed | None:
    """Return the numbers of the generations that pass, among those the asker sees; None if all of them do."""
    without = left_out(connection, where)
    if not without and not where.only:
        return None
    clauses, values = conditions(where.only)
    statement = f"""
        SELECT DISTINCT generation.id FROM reader JOIN generation ON generation.id = reader.generation
        WHERE reader.tenantId = ? AND principal IN (SELECT value FROM json_each(?))
          AND generation.id NOT IN (SELECT value FROM json_each(?)) {clauses}
    """
    asked = (where.tenant_id, json.dumps(principals_of(where)), json.dumps(without), *values)
    return np.array([row[0] for row in connection.execute(statement, asked)], np.int64)


def conditions(only: Filter) -> tuple[str, list[str]]:
    """Return what a filter asks of a row of `generation`, with an AND before each clause, and the values."""
    found = [
        ("generation.documentId IN (SELECT value FROM json_each(?))", _listed(only.document_ids)),
        ("generation.fileType IN (SELECT value FROM json_each(?))", _listed(only.types)),
        (TAGGED, _listed(only.tags)),
        ("generation.createdAt >= ?", only.since),
        ("generation.createdAt != '' AND generation.createdAt < ?", only.until),
    ]
    given = [(clause, value) for clause, value in found if value]
    return " ".join(f"AND {clause}" for clause, _ in given), [value for _, value in given]


def _listed(values: frozenset[str]) -> str:
    return json.dumps(sorted(values)) if values else ""
