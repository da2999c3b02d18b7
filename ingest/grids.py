"""Where the tables of a sheet are, and which have a header: what CSV and spreadsheets have in common.

A sheet is rows without their blank cells. An empty row parts two tables, unless what follows it is plainly more of the
same; lone cells above a table are what is said about it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from corpus.errors import TooLarge
from corpus.ports import Limits
from ingest.compose import Composer

Row = Mapping[int, str]
"""The cells that are not blank, by column."""

LOOKED_AT = 50
"""How many rows of a table tell what its columns hold."""
COLUMNS_LOOKED_AT = 200
LONG_CELL = 60
"""A cell of more characters is no name of a column, and no number."""

_DATE = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}\b|\d{4}-\d\d$|\d{1,2}:\d\d")
_YEAR = re.compile(r"(?:19|20)\d\d$")
_NUMBER = re.compile(r"[-+(]?(?:[A-Z]{3} ?|[^\w\s] ?){0,2}\d[\d.,' ’\u00a0\u202f]*(?:%|[A-Z]{3}|[^\w\s]){0,2}\)?$")


def add_tables(made: Composer, rows: Iterable[Row], limits: Limits) -> None:
    """Add a sheet's rows to a text; raises `TooLarge` once they are beyond the limits."""
    table: list[Row] = []
    named = False
    for block in _blocks(rows, limits):
        lead = next((at for at, row in enumerate(block) if len(row) > 1), len(block))
        if table and lead < len(block):
            if len(table) < LOOKED_AT:  # beyond, nothing new is learned: a file may have an empty row after each
                named = has_header([*table, *block[lead : lead + LOOKED_AT]])
            if _goes_on(table, block[lead:], named=named):
                table += block
                continue
        _add_table(made, table)
        for number, row in enumerate(block[:lead]):
            (made.line if number else made.paragraph)(" ".join(row.values()))
        table = block[lead:]
    _add_table(made, table)


def _blocks(rows: Iterable[Row], limits: Limits) -> Iterator[list[Row]]:
    """Yield the rows that stand together, without an empty one between them."""
    block: list[Row] = []
    seen = 0
    for row in rows:
        if row:
            block.append(row)
            seen += 1
        elif block:
            yield block
            block = []
        if seen > limits.rows:
            raise TooLarge(f"The file has more rows than FOOTNOTE_MAX_ROWS={limits.rows}.")
    if block:
        yield block


def _add_table(made: Composer, table: Sequence[Row]) -> None:
    """Add a table; columns without any cell in it are left out."""
    places = {column: place for place, column in enumerate(sorted(set().union(*table)))}
    made.table((_filled(row, places) for row in table), header_rows=int(has_header(table)))


def _filled(row: Row, places: Mapping[int, int]) -> list[str]:
    """A row up to its last cell: many short rows under one of 16,384 columns cost what they hold."""
    cells = [""] * (1 + max(places[column] for column in row))
    for column, cell in row.items():
        cells[places[column]] = cell
    return cells


def _goes_on(table: Sequence[Row], block: Sequence[Row], *, named: bool) -> bool:
    """Whether rows behind an empty one belong to the table before it: in its columns, without names of their own.

    Where the table has a header (`named`), only a name over numbers begins another; else whatever looks like a header.
    """
    if block[0] == table[0] or not block[0].keys() <= set().union(*table[:LOOKED_AT]):
        return False
    return not (_is_named(block) if named else has_header(block))


def has_header(table: Sequence[Row]) -> bool:
    """Whether a table's first row names its columns.

    It does if a name stands over numbers or dates; it does not if a number stands over numbers, or if cells are blank,
    long or repeated. Words over words are taken for names: a row too many in the header does less harm than none.
    """
    if len(table) <= 1:
        return False
    kinds = list(_kinds(table))
    if any(kind and held in {kind, ""} for kind, held in kinds):
        return False
    if any(held and kind != held for kind, held in kinds):
        return True
    first, columns = table[0], set().union(*table[:LOOKED_AT])
    known = {(column, cell) for row in table[1:LOOKED_AT] for column, cell in row.items()}
    return (
        2 * len(first) > len(columns)
        and len(set(first.values())) == len(first)
        and all(len(cell) <= LONG_CELL and (column, cell) not in known for column, cell in first.items())
    )


def _is_named(table: Sequence[Row]) -> bool:
    """Whether the first row is of another kind than a column of numbers or dates below it."""
    kinds = list(_kinds(table))
    return any(held and kind != held for kind, held in kinds) and not any(kind and kind == held for kind, held in kinds)


def _kinds(table: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Yield what kind the first row's cell is, and what kind most cells below it are, for each of its columns."""
    for column, cell in islice(table[0].items(), COLUMNS_LOOKED_AT):
        below = Counter(kind_of(row[column]) for row in table[1:LOOKED_AT] if column in row)
        held, count = below.most_common(1)[0] if below else ("", 0)
        yield kind_of(cell), held if 2 * count > below.total() else ""


def kind_of(cell: str) -> str:
    """Return whether a cell is a "date", a "year" or a "number"; "" for words."""
    cell = cell.strip()
    if len(cell) > LONG_CELL:
        return ""
    for pattern, kind in ((_DATE, "date"), (_YEAR, "year"), (_NUMBER, "number")):
        if pattern.match(cell):
            return kind
    return ""
