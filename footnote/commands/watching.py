"""`watch`: a folder's files are documents for as long as it runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import watchfiles

from corpus.errors import NotFound
from corpus.keys import path_document_id
from corpus.scope import Scope
from footnote.commands.files import document_id, files, upload, work_off
from footnote.commands.progress import Watcher
from footnote.connect import Footnote

Seen = dict[Path, tuple[int, int]]
"""By file: when it was last written, and its size."""
SETTLE_MILLISECONDS = 400
"""Changes that follow each other so closely are looked at together."""
LOOK_MILLISECONDS = 300


def watch(footnote: Footnote, scope: Scope, folder: Path, *, mirror: bool, as_json: bool) -> None:
    """Ingest a folder, then whatever changes in it, until Ctrl-C. With `mirror`, what goes from it is removed."""
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.", hint="Check the path.")
    home = footnote.settings.home
    mirrored = _Mirrored(home, folder)

    def ours(_: watchfiles.Change, path: str) -> bool:
        """Whether a change is of the folder's own files; the home may lie inside it."""
        inside = (
            Path(path).relative_to(folder.absolute()) if Path(path).is_relative_to(folder.absolute()) else Path(path)
        )
        return not Path(path).is_relative_to(home) and not any(part.startswith(".") for part in inside.parts)

    with Watcher(as_json=as_json) as watcher:
        watcher.say(f"Watching {folder} (Ctrl-C ends it)")
        seen: Seen = {}
        changes = watchfiles.watch(
            folder.absolute(),
            watch_filter=ours,
            debounce=SETTLE_MILLISECONDS,
            rust_timeout=LOOK_MILLISECONDS,
            yield_on_timeout=True,
        )
        next(changes)  # from here on nothing that changes is missed
        while True:
            if mirror:
                mirrored.remove_gone(footnote, scope, seen, watcher)
            now = _looks(footnote, folder)
            mirrored.remember(
                now
            )  # first: whoever ends it in the middle must not leave documents that nobody remembers
            _synchronise(footnote, scope, seen, now, watcher)
            seen = now
            while not next(changes):
                pass


def _looks(footnote: Footnote, folder: Path) -> Seen:
    """Return how the files of a folder look now."""
    now: Seen = {}
    for path in files([folder], footnote.settings.home):
        try:
            status = path.stat()
        except OSError:  # it has just gone
            continue
        now[path] = (status.st_mtime_ns, status.st_size)
    return now


def _synchronise(footnote: Footnote, scope: Scope, seen: Seen, now: Seen, watcher: Watcher) -> None:
    """Ingest the files that look other than before."""
    watcher.begin()
    fresh = [upload(footnote, scope, path) for path, looks in now.items() if seen.get(path) != looks]
    work_off(footnote, fresh, watcher)
    if fresh:
        watcher.summary(fresh)


class _Mirrored:
    """The files of a watched folder that are documents, kept between runs: a record does not name its path."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._file = home / "watched" / f"{path_document_id('', str(folder.absolute()))}.json"

    def remember(self, seen: Iterable[Path]) -> None:
        """Add files; one that has gone since it was seen stays, until its document was removed."""
        self._keep(self._known() | {str(path.absolute()) for path in seen})

    def remove_gone(self, footnote: Footnote, scope: Scope, seen: Iterable[Path], watcher: Watcher) -> None:
        """Remove the documents whose files have gone."""
        known = self._known() | {str(path.absolute()) for path in seen}
        gone = {name for name in known if not Path(name).exists()}
        for name in sorted(gone):
            try:
                footnote.uploads.remove(scope, document_id(scope, Path(name)))
            except NotFound:  # it never was a document, or was removed by hand
                continue
            watcher.say(f"- {name}  removed")
        self._keep(known - gone)

    def _known(self) -> set[str]:
        return set(json.loads(self._file.read_text("utf-8"))) if self._file.exists() else set()

    def _keep(self, names: Iterable[str]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(sorted(names)), "utf-8")
