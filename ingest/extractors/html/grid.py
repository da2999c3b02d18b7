"""A table of data: its cells in their columns, whatever spans what."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.extractors.html.tree import Event

MOST_COLUMNS = 256
"""Beyond so many columns a span no longer moves what follows it."""
_DIGIT = re.compile(r"\d")


class GridWriter:
    """Takes the events between a table's two ends. A cell is one line; a table inside it is words in a row."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.caption = ""
        self._cell: list[str] | None = None
        self._nested = 0
        self._spans: dict[int, int] = {}
        self._heads: list[bool] = []
        self._in_head = False
        self._all_heads = True

    def text(self, words: str) -> None:
        """Add words to the cell that is open."""
        if self._cell is not None:
            self._cell.append(words)

    def begin(self, event: Event) -> None:
        """Take the beginning of an element."""
        self.text(" ")
        if event.name == "table":
            self._nested += 1
        if self._nested:
            return
        if event.name == "tr":
            self.rows.append([])
            self._all_heads = True
        elif event.name == "thead":
            self._in_head = True
        elif event.name in {"td", "th"}:
            self._skip_spanned()
            self._cell = []
            self._all_heads &= event.name == "th"
        elif event.name == "caption":
            self._cell = []

    def end(self, event: Event) -> bool:
        """Take the end of an element; return whether it was the table's own."""
        if event.name == "table":
            self._nested -= 1
            return self._nested < 0
        if self._nested:
            self.text("; " if event.name == "tr" else " ")
            return False
        if event.name in {"td", "th"}:
            self._close(event)
        elif event.name == "caption":
            self.caption, self._cell = _line(self._cell), None
        elif event.name == "thead":
            self._in_head = False
        elif event.name == "tr":
            self._heads.append(self._in_head or (self._all_heads and any(self.rows[-1])))
        else:
            self.text(" ")
        return False

    def done(self) -> tuple[list[list[str]], int]:
        """Return the rows, and how many at the top are the header: those marked so, else one of words over numbers.

        Columns that are empty in all rows are only space, and left out.
        """
        used = {column for row in self.rows for column, cell in enumerate(row) if cell}
        rows = [[cell for column, cell in enumerate(row) if column in used] for row in self.rows]
        marked = next((n for n, head in enumerate(self._heads) if not head), len(self._heads))
        if marked or len(rows) < 2:  # noqa: PLR2004 -- a header and what stands under it
            return rows, min(marked, max(0, len(rows) - 1))
        first, *others = rows
        words = len(first) > 1 and all(cell and not _DIGIT.search(cell) for cell in first)
        return rows, int(words and any(_DIGIT.search(cell) for row in others for cell in row))

    def _skip_spanned(self) -> None:
        """Leave the columns empty that a cell of a row above reaches down into."""
        if not self.rows:
            self.rows.append([])
        row = self.rows[-1]
        while self._spans.get(len(row)):
            self._spans[len(row)] -= 1
            row.append("")

    def _close(self, event: Event) -> None:
        row = self.rows[-1]
        column, width = len(row), _number(event.attribute("colspan"))
        if column + width > MOST_COLUMNS:
            width = 1
        row.append(_line(self._cell))
        row.extend([""] * (width - 1))
        self._cell = None
        down = _number(event.attribute("rowspan")) - 1
        for spanned in range(column, min(column + width, MOST_COLUMNS)):
            self._spans[spanned] = down


def _line(parts: Sequence[str] | None) -> str:
    return " ".join("".join(parts or ()).split()).removesuffix(";")


def _number(attribute: str) -> int:
    """A span as an attribute says it: 1 unless it is a small number."""
    return max(1, int(attribute)) if attribute.isascii() and attribute.isdigit() and len(attribute) < 5 else 1  # noqa: PLR2004
