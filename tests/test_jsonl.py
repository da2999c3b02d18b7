from __future__ import annotations

from dataclasses import replace

import pytest

from corpus.errors import TooLarge, Unreadable
from corpus.ports import Limits
from ingest.extractors import jsonl

LIMITS = Limits()


def test_a_table_of_equal_objects() -> None:
    """Objects that all have the same plain fields are rows under one header, whatever their order."""
    found = jsonl.extract(b'{"room": "A", "fee": 80}\n\n{"fee": null, "room": "B"}\n', LIMITS)

    assert found.text == "room | fee\nA | 80\nB"
    assert [found.text[grid.start : grid.header_end] for grid in found.grids] == ["room | fee"]


def test_other_objects_are_paragraphs() -> None:
    """Other values are a paragraph each, a line for each field, named by the path to it."""
    found = jsonl.extract(b'{"a": {"b": [1, "x"], "c": null}, "d": true}\n[1, {"e": "y"}]\n"z"', LIMITS)

    assert (found.text, found.grids) == ("a.b: 1, x\nd: true\n\n1\ne: y\n\nz", ())


def test_lines_that_are_no_json() -> None:
    """A line that is no JSON is left out with a flag; a file without any other is refused."""
    assert jsonl.extract(b'{"a": 1}\n{"a": \n' + b"[" * 10**5, LIMITS).flags == ("lines-left-out",)
    assert jsonl.extract(b'{"a": ' + b"9" * 5000 + b'}\n{"a": 1}', LIMITS).text == "a\n1"
    with pytest.raises(Unreadable, match="none of its lines"):
        jsonl.extract(b"prose\n", LIMITS)


def test_bounds() -> None:
    """Lines beyond the rows of the settings, and values too deep in one another, are refused by that limit."""
    with pytest.raises(TooLarge, match="FOOTNOTE_MAX_ROWS=2"):
        jsonl.extract(b"1\n2\n3\n", replace(LIMITS, rows=2))
    with pytest.raises(TooLarge, match="FOOTNOTE_MAX_NESTING=9"):
        jsonl.extract(b'{"a":' * 20 + b"1" + b"}" * 20, replace(LIMITS, nesting=9))
