"""Changes waiting in SQLite, with the habits of SQS: leases, delays, dead letters, no promised order."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from corpus.changes import from_json, to_json
from corpus.database import Connection, Database
from corpus.errors import BadRequest, Unavailable
from corpus.model import Change, Delivery
from corpus.ports import LEASE_SECONDS, MAX_DELAY_SECONDS, MAX_DELIVERIES

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS message (
        id INTEGER PRIMARY KEY, body TEXT NOT NULL, visible REAL NOT NULL,
        count INTEGER NOT NULL DEFAULT 0, receipt TEXT NOT NULL DEFAULT '', dead INTEGER NOT NULL DEFAULT 0
    )
    """,
    "CREATE INDEX IF NOT EXISTS message_visible ON message (dead, visible)",
    "CREATE INDEX IF NOT EXISTS message_receipt ON message (receipt)",
)
_READY = "SELECT id, body, count FROM message WHERE dead = 0 AND visible <= ? ORDER BY visible, id LIMIT ?"


class SqliteQueue:
    """A `Queue` in one SQLite file."""

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._database = Database(path, _SCHEMA)
        self._clock = clock
        self._sleep = sleep

    def send(self, change: Change, delay: float = 0) -> None:
        if not 0 <= delay <= MAX_DELAY_SECONDS:
            raise BadRequest(f"A delay of {delay} seconds is not between 0 and {MAX_DELAY_SECONDS}.")
        message = (to_json(change), self._clock() + delay)
        with self._database.write() as connection:
            connection.execute("INSERT INTO message (body, visible) VALUES (?, ?)", message)

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        deadline = self._clock() + wait
        while not (found := self._receive(limit)):
            left = deadline - self._clock()
            if left <= 0:
                break
            self._sleep(min(POLL_SECONDS, left))
        return found

    def _receive(self, limit: int) -> list[Delivery]:
        now = self._clock()
        if not self.waiting():
            return []
        found: list[Delivery] = []
        with self._database.write() as connection:
            while len(found) < limit and (row := connection.execute(_READY, (now, 1)).fetchone()):
                change = from_json(row["body"])
                if change is None or row["count"] >= MAX_DELIVERIES:
                    _bury(connection, row["id"], understood=change is not None)
                    continue
                delivery = Delivery(change, uuid.uuid4().hex, row["count"] + 1)
                connection.execute(
                    "UPDATE message SET visible = ?, count = ?, receipt = ? WHERE id = ?",
                    (now + LEASE_SECONDS, delivery.count, delivery.receipt, row["id"]),
                )
                found.append(delivery)
        return found

    def extend(self, delivery: Delivery, seconds: float) -> None:
        with self._database.write() as connection:
            connection.execute(
                "UPDATE message SET visible = ? WHERE receipt = ?", (self._clock() + seconds, delivery.receipt)
            )

    def give_way(self, delivery: Delivery) -> None:
        with self._database.write() as connection:
            connection.execute(
                "UPDATE message SET visible = ?, count = 0 WHERE receipt = ?", (self._clock(), delivery.receipt)
            )

    def waiting(self) -> bool:
        with self._database.read() as connection:
            return connection.execute(_READY, (self._clock(), 1)).fetchone() is not None

    def done(self, delivery: Delivery) -> None:
        with self._database.write() as connection:
            connection.execute("DELETE FROM message WHERE receipt = ?", (delivery.receipt,))

    def failed(self, delivery: Delivery, error: Exception) -> None:
        least = (error.retry_after or 0) if isinstance(error, Unavailable) else 0
        self.extend(delivery, min(MAX_DELAY_SECONDS, max(least, 2**delivery.count)))

    def dead_letters(self) -> int:
        with self._database.read() as connection:
            return int(connection.execute("SELECT count(*) FROM message WHERE dead = 1").fetchone()[0])

    def ping(self) -> None:
        self._database.ping()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _bury(connection: Connection, number: int, *, understood: bool) -> None:
    connection.execute("UPDATE message SET dead = 1 WHERE id = ?", (number,))
    log.warning("a message went to the dead letters", extra={"message_id": number, "understood": understood})
