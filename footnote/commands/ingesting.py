"""`ingest` and `reindex`: documents in, or once more, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corpus.errors import BadRequest
from corpus.scope import Scope
from footnote.commands.files import Task, files, upload, work_off
from footnote.commands.progress import Watcher
from footnote.connect import Footnote
from ingest.replay import replay
from ingest.terms import NO_TERMS, Terms


def ingest(footnote: Footnote, scope: Scope, paths: Sequence[Path], terms: Terms = NO_TERMS, *, as_json: bool) -> bool:
    """Ingest files and folders, and say what became of each; return whether all of them answer.

    `terms` are said of each of them; only one file can supersede another.
    """
    with Watcher(as_json=as_json) as watcher:
        found = list(files(paths, footnote.settings.home))
        if terms.supersedes and len(found) > 1:
            raise BadRequest("More than one file would supersede the same document.", hint="Name the file that does.")
        tasks = [upload(footnote, scope, path, terms) for path in watcher.counted("Uploading", found)]
        work_off(footnote, tasks, watcher)
        while footnote.ingestor.drain(footnote.queue):  # what an earlier run, or a server, left waiting
            pass
        footnote.index.tend(lambda: False)
        return watcher.summary(tasks)


def reindex(footnote: Footnote, tenant_id: str, *, as_json: bool) -> bool:
    """Replay the records of a building: what is as it should be costs nothing; return whether all of them answer."""
    with Watcher(as_json=as_json) as watcher:
        tasks = []
        for document, change in watcher.counted("Checking", list(replay(footnote.table, tenant_id))):
            task = Task(document.file_name, document.document_id, since=document.rev, document=document)
            task.unchanged = footnote.ingestor.settled(document) and not footnote.damaged(document)
            if not task.unchanged:
                footnote.queue.send(change)
            tasks.append(task)
        work_off(footnote, tasks, watcher)
        footnote.index.tend(lambda: False)
        return watcher.summary(tasks)
