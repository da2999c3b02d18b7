"""Write house-rules.pdf: the house rules of a condominium that does not exist.

Run with `python sample_docs/.make/house_rules.py`. The folder's name begins with a dot so that it is not a document.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageBreak, PageTemplate, Paragraph, Spacer, Table, TableStyle
from reportlab.platypus.flowables import Flowable

TARGET = Path(__file__).parent.parent / "house-rules.pdf"

BEFORE_THE_FEES = """\
## 1 Purpose and scope

These rules apply to everyone who lives in, visits or works at Linden Court, 14 to 18 Mill Lane. They were
adopted by the owners' meeting on 12 March 2025 and took effect on 1 April 2025. They replace the rules of 2017
and all notices posted since then.

Owners are responsible for seeing that their tenants and guests know these rules and keep them. A copy is to be
handed to every tenant together with the lease.

## 2 Quiet hours

Quiet hours are from 22:00 to 7:00 on working days, and from 23:00 to 9:00 on Saturdays, Sundays and public
holidays. During quiet hours, noise must not be heard outside the apartment in which it is made.

Musical instruments may be played for at most two hours a day, between 9:00 and 12:00 and between 15:00 and
20:00. Drilling, hammering and other loud work is allowed on working days from 8:00 to 12:00 and from 13:00 to
18:00, and on Saturdays from 9:00 to 13:00.

Celebrations that may go on into the quiet hours are to be announced at the notice board three days ahead.

## 3 Swimming pool and sauna

The swimming pool on the roof terrace is open from 15 May to 30 September, daily from 7:00 to 21:00. The sauna
is open all year, daily from 16:00 to 22:00; Tuesday is reserved for women.

Children under twelve may use the pool only in the company of an adult. Glass bottles, food and pets are not
allowed on the roof terrace. Each apartment may bring up to four guests at a time.

There is no lifeguard. Whoever uses the pool does so at their own risk. The emergency telephone is beside the
door to the stairs.

## 4 Garage, parking and bicycles

Each parking space belongs to an apartment and may be used only for vehicles that are registered with the
caretaker. Repairs, oil changes and the storage of tyres are not permitted in the garage.

Visitors may park on the four spaces marked V in the yard for up to 48 hours. A visitor's permit is issued by
the caretaker and is to be laid behind the windscreen. Vehicles without a permit are towed away at the owner's
expense.

Electric cars may be charged only at the charging points installed by the association. Extension cables from
apartments or cellars are forbidden.

Bicycles are kept in the bicycle room in the basement of number 16, never in the stairwell. Bicycles without a
name tag are removed each year in March.

## 5 Pets

Each apartment may keep up to two cats or one dog. Dogs are kept on a lead in all common areas and may not be
taken into the sauna, the gym or onto the roof terrace. Keeping any other animal that leaves its cage needs the
consent of the board.

## 6 Waste and recycling

Household waste, paper, glass and packaging are separated. The containers stand in the yard behind number 18.
Paper is collected every second Tuesday, packaging every second Thursday, household waste every Friday.

Bulky waste is not left beside the containers. The caretaker arranges a collection twice a year, in April and in
October; the dates are posted at the notice board.

## 7 Lifts and moving

The lift in number 16 may be reserved for moving between 8:00 and 18:00 on working days. It is to be booked with
the caretaker at least seven days ahead, and its walls are to be covered with the mats that the caretaker lends.
The lifts carry at most eight persons or 630 kilograms.

Whoever moves in or out pays the moving fee named in section 11 and repairs damage to the common areas.

## 8 Balconies and barbecues

Gas and electric grills may be used on balconies until 22:00. Charcoal grills and open fire are forbidden
everywhere on the property. Flower boxes hang on the inner side of the railing.

Awnings, satellite dishes and solar panels on balconies need the written consent of the board.

## 9 Guests and letting

Guests who stay longer than four weeks are registered with the administration. Apartments may be let for fewer
than 30 nights on at most 60 nights in a calendar year. The names of paying guests are given to the caretaker
before they arrive.

## 10 Party room and gym

The party room on the ground floor of number 14 seats forty persons. It is booked with the caretaker, at the
earliest three months and at the latest one week ahead, and is left clean by 10:00 on the next day. The gym is
open from 6:00 to 22:00 for residents of sixteen years and older.
"""

FEES = [
    ("What for", "Fee in euros", "Payable"),
    ("Moving in or moving out", "150.00", "before the lift is booked"),
    ("Party room, per evening", "80.00", "on booking"),
    ("Party room, deposit", "200.00", "on booking, returned within a week"),
    ("Visitor's parking permit, first two per month", "0.00", "-"),
    ("Visitor's parking permit, each further one", "5.00", "on issue"),
    ("Replacement of a garage remote control", "60.00", "on issue"),
    ("Replacement of a house key", "45.00", "on issue"),
    ("Late payment of the monthly contribution", "25.00", "with the next contribution"),
    ("Removal of bulky waste left in the yard", "120.00", "on invoice"),
    ("False fire alarm", "350.00", "on invoice"),
]

AFTER_THE_FEES = """\
## 12 Breaches of these rules

Complaints are made in writing to the administration. It hears the person concerned within fourteen days. For a
first breach it issues a written warning; for a repeated breach it may impose a penalty of up to 250.00 euros.
Appeals are decided by the next owners' meeting.

## 13 Whom to call

Caretaker: Mr Okafor, office in number 14, working days from 8:00 to 10:00 and from 16:00 to 18:00, telephone
555 0141. Outside these hours, in emergencies only: 555 0199. Administration: Harbour Property Management,
telephone 555 0120.
"""


@dataclass(frozen=True)
class Edition:
    """What one edition says."""

    title: str
    subtitle: str
    before: str
    fees: list[tuple[str, str, str]]
    after: str


FIRST = Edition(
    "House Rules of Linden Court",
    "Edition of 1 April 2025, adopted by the owners' meeting",
    BEFORE_THE_FEES,
    FEES,
    AFTER_THE_FEES,
)


class Bookmark(Flowable):  # type: ignore[misc] -- reportlab ships no types
    """A line of the outline, at the place where it stands in the story."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words

    def draw(self) -> None:
        self.canv.bookmarkPage(self.words)
        self.canv.addOutlineEntry(self.words, self.words, 0)


def _furniture(canvas: Canvas, document: BaseDocTemplate) -> None:
    """What stands on every page but the first."""
    if document.page > 1:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(25 * mm, 285 * mm, document.title)
        canvas.drawRightString(185 * mm, 12 * mm, f"Page {document.page - 1}")


def story(edition: Edition) -> list[Flowable]:
    """Return the pages' contents, in order."""
    sheet = getSampleStyleSheet()
    body = ParagraphStyle("body", parent=sheet["BodyText"], fontSize=11, leading=15.5, spaceAfter=7)
    heading = ParagraphStyle("heading", parent=sheet["Heading2"], spaceBefore=12, spaceAfter=6)
    found: list[Flowable] = [
        Spacer(1, 70 * mm),
        Paragraph(edition.title, sheet["Title"]),
        Paragraph(edition.subtitle, body),
        PageBreak(),
    ]

    def add(text: str) -> None:
        for paragraph in text.strip().split("\n\n"):
            words = paragraph.removeprefix("## ").replace("\n", " ")
            if paragraph.startswith("## "):
                found.append(Bookmark(words))
            found.append(Paragraph(words, heading if paragraph.startswith("## ") else body))

    add(edition.before)
    found += [PageBreak(), Bookmark("11 Fees"), Paragraph("11 Fees", heading)]
    found.append(Paragraph("The following fees are charged by the administration:", body))
    table = Table(edition.fees, colWidths=[78 * mm, 27 * mm, 55 * mm], hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.4, colors.grey),
                ("FONT", (0, 0), (-1, 0), "Helvetica-Bold"),
                ("FONTSIZE", (0, 0), (-1, -1), 9),
            ]
        )
    )
    found += [table, Spacer(1, 6 * mm)]
    add(edition.after)
    return found


def write(target: Path, edition: Edition) -> None:
    """Write an edition as a PDF."""
    document = BaseDocTemplate(
        str(target), pagesize=A4, title=edition.title, author="Linden Court Owners' Association", invariant=1
    )
    frame = Frame(25 * mm, 20 * mm, 160 * mm, 257 * mm)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=_furniture))

    def labelled(*arguments: object, **options: object) -> Canvas:
        canvas = Canvas(*arguments, **options)
        canvas.addPageLabel(0, style="ROMAN_LOWER", start=1)
        canvas.addPageLabel(1, style="ARABIC", start=1)
        return canvas

    document.build(story(edition), canvasmaker=labelled)


if __name__ == "__main__":
    write(TARGET, FIRST)
