"""Blobs in a folder: each under its key, with S3's promises.

A blob's version is its file's modification time, taken from one counter for the whole folder and set before the file
gets its name, so bytes and version appear together. `{key}.meta` holds the metadata of the present version and of the
one being put. `.store` is the store's own: the counter, half-written files, and one intent for each change that was
made and may not have been announced. Whoever opens the folder next announces it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from corpus.errors import BlobMissing, ConfigError, Conflict, TooLarge, Unavailable
from corpus.keys import checked_key, parse_original
from corpus.model import Blob, Change
from corpus.ports import Queue

TRANSIENT = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.EBUSY, errno.ESTALE}
SETTINGS = {
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG),
}

ODD_TIME = 1_234_567_891
ABANDONED_SECONDS = 24 * 3600
"""After which a file that never got its name is nobody's."""


class FolderBlobs:
    """A `BlobStore` in a folder that many processes use at once."""

    def __init__(self, root: Path, queue: Queue, clock: Callable[[], int] = time.time_ns) -> None:
        self._root = root
        self._own = root / ".store"
        self._intents, self._temp = self._own / "intents", self._own / "temp"
        self._queue = queue
        self._clock = clock
        with self._translated():
            self._intents.mkdir(parents=True, exist_ok=True)
            self._temp.mkdir(exist_ok=True)
            self._announce_forgotten()

    def get(self, key: str, limit: int) -> Blob:
        while True:
            with self._translated(), self._reading(key) as file:
                status = os.fstat(file.fileno())
                if status.st_size > limit:
                    raise TooLarge(f"{key} holds {status.st_size} bytes, more than the {limit} that are allowed.")
                data = file.read()
                version, known = _version(status.st_mtime_ns), self._metadata(key)
            if not known or version in known:
                return Blob(key, data, _etag(data), known.get(version, {}))

    def put(self, key: str, data: bytes, metadata: Mapping[str, str], *, absent: bool = False) -> str:
        path = self._path(key)
        with self._translated():
            temp = self._written(data)
            with self._locked() as counter:
                if absent and path.exists():
                    temp.unlink()
                    raise Conflict(f"{key} is there already.")
                change = Change("put", key, self._next_version(counter), _etag(data))
                intent = self._intend(change)
                path.parent.mkdir(parents=True, exist_ok=True)
                self._write_metadata(path, change.version, metadata)
                os.utime(temp, ns=(int(change.version), int(change.version)))
                temp.replace(path)
                _sync_folder(path.parent)
            self._announce(change, intent)
        return change.etag

    def delete(self, key: str) -> None:
        path = self._path(key)
        with self._translated():
            with self._locked() as counter:
                if not path.is_file():
                    return
                change = Change("removed", key, self._next_version(counter))
                intent = self._intend(change)
                self._remove(path)
            self._announce(change, intent)

    def link(self, key: str, media_type: str, disposition: str, seconds: int) -> None:
        del media_type, disposition, seconds
        checked_key(key)

    def keys(self, prefix: str) -> Iterator[str]:
        start = self._root / prefix.rpartition("/")[0]
        found = []
        for folder, folders, files in os.walk(start):
            folders[:] = [name for name in folders if name != ".store"]
            inside = Path(folder).relative_to(self._root).as_posix()
            names = (name if inside == "." else f"{inside}/{name}" for name in files if not name.endswith(".meta"))
            found += [name for name in names if name.startswith(prefix)]
        yield from sorted(found)

    def ping(self) -> None:
        with self._translated():
            temp = self._written(b"ping")
            os.utime(temp, ns=(ODD_TIME, ODD_TIME))
            kept = temp.stat().st_mtime_ns
            temp.unlink()
        if kept != ODD_TIME:  # a version would come back as another
            raise ConfigError(f"The file system of {self._root} does not keep times to the nanosecond.")

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)

    @contextmanager
    def _reading(self, key: str) -> Iterator[BinaryIO]:
        try:
            file = self._path(key).open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise BlobMissing(f"There is no blob {key}.") from error
        with file:
            yield file

    def _written(self, data: bytes) -> Path:
        """Write the bytes to a file without a name of its own yet, down to the disk."""
        temp = self._temp / uuid.uuid4().hex
        with temp.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return temp

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Let nobody else put or delete meanwhile, in this process or another; the lock is the counter's file."""
        counter = os.open(self._own / "counter", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(counter, fcntl.LOCK_EX)
            yield counter
        finally:
            os.close(counter)

    def _next_version(self, counter: int) -> str:
        """The clock's nanoseconds, or one more than the highest version ever given."""
        version = _version(max(self._clock(), int(os.pread(counter, 20, 0) or b"0") + 1))
        os.pwrite(counter, version.encode("ascii"), 0)
        return version

    def _metadata(self, key: str) -> dict[str, dict[str, str]]:
        """What is known of the present version and of one being put, by version."""
        try:
            known: dict[str, dict[str, str]] = json.loads((self._root / f"{key}.meta").read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return known

    def _write_metadata(self, path: Path, version: str, metadata: Mapping[str, str]) -> None:
        known = self._metadata(path.relative_to(self._root).as_posix())
        if not metadata and not known:
            return
        present = _version(path.stat().st_mtime_ns) if path.exists() else ""
        kept = {present: known[present]} if present in known else {}
        temp = self._written(json.dumps({**kept, version: dict(metadata)}).encode())
        temp.replace(path.with_name(f"{path.name}.meta"))

    def _remove(self, path: Path) -> None:
        path.unlink()
        path.with_name(f"{path.name}.meta").unlink(missing_ok=True)
        _sync_folder(path.parent)
        for folder in path.relative_to(self._root).parents:
            try:
                (self._root / folder).rmdir()
            except OSError:  # not empty, so neither are those above it
                return

    def _intend(self, change: Change) -> Path | None:
        """Write down that an original is about to change, until its change is sent."""
        if not parse_original(change.key):
            return None
        temp = self._written(json.dumps(asdict(change)).encode())
        return temp.replace(self._intents / change.version)

    def _announce(self, change: Change, intent: Path | None) -> None:
        if intent:
            self._queue.send(change)
            intent.unlink(missing_ok=True)

    def _announce_forgotten(self) -> None:
        """Finish what processes that died left: announce a put that got its name, complete a removal, clear up."""
        with self._locked():
            forgotten = [change for intent in sorted(self._intents.iterdir()) if (change := _read_intent(intent))]
            for change in forgotten:
                if change.kind == "removed" and self._present(change) < change.version:
                    self._path(change.key).unlink(missing_ok=True)
        for change in forgotten:
            if change.kind == "removed" or self._present(change) == change.version:
                self._queue.send(change)
            (self._intents / change.version).unlink(missing_ok=True)
        for temp in self._temp.iterdir():
            with suppress(FileNotFoundError):  # it has just got its name
                if temp.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                    temp.unlink()

    def _present(self, change: Change) -> str:
        """The version that lies under a change's key now; "" if none does."""
        path = self._path(change.key)
        return _version(path.stat().st_mtime_ns) if path.exists() else ""

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Say in our words what the file system refused."""
        try:
            yield
        except OSError as error:
            what = f"The folder {self._root} cannot be used: {error.strerror}."
            if error.errno in TRANSIENT:
                raise Unavailable(what, retry_after=5) from error
            if error.errno in SETTINGS:
                raise ConfigError(what, hint="Check its permissions, or name another folder.") from error
            raise


def _version(nanoseconds: int) -> str:
    return f"{nanoseconds:020}"


def _read_intent(intent: Path) -> Change | None:
    """The change an intent speaks of; None if whoever made it has just finished it."""
    try:
        return Change(**json.loads(intent.read_text("utf-8")))
    except FileNotFoundError:
        return None


def _etag(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make a new name last: a folder is a file too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
