from __future__ import annotations

import io
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from corpus.errors import Rejected, TooLarge
from corpus.model import Extracted
from corpus.ports import Limits
from ingest.extractors import csv

LIMITS = Limits()


def read(text: str, limits: Limits = LIMITS) -> Extracted:
    return csv.extract(text.encode(), limits)


def headers(found: Extracted) -> list[str]:
    return [found.text[grid.start : grid.header_end] for grid in found.grids]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_dialects(delimiter: str, encoding: str, end: str) -> None:
    """Whatever parts the cells, ends the lines and encodes the file, the rows are the same."""
    rows = [["Item", "Fee", "Due"], ["Party room", "80.00", "on booking"], ["Schlüssel", "5.50", ""]]
    data = end.join(delimiter.join(row) for row in rows).encode(encoding)

    found = csv.extract(data, LIMITS)

    assert found.text == "Item | Fee | Due\nParty room | 80.00 | on booking\nSchlüssel | 5.50"
    assert headers(found) == ["Item | Fee | Due"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Item;Fee\nRoom;80,00\nKey;5,50\n", "Item | Fee\nRoom | 80,00\nKey | 5,50"),
        ("1,5;2,5\n3,5;4,5\n", "1,5 | 2,5\n3,5 | 4,5"),
        ('Item,Note\nRoom,"Pay, then\nbook ""early"""\n', 'Item | Note\nRoom | Pay, then book "early"'),
        ('Item, Note\nRoom, "a, b"\n', "Item | Note\nRoom | a, b"),
        ('Rod 5",80\nPipe 6",90\n', 'Rod 5" | 80\nPipe 6" | 90'),
        ('"Rod,80\nPipe,90\n', '"Rod | 80\nPipe | 90'),
        ("sep=;\r\na,b;c\r\nd,e;2\r\n", "a,b | c\nd,e | 2"),
        ("Dear all, the pool\nis closed.\nYours\n", "Dear all, the pool\nis closed.\nYours"),
        ("a\t\t\tb\t\n1\t\t\t2\t\n", "a | b\n1 | 2"),
        ("Item,Fee\r\r\nRoom,80\r\r\nKey,5\r\r\n", "Item | Fee\nRoom | 80\nKey | 5"),
        ("a,b\n1,x\u2028y\n", "a | b\n1 | x y"),
        ("a,b\n1,\x00x\n", "a | b\n1 | x"),
    ],
)
def test_cells(text: str, expected: str) -> None:
    """Quotes, line ends within cells, decimal commas, stray quotes and prose come out as a person would quote them."""
    assert read(text).text == expected


def test_a_preamble() -> None:
    """Lines above a table are text of their own, and the table's header is its own first row."""
    found = read("Fee schedule,,\nas of March,,\nItem,Fee,Due\nRoom,80,now\n")

    assert found.text == "Fee schedule\nas of March\n\nItem | Fee | Due\nRoom | 80 | now"
    assert headers(found) == ["Item | Fee | Due"]


def test_a_wide_cell() -> None:
    """A cell of any length is a cell."""
    assert read(f"a,b\n1,{'x' * 10**6}\n").text == f"a | b\n1 | {'x' * 10**6}"


@pytest.mark.parametrize(
    ("text", "limits", "message"),
    [
        ("a,b\n" * 6, replace(LIMITS, rows=5), "FOOTNOTE_MAX_ROWS=5"),
        ("a\n" * 6, replace(LIMITS, rows=5), "FOOTNOTE_MAX_ROWS=5"),
        ("," * 101, replace(LIMITS, characters=100), "FOOTNOTE_MAX_CHARACTERS=100"),
    ],
)
def test_limits(text: str, limits: Limits, message: str) -> None:
    """More rows or characters than the limits allow are refused with the limit's name."""
    with pytest.raises(TooLarge, match=message):
        read(text, limits)


@pytest.mark.parametrize(
    "text",
    [
        '"' * 10**6,
        "," * 10**6,
        "\n" * 10**6 + "a",
        '"a' * 10**6,
        "a," * 10**5 + "\n" + "b\n" * 10**5,
        "a,b\n1,2\n\n" * 10**4,
        "a,1\n\n" * 10**5,
    ],
    ids=["quotes", "commas", "lines", "open", "wide", "tables", "gaps"],
)
def test_floods_take_no_time(text: str) -> None:
    """A megabyte of marks is read or refused, in time that grows with it alone."""
    begin = time.process_time()
    with suppress(Rejected):
        read(text)
    assert time.process_time() - begin < 20  # a square law would take hours


def test_the_process_keeps_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell may be as long as the file, however low the bound of Python's reader was."""
    import csv as python  # noqa: PLC0415

    before = python.field_size_limit(10)
    try:
        assert read("a,b\n1," + "x" * 100).text.endswith("x" * 100)
        assert list(python.reader(io.StringIO("y" * 50)))
    finally:
        python.field_size_limit(before)
