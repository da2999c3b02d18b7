"""What a search may see, as clauses of SQL and as the numbers of generations.

Only numbers are handed over as JSON: SQLite ends a text in JSON at its first NUL.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from corpus.database import Connection
from corpus.scope import Where
from corpus.vectors.sqlite.schema import document_reader, marks, numbers_of
from corpus.ways import Filter

if TYPE_CHECKING:
    from corpus.vectors.sqlite.audiences import Allowed


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
    principals, (clauses, values) = principals_of(where), conditions(where.only)
    statement = f"""
        SELECT DISTINCT generation.id FROM reader JOIN generation ON generation.id = reader.generation
        WHERE reader.tenantId = ? AND principal IN ({marks(principals)})
          AND generation.id NOT IN (SELECT value FROM json_each(?)) {clauses}
    """
    asked = (where.tenant_id, *principals, json.dumps(without), *values)
    return np.array([row[0] for row in connection.execute(statement, asked)], np.int64)


def conditions(only: Filter) -> tuple[str, list[str]]:
    """Return what a filter asks of a row of `generation`, with an AND before each clause, and the values."""
    documents, types, tags = (sorted(values) for values in (only.document_ids, only.types, only.tags))
    found = [
        (f"generation.documentId IN ({marks(documents)})", documents),
        (f"generation.fileType IN ({marks(types)})", types),
        (f"EXISTS (SELECT 1 FROM json_each(generation.tags) AS tag WHERE tag.value IN ({marks(tags)}))", tags),
        ("generation.createdAt >= ?", [only.since] if only.since else []),
        ("generation.createdAt != '' AND generation.createdAt < ?", [only.until] if only.until else []),
    ]
    clauses = [f"AND {clause}" for clause, values in found if values]
    return " ".join(clauses), [value for _, values in found for value in values]
