"""What a query finds, however many pages it takes: all of it, or as much as a page of a list holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from corpus.items import Batch, Item
from corpus.ports import Table

ALL = ("", "~")
PAGES_READ = 10
"""How many pages of records one page of a list may take."""
_T = TypeVar("_T")


def every(table: Table, index: int, partition: str, span: tuple[str, str] = ALL) -> Iterator[Item]:
    """Yield all items that `Table.query` finds, a page at a time, in its order."""
    cursor: str | None = None
    while True:
        batch = table.query(index, partition, span, after=cursor)
        yield from batch.items
        cursor = batch.cursor
        if cursor is None:
            return


def filled(
    query: partial[Batch], wanted: Callable[[Sequence[Item]], Iterable[_T]], limit: int, after: str | None
) -> tuple[list[_T], str | None]:
    """Return the first of what is wanted of a `Table.query`, at most `limit`, and the cursor behind it.

    It may be less, or even nothing, and yet not the last: more than `PAGES_READ` pages are not read for it.
    """
    found = list[_T]()
    for _ in range(PAGES_READ):
        batch = query(limit=limit - len(found), after=after)
        found += wanted(batch.items)
        after = batch.cursor
        if after is None or len(found) == limit:
            break
    return found, after
