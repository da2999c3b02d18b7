from __future__ import annotations

import pytest

from corpus.ports import Limits
from ingest.compose import Composer
from ingest.grids import Row, add_tables, has_header, kind_of

LIMITS = Limits()


def rows(text: str) -> list[Row]:
    """Rows by lines, cells by commas."""
    return [{at: cell for at, cell in enumerate(line.split(",")) if cell} for line in text.split("/")]


def added(text: str) -> tuple[str, list[str]]:
    made = Composer(LIMITS)
    add_tables(made, rows(text), LIMITS)
    found = made.done()
    return found.text, [found.text[grid.start : grid.header_end] for grid in found.grids]


@pytest.mark.parametrize(
    "text",
    [
        "Item,Fee/Room,80.00/Key,5",
        "Item,2023,2024/Room,80,90/Key,5,6",
        ",2023,2024/Room,80,90/Key,5,6",
        "Day,Event/2025-03-01,Party/2025-03-08,Meeting",
        "Name,Unit/Smith,1a/Jones,2b",
        "Item,Fee/Room,€ 80.00/Key,n/a/Pool,12 %",
        "Item,Fee,Fee/Room,80,90",
    ],
)
def test_a_header(text: str) -> None:
    """Names over numbers or dates are a header, and so are words over other words."""
    assert has_header(rows(text))


@pytest.mark.parametrize(
    "text",
    [
        "Room,80.00/Key,5",
        "Pump,2019/Lift,2020",
        "2025-03-01,Party/2025-03-08,Meeting",
        "Smith,Room 3/Jones,Room 4/Smith,Room 5",
        "Room,Room/a,b",
        "1,Room/x,Key",
        "Item,Fee",
        f"{'long ' * 20},b/c,d",
        "a/b,c,d,e/f,g,h,i",
    ],
)
def test_no_header(text: str) -> None:
    """Numbers over numbers, words that come again, long ones and a lone row are no header."""
    assert not has_header(rows(text))


def test_tables_apart() -> None:
    """An empty row parts two tables, each with its header; lone cells above one are what is said about it."""
    text = "Fees/Item,Fee/Room,80///Guests/Name,Nights/Smith,2//as of March"
    assert added(text) == (
        "Fees\n\nItem | Fee\nRoom | 80\n\nGuests\n\nName | Nights\nSmith | 2\n\nas of March",
        ["Item | Fee", "Name | Nights"],
    )


def test_a_table_that_goes_on() -> None:
    """Rows behind an empty one that have no names of their own belong to the table before, and keep its header."""
    assert added("Item,Fee/Room,80//Key,5//Pets/Dog,20") == (
        "Item | Fee\nRoom | 80\nKey | 5\nPets\nDog | 20",
        ["Item | Fee"],
    )


def test_rows_apart() -> None:
    """A list whose rows have an empty one between each two is one table, with a header or without."""
    assert added("Item,Fee//Room,80//Key,5") == ("Item | Fee\nRoom | 80\nKey | 5", ["Item | Fee"])
    assert added("Room,80//Key,5//Pool,9") == ("Room | 80\nKey | 5\nPool | 9", [""])


def test_columns_without_cells() -> None:
    """Columns in which nothing stands are left out, and a cell without a neighbour keeps its place."""
    assert added(",,Item,,Fee,Due/,,Room,,80/,,,,,now")[0] == "Item | Fee | Due\nRoom | 80\n|  | now"


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("80", "number"), ("1,234.50", "number"), ("€ 80.00", "number"), ("$80", "number"), ("CHF 80", "number"),
        ("(80.00)", "number"), ("-5 %", "number"), ("80 €", "number"), ("1 234,50", "number"), ("2024", "year"),
        ("2025-03-01", "date"), ("1.3.2025", "date"), ("3/1/25", "date"), ("2025-03", "date"), ("14:30", "date"),
        ("Room", ""), ("4b", ""), ("n/a", ""), ("", ""), ("Q1 2024", ""), ("1" + " " * 10**5 + "x", ""),
    ],
)  # fmt: skip
def test_kinds(cell: str, kind: str) -> None:
    """A cell is a number, a year, a date, or words."""
    assert kind_of(cell) == kind
