"""`doctor`: asks every configured part whether it works, and says what to do about one that does not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console
from rich.markup import escape

from corpus.answers import Evidence, Prompt
from corpus.errors import ConfigError, FootnoteError
from corpus.model import Passage
from corpus.ways import GraphState
from footnote.commands.output import print_json
from footnote.connect import Footnote
from footnote.render import counted
from footnote.settings import Ocr, Settings
from ingest import ocr

LEAST_RECALL = 0.98
MISSING = "That is less than it should be: raise FOOTNOTE_EXACT_BELOW, and see docs/operations.md."
MOST_SECONDS_APART = 60
"""AWS refuses what was signed five minutes off; so much is a clock that nobody keeps."""


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
        *_of_aws(settings),
        ("blobs", lambda: _pinged(footnote.blobs.ping, settings.blobs)),
        ("table", lambda: _pinged(footnote.table.ping, settings.table)),
        ("queue", queue),
        ("embedder", embedder),
        ("index", index),
        *_graphs(footnote),
        ("reader", reader),
        ("ocr", lambda: _recognition(settings.ocr)),
        ("llm", llm),
    ]
    for part, ask in parts:
        try:
            yield Finding(part, works=True, says=ask())
        except FootnoteError as error:
            yield Finding(part, works=False, says=error.message, hint=error.hint)
    yield from _recall(footnote)


def _graphs(footnote: Footnote) -> list[tuple[str, Callable[[], str]]]:
    """How it stands with the graphs of readers who see many chunks: whose kind, not whose they are."""

    def told(one: GraphState) -> str:
        whose = f"of a {one.kind} who sees {counted(one.chunks, 'chunk')}"
        if one.fresh:
            newer = one.chunks - one.covered
            return f"{whose}: fresh" + (f", {newer:,} newer compared" if newer > 0 else "")
        return f"{whose}: {'stale' if one.covered else 'none yet'}; all are compared until the worker has built it"

    try:
        states = footnote.index.graphs()
    except FootnoteError:  # the index itself has said so
        return []
    return [("graph", partial(told, one)) for one in states]


def _recall(footnote: Footnote) -> Iterator[Finding]:
    """What was measured of late, for each group of askers by how many chunks they see."""
    try:
        found = footnote.recalls.lately(footnote.clock())
    except FootnoteError:  # the table itself has said so
        return
    for one in found:
        says = f"{one.share:.3f} of what is nearest is found for who sees {one.size} chunks ({one.questions:,} asked)"
        yield Finding("recall", works=True, says=says, hint=MISSING if one.share < LEAST_RECALL else "")


def _of_aws(settings: Settings) -> list[tuple[str, Callable[[], str]]]:
    """Who asks AWS, and whether the clocks agree: a request that is signed at another time is refused."""
    called: dict[str, Callable[[Any, str], Any]] = {
        "s3": lambda client, name: client.head_bucket(Bucket=name),
        "dynamodb": lambda client, name: client.describe_table(TableName=name),
        "sqs": lambda client, url: client.get_queue_attributes(QueueUrl=url),
    }
    addresses = [one.partition(":") for one in (settings.blobs, settings.table, settings.queue)]
    used = [(scheme, rest) for scheme, _, rest in addresses if scheme in called]
    if not used and not settings.index.startswith("opensearch:"):
        return []
    from corpus import aws  # noqa: PLC0415 -- who uses nothing of AWS's does not wait for its SDK

    if not used and not aws.is_aws(settings.index.removeprefix("opensearch:")):
        return []

    def credentials() -> str:
        found, region = aws.credentials()
        return f"found by {found.method}, region {region}"

    def clock() -> str:
        from corpus.queues.sqs import endpoint_of  # noqa: PLC0415

        scheme, name = used[0]
        client = aws.client(scheme, endpoint=endpoint_of(name) if scheme == "sqs" else None)
        with aws.translated(f"{scheme}:{name}"):
            try:
                answer = called[scheme](client, name)
            except aws.ClientError as error:  # a refusal is dated too; what it means, the part itself says
                answer = error.response
        ahead = aws.seconds_ahead(answer)
        if abs(ahead) > MOST_SECONDS_APART:
            raise ConfigError(f"This machine's clock is {ahead:+.0f} s off.", hint="Set it right, by NTP for example.")
        return f"within {max(1, abs(round(ahead)))} s of {scheme}'s"

    return [("credentials", credentials), *([("clock", clock)] if used else [])]


def _recognition(settings: Ocr) -> str:
    """What recognises text; to have nothing that does is no fault."""
    if settings.engine == "off":
        return "off: pages that are pictures stay unread"
    if not settings.engine:
        return f"none: pages that are pictures stay unread. {ocr.INSTALL}"
    engine = ocr.found(settings.engine, settings.languages)
    return f"tesseract {engine.version}, {'+'.join(engine.languages)}; up to {settings.pages} pages a document"


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
            print_json(line)
            continue
        mark = "[green]✓[/]" if one.works else "[red]✗[/]"
        console.print(f"{mark} {one.part:11} {escape(one.says)}")
        if one.hint:
            console.print(f"  {'':11} [yellow]{escape(one.hint)}[/]")
    return healthy
