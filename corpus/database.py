"""One SQLite file that many threads and processes use at once.

The table, the queue and the index of one machine share it. It stands in write-ahead mode: a writer never waits for
readers, and a reader sees one state for as long as it reads. Only local disks will do: the write-ahead log does not
work on network file systems.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from corpus.errors import ConfigError, FootnoteError, Unavailable

Connection = sqlite3.Connection
Row = sqlite3.Row

WAIT_SECONDS = 30.0

TRANSIENT = frozenset({"BUSY", "LOCKED", "NOMEM", "INTERRUPT", "IOERR", "FULL", "PROTOCOL", "ABORT", "SCHEMA"})
"""SQLite's result codes that another try may mend."""
SETTINGS = frozenset({"PERM", "READONLY", "CORRUPT", "CANTOPEN", "NOTADB", "AUTH", "FORMAT", "NOLFS"})
"""Those that say that the file is not what it should be."""
BUGS = frozenset(
    {
        "ERROR",
        "INTERNAL",
        "NOTFOUND",
        "EMPTY",
        "TOOBIG",
        "CONSTRAINT",
        "MISMATCH",
        "MISUSE",
        "RANGE",
        "NOTICE",
        "WARNING",
    }
)
"""Those that only a mistake in this product can cause; they are not translated."""


class Database:
    """Connections to one file: one for each thread, closed together.

    Raises `ConfigError` when the file cannot be opened or is none of ours, `Unavailable` when it is busy for long.
    """

    def __init__(
        self, path: Path, schema: Sequence[str], bring_up: Callable[[Connection], None] = lambda _: None
    ) -> None:
        """Take the tables to be there, and what turns those of an older file into them, which must bear repeating."""
        self.path = path
        self._local = threading.local()
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._opened: list[Connection] = []
        self._schema, self._bring_up = schema, bring_up
        self._prepared = False

    def read(self) -> AbstractContextManager[Connection]:
        """Read one state of the file, whatever is written meanwhile."""
        return self._transaction("BEGIN")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Write all of the body's statements or, if it raises, none.

        Threads take turns here: SQLite would have each sleep and look again, up to a tenth of a second at a time.
        """
        with self._turn, self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def ping(self) -> None:
        """Return if the file can be read and written."""
        with self.write() as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
            self._local = threading.local()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        try:
            connection = self._connection()
            connection.execute(begin)
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._open()
            self._local.connection = connection
        return connection

    def _open(self) -> Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"The folder {self.path.parent} cannot be made: {error.strerror}.") from error
        connection = sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            _to_write_ahead(connection)
            connection.execute("PRAGMA synchronous = FULL")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._opened.append(connection)
        return connection

    def _prepare(self, connection: Connection) -> None:
        if self._prepared:
            return
        connection.execute("BEGIN IMMEDIATE")
        for statement in self._schema:
            connection.execute(statement)
        self._bring_up(connection)
        connection.execute("COMMIT")
        self._prepared = True


def _to_write_ahead(connection: Connection) -> None:
    """Turn write-ahead mode on; two processes that do so at once refuse each other without waiting."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def translated(error: sqlite3.Error, path: Path) -> FootnoteError | sqlite3.Error:
    """Return what an error of SQLite means to us; a mistake in our statements stays what it is."""
    name = getattr(error, "sqlite_errorname", "SQLITE_ERROR").split("_")[1]
    if name in TRANSIENT:
        return Unavailable(f"The database {path} cannot be used just now ({name.lower()}).", retry_after=1)
    if name in SETTINGS:
        hint = "Check the folder's permissions; a damaged file can be moved away and restored by `footnote reindex`."
        return ConfigError(f"{path} cannot be used as a database ({name.lower()}).", hint=hint)
    return error
