"""Write fire-inspection-2026.pdf: three pages, of which the second is the picture of a page."""

from __future__ import annotations

from pathlib import Path

from house_rules import Bookmark
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus.flowables import Flowable

TARGET = Path(__file__).parent.parent / "fire-inspection-2026.pdf"
TITLE = "Fire Safety Inspection 2026"
DPI = 200

LETTER = """\
## 1 Inspection

Ember Fire Safety inspected Linden Court, 14 to 18 Mill Lane, on 14 April 2026 in the presence of Mr Okafor, the
caretaker. The inspection is required every two years; the next one is due in April 2028.

The building has 26 fire extinguishers, two on each floor of each stairwell and two in the garage. Three of them had
passed their date and were replaced on the spot.

## 2 In case of fire

The assembly point is the lawn beside the yard gate on Mill Lane. The lifts are not to be used. Whoever leaves an
apartment closes its door and takes the stairs; the flap in the roof of each stairwell opens by the grey button beside
the entrance.

The test record of the smoke alarms, signed by the inspector, is on the next page."""

RECORD = """\
EMBER FIRE SAFETY

Test record of the smoke alarms
No. 4471

Building: Linden Court, 14 to 18 Mill Lane
Date of the test: 14 April 2026
Inspector: Ms Ilse Varga

Number 14:   32 smoke alarms tested, none faulty
Number 16:   32 smoke alarms tested, 1 faulty
Number 18:   32 smoke alarms tested, 3 faulty

The four faulty smoke alarms are in the basement.
They were exchanged on 21 April 2026.
The batteries of all smoke alarms last until 2031.

Signed: I. Varga"""

DEFECTS = """\
## 3 Defects to be mended

The fire door between the garage and the cellar of number 16 does not close by itself and is to be repaired by 30 June
2026.

Two prams and a shoe cupboard stood in the stairwell of number 18. Escape routes are to be kept free at all times; what
stands there is removed at the owner's expense.

The sign of the escape route on the roof terrace is faded and is to be renewed by 31 May 2026.

## 4 Costs

The inspection costs 680.00 euros. The three new extinguishers cost 74.50 euros each."""


def scanned(text: str) -> Image.Image:
    """Return a page of text as a scanner gives it: grey, and not quite straight."""
    page = Image.new("L", (round(A4[0] / 72 * DPI), round(A4[1] / 72 * DPI)), 255)
    ImageDraw.Draw(page).multiline_text((200, 260), text, fill=25, font=ImageFont.load_default(40), spacing=24)
    return page.rotate(0.4, Image.Resampling.BICUBIC, fillcolor=255)


def paragraphs(text: str) -> list[Flowable]:
    """Return the headings and paragraphs of a page."""
    sheet, found = getSampleStyleSheet(), list[Flowable]()
    for part in text.split("\n\n"):
        words = part.removeprefix("## ")
        if words != part:
            found.append(Bookmark(words))
        found.append(Paragraph(words, sheet["BodyText" if words == part else "Heading2"]))
    return found


def scan(canvas: Canvas, document: SimpleDocTemplate) -> None:
    """Cover the second page with a picture."""
    if document.page == 2:  # noqa: PLR2004
        canvas.drawImage(ImageReader(scanned(RECORD)), 0, 0, *A4)


def main() -> None:
    """Write the PDF beside this folder."""
    document = SimpleDocTemplate(str(TARGET), pagesize=A4, title=TITLE, author="Ember Fire Safety", invariant=1)
    title = Paragraph(TITLE, getSampleStyleSheet()["Title"])
    story = [title, *paragraphs(LETTER), PageBreak(), Spacer(1, 1), PageBreak(), *paragraphs(DEFECTS)]
    document.build(story, onLaterPages=scan)


if __name__ == "__main__":
    main()
