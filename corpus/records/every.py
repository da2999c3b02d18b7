"""All items of a query, however many pages they take."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.items import Item
from corpus.ports import Table

ALL = ("", "~")


def every(table: Table, index: int, partition: str, span: tuple[str, str] = ALL) -> Iterator[Item]:
    """Yield all items that `Table.query` finds, a page at a time, in its order."""
    cursor: str | None = None
    while True:
        batch = table.query(index, partition, span, after=cursor)
        yield from batch.items
        cursor = batch.cursor
        if cursor is None:
            return
