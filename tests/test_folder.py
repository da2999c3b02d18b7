from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.blobs.folder import FolderBlobs
from corpus.errors import BlobMissing, ConfigError, Unavailable
from corpus.model import Change
from corpus.queues.sqlite import SqliteQueue
from tests.fakes import Clock, MemoryQueue

KEY = "documents/u1/d1/original"
BIG = 10**9

DYING = """
import os, sys
from pathlib import Path
from corpus.blobs.folder import FolderBlobs

class Printed:
    def send(self, change, delay=0):
        print(change.kind, change.version, flush=True)

blobs = FolderBlobs(Path(sys.argv[1]), Printed())
verb, left = sys.argv[2], int(sys.argv[3])

def die(event, arguments):
    global left
    if event.startswith("os.") or event == "open":
        left -= 1
        if left == 0:
            os._exit(9)

sys.addaudithook(die)
if verb == "put":
    blobs.put("documents/u1/d1/original", b"new", {"originalname": "new.txt"})
else:
    blobs.delete("documents/u1/d1/original")
os._exit(0)
"""


def version_of(root: Path) -> str:
    """The version under the key: its file's own time."""
    return f"{(root / KEY).stat().st_mtime_ns:020}"


def kinds(queue: MemoryQueue) -> list[tuple[str, str]]:
    return [(one.change.kind, one.change.version) for one in queue.messages if one.change]


@pytest.mark.parametrize("verb", ["put", "removed"])
def test_killed_at_any_step(tmp_path: Path, verb: str) -> None:
    """A put or a removal that dies at any step has not happened, or has happened and is announced."""
    outcomes = set()
    for step in range(1, 100):
        root, first = tmp_path / str(step), MemoryQueue(Clock())
        FolderBlobs(root, first).put(KEY, b"old", {"originalname": "old.txt"})
        before = version_of(root)
        died = subprocess.run(
            [sys.executable, "-c", DYING, str(root), verb, str(step)], capture_output=True, text=True, check=False
        )
        said = died.stdout.split()

        queue = MemoryQueue(Clock())
        blobs = FolderBlobs(root, queue)
        announced = kinds(queue) + [(one, version) for one, version in zip(said[::2], said[1::2], strict=True)]
        try:
            blob = blobs.get(KEY, BIG)
            outcomes.add(blob.data)
            if blob.data == b"old":
                assert (version_of(root), blob.metadata, announced) == (before, {"originalname": "old.txt"}, [])
            else:
                assert (blob.data, blob.metadata) == (b"new", {"originalname": "new.txt"})
                assert set(announced) == {("put", version_of(root))}
        except BlobMissing:
            outcomes.add(b"")
            assert {kind for kind, _ in announced} == {"removed"}
            assert all(version > before for _, version in announced)
        blobs.put(KEY, b"later", {})
        assert version_of(root) > max([before, *(version for _, version in announced)])
        if died.returncode == 0:
            break
    else:
        pytest.fail("it never came to an end")

    assert outcomes == ({b"old", b"new"} if verb == "put" else {b"old", b""})
    assert step > 8


def test_a_queue_that_is_away_loses_no_change(tmp_path: Path) -> None:
    """Bytes that were stored while the queue was away are announced when the folder is opened again."""

    class Away(MemoryQueue):
        def send(self, change: Change, delay: float = 0) -> None:
            raise Unavailable("not now")

    with pytest.raises(Unavailable):
        FolderBlobs(tmp_path, Away(Clock())).put(KEY, b"data", {})

    queue = MemoryQueue(Clock())
    FolderBlobs(tmp_path, queue)
    assert kinds(queue) == [("put", version_of(tmp_path))]
    queue = MemoryQueue(Clock())
    FolderBlobs(tmp_path, queue)
    assert kinds(queue) == []


def test_an_overtaken_put_is_not_announced_twice(tmp_path: Path) -> None:
    """An intent whose put was followed by another is dropped: the later change says it all."""
    queue = MemoryQueue(Clock())
    blobs = FolderBlobs(tmp_path, queue)
    blobs.put(KEY, b"first", {})
    first = version_of(tmp_path)
    blobs.put(KEY, b"second", {})
    (tmp_path / ".store" / "intents" / first).write_text(f'{{"kind": "put", "key": "{KEY}", "version": "{first}"}}')

    fresh = MemoryQueue(Clock())
    FolderBlobs(tmp_path, fresh)

    assert kinds(fresh) == []


def test_versions_outlive_a_clock_that_goes_back(tmp_path: Path) -> None:
    """A folder whose clock was set back goes on counting above the highest version it ever gave."""
    queue = MemoryQueue(Clock())
    FolderBlobs(tmp_path, queue, lambda: 2_000_000_000_000_000_000).put(KEY, b"a", {})
    late = version_of(tmp_path)
    blobs = FolderBlobs(tmp_path, queue, lambda: 1_000_000_000_000_000_000)
    blobs.delete(KEY)

    blobs.put(KEY, b"b", {})
    assert version_of(tmp_path) > late


def test_half_written_files_do_not_stay(tmp_path: Path) -> None:
    """A file that never got its name is cleared away after a day."""
    FolderBlobs(tmp_path, MemoryQueue(Clock()))
    old, new = (tmp_path / ".store" / "temp" / name for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))

    FolderBlobs(tmp_path, MemoryQueue(Clock()))

    assert (old.exists(), new.exists()) == (False, True)


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """A path that is no folder is refused with its name and the reason."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(ConfigError, match=r"The folder .*file cannot be used"):
        FolderBlobs(tmp_path / "file", MemoryQueue(Clock()))

    blobs = FolderBlobs(tmp_path / "taken away", MemoryQueue(Clock()))
    shutil.rmtree(tmp_path / "taken away")
    with pytest.raises(ConfigError, match=r"The folder .*taken away cannot be used"):
        blobs.ping()


PUTTER = """
import sys
from pathlib import Path
from corpus.blobs.folder import FolderBlobs
from corpus.queues.sqlite import SqliteQueue
root = Path(sys.argv[1])
queue = SqliteQueue(root / "q.db")
blobs = FolderBlobs(root / "blobs", queue)
for n in range(30):
    blobs.put("documents/u1/d1/original", (sys.argv[2] * 1000).encode(), {"originalname": sys.argv[2]})
    blob = blobs.get("documents/u1/d1/original", 10**6)
    assert blob.metadata["originalname"] * 1000 == blob.data.decode()
queue.close()
"""


def test_several_processes_share_one_folder(tmp_path: Path) -> None:
    """Processes that put under one key at once get versions of their own, and readers see bytes with their metadata."""
    running = [subprocess.Popen([sys.executable, "-c", PUTTER, str(tmp_path), name]) for name in "abc"]

    assert [one.wait(timeout=60) for one in running] == [0, 0, 0]
    queue = SqliteQueue(tmp_path / "q.db")
    versions = sorted(delivery.change.version for delivery in queue.receive(100, 0))
    queue.close()
    assert len(set(versions)) == 90
    assert version_of(tmp_path / "blobs") == versions[-1]
