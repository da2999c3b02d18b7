from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import docx as python_docx
import pytest

from corpus.errors import NoText, TooLarge, Unreadable
from corpus.ports import Limits
from ingest.extractors.docx import extract
from ingest.extractors.docx.numbering import written
from tests.docx import (
    HIDDEN,
    VISIBLE,
    XMLNS,
    box,
    docx,
    everywhere,
    field,
    lvl,
    num,
    numbered,
    p,
    r,
    section,
    tbl,
    tc,
    tr,
)

LIMITS = Limits()


def text(body: str, **parts: str) -> str:
    return extract(docx(body, parts), LIMITS).text


def style(style_id: str, name: str, inside: str = "", more: str = "") -> str:
    return f'<w:style w:type="paragraph" w:styleId="{style_id}" {more}><w:name w:val="{name}"/>{inside}</w:style>'


@pytest.mark.parametrize("strict", [False, True])
def test_every_visible_place_is_read_once(*, strict: bool) -> None:
    """Each place that a reader sees is read once and in order, and nothing that no reader sees, strict or not."""
    found = extract(everywhere(strict=strict), LIMITS)

    assert [word for word in found.text.replace("(", " ").split() if word in VISIBLE] == list(VISIBLE)
    assert [found.text.count(word) for word in VISIBLE] == [1] * len(VISIBLE)
    assert [word for word in HIDDEN if word in found.text] == []
    assert found.text.split("\n\n")[2:6] == [
        "Bodyword stands here and more.\nFootword\nEndword",
        "Boxword",
        "Vmlword",
        "1. Listword",
    ]
    assert found.flags == ("comments-left-out", "embedded-documents-left-out")
    assert [(page.number, page.label) for page in found.pages] == [(1, "")]


def test_headings_and_title() -> None:
    """Headings are those of the heading styles in any language, of styles based on them, and of outline levels."""
    styles = (
        style("berschrift2", "heading 2")
        + style("Clause", "Clause", '<w:basedOn w:val="berschrift2"/>')
        + style("TOC", "TOC Heading", '<w:basedOn w:val="berschrift2"/><w:pPr><w:outlineLvl w:val="9"/></w:pPr>')
        + style("Titel", "Title")
        + style("Round", "Round", '<w:basedOn w:val="Round"/>')
    )
    body = (
        p("House Rules", style="Titel")
        + p("Pool", style="Heading1")
        + p("Hours", style="berschrift2")
        + p("Contents", style="TOC")
        + p("Guests", style="Clause")
        + p("Children", properties='<w:outlineLvl w:val="2"/>')
        + p("Not one", style="berschrift2", properties='<w:outlineLvl w:val="9"/>')
        + p("Nor this", style="Round")
        + p("x" * 300, style="Heading1")
    )

    found = extract(docx(body, {"styles": styles}), LIMITS)

    assert [one.headings for one in found.sections] == [
        ("House Rules",),
        ("House Rules", "Pool"),
        ("House Rules", "Pool", "Hours"),
        ("House Rules", "Pool", "Guests"),
        ("House Rules", "Pool", "Guests", "Children"),
    ]
    assert found.title == "House Rules"
    assert extract(docx(body, {"styles": styles}, title=" The\n Rules "), LIMITS).title == "The Rules"
    assert extract(docx(p("Pool", style="Heading1")), LIMITS).title == ""
    assert extract(docx(p("Pool")), LIMITS).title == ""


def test_lists_count_as_word_counts() -> None:
    """Lists have the numbers and bullets that Word shows: levels, restarts, list styles, and none where it is off."""
    override = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>'
    numbering = (
        num(1, lvl(0, "decimal", "%1."), lvl(1, "lowerLetter", "%2)"), lvl(2, "upperRoman", "%1.%2.%3", "<w:isLgl/>"))
        + num(2, lvl(0, "bullet", "\uf0b7"))
        + f'<w:num w:numId="3"><w:abstractNumId w:val="1"/>{override}</w:num>'
        + '<w:abstractNum w:abstractNumId="4"><w:numStyleLink w:val="Linked"/></w:abstractNum>'
        + '<w:num w:numId="4"><w:abstractNumId w:val="4"/></w:num>'
        + num(6)
        + num(5, lvl(0, "none", ""), lvl(1, "decimal", "%2", '<w:lvlRestart w:val="0"/>'))
    )
    styles = style("Linked", "Linked", '<w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr>')
    marks = [(1, 0), (1, 1), (1, 1), (1, 2), (1, 0), (1, 1), (2, 0), (3, 0), (1, 0), (4, 0), (0, 0), (9, 0), (6, 0)]
    marks += [(5, 1), (5, 0), (5, 1)]
    body = "".join(p("x", properties=numbered(*mark)) for mark in marks)

    found = text(body, numbering=numbering, styles=styles)

    assert found.split("\n") == [
        *("1. x", "a) x", "b) x", "1.2.1 x", "2. x", "a) x", "• x", "7. x", "8. x", "• x"),
        *("", "x", "", "x", "", "x", "", "1 x", "", "x", "", "2 x"),
    ]


def test_numbered_headings() -> None:
    """A heading numbered by its style keeps its number, and an unnumbered paragraph does not disturb the count."""
    levels = [
        lvl(0, "upperRoman", "%1.", '<w:pStyle w:val="H1"/>'),
        lvl(1, "decimal", "%1.%2", '<w:pStyle w:val="H2"/>'),
    ]
    listed = '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'
    styles = style("H1", "heading 1", listed) + style("H2", "heading 2", listed)
    body = p("Pool", style="H1") + p("text") + p("Hours", style="H2") + p(style="H2") + p("Fees", style="H2")

    found = extract(docx(body, {"numbering": num(1, *levels), "styles": styles}), LIMITS)

    assert [one.headings[-1] for one in found.sections] == ["I. Pool", "I.1 Hours", "I.3 Fees"]


@pytest.mark.parametrize(
    ("number_format", "expected"),
    [
        ("decimal", "0 1 4 28 1000"),
        ("lowerLetter", "0 a d bb 1000"),
        ("upperRoman", "0 I IV XXVIII M"),
        ("decimalZero", "00 01 04 28 1000"),
        ("ordinal", "0th 1st 4th 28th 1000th"),
        ("chineseCounting", "0 1 4 28 1000"),
        ("none", "    "),
    ],
)
def test_numbers(number_format: str, expected: str) -> None:
    """Numbers are written in their format, and in digits where the format is unknown."""
    assert " ".join(written(count, number_format) for count in (0, 1, 4, 28, 1000)) == expected


def test_tables() -> None:
    """A row is a line, with columns in line over merged cells; the header is what says so or looks like one."""
    span, rest = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>'
    merged = tbl(
        tr("Room", "Hour", "Fee", properties="<w:tblHeader/>"),
        tr(tc(p("Party room"), span), "80.00"),
        tr(tc(p("Sauna"), rest), "1", "5.00"),
        tr(tc(p(), "<w:vMerge/>"), "2", "9.00"),
        tr("gone", "gone", "gone", properties="<w:del/>"),
        tr(tc(p("gone"), "<w:cellDel/>"), "kept", properties='<w:gridBefore w:val="1"/>'),
    )
    plain = tbl(tr("Day", "Hours"), tr("Monday", "9–17"))
    figures = tbl(tr("1", "2"), tr("3", "4"))

    found = extract(docx(merged + p() + plain + p() + figures), LIMITS)

    lines = [
        "Room | Hour | Fee\nParty room |  | 80.00\nSauna | 1 | 5.00\n| 2 | 9.00\n| kept",
        "Day | Hours\nMonday | 9–17",
        "1 | 2\n3 | 4",
    ]
    assert [found.text[one.start : one.end] for one in found.grids] == lines
    assert found.text == "\n\n".join(lines)
    assert [found.text[one.start : one.header_end] for one in found.grids] == ["Room | Hour | Fee", "Day | Hours", ""]


def test_tables_in_tables() -> None:
    """A table in a cell is part of that cell's line; notes of a cell stand behind the table."""
    note = '<w:r><w:footnoteReference w:id="1"/></w:r>'
    inner = tbl(tr("Mon", "9"), tr("Tue", "8"))
    body = tbl(tr(tc(p("Open") + inner + p("daily", more=note)), tc(p("Pool", more=box(p("Boxed"))))), tr("a", "b"))

    assert text(body, footnotes=f'<w:footnote w:id="1">{p("Except in May.")}</w:footnote>') == (
        "Open Mon 9; Tue 8 daily | Pool Boxed\na | b\nExcept in May."
    )


def test_a_table_for_the_layout() -> None:
    """A table of a single column is there for the layout: its paragraphs, headings and tables are as outside."""
    body = tbl(tr(tc(p("Pool", style="Heading1") + p("Open.") + tbl(tr("Day", "Hours"), tr("Monday", "9")))))

    found = extract(docx(body), LIMITS)

    assert found.text == "Pool\n\nOpen.\n\nDay | Hours\nMonday | 9"
    assert (len(found.sections), len(found.grids)) == (1, 1)


def test_headers_and_footers() -> None:
    """Headers stand before their section and footers behind it, and those that are alike once."""
    body = p("One.", properties=section("header1", "footer1")) + p("Two.", properties=section("header2", "footer2"))
    body += p("Three.") + section("header1", "footer3")
    parts = {
        "header1": tbl(tr("House", "")) + p("Rules"),
        "header2": p("Annex"),
        "footer1": p("Page 1"),
        "footer3": p("End"),
    }

    assert (
        text(body, **parts, footer2=p("Page 1")) == "House\nRules\n\nOne.\n\nPage 1\n\nAnnex\n\nTwo.\n\nThree.\n\nEnd"
    )


def test_a_note_is_told_once() -> None:
    """A note that is referred to twice stands behind the first reference only, and one that is missing nowhere."""
    first, gone = (f'<w:r><w:footnoteReference w:id="{n}"/></w:r>' for n in (1, 9))
    notes = {"footnotes": f'<w:footnote w:id="1">{p("Note.", more=first)}</w:footnote>'}

    assert text(p("One.", more=first + gone) + p("Two.", more=first), **notes) == "One.\nNote.\n\nTwo."


def test_characters() -> None:
    """Tabs, breaks, hyphens, symbols, readings and formulas are read as they look."""
    ruby = f"<w:ruby><w:rt>{r('かんじ')}</w:rt><w:rubyBase>{r('漢字')}</w:rubyBase></w:ruby>"
    inside = (
        "<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>co</w:t><w:softHyphen/><w:t>op</w:t><w:noBreakHyphen/><w:t>x</w:t>"
        '<w:sym w:font="Symbol" w:char="F061"/><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>'
        f"<w:r>{ruby}</w:r><w:r><w:t>line<!-- seen by nobody -->\nend</w:t></w:r>"
    )
    formula = (
        "<m:oMath><m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>c</m:t></m:r></m:den></m:f>"
        "<m:d><m:e><m:r><m:t>x</m:t></m:r></m:e></m:d><m:sSup><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath>"
    )

    assert text(p(more=inside) + p(more=formula)) == "a\tb\ncoop-xα☑漢字(かんじ)line end\n\n(a+b)/c(x)^2"


@pytest.mark.parametrize(
    ("font", "code", "expected"),
    [("Symbol", "F061", "α"), ("Arial", "20AC", "€"), ("Arial", "F041", "A"), ("Wingdings", "F001", ""), ("", "", "")],
)
def test_symbols(font: str, code: str, expected: str) -> None:
    """A symbol is the character that its font has there; one that nobody knows is left out with a flag."""
    found = extract(docx(p("x", more=f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>')), LIMITS)

    assert (found.text, found.flags) == (f"x{expected}", () if expected else ("symbols-left-out",))


def begin_with(form: str) -> str:
    return f'<w:r><w:fldChar w:fldCharType="begin"><w:ffData>{form}</w:ffData></w:fldChar></w:r>'


def test_fields() -> None:
    """Of a field its result is read, also where fields stand in one another, span paragraphs or never end."""
    inner = field(" =1 ", r("Hidden"))
    begin, between, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end"))
    spans = p(more=begin + "<w:r><w:instrText>TOC</w:instrText></w:r>" + between + r("Pool 1")) + p(
        "Garden 2", more=end
    )
    checked = begin_with('<w:checkBox><w:default w:val="1"/></w:checkBox>')
    chosen = begin_with('<w:ddList><w:result w:val="1"/><w:listEntry w:val="No"/><w:listEntry w:val="Yes"/></w:ddList>')
    body = p(more=begin + inner + between + r("Seen") + end) + spans + p(more=checked + end + chosen + end)
    body += p("Open", more=begin + r("Codes")) + p("After", more=end + end)

    assert text(body) == "Seen\n\nPool 1\n\nGarden 2\n\n☒Yes\n\nOpen\n\nAfter"


def test_hidden_text() -> None:
    """Text hidden by its run, by its run's style or by its paragraph's style is left out; what undoes that is read."""
    styles = style("Off", "Off", "<w:rPr><w:vanish/></w:rPr>") + (
        '<w:style w:type="character" w:styleId="Dim"><w:rPr><w:vanish/></w:rPr></w:style>'
    )
    body = p("gone", style="Off", more=r("seen", '<w:vanish w:val="0"/>')) + p(
        more=r("gone", '<w:rStyle w:val="Dim"/>')
    )
    body += p("also", more=r("gone", "<w:vanish/>"), properties="<w:rPr><w:vanish/></w:rPr>")

    assert text(body, styles=styles) == "seen\n\nalso"


def test_paragraphs_that_go_on() -> None:
    """A paragraph whose end was deleted, and a drop cap, are one with what follows."""
    deleted = "<w:rPr><w:del/></w:rPr>"
    body = (
        p("No smo", properties=deleted)
        + p("king.")
        + p("T", properties='<w:framePr w:dropCap="drop"/>')
        + p("he pool.")
    )
    body += p("Last", properties=deleted) + tbl(tr("a", "b")) + p("End", properties=deleted)

    assert text(body) == "No smoking.\n\nThe pool.\n\nLast\n\na | b\n\nEnd"


def test_drawings() -> None:
    """Of a drawing's twins the one with words is read; diagrams are read, charts and objects are told of."""
    twins = (
        f"<w:r><mc:AlternateContent><mc:Choice/><mc:Choice>{r('no')}</mc:Choice><mc:Fallback>{r('no')}</mc:Fallback>"
    )
    twins = twins.replace(r("no"), r("yes"), 1) + "</mc:AlternateContent></w:r>"
    drawn = "<w:r><w:drawing><a:p><a:r><a:t>drawn</a:t></a:r></a:p></w:drawing></w:r>"
    rest = '<w:r><c:chart r:id="x"/><o:OLEObject/><dgm:relIds r:dm="rId-gone"/><v:textpath string="DRAFT"/></w:r>'
    diagram = '<w:r><dgm:relIds r:dm="rId-diagramData1"/></w:r>'
    data = f"<dgm:dataModel {XMLNS}><a:p><a:r><a:t>step</a:t></a:r></a:p></dgm:dataModel>"

    found = extract(docx(p("x", more=twins + drawn + rest + diagram), {"diagramData1": data}), LIMITS)

    assert found.text == "xyesDRAFT\n\ndrawn\n\nstep"
    assert found.flags == ("charts-left-out", "diagrams-left-out", "objects-left-out")


def test_content_controls() -> None:
    """What stands in content controls is read, whether they hold blocks, rows, cells or runs, in one another too."""

    def control(content: str) -> str:
        return f'<w:sdt><w:sdtPr><w:alias w:val="no"/></w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>'

    body = control(control(p(more=control(r("a"))))) + tbl(control(tr(control(tc(p("b"))), "c")), tr("d", "e"))

    assert text(body) == "a\n\nb | c\nd | e"


def test_runs_outside_paragraphs() -> None:
    """Text where the format allows none is read all the same: runs in a body, cells in no table."""
    assert (
        text(r("loose") + tc(p("cell")) + tr("row") + "<w:tbl>" + p("stray") + "</w:tbl>")
        == "loose\n\ncell\n\nrow\n\nstray"
    )


def parted(data: bytes, **changes: str | None) -> bytes:
    """The document with parts changed, or taken out; `__` in a name stands for a slash."""
    target = io.BytesIO()
    by_name = {name.replace("__", "/") + ".xml": content for name, content in changes.items()}
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(target, "w") as changed:
        for name in archive.namelist():
            content = by_name.get(name, archive.read(name))
            if content is not None:
                changed.writestr(name, content)
    return target.getvalue()


def test_damaged_parts() -> None:
    """A part that is damaged costs its own text, and a flag says so; one that is missing costs nothing."""
    whole = docx(
        p("kept", more='<w:r><w:footnoteReference w:id="1"/></w:r>') + section("header1"),
        {"header1": p("Head"), "footnotes": f'<w:footnote w:id="1">{p("Note")}</w:footnote>', "styles": ""},
    )

    for name in ("header1", "footnotes", "styles"):
        found = extract(parted(whole, **{f"word__{name}": "<w:broken"}), LIMITS)
        assert "kept" in found.text
        assert found.flags == ("damaged-parts-left-out",)
        assert extract(parted(whole, **{f"word__{name}": None}), LIMITS).flags == ()


def test_undeclared_types() -> None:
    """A package that does not declare the types of its parts is read."""
    types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'

    assert extract(parted(docx(p("x")), **{"[Content_Types]": types}), LIMITS).text == "x"


def test_what_is_no_word_document() -> None:
    """Archives without a document, with another kind of document or with a damaged one are refused."""
    whole = docx(p("x"))
    for data in (
        parted(whole, word__document=None),
        parted(whole, word__document="<w:broken"),
        parted(whole, word__document="<workbook/>"),
        b"PK\x03\x04 pool",
    ):
        with pytest.raises(Unreadable):
            extract(data, LIMITS)
    with pytest.raises(NoText):
        extract(parted(whole, word__document=f"<w:document {XMLNS}/>"), LIMITS)


def test_nesting() -> None:
    """Tables nested deeper than the limit, and XML deeper than its parser goes, are refused by the limit's name."""

    def nested(depth: int) -> bytes:
        cell = p("deep")
        for _ in range(depth):
            cell = tbl(tr(tc(cell), "x"))
        return docx(cell)

    assert extract(nested(20), replace(LIMITS, nesting=20)).text == "deep" + 19 * " x" + " | x"
    for depth, limits in ((20, replace(LIMITS, nesting=19)), (200, LIMITS)):
        with pytest.raises(TooLarge, match="FOOTNOTE_MAX_NESTING"):
            extract(nested(depth), limits)


def test_a_document_of_python_docx() -> None:
    """A document as programs write it is read with its styles, lists and properties."""
    made = python_docx.Document()
    made.core_properties.title = "Rules"
    made.add_heading("House Rules", 0)
    made.add_heading("Pool", 1)
    made.add_paragraph("No glass.", "List Number")
    made.add_paragraph("No dogs.", "List Number")
    made.add_paragraph("Towels.", "List Bullet")
    cells = made.add_table(2, 2)
    cells.cell(0, 0).merge(cells.cell(1, 0)).text = "Tall"
    cells.cell(0, 1).text = "Wide"
    made.sections[0].header.paragraphs[0].text = "Head"
    target = io.BytesIO()
    made.save(target)

    found = extract(target.getvalue(), LIMITS)

    assert found.text == "Head\n\nHouse Rules\n\nPool\n\n1. No glass.\n2. No dogs.\n• Towels.\n\nTall | Wide"
    assert (found.title, found.sections[-1].headings) == ("Rules", ("House Rules", "Pool"))
