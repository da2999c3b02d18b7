from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from corpus.errors import NoText, TooLarge, Unreadable
from corpus.model import Extracted
from corpus.ports import Limits
from ingest.extractors import pptx
from tests.sheets import changed
from tests.slides import TITLE_ONLY, box, deck, picture, table

LIMITS = Limits()
SLIDE = "ppt/slides/slide1.xml"


def read(data: bytes, limits: Limits = LIMITS) -> Extracted:
    return pptx.extract(data, limits)


def page_texts(found: Extracted) -> list[str]:
    return [found.text[page.start : page.end] for page in found.pages]


def test_a_slide() -> None:
    """A slide is its title, then what stands on it from top to bottom and left to right, then its notes."""

    def fees(slide: Any) -> None:
        table(slide, [["Item", "Fee"], ["Party room", "80.00"]])
        box(slide.shapes, "right", left=5, top=2)
        box(slide.shapes, "left\nand below", left=1, top=2.05)
        slide.shapes.title.text = "Fees\vof 2025"
        slide.notes_slide.notes_text_frame.text = "Say it slowly."

    found = read(deck(fees, "no title", title="Annual meeting", layout=TITLE_ONLY))

    assert page_texts(found) == [
        "Fees of 2025\n\nleft\nand below\n\nright\n\nItem | Fee\nParty room | 80.00\n\nNotes: Say it slowly.",
        "no title",
    ]
    assert [page.label for page in found.pages] == ["1", "2"]
    assert [(found.text[one.start :].split()[0], one.headings) for one in found.sections] == [
        ("Fees", ("Fees of 2025",)),
        ("no", ()),
    ]
    (grid,) = found.grids
    assert found.text[grid.start : grid.header_end] == "Item | Fee"
    assert (found.title, found.flags) == ("Annual meeting", ())


@pytest.mark.parametrize("title", ["", "PowerPoint Presentation"])
def test_a_deck_without_a_title(title: str) -> None:
    """A presentation that nobody gave a title has none of its own; what it is called then is told elsewhere."""

    def first(slide: Any) -> None:
        slide.shapes.title.text = "House rules"

    assert read(deck(first, title=title, layout=TITLE_ONLY)).title == ""


def test_groups() -> None:
    """What is grouped stands where its group stands, however deep within the limit."""

    def grouped(slide: Any) -> None:
        box(slide.shapes, "last", top=6)
        group = slide.shapes.add_group_shape()
        box(group.shapes, "second", top=3)
        box(group.shapes.add_group_shape().shapes, "third", top=4)
        box(slide.shapes, "first", top=1)

    data = deck(grouped)

    assert read(data).text == "first\n\nsecond\n\nthird\n\nlast"
    with pytest.raises(TooLarge, match="FOOTNOTE_MAX_NESTING=1"):
        read(data, replace(LIMITS, nesting=1))


def test_tables() -> None:
    """Merged cells are there once, and a table that has no header row says so."""

    def merged(slide: Any) -> None:
        made = table(slide, [["a", "b"], ["c", "d"], ["e", "f"]])
        made.cell(0, 0).merge(made.cell(0, 1))
        made.first_row = False

    found = read(deck(merged))

    assert found.text == "a b\nc | d\ne | f"
    assert found.grids[0].header_end == 0


def test_charts() -> None:
    """A chart is the table that it shows; points without names, or far too many, are left out, and that is said."""

    def budget(slide: Any) -> None:
        data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
        data.categories = ["2024", "2025"]
        data.add_series("Budget", (1.5, 2000))
        data.add_series("Spent", (1, None))
        kind = XL_CHART_TYPE.COLUMN_CLUSTERED
        chart = slide.shapes.add_chart(kind, 0, Inches(1), Inches(2), Inches(2), data).chart
        chart.chart_title.text_frame.text = "Money"

    def points(slide: Any) -> None:
        data: Any = XyChartData()  # type: ignore[no-untyped-call]
        data.add_series("Dots").add_data_point(1, 2)
        slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, 0, Inches(1), Inches(2), Inches(2), data)

    found = read(deck(budget, points))

    assert page_texts(found)[0] == "Money\n\n| Budget | Spent\n2024 | 1.5 | 1\n2025 | 2000"
    assert found.flags == ("objects-left-out",)
    data, claim = deck(budget), b'ptCount val="4000000000"'
    claims = changed(data, chart_of(data), lambda part: part.replace(b'ptCount val="2"', claim))
    assert (read(claims).text, read(claims).flags) == ("Money", ("objects-left-out",))


def chart_of(data: bytes) -> str:
    """The part of a presentation that holds its chart."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return next(name for name in archive.namelist() if name.startswith("ppt/charts/chart"))


def test_hidden_slides() -> None:
    """A hidden slide is left out, which is said, and the others keep the numbers that are printed on them."""

    def hidden(slide: Any) -> None:
        box(slide.shapes, "secret")
        slide.element.set("show", "0")

    found = read(deck("one", hidden, "three"))

    assert (found.text, found.flags) == ("one\n\fthree", ("hidden-slides-left-out",))
    assert [(page.number, page.label) for page in found.pages] == [(1, "1"), (2, "3")]


def test_the_first_number() -> None:
    """A presentation that begins to count elsewhere is cited as it is printed."""
    data = changed(
        deck("one"),
        "ppt/presentation.xml",
        lambda part: part.replace(b"<p:presentation ", b'<p:presentation firstSlideNum="7" '),
    )
    assert read(data).pages[0].label == "7"


def test_slides_without_text() -> None:
    """A slide that is a picture, and one that is empty, are told apart; pictures alone are no text."""
    found = read(deck(picture, "", "words"))

    assert [page.problem for page in found.pages] == ["image", "empty", ""]
    with pytest.raises(NoText):
        read(deck(picture))


def test_furniture() -> None:
    """Dates and slide numbers are no text, and a footer is there once."""

    def framed(slide: Any) -> None:
        box(slide.shapes, "words")
        for number, (kind, text) in enumerate({"sldNum": "17", "dt": "1 March", "ftr": "Confidential"}.items()):
            place = box(slide.shapes, text, top=6).element.nvSpPr.find("{*}nvPr")
            place.append(place.makeelement(place.tag.replace("nvPr", "ph"), {"type": kind, "idx": str(number + 10)}))

    assert page_texts(read(deck(framed, framed))) == ["words\n\nConfidential", "words"]


def two_boxes(slide: Any) -> None:
    box(slide.shapes, "one")
    box(slide.shapes, "two", top=2)


@pytest.mark.parametrize(
    ("old", "new", "flags"),
    [
        (b"<a:off ", b"<a:odd ", ()),
        (b"<p:txBody>", b"<p:odd>", ()),
        (b'<p:cNvSpPr txBox="1"/>', b"<p:cNvSpPr/>", ()),
        (b"<p:sp><p:nvSpPr>", b"<p:contentPart/><p:sp><p:nvSpPr>", ("objects-left-out",)),
        (b"</p:spTree>", b"<p:graphicFrame/></p:spTree>", ("odd-shapes-left-out",)),
        (b"</p:spTree>", b'<mc:AlternateContent xmlns:mc="x"/></p:spTree>', ("objects-left-out",)),
    ],
    ids=["no place", "no text", "no kind", "ink", "no graphic", "alternatives"],
)
def test_odd_shapes(old: bytes, new: bytes, flags: tuple[str, ...]) -> None:
    """An odd shape costs itself at most, and never its slide."""

    def change(part: bytes) -> bytes:
        assert old in part
        return part.replace(old, new, 1).replace(b"</p:txBody>", b"</p:odd>", int(new == b"<p:odd>"))

    found = read(changed(deck(two_boxes), SLIDE, change))

    assert "two" in found.text
    assert found.flags == flags


def test_a_slide_that_is_none() -> None:
    """A slide that is another thing is a page that failed, and its neighbours are read."""
    rels = "ppt/_rels/presentation.xml.rels"
    found = read(changed(deck("one", "two"), rels, lambda part: part.replace(b"slides/slide1.xml", b"presProps.xml")))
    assert [(page.problem, found.text[page.start : page.end]) for page in found.pages] == [("failed", ""), ("", "two")]


@pytest.mark.parametrize(
    ("part", "body"),
    [
        ("ppt/presentation.xml", b"<workbook/>"),
        ("ppt/presentation.xml", b"\x00"),
        ("ppt/presentation.xml", None),
        ("[Content_Types].xml", b"<"),
        (SLIDE, b"<p:sld"),
        (SLIDE, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
    ],
)
def test_no_presentation(part: str, body: bytes | None) -> None:
    """An archive whose presentation is damaged, missing or another thing is unreadable."""
    with pytest.raises(Unreadable):
        read(changed(deck("one"), part, lambda _: body))


def test_a_bomb() -> None:
    """A slide that unpacks to a thousand times its size is refused before it is parsed."""
    data = changed(deck("one"), SLIDE, lambda part: part + b" " * 5 * 10**7)
    with pytest.raises(TooLarge, match="FOOTNOTE_MAX_RATIO"):
        read(data)
