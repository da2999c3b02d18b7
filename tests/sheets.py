"""Workbooks made for a test, and parts of archives made odd."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import openpyxl
import xlsxwriter


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]], finish: Callable[[Any], None] | None = None) -> bytes:
    """Return a workbook of these sheets' rows; `finish` is handed it before it is saved."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    if finish:
        finish(made)
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


def by_another_hand(fees: Sequence[tuple[str, float]]) -> bytes:
    """Return a workbook by another writer: shared strings, formulas with their values, formats, a merged title."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as made:
        money, day = made.add_format({"num_format": "$#,##0.00"}), made.add_format({"num_format": "d mmm yyyy"})
        sheet = made.add_worksheet("Fees")
        sheet.merge_range("A1:C1", "Fee schedule")
        sheet.write_row("A3", ["Item", "Fee", "Since"])
        for row, (item, fee) in enumerate(fees, 3):
            sheet.write(row, 0, item)
            sheet.write(row, 1, fee, money)
            sheet.write(row, 2, 45717, day)
        total = sum(fee for _, fee in fees)
        sheet.write(len(fees) + 3, 0, "Total")
        sheet.write_formula(len(fees) + 3, 1, f"=SUM(B4:B{len(fees) + 3})", money, total)
    return target.getvalue()


def sheet_of(cells: str, strings: str = "") -> bytes:
    """Return a workbook whose one sheet has this XML in its `sheetData`, and its strings table this."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as made:
        made.add_worksheet("Sheet").write(0, 0, "words")
    data, part = target.getvalue(), "xl/worksheets/sheet1.xml"
    start = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    data = changed(data, part, lambda _: f"{start}{cells}</sheetData></worksheet>".encode())
    return changed(data, "xl/sharedStrings.xml", lambda old: old.replace(b"<si><t>words</t></si>", strings.encode()))


def changed(data: bytes, part: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """Return an archive in which one part is changed, or left out if `change` returns None."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        assert part in old.namelist()
        for name in old.namelist():
            body = change(old.read(name)) if name == part else old.read(name)
            if body is not None:
                new.writestr(name, body)
    return target.getvalue()
