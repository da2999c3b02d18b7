"""Records in SQLite, with DynamoDB's columns and DynamoDB's guarantees."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from corpus.database import Connection, Database, Row
from corpus.errors import BadRequest, Conflict, QuotaExceeded
from corpus.items import ABSENT, MAX_TRANSACTION, Batch, Item, Put, Remove
from corpus.keys import iso_time

SCHEMA_VERSION = "1.0.0"
_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS item (
        PK TEXT NOT NULL, SK TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL, counters TEXT NOT NULL,
        GSI1PK TEXT, GSI1SK TEXT, GSI2PK TEXT, GSI2SK TEXT, GSI3PK TEXT, GSI3SK TEXT,
        created_at TEXT NOT NULL, updated_at TEXT NOT NULL, ttl INTEGER,
        schemaVersion TEXT NOT NULL, rev INTEGER NOT NULL,
        PRIMARY KEY (PK, SK)
    ) WITHOUT ROWID
    """,
    *(
        f"CREATE INDEX IF NOT EXISTS item_{n} ON item (GSI{n}PK, GSI{n}SK, PK, SK) WHERE GSI{n}PK IS NOT NULL"
        for n in (1, 2, 3)
    ),
)
_COLUMNS = "PK, SK, kind, data, counters, ttl, created_at, updated_at, schemaVersion, rev, " + ", ".join(
    f"GSI{n}PK, GSI{n}SK" for n in (1, 2, 3)
)


class SqliteTable:
    """A `Table` in one SQLite file."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path, _SCHEMA)
        self._clock = clock

    def get(self, pk: str, sk: str) -> Item | None:
        with self._database.read() as connection:
            return self._get(connection, pk, sk)

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        with self._database.read() as connection:
            return [self._get(connection, *key) for key in keys]

    def put(self, item: Item, only_if: int) -> Item:
        with self._database.write() as connection:
            return self._put(connection, item, only_if)

    def add(
        self, pk: str, sk: str, amounts: Mapping[str, int], cap: Mapping[str, int], ttl: int | None = None
    ) -> Mapping[str, int]:
        with self._database.write() as connection:
            there = self._get(connection, pk, sk)
            counters = dict(there.counters) if there else {}
            for name, amount in amounts.items():
                counters[name] = counters.get(name, 0) + amount
                if name in cap and counters[name] > cap[name]:
                    raise QuotaExceeded(f"{name} would pass {cap[name]}.", counter=name)
            item = there or Item(pk, sk, "counters", {})
            item = replace(item, counters=counters, ttl=ttl if item.ttl is None else item.ttl)
            return self._put(connection, item, there.rev if there else ABSENT).counters

    def delete(self, pk: str, sk: str, only_if: int) -> None:
        with self._database.write() as connection:
            self._delete(connection, pk, sk, only_if)

    def query(
        self,
        index: int,
        partition: str,
        span: tuple[str, str] = ("", "~"),
        *,
        newest_first: bool = False,
        limit: int = 100,
        after: str | None = None,
    ) -> Batch:
        pk, sk = (f"GSI{index}PK", f"GSI{index}SK") if index else ("PK", "SK")
        where = f"{pk} = ? AND {sk} BETWEEN ? AND ? AND (ttl IS NULL OR ttl > ?)"
        values: list[object] = [partition, *span, self._clock()]
        if after:
            where += f" AND ({sk}, PK, SK) {'<' if newest_first else '>'} (?, ?, ?)"
            values += _cursor(after)
        order = ", ".join(f"{column} {'DESC' if newest_first else 'ASC'}" for column in (sk, "PK", "SK"))
        with self._database.read() as connection:
            statement = f"SELECT {_COLUMNS} FROM item WHERE {where} ORDER BY {order} LIMIT ?"
            rows = connection.execute(statement, [*values, limit + 1]).fetchall()
        last = rows[limit - 1] if len(rows) > limit else None
        cursor = json.dumps([last[sk], last["PK"], last["SK"]]) if last else None
        return Batch(tuple(_item(row) for row in rows[:limit]), cursor)

    def transact(self, writes: Sequence[Put | Remove]) -> None:
        names = {(one.item.pk, one.item.sk) if isinstance(one, Put) else (one.pk, one.sk) for one in writes}
        if len(writes) > MAX_TRANSACTION or len(names) < len(writes):
            raise BadRequest(f"A transaction has at most {MAX_TRANSACTION} writes, each of another item.")
        with self._database.write() as connection:
            for one in writes:
                if isinstance(one, Put):
                    self._put(connection, one.item, one.only_if)
                else:
                    self._delete(connection, one.pk, one.sk, one.only_if)

    def ping(self) -> None:
        self._database.ping()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _get(self, connection: Connection, pk: str, sk: str) -> Item | None:
        statement = f"SELECT {_COLUMNS} FROM item WHERE PK = ? AND SK = ? AND (ttl IS NULL OR ttl > ?)"
        row = connection.execute(statement, (pk, sk, self._clock())).fetchone()
        return _item(row) if row else None

    def _checked(self, connection: Connection, pk: str, sk: str, only_if: int) -> Item | None:
        there = self._get(connection, pk, sk)
        if (there.rev if there else ABSENT) != only_if:
            raise Conflict(f"{pk} / {sk} is not at rev {only_if} any more.")
        return there

    def _put(self, connection: Connection, item: Item, only_if: int) -> Item:
        there = self._checked(connection, item.pk, item.sk, only_if)
        now = iso_time(self._clock())
        item = replace(item, created_at=there.created_at if there else now, updated_at=now, rev=only_if + 1)
        connection.execute(
            f"INSERT OR REPLACE INTO item ({_COLUMNS}) VALUES ({', '.join('?' * 16)})",
            (
                item.pk,
                item.sk,
                item.kind,
                data := json.dumps(item.data),
                json.dumps(item.counters),
                item.ttl,
                item.created_at,
                item.updated_at,
                SCHEMA_VERSION,
                item.rev,
                *(part for n in (1, 2, 3) for part in item.keys.get(n, (None, None))),
            ),
        )
        return replace(item, data=json.loads(data))

    def _delete(self, connection: Connection, pk: str, sk: str, only_if: int) -> None:
        self._checked(connection, pk, sk, only_if)
        connection.execute("DELETE FROM item WHERE PK = ? AND SK = ?", (pk, sk))


def _item(row: Row) -> Item:
    """The item of a row: by the places of its columns, as looking for their names takes as long as reading them."""
    pk, sk, kind, data, counters, ttl, created_at, updated_at, _, rev, *keys = row
    named = {n: (keys[2 * n - 2], keys[2 * n - 1]) for n in (1, 2, 3) if keys[2 * n - 2] is not None}
    return Item(pk, sk, kind, json.loads(data), named, ttl, json.loads(counters), created_at, updated_at, rev)


def _cursor(after: str) -> list[str]:
    """Where a page ended: its last sort key and primary key."""
    try:
        parts = json.loads(after)
        json.dumps(parts, ensure_ascii=False).encode()  # half a character is no text
    except (ValueError, RecursionError) as error:
        raise BadRequest("That is no cursor of this query.") from error
    if not (isinstance(parts, list) and len(parts) == 3 and all(isinstance(part, str) for part in parts)):
        raise BadRequest("That is no cursor of this query.")
    return parts
