"""What a part of a DOCX holds, as a reader sees it: paragraphs and tables, and their words as lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from ingest.extractors.docx.styles import NO_HEADING
from ingest.extractors.docx.xml import Element

Note: TypeAlias = tuple[str, str]
"""Which part a note stands in, "footnotes" or "endnotes", and its id there."""


@dataclass(slots=True)
class Paragraph:
    """`text` behind its `label`; the notes it refers to follow it, then the text boxes anchored in it."""

    text: str = ""
    label: str = ""
    level: int = NO_HEADING
    boxes: list[Block] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    section: Element = None
    """The properties of the section that ends with it."""

    @property
    def words(self) -> str:
        """What is read: "1. No glass."."""
        return f"{self.label} {self.text}".strip()

    @property
    def blank(self) -> bool:
        """Whether nothing of it need be kept."""
        return not (self.words or self.boxes or self.notes) and self.section is None


@dataclass(slots=True)
class Row:
    """A table's row; a cell that spans columns is followed by empty ones, so that columns stay in line."""

    cells: list[list[Block]]
    header: bool


@dataclass(slots=True)
class Table:
    """A table's rows."""

    rows: list[Row] = field(default_factory=list)


Block: TypeAlias = Paragraph | Table


def lines(blocks: Iterable[Block]) -> Iterator[str]:
    """Yield the words of blocks, a line for each paragraph, text box and row."""
    for block in blocks:
        if isinstance(block, Paragraph):
            if block.words:
                yield block.words
            yield from lines(block.boxes)
        else:
            yield from nested_rows(block)


def nested_rows(table: Table) -> Iterator[str]:
    """Yield the rows of a table that stands in a line of its own, without the marks of an outer table's cells."""
    for row in table.rows:
        if line := " ".join(filter(None, map(cell_text, row.cells))):
            yield line


def cell_text(cell: Iterable[Block]) -> str:
    """Return a cell as one line, with the tables in it: "Open Mon 9–17; Tue 9–12"."""
    parts = ("; ".join(nested_rows(one)) if isinstance(one, Table) else " ".join(lines([one])) for one in cell)
    return " ".join(filter(None, parts))


def notes_of(blocks: Iterable[Block]) -> Iterator[Note]:
    """Yield what notes are referred to anywhere in blocks, in order."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield from block.notes
            yield from notes_of(block.boxes)
        else:
            for row in block.rows:
                for cell in row.cells:
                    yield from notes_of(cell)
