"""What a person sees while documents go in: a row for each that is being worked on, a line for each that is done."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from corpus.model import pages_of
from corpus.records.jobs import Progress as JobProgress
from footnote.commands.output import print_json
from footnote.render import chunk_count, counted, far, lasting, page_count

if TYPE_CHECKING:
    from footnote.commands.files import Task

_T = TypeVar("_T")
STAGES = {"": "waiting", "extract": "reading", "chunk": "chunking", "embed": "embedding", "index": "indexing"}
FEW = 20
"""So many files need no bar of their own."""


class Watcher:
    """Shows progress on a terminal, lines elsewhere, and JSON lines where a program listens."""

    def __init__(self, *, as_json: bool, seconds: Callable[[], float] = time.monotonic) -> None:
        self._as_json, self._seconds = as_json, seconds
        self._console = Console(file=sys.stderr if as_json else sys.stdout, highlight=False, soft_wrap=True)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn(
                "{task.description}", table_column=Column(no_wrap=True, ratio=1)
            ),  # gives way on narrow terminals
            BarColumn(bar_width=12, table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
            expand=True,
            console=self._console,
            transient=True,
            disable=as_json or not self._console.is_terminal,
        )
        self._rows: dict[str, TaskID] = {}
        self._began = seconds()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._bars)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def counted(self, label: str, items: Sequence[_T]) -> Iterator[_T]:
        """Go through items, with a bar if there are many."""
        if len(items) <= FEW:
            yield from items
            return
        row = self._bars.add_task(label, total=len(items), detail="")
        for number, item in enumerate(items):
            self._bars.update(row, completed=number, detail=f"{number:,} of {len(items):,}")
            yield item
        self._bars.remove_task(row)

    def progress(self, task: Task, progress: JobProgress) -> None:
        """Show how far a document is."""
        if task.document_id not in self._rows:
            self._rows[task.document_id] = self._bars.add_task("", total=None, detail="")
        self._bars.update(
            self._rows[task.document_id],
            description=f"{escape(task.name)}  [dim]{STAGES[progress.stage]}[/]",
            total=100 if progress.percent else None,
            completed=progress.percent,
            detail=far(progress),
        )

    def tell(self, task: Task) -> None:
        """Say for good what became of a document."""
        if row := self._rows.pop(task.document_id, None):
            self._bars.remove_task(row)
        if self._as_json:
            print_json(task.data())
        elif task.reason:
            message = task.message or (task.document.stages.error_message if task.document else "")
            self.say(f"[red]✗[/] {escape(task.name)}  {task.reason.code}: {escape(message)}")
            if task.reason.hint:
                self.say(f"  [dim]{escape(task.reason.hint)}[/]")
        elif task.document and task.document.deleted_at:
            self.say(f"[yellow]-[/] {escape(task.name)}  removed meanwhile")
        elif task.document and not task.unchanged:
            pages, chunks = counted(task.document.page_count, "page"), counted(chunk_count(task.document), "chunk")
            recognised = page_count(task.document.coverage.recognised)
            pages += f", {recognised} by text recognition" if recognised else ""
            self.say(f"[green]✓[/] {escape(task.name)}  {pages}, {chunks}")
            if gaps := task.document.coverage.gaps:
                self.say(f"  [yellow]{pages_of(gaps)} could not be read[/]")

    def begin(self) -> None:
        """Measure from now on: what was waited for before is no part of the work."""
        self._began = self._seconds()

    def say(self, line: str) -> None:
        """Print a line above the rows that move."""
        self._console.print(line)

    def summary(self, tasks: Sequence[Task]) -> bool:
        """Say what became of all, and return whether none was refused."""
        refused = [task for task in tasks if task.reason]
        unchanged = [task for task in tasks if task.unchanged and not task.reason]
        fresh = len(tasks) - len(refused) - len(unchanged)
        parts = [f"{counted(fresh, 'document')} ready"] if fresh or not (unchanged or refused) else []
        parts += [f"{counted(len(unchanged), 'document')} unchanged, nothing spent"] if unchanged else []
        parts += [f"{counted(len(refused), 'document')} rejected"] if refused else []
        if not self._as_json:
            self.say(f"{'; '.join(parts)} ({lasting(self._seconds() - self._began)})")
        return not refused
