"""`doctor`: asks every configured part whether it works, and says what to do about one that does not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

from corpus.errors import FootnoteError
from corpus.model import Evidence, Passage, Prompt
from footnote.connect import Footnote
from footnote.render import counted


@dataclass(frozen=True, slots=True)
class Finding:
    """What one part said."""

    part: str
    works: bool
    says: str
    hint: str = ""


def findings(footnote: Footnote) -> Iterator[Finding]:
    """Ask each part in turn."""
    settings = footnote.settings

    def embedder() -> str:
        (rows,) = footnote.embedder.embed([Passage("", "Does it work?")], "query")
        return f"{footnote.embedder.space}, {rows.shape[1]} dimensions"

    def queue() -> str:
        footnote.queue.ping()
        dead = footnote.queue.dead_letters()
        return settings.queue + (f"; {counted(dead, 'dead letter')}" if dead else "")

    def index() -> str:
        footnote.index.ping()
        return f"{settings.index}, {footnote.index.name}"

    def reader() -> str:
        footnote.reader.read(b"Does it work?", "text/plain")
        limits = settings.limits
        return f"a child process, at most {limits.seconds:g} s and {limits.memory // 2**20:,} MiB a document"

    def llm() -> str:
        asked = Prompt("Answer from the evidence.", "Does it work?", (Evidence(1, "", "It does work as it should."),))
        "".join(footnote.llm.stream(asked))
        return footnote.llm.name

    parts: list[tuple[str, Callable[[], str]]] = [
        ("python", lambda: f"{sys.version.split()[0]} on {sys.platform}"),
        ("blobs", lambda: _pinged(footnote.blobs.ping, settings.blobs)),
        ("table", lambda: _pinged(footnote.table.ping, settings.table)),
        ("queue", queue),
        ("embedder", embedder),
        ("index", index),
        ("reader", reader),
        ("llm", llm),
    ]
    for part, ask in parts:
        try:
            yield Finding(part, works=True, says=ask())
        except FootnoteError as error:
            yield Finding(part, works=False, says=error.message, hint=error.hint)


def _pinged(ping: Callable[[], None], address: str) -> str:
    ping()
    return address


def doctor(footnote: Footnote, *, as_json: bool) -> bool:
    """Print what each part says; return whether all work."""
    console = Console(highlight=False, soft_wrap=True)
    healthy = True
    for one in findings(footnote):
        healthy = healthy and one.works
        if as_json:
            line = {"part": one.part, "works": one.works, "says": one.says, "hint": one.hint}
            print(json.dumps(line, ensure_ascii=False), flush=True)  # noqa: T201
            continue
        mark = "[green]✓[/]" if one.works else "[red]✗[/]"
        console.print(f"{mark} {one.part:9} {escape(one.says)}")
        if one.hint:
            console.print(f"  {'':9} [yellow]{escape(one.hint)}[/]")
    return healthy
