"""XLSX: each sheet a heading, its tables beneath, cells written as the sheet shows them.

openpyxl reads the workbook row by row, formulas as the values they had when it was saved. It is strict about parts that
only decorate; those then cost themselves. Rows and columns that are hidden are read: a filter that was left on hides
half a table.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING

from corpus.errors import NoText, Rejected, TooLarge, Unreadable
from corpus.model import Extracted
from corpus.ports import Limits
from ingest import unseen
from ingest.archive import opened
from ingest.compose import Composer
from ingest.grids import Row, add_tables
from ingest.numbers import GENERAL, written

if TYPE_CHECKING:
    from openpyxl.cell.read_only import ReadOnlyCell
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

NAME = "xlsx-1"
MEDIA_TYPES: tuple[str, ...] = (
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel.sheet.macroenabled.12",
)
SUFFIXES: tuple[str, ...] = (".xlsx", ".xlsm")

FLAG_HIDDEN = "hidden-sheets-left-out"
FLAG_DAMAGED = "damaged-sheets-left-out"
FLAG_FORMATS = "number-formats-left-out"
FLAG_FORMULAS = "formulas-without-values"
FLAG_COMMENTS = "comments-left-out"
FLAG_DRAWINGS = "drawings-left-out"
_LEFT_OUT = (
    ("xl/comments", FLAG_COMMENTS),
    ("xl/threadedcomments", FLAG_COMMENTS),
    ("xl/drawings/drawing", FLAG_DRAWINGS),
    ("xl/chartsheets/", FLAG_DRAWINGS),
)
_PROPERTIES, _STYLES = "docProps/", "xl/styles.xml"
MOST_ROWS = 1_048_576
"""So many a sheet can have; openpyxl makes up those that are missing before the one that comes next."""
_WITHOUT_VALUE = re.compile(
    rb"""<(?:\w+:)?c\b(?![^<>]*\bt=["']str)[^<>]*>\s*"""  # a text's value may be empty
    rb"""<(?:\w+:)?f\b[^<>]*(?:/>|>[^<]*</(?:\w+:)?f>)\s*"""
    rb"""(?:<(?:\w+:)?v\s*/>\s*|<(?:\w+:)?v>\s*</(?:\w+:)?v>\s*)?</(?:\w+:)?c>"""
)
"""A cell's formula that was never worked out; openpyxl tells it from an empty cell only by reading all of it again."""


def extract(data: bytes, limits: Limits) -> Extracted:
    """Return the sheets that are shown, in order; the contract is `Extractor`'s."""
    reading = _Reading(limits)
    with warnings.catch_warnings(), opened(data, limits) as archive:
        warnings.simplefilter("ignore")  # openpyxl warns of what it passes over: extensions, print areas
        reading.look_around(archive)
        reading.flags.update(unseen.flags(archive))
        with closing(reading.workbook(data, archive)) as book:
            for sheet in book.worksheets:
                reading.add_sheet(sheet)
            title = " ".join((book.properties.title or "").split())
    return reading.done(title)


class _Reading:
    """A workbook on its way to a text, what was left out, and how many cells were looked at."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.made = Composer(limits)
        self.flags: set[str] = set()
        self.cells = 0

    def look_around(self, archive: zipfile.ZipFile) -> None:
        """Flag what openpyxl passes over without a word."""
        for name in archive.namelist():
            self.flags |= {flag for start, flag in _LEFT_OUT if name.lower().startswith(start)}
            sheet = name.startswith("xl/worksheets/") and name.endswith(".xml")
            if sheet and _WITHOUT_VALUE.search(archive.read(name)):
                self.flags.add(FLAG_FORMULAS)

    def workbook(self, data: bytes, archive: zipfile.ZipFile) -> Workbook:
        """Open a workbook: if need be without its properties, and without its styles too."""
        for without in (_PROPERTIES,), (_PROPERTIES, _STYLES):
            try:
                return _load(data)
            except Unreadable:
                data = _copy(archive, without)
        book = _load(data)
        self.flags.add(FLAG_FORMATS)
        return book

    def add_sheet(self, sheet: ReadOnlyWorksheet) -> None:
        """Add a sheet under its name, if it is shown and holds anything."""
        if sheet.sheet_state != "visible":
            self.flags.add(FLAG_HIDDEN)
            return
        rows = self._rows(sheet)
        first = next((row for row in rows if row), None)
        if first:
            self.made.heading(1, sheet.title)
            add_tables(self.made, chain([first], rows), self.limits)

    def done(self, title: str) -> Extracted:
        """Return the text; raises `Unreadable` rather than `NoText` if sheets were lost."""
        try:
            return self.made.done(title, sorted(self.flags))
        except NoText:
            if FLAG_DAMAGED in self.flags:
                raise Unreadable("None of the workbook's sheets can be read.") from None
            raise

    def _rows(self, sheet: ReadOnlyWorksheet) -> Iterator[Row]:
        """Yield a sheet's rows up to where it is damaged, empty ones too; raises `TooLarge`."""
        sheet.reset_dimensions()  # it may claim more than it has, and rows are filled up to its claim
        try:
            for cells in sheet.iter_rows(max_row=MOST_ROWS):
                self._count(len(cells))
                texts = ((column, _text(cell)) for column, cell in enumerate(cells) if cell.value is not None)
                yield {column: text for column, text in texts if text.strip()}
        except (MemoryError, Rejected):
            raise
        except Exception:  # noqa: BLE001 -- openpyxl raises nearly anything on a cell that is none
            self.flags.add(FLAG_DAMAGED)

    def _count(self, cells: int) -> None:
        """Count cells, blank ones too: openpyxl fills a row up to its last cell."""
        self.cells += cells
        if self.cells > self.limits.characters:
            raise TooLarge(f"The sheets have more cells than FOOTNOTE_MAX_CHARACTERS={self.limits.characters}.")


def _load(data: bytes) -> Workbook:
    """Open a workbook; raises `Unreadable`."""
    from openpyxl import load_workbook  # noqa: PLC0415 -- loaded in the child process only

    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except MemoryError:
        raise
    except Exception as error:  # openpyxl raises nearly anything on a workbook that is none
        raise Unreadable("The file is damaged, or its archive holds no workbook.") from error
    if not book.sheetnames:
        raise Unreadable(
            "None of the workbook's sheets can be read.", hint="Save it anew as .xlsx, not as Strict Open XML."
        )
    return book


def _copy(archive: zipfile.ZipFile, without: tuple[str, ...]) -> bytes:
    """Return a workbook without some of its parts, and without pictures."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")) and not name.startswith(without):
                copy.writestr(name, archive.read(name))
    return target.getvalue()


def _text(cell: ReadOnlyCell) -> str:
    """Return what a cell shows."""
    value = cell.value
    if isinstance(value, str):
        return _unescaped(value) if "_x" in value else value
    if isinstance(value, bool):
        return str(value).upper()
    try:
        code = cell.number_format
    except IndexError:  # a style that the workbook does not have
        code = GENERAL
    return written(value, code)


def _unescaped(text: str) -> str:
    from openpyxl.utils.escape import unescape  # noqa: PLC0415

    return str(unescape(text))
