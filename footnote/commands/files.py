"""Files on their way to becoming documents: which there are, what to upload, and what to wait for."""

from __future__ import annotations

import os
import stat
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import NotFound, Rejected, TooLarge, Unavailable, Unreadable
from corpus.keys import path_document_id
from corpus.model import Document, Reason
from corpus.records.jobs import Progress
from corpus.scope import Scope
from footnote.commands.progress import Watcher
from footnote.connect import Footnote
from footnote.render import outcome_data
from footnote.worker import Worker
from ingest.reasons import reason_of
from ingest.terms import NO_TERMS, Terms

POLL_SECONDS = 0.1
LOOKED_AT_ONCE = 50
STALLED_SECONDS = 20 * 60
"""Longer than the longest pause before another attempt: if nothing moved for so long, nothing will."""


@dataclass(slots=True)
class Task:
    """A document somebody waits for; `since` is its record's `rev` before anything was asked, `sha256` its bytes'."""

    name: str
    document_id: str
    since: int = -1
    sha256: str = ""
    document: Document | None = None
    refused: Reason | None = None
    message: str = ""
    unchanged: bool = False
    progress: Progress | None = None
    unseen: bool = False

    @property
    def reason(self) -> Reason | None:
        """Why it does not answer, if it does not."""
        return self.refused or (self.document.reason if self.document else None)

    @property
    def done(self) -> bool:
        """Whether nothing more will come of it."""
        if self.refused or self.unchanged:
            return True
        if self.document is None:
            return False
        if self.document.deleted_at:
            return True
        meant = self.document.checksum_sha256 == self.sha256 or not self.sha256
        final = self.document.status == "error" or (self.document.status == "ready" and meant and not self.unseen)
        return final and self.document.rev != self.since

    def data(self) -> dict[str, Any]:
        """What `--json` prints of it."""
        name = self.document.file_name if self.document else Path(self.name).name
        return outcome_data(name, self.document_id, self.document, self.reason)


def files(paths: Iterable[Path], home: Path) -> Iterator[Path]:
    """Yield the files at and below these paths; hidden ones and the home itself only if they are named."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            inside = Path(folder).absolute()
            folders[:] = sorted(name for name in folders if not name.startswith(".") and inside / name != home)
            yield from (Path(folder) / name for name in sorted(names) if not name.startswith("."))


def document_id(scope: Scope, path: Path) -> str:
    """Return the id of the document that a person keeps at a path, which need not be there any more."""
    place = os.path.abspath(path)  # noqa: PTH100 -- `..` goes, and links stay what they are called
    name = os.fsencode(place).decode("utf-8", "backslashreplace")
    return path_document_id(scope.user_id, unicodedata.normalize("NFC", name))


def upload(footnote: Footnote, scope: Scope, path: Path, terms: Terms = NO_TERMS) -> Task:
    """Put a file if its bytes are not those of the record, write its terms, and return what to wait for."""
    task = Task(str(path), document_id(scope, path))
    try:
        data = _read(path, footnote.settings.limits.bytes)
        offered = footnote.offer(scope, task.document_id, path.name, data, terms)
        task.since, task.sha256, task.unchanged = offered.document.rev, offered.sha256, offered.unchanged
        task.document = offered.document if offered.unchanged else None
    except Rejected as error:
        task.refused, task.message = reason_of(error, ""), error.message
    return task


def _read(path: Path, limit: int) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # to open a pipe would wait for whoever writes
            raise Unreadable("It is no regular file but a pipe, a socket or a device.", hint="Name files and folders.")
        if found.st_size > limit:
            raise TooLarge(f"The file has {found.st_size:,} bytes, more than FOOTNOTE_MAX_BYTES={limit:,}.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound("There is no such file.", hint="Check the path.") from error
    except OSError as error:
        raise Unreadable(f"The file cannot be opened: {error.strerror}.", hint="Check its permissions.") from error


def work_off(footnote: Footnote, tasks: Sequence[Task], watcher: Watcher) -> None:
    """Work, and watch others work, until every task is done; each is told of as soon as it and those before it are."""
    worker = Worker(footnote)
    waiting = list(tasks)
    moved = time.monotonic()
    try:
        if not all(task.done for task in tasks):
            worker.start()
        while waiting:
            if _look(footnote, waiting, watcher):
                moved = time.monotonic()
            if time.monotonic() - moved > STALLED_SECONDS:
                raise Unavailable("Nothing has moved for 20 minutes.", hint="`footnote doctor` checks every part.")
            while waiting and waiting[0].done:
                watcher.tell(waiting.pop(0))
            if worker.error:
                raise worker.error
            if waiting:
                time.sleep(POLL_SECONDS)
    finally:
        worker.stop()


def _look(footnote: Footnote, waiting: Sequence[Task], watcher: Watcher) -> bool:
    """Look at the records of what is waited for; return whether anything moved since the last look."""
    moved = False
    open_tasks = [task for task in waiting if not task.done][:LOOKED_AT_ONCE]
    documents = footnote.documents.get_many([task.document_id for task in open_tasks])
    for task in open_tasks:
        before, task.document = task.document, documents.get(task.document_id)
        task.unseen = task.document is not None and footnote.ingestor.unseen(task.document)
        moved = moved or before != task.document
        if task.document and not task.done and task.document.status == "processing":
            job = footnote.jobs.get(task.document_id, task.document.job_id)
            if job:
                moved = moved or job.progress != task.progress
                task.progress = job.progress
                watcher.progress(task, job.progress)
    return moved
