from __future__ import annotations

from dataclasses import replace

import pytest

from corpus.errors import NoText, TooLarge
from corpus.model import Grid
from corpus.ports import Limits
from ingest.compose import Composer

LIMITS = Limits()


def test_pieces_stand_in_order() -> None:
    """Headings, paragraphs, lines and rows stand one under another, at the offsets that are told."""
    made = Composer(LIMITS)
    made.paragraph("Before\u00a0all.  ")
    made.heading(1, " House\n Rules ")
    made.heading(2, "Pool")
    made.line("1. No glass.")
    made.paragraph("\n\n")
    made.table([["Item", "Fee"], ["", " "], ["Party\nroom", "80.00", ""]])
    made.heading(1, "Garden")

    found = made.done("T", ["odd"])

    assert found.text == "Before all.\n\nHouse Rules\n\nPool\n1. No glass.\n\nItem | Fee\nParty room | 80.00\n\nGarden"
    assert [(found.text[one.start :].split("\n")[0], one.headings) for one in found.sections] == [
        ("House Rules", ("House Rules",)),
        ("Pool", ("House Rules", "Pool")),
        ("Garden", ("Garden",)),
    ]
    assert [(found.text[g.start : g.header_end], found.text[g.header_end : g.end]) for g in found.grids] == [
        ("Item | Fee", "\nParty room | 80.00")
    ]
    assert (found.title, found.flags, found.pages[0].label) == ("T", ("odd",), "")


def test_pages() -> None:
    """What is added stands on the page that was begun last; a page without text is empty."""
    made = Composer(LIMITS)
    for label, text in (("i", "one"), ("ii", ""), ("1", "three")):
        made.page(label)
        made.paragraph(text)

    found = made.done()

    assert found.text == "one\n\f\n\fthree"
    assert [(page.number, page.label, found.text[page.start : page.end], page.problem) for page in found.pages] == [
        (1, "i", "one", ""),
        (2, "ii", "", "empty"),
        (3, "1", "three", ""),
    ]


def test_what_is_wrong_with_a_page_without_text() -> None:
    """A page that stays without text has the problem that was told, and one with text has none."""
    made = Composer(LIMITS)
    for label, text in (("1", ""), ("2", "two")):
        made.page(label, "image")
        made.paragraph(text)
    assert [page.problem for page in made.done().pages] == ["image", ""]


def test_sections_end() -> None:
    """What follows the end of the sections stands under no heading, and an end behind all text is none."""
    made = Composer(LIMITS)
    made.page("1")
    made.end_sections()
    made.heading(1, "Pool")
    made.page("2")
    made.end_sections()
    made.paragraph("two")
    made.heading(1, "Garden")
    made.end_sections()

    found = made.done()

    assert [(found.text[one.start :][:3], one.headings) for one in found.sections] == [
        ("Poo", ("Pool",)),
        ("two", ()),
        ("Gar", ("Garden",)),
    ]


def test_a_table_without_a_header() -> None:
    """A table without a header says so, and one that is only a header is one."""
    made = Composer(LIMITS)
    made.table([["a", "b"]], header_rows=0)
    made.table([["c"]])
    assert made.done().grids == (Grid(0, 0, 5), Grid(7, 8, 8))


def much(made: Composer) -> None:
    for label in "ab":
        made.page(label)
        made.table([["x"], ["y" * 9]])


def test_limits() -> None:
    """What is beyond a limit is refused with the limit's name; nothing at all is no text."""
    for limits, message in (
        (replace(LIMITS, characters=10), "FOOTNOTE_MAX_CHARACTERS=10"),
        (replace(LIMITS, rows=2), "FOOTNOTE_MAX_ROWS=2"),
        (replace(LIMITS, pages=1), "FOOTNOTE_MAX_PAGES=1"),
    ):
        with pytest.raises(TooLarge, match=message):
            much(Composer(limits))
    with pytest.raises(NoText):
        Composer(LIMITS).done()


def test_a_document_in_a_document() -> None:
    """What is included brings its sections and tables along, under the heading that is open, and none of its pages."""
    inner = Composer(LIMITS)
    inner.page("1")
    inner.heading(1, "Fees")
    inner.page("2")
    inner.table([["Item", "Fee"], ["Pool", "10"]])
    made = Composer(LIMITS)
    made.heading(1, "Letter")
    made.include(inner.done())
    made.paragraph("after")

    found = made.done()

    assert found.text == "Letter\n\nFees\n\nItem | Fee\nPool | 10\n\nafter"
    assert [(one.start, one.headings) for one in found.sections] == [(0, ("Letter",)), (8, ("Letter", "Fees"))]
    assert [found.text[grid.start : grid.end] for grid in found.grids] == ["Item | Fee\nPool | 10"]
    with pytest.raises(TooLarge, match="FOOTNOTE_MAX_ROWS=1"):
        Composer(replace(LIMITS, rows=1)).include(inner.done())
