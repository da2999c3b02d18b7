"""`setup` and `person`: what has to be there before documents come."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape

from footnote.connect import Footnote


def setup(footnote: Footnote) -> None:
    """Make what is missing of table, queue, bucket with its notification, and index; say of each that it is there.

    What is there already and as it should be stays as it is. Raises `ConfigError` for what is there and otherwise.
    """
    console = Console(highlight=False, soft_wrap=True)
    settings = footnote.settings

    def told(part: str, address: str) -> None:
        console.print(f"[green]✓[/] {part:9} {escape(address)}")

    _made(footnote.table)
    told("table", settings.table)
    if settings.blobs.startswith("s3:"):
        queue: Any = footnote.queue
        blobs: Any = footnote.blobs
        blobs.setup()
        blobs.notify(queue.setup(settings.blobs.removeprefix("s3:")))
    else:
        _made(footnote.queue)
    told("queue", settings.queue)
    told("blobs", settings.blobs)
    _made(footnote.index)
    told("index", f"{settings.index}, {footnote.index.name}")


def _made(part: object) -> None:
    """Parts of one machine make themselves when they are opened."""
    make = getattr(part, "setup", None)
    if make:
        make()


def add_person(footnote: Footnote, user_id: str, tenant_id: str) -> None:
    """Make a person known, who may then own documents that are put straight into a bucket."""
    new = footnote.people.add(user_id, tenant_id)
    at_home = footnote.people.tenant_of(user_id)
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{user_id} is {'now' if new else 'already'} known, at home in {at_home or 'no building: not active'}"
    )
