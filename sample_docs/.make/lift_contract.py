"""Write lift-contract.docx: the contract for the care of the lifts, with all that Word puts around a text."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from docx import Document
from docx.document import Document as Word
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement
from docx.oxml.ns import nsdecls, qn
from docx.table import Table
from docx.text.paragraph import Paragraph

TARGET = Path(__file__).parent.parent / "lift-contract.docx"
TITLE = "Maintenance Contract for the Lifts"
SIGNED = datetime(2024, 12, 9, 12, tzinfo=UTC)
FOOTNOTES = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"

LIFTS = [
    ("Number 14", "L-5514", "2009", "8", "630"),
    ("Number 16", "L-5516", "2009", "8", "630"),
    ("Number 18", "L-5518", "2011", "8", "630"),
]
DUTIES = [
    "The company inspects each lift once a month and enters the visit in the log book in the machine room.",
    "It cleans and lubricates the guide rails, the doors and the drive every three months.",
    "It tests the emergency call and the safety gear in March of each year.",
    "It accompanies the inspector of the technical authority every second year.",
]
REPAIRS = [
    ("What happened", "Somebody is there within", "When"),
    ("Persons are trapped", "30 minutes", "day and night"),
    ("A lift stands still", "4 hours", "working days from 7:00 to 17:00"),
    ("A lift stands still, at other times", "by 9:00 on the next working day", "nights and weekends"),
    ("A lamp or a button is broken", "5 working days", "working days from 7:00 to 17:00"),
]
INDEX = (
    "The price rises each January with the consumer price index, by 3 per cent at most. "
    "The price named here is that of 2025."
)


def lifts(document: Word) -> None:
    """Add the table of the lifts: one header row above another, joined where they say the same."""
    table = document.add_table(rows=2, cols=5, style="Table Grid")
    for column, words in enumerate(("Lift", "Serial number", "Built in")):
        table.cell(0, column).merge(table.cell(1, column)).text = words
    table.cell(0, 3).merge(table.cell(0, 4)).text = "It carries at most"
    table.cell(1, 3).text, table.cell(1, 4).text = "persons", "kilograms"
    _fill(table, LIFTS)
    for row in table.rows[:2]:
        row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001 -- python-docx has no word for it


def _fill(table: Table, rows: list[tuple[str, ...]]) -> None:
    for cells in rows:
        for cell, words in zip(table.add_row().cells, cells, strict=True):
            cell.text = words


def footnote(document: Word, paragraph: Paragraph, words: str) -> None:
    """Put a footnote behind a paragraph, which python-docx has no word for."""
    xml = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:footnotes {nsdecls("w")}>'
        '<w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>'
        '<w:footnote w:id="1"><w:p><w:r><w:footnoteRef/></w:r>'
        f'<w:r><w:t xml:space="preserve"> {words}</w:t></w:r></w:p></w:footnote></w:footnotes>'
    )
    part = Part(PackURI("/word/footnotes.xml"), FOOTNOTES, xml.encode(), document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    reference = OxmlElement("w:footnoteReference")
    reference.set(qn("w:id"), "1")
    run = paragraph.add_run()
    run.font.superscript = True
    run._r.append(reference)  # noqa: SLF001 -- the same


def contract() -> Word:
    """Return the contract."""
    document = Document()
    properties = document.core_properties
    properties.title, properties.author, properties.comments = TITLE, "Linden Court Owners' Association", ""
    properties.created = properties.modified = SIGNED
    page = document.sections[0]
    page.header.paragraphs[0].text = "Linden Court Owners' Association, contract no. 2024-07"
    page.footer.paragraphs[0].text = "Tallis Lifts, 9 Foundry Road, telephone 555 0160"

    document.add_heading(TITLE, 0)
    document.add_paragraph(
        "Between Linden Court Owners' Association, 14 to 18 Mill Lane, and Tallis Lifts, called the company below."
    )
    document.add_heading("1 The lifts", 1)
    document.add_paragraph("The company looks after the three lifts of the association:")
    lifts(document)
    document.add_heading("2 What the company does", 1)
    for duty in DUTIES:
        document.add_paragraph(duty, style="List Number")
    document.add_heading("3 Faults and emergencies", 1)
    document.add_paragraph("Faults are reported by telephone 555 0160, or by the yellow bell in the lift.")
    first, *others = REPAIRS
    table = document.add_table(rows=1, cols=3, style="Table Grid")
    for cell, words in zip(table.rows[0].cells, first, strict=True):
        cell.text = words
    _fill(table, others)
    document.add_heading("4 Price", 1)
    price = document.add_paragraph("The care of the three lifts costs 465.00 euros a month, payable in advance.")
    footnote(document, price, INDEX)
    document.add_paragraph(
        "Spare parts of up to 150 euros each are included. Dearer parts are fitted after the administration has agreed."
    )
    document.add_heading("5 Term and notice", 1)
    document.add_paragraph(
        "The contract begins on 1 January 2025 and runs until 31 December 2027. It is prolonged by one year each time, "
        "unless one side gives notice in writing three months before it ends."
    )
    document.add_paragraph("Signed on 9 December 2024 by Ms Laurent for the association and Mr Tallis for the company.")
    return document


def main() -> None:
    """Write the contract beside this folder, without the hour at which it was written."""
    made = io.BytesIO()
    contract().save(made)
    with zipfile.ZipFile(made) as parts, zipfile.ZipFile(TARGET, "w", zipfile.ZIP_DEFLATED) as target:
        for name in parts.namelist():
            target.writestr(zipfile.ZipInfo(name, SIGNED.timetuple()[:6]), parts.read(name), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
