from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import Any

import pytest

from corpus.errors import TooLarge, Unreadable
from corpus.model import Extracted
from corpus.ports import Limits
from ingest.extractors import xlsx
from tests.sheets import by_another_hand, changed, sheet_of, workbook

LIMITS = Limits()
FEES: list[list[Any]] = [["Item", "Fee", "Due"], ["Party room", 80, "on booking"], ["Key", 5.5, None]]
SHEET = "xl/worksheets/sheet1.xml"


def read(data: bytes, limits: Limits = LIMITS) -> Extracted:
    return xlsx.extract(data, limits)


def headers(found: Extracted) -> list[str]:
    return [found.text[grid.start : grid.header_end] for grid in found.grids]


def test_sheets() -> None:
    """Sheets stand in order under their names, with their tables and headers, and the workbook's title is kept."""

    def finish(book: Any) -> None:
        book.properties.title = " Fees of the house "

    found = read(workbook({"Fees": FEES, "Empty": [], "Guests": [["Name", "Nights"], ["Smith", 2]]}, finish))

    assert found.text == (
        "Fees\n\nItem | Fee | Due\nParty room | 80 | on booking\nKey | 5.5\n\nGuests\n\nName | Nights\nSmith | 2"
    )
    assert headers(found) == ["Item | Fee | Due", "Name | Nights"]
    assert [one.headings for one in found.sections] == [("Fees",), ("Guests",)]
    assert (found.title, found.flags) == ("Fees of the house", ())


def test_a_sheet_by_another_hand() -> None:
    """Shared strings, formulas with their values and custom formats are read as they look."""
    found = read(by_another_hand([("Party room", 80), ("Key", 5.5)]))

    assert found.text == (
        "Fees\n\nFee schedule\n\nItem | Fee | Since\n"
        "Party room | $80.00 | 2025-03-01\nKey | $5.50 | 2025-03-01\nTotal | $85.50"
    )
    assert (headers(found), found.flags) == (["Item | Fee | Since"], ())


def test_hidden_sheets() -> None:
    """A sheet that is hidden is left out, and that is said."""

    def hide(book: Any) -> None:
        for name, state in (("Secret", "hidden"), ("Deep", "veryHidden")):
            book[name].sheet_state = state

    found = read(workbook({"Fees": FEES, "Secret": [["safe", "1234"]], "Deep": [["safe", "5678"]]}, hide))

    assert "safe" not in found.text
    assert found.flags == ("hidden-sheets-left-out",)


def test_values() -> None:
    """Dates are ISO dates, numbers look as their formats show them, and truths and errors are words."""
    values = {
        "0.00": 80, "0%": 0.12, "#,##0.00 [$€-407]": 1234.5, "dd.mm.yyyy": date(2025, 3, 1),
        "m/d/yy h:mm": datetime.fromisoformat("2025-03-01T14:30"), "h:mm": clock(9, 0),
        "[h]:mm": timedelta(hours=26), "General": True, "@": "#REF!",
    }  # fmt: skip

    def finish(book: Any) -> None:
        for column, form in enumerate(values, 1):
            book["S"].cell(1, column).number_format = form

    found = read(workbook({"S": [list(values.values())]}, finish))

    assert found.text.removeprefix("S\n\n") == (
        "80.00 | 12% | 1,234.50 € | 2025-03-01 | 2025-03-01 14:30 | 09:00 | 26:00 | TRUE | #REF!"
    )


def test_the_other_calendar() -> None:
    """A workbook of the 1904 calendar has its dates right."""

    def finish(book: Any) -> None:
        book.epoch = datetime.fromisoformat("1904-01-01")

    assert "2025-03-01" in read(workbook({"S": [["Day", date(2025, 3, 1)]]}, finish)).text


def test_formulas() -> None:
    """A formula stands there as its value; one that was never worked out is said to be missing."""
    good = '<row><c t="n"><f>1+1</f><v>2</v></c><c t="str"><f>""</f><v></v></c><c t="str"><f>A1</f><v>two</v></c></row>'

    assert (read(sheet_of(good)).text, read(sheet_of(good)).flags) == ("Sheet\n\n2 | two", ())
    found = read(workbook({"S": [["Sum", "=1+1"], ["x", "y"]]}))
    assert found.text == "S\n\nSum\n\nx | y"
    assert found.flags == ("formulas-without-values",)


def test_strings() -> None:
    """Strings in runs, in cells and with escapes are whole, without reading aids; dates may be spelled out."""
    cells = (
        '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c>'
        '<c t="inlineStr"><is><t>in a cell</t></is></c><c t="d"><v>2025-03-01T10:00</v></c></row>'
    )
    aid = '<rPh sb="0" eb="1"><t>aid</t></rPh>'
    strings = f"<si><r><t>Party</t></r><r><t> room</t></r></si><si><t>a_x000D_b</t>{aid}</si>"
    assert read(sheet_of(cells, strings)).text == "Sheet\n\nParty room | a b | in a cell | 2025-03-01 10:00"


@pytest.mark.parametrize("cell", ['<c t="s"><v>99</v></c>', "<c><v>NaN</v></c>", '<c r="1A"><v>1</v></c>'])
def test_a_cell_that_is_none(cell: str) -> None:
    """A sheet is read up to a cell that breaks the format, and that is said."""
    found = read(sheet_of(f'<row><c t="str"><v>before</v></c></row><row>{cell}</row>'))

    assert (found.text, found.flags) == ("Sheet\n\nbefore", ("damaged-sheets-left-out",))


def test_a_style_that_is_none() -> None:
    """A number whose style is not there stands as it is."""
    assert read(sheet_of('<row><c s="99"><v>80</v></c></row>')).text == "Sheet\n\n80"


def test_merged_cells() -> None:
    """What stands in merged cells is there once: above a table, it is what is said about it."""

    def finish(book: Any) -> None:
        book["S"].merge_cells("A1:C1")
        book["S"].merge_cells("A3:A4")

    found = read(workbook({"S": [["Fees of 2025"], *FEES]}, finish))

    assert found.text == "S\n\nFees of 2025\n\nItem | Fee | Due\nParty room | 80 | on booking\n| 5.5"
    assert headers(found) == ["Item | Fee | Due"]


def test_several_tables_anywhere() -> None:
    """Tables parted by empty rows are tables of their own, wherever on the sheet they begin."""
    rows = [[], [], *([None, None, *row] for row in FEES), [], [None, "Name", "Nights"], [None, "Smith", 2]]

    assert headers(read(workbook({"S": rows}))) == ["Item | Fee | Due", "Name | Nights"]


def test_phantoms() -> None:
    """A sheet that claims all the rows and columns there can be costs what stands in it."""

    def finish(book: Any) -> None:
        book["S"]["XFD1048576"] = "far"

    def claim(part: bytes) -> bytes:
        return part.replace(b"</sheetData>", b'<row r="4000000000"><c r="XFD4000000000" s="1"/></row></sheetData>')

    data = changed(workbook({"S": FEES}, finish), SHEET, claim)
    begin = time.process_time()

    assert read(data).text == "S\n\nItem | Fee | Due\nParty room | 80 | on booking\nKey | 5.5\n\nfar"
    assert time.process_time() - begin < 10  # to walk over the sheet would take hours


def test_blank_cells_are_counted() -> None:
    """Cells that hold nothing but a style are passed over, and no more of them than the limit allows."""
    blank = "<row>" + '<c s="0"/>' * 100 + "</row>"

    assert read(sheet_of(blank + '<row><c t="str"><v>end</v></c></row>')).text == "Sheet\n\nend"
    with pytest.raises(TooLarge, match="FOOTNOTE_MAX_CHARACTERS=99"):
        read(sheet_of(blank), replace(LIMITS, characters=99))


def test_rows_are_limited() -> None:
    """More rows than the limit allows are refused with its name."""
    with pytest.raises(TooLarge, match="FOOTNOTE_MAX_ROWS=2"):
        read(workbook({"S": FEES}), replace(LIMITS, rows=2))


def test_wide_rows_cost_what_they_hold() -> None:
    """Many short rows beneath one that fills all columns are no trap."""
    wide = "<row>" + "<c><v>1</v></c>" * 16_384 + "</row>"
    begin = time.process_time()
    read(sheet_of(wide + "<row><c><v>1</v></c></row>" * 20_000))
    assert time.process_time() - begin < 10  # to fill them up would take minutes


def test_comments_and_drawings() -> None:
    """Comments and charts are left out, and that is said."""

    def finish(book: Any) -> None:
        from openpyxl.chart import BarChart, Reference  # noqa: PLC0415
        from openpyxl.comments import Comment  # noqa: PLC0415

        sheet = book["S"]
        sheet["A1"].comment = Comment("by hand", "somebody")
        chart = BarChart()
        chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3))
        sheet.add_chart(chart, "E5")

    assert read(workbook({"S": FEES}, finish)).flags == ("comments-left-out", "drawings-left-out")


def test_a_damaged_sheet() -> None:
    """A sheet that breaks off, or is not there, costs itself; with nothing else left, the file is unreadable."""
    data = workbook({"Fees": FEES, "Guests": [["Smith", 2]]})

    broken = changed(data, SHEET, lambda part: part[: part.index(b"Key") if b"Key" in part else len(part) // 2])
    assert "Smith | 2" in read(broken).text
    assert read(broken).flags == ("damaged-sheets-left-out",)
    assert read(changed(data, SHEET, lambda _: None)).text == "Guests\n\nSmith | 2"
    with pytest.raises(Unreadable, match="None of the workbook's sheets"):
        read(changed(workbook({"Fees": FEES}), SHEET, lambda _: None))


@pytest.mark.parametrize(
    ("part", "flags"), [("docProps/core.xml", ()), ("xl/styles.xml", ("number-formats-left-out",))]
)
def test_odd_parts_cost_themselves(part: str, flags: tuple[str, ...]) -> None:
    """Damaged styles or properties do not cost the text; that numbers then stand bare is said."""
    found = read(changed(workbook({"S": [*FEES, ["Opened", date(2025, 3, 1), ""]]}), part, lambda _: b"<odd"))

    assert "Party room | 80 | on booking" in found.text
    assert ("2025-03-01" in found.text, found.flags) == (not flags, flags)


def test_what_is_warned_of() -> None:
    """What openpyxl warns of is passed over in silence."""
    odd = b'<extLst><ext uri="{0}"/></extLst></worksheet>'

    assert read(changed(workbook({"S": FEES}), SHEET, lambda part: part.replace(b"</worksheet>", odd))).flags == ()


def test_chart_sheets() -> None:
    """A sheet that is a chart is no sheet of cells, and is said to be left out."""

    def finish(book: Any) -> None:
        from openpyxl.chart import BarChart, Reference  # noqa: PLC0415

        chart = BarChart()
        chart.add_data(Reference(book["S"], min_col=2, min_row=1, max_row=3))
        book.create_chartsheet("Chart").add_chart(chart)

    found = read(workbook({"S": FEES}, finish))

    assert [one.headings for one in found.sections] == [("S",)]
    assert found.flags == ("drawings-left-out",)


@pytest.mark.parametrize(
    ("part", "body"),
    [
        ("xl/workbook.xml", b"<document/>"),
        ("xl/workbook.xml", b"\x00\x01"),
        ("xl/workbook.xml", None),
        ("xl/_rels/workbook.xml.rels", None),
        ("[Content_Types].xml", b"<"),
        ("xl/workbook.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><workbook>&b;</workbook>'),
    ],
)
def test_no_workbook(part: str, body: bytes | None) -> None:
    """An archive whose workbook is damaged, missing or another thing is unreadable."""
    with pytest.raises(Unreadable):
        read(changed(workbook({"S": FEES}), part, lambda _: body))


def test_damaged_strings() -> None:
    """A workbook whose table of strings is damaged has lost its words, and is unreadable."""
    with pytest.raises(Unreadable, match="The file is damaged"):
        read(changed(by_another_hand([("Key", 5)]), "xl/sharedStrings.xml", lambda part: part[:200]))


def test_a_bomb() -> None:
    """A sheet that unpacks to a thousand times its size is refused before it is parsed."""
    data = changed(workbook({"S": FEES}), SHEET, lambda part: part.replace(b"</sheetData>", b" " * 5 * 10**7))
    with pytest.raises(TooLarge, match="FOOTNOTE_MAX_RATIO"):
        read(data)


def test_nothing_outside_is_read() -> None:
    """A relation that leads out of the file leads nowhere."""

    def outside(part: bytes) -> bytes:
        return part.replace(
            b'Target="/xl/worksheets/sheet1.xml"', b'Target="http://127.0.0.1:1/" TargetMode="External"'
        )

    rels = "xl/_rels/workbook.xml.rels"
    with pytest.raises(Unreadable, match="None of the workbook's sheets"):
        read(changed(workbook({"S": FEES}), rels, outside))
    with pytest.raises(Unreadable):
        read(changed(workbook({"S": FEES}), rels, lambda part: part.replace(b"/xl/worksheets/", b"/../../etc/")))
