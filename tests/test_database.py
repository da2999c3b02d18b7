from __future__ import annotations

import gc
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from corpus import database
from corpus.database import Database, translated
from corpus.errors import ConfigError, Unavailable
from corpus.items import ABSENT, Item
from corpus.model import Change, Space
from corpus.queues.sqlite import SqliteQueue
from corpus.scope import Where
from corpus.tables.sqlite import SqliteTable
from corpus.vectors.common import index_name
from corpus.vectors.sqlite import SqliteIndex

CODES = {
    name.removeprefix("SQLITE_"): value
    for name, value in vars(sqlite3).items()
    if name.startswith("SQLITE_") and isinstance(value, int)
}
RESULTS = set(
    """
    ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL EMPTY
    SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB NOTICE WARNING
    """.split()  # noqa: SIM905 -- a column of thirty quoted strings would be harder to read
)


def test_every_result_code_has_one_meaning() -> None:
    """Each of SQLite's result codes is one to try again, one of the settings, or a bug, and only one of these."""
    groups = [database.TRANSIENT, database.SETTINGS, database.BUGS]

    assert set(CODES) >= RESULTS
    assert sorted(code for group in groups for code in group) == sorted(RESULTS)


def test_every_error_class_is_mapped() -> None:
    """Each exception class of sqlite3, with each result code, becomes one of our errors or stays a bug."""
    classes = [one for one in vars(sqlite3).values() if isinstance(one, type) and issubclass(one, sqlite3.Error)]
    assert len(classes) >= 9
    for kind in classes:
        for name in RESULTS:
            error = kind("no")
            error.sqlite_errorname = f"SQLITE_{name}"
            found = translated(error, Path("x.db"))
            expected = Unavailable if name in database.TRANSIENT else ConfigError
            assert found is error if name in database.BUGS else type(found) is expected
        assert isinstance(translated(kind("no name"), Path("x.db")), kind)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of another kind is refused with its name and what to do."""
    path = tmp_path / "footnote.db"
    path.write_bytes(b"something else entirely, and long enough" * 100)

    with pytest.raises(ConfigError, match=r"footnote\.db cannot be used as a database \(notadb\)"):
        SqliteTable(path).ping()
    gc.collect()  # nothing of the attempt is left open: a warning here would be an error


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A path through a file is refused with the reason."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(ConfigError, match="cannot be made"):
        SqliteQueue(tmp_path / "file" / "footnote.db").ping()


def test_a_busy_file_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that another process keeps for itself is unavailable, not broken."""
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    one, two = Database(tmp_path / "a.db", ()), Database(tmp_path / "a.db", ())
    one.ping()
    two.ping()

    with one.write(), pytest.raises(Unavailable, match="busy"):
        two.ping()
    two.ping()
    one.close()
    two.close()


def test_an_index_of_another_space_is_refused(tmp_path: Path) -> None:
    """An index says whose vectors it holds, and refuses an embedder of another space."""
    mine, other = (SqliteIndex(tmp_path / "a.db", Space(name, 8)) for name in ("mine", "other"))
    mine.ping()

    with pytest.raises(ConfigError, match="holds mine@8, not other@8"):
        other.ping()
    mine.close()
    other.close()


def test_an_index_is_named_after_its_space() -> None:
    """An index's name tells its space, in characters that every engine takes."""
    assert index_name(Space("local/MiniLM+words-1", 1536)) == "document-chunks-local-minilm-words-1-1536-001"


WRITER = """
import sys
from collections import Counter
from pathlib import Path
from corpus.model import Change
from corpus.items import Item
from corpus.queues.sqlite import SqliteQueue
from corpus.tables.sqlite import SqliteTable
path, name = Path(sys.argv[1]), sys.argv[2]
table, queue = SqliteTable(path), SqliteQueue(path)
for n in range(40):
    table.add("P", "counter", {"n": 1}, {})
    table.put(Item("P", f"{name}-{n}", "test", {}), 0)
    queue.send(Change("put", "documents/u/d/original", f"{name}-{n}"))
got = 0
while got < 40:
    for delivery in queue.receive(4, 0.1):
        queue.done(delivery)
        got += 1
table.close(); queue.close()
"""


def test_several_processes_share_one_file(tmp_path: Path) -> None:
    """Four processes that write and take at once lose nothing and take nothing twice."""
    path = tmp_path / "new" / "footnote.db"
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(n)]) for n in range(4)]

    assert [one.wait(timeout=60) for one in running] == [0, 0, 0, 0]
    table, queue = SqliteTable(path), SqliteQueue(path)
    counter = table.get("P", "counter")
    assert counter
    assert counter.counters == {"n": 160}
    assert len(table.query(0, "P", limit=1000).items) == 161
    assert queue.receive(10, 0) == []
    assert table.put(Item("P", "last", "test", {}), ABSENT).rev == 1
    queue.send(Change("put", "documents/u/d/original", "1"))
    assert len(queue.receive(10, 0)) == 1
    table.close()
    queue.close()


INDEXER = """
import sys
from collections import Counter
from pathlib import Path
import numpy as np
from corpus.model import Chunk, Generation, GenerationId, Space
from corpus.vectors.sqlite import SqliteIndex
index = SqliteIndex(Path(sys.argv[1]), Space("test", 8))
chunks = tuple(Chunk(n, n, n + 1, f"word{n} pool", 1, 1, (), 2) for n in range(20))
vectors = np.eye(8, dtype=np.float32)[[n % 8 for n in range(20)]]
for version in (f"{n:02}" for n in range(1, 16)):
    one = GenerationId(sys.argv[2], version, "r")
    index.write(Generation(one, "me", "home", ("user:me",), "f", "text/plain", (), "", "", chunks, vectors))
    assert index.count(one) == 20
    index.prune(sys.argv[2], one, version)
index.close()
"""


def test_several_processes_share_one_index(tmp_path: Path) -> None:
    """While others replace generations, a reader sees every generation whole, in both lists, or not at all."""
    path = tmp_path / "footnote.db"
    running = [subprocess.Popen([sys.executable, "-c", INDEXER, str(path), name]) for name in ("d1", "d2")]
    index = SqliteIndex(path, Space("test", 8))
    where = Where("home", frozenset({"user:me"}))

    looks = 0
    while any(one.poll() is None for one in running):
        legs = index.legs(np.eye(8, dtype=np.float32)[0], ("pool",), 1000, where)
        for leg in (legs.nearest, legs.matching):
            assert set(Counter(hit.generation for hit in leg).values()) <= {20}
        assert {hit.chunk_id for hit in legs.nearest} == {hit.chunk_id for hit in legs.matching}
        looks += 1

    assert ([one.wait() for one in running], looks > 0) == ([0, 0], True)
    assert len(index.legs(np.eye(8, dtype=np.float32)[0], ("pool",), 1000, where).nearest) == 40
    index.close()
