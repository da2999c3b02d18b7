"""PDFs made for a test: pages of lines, an outline, labels, pictures, a password."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

PICTURE = "[picture]"
"""A page of this is a picture of a page."""


def upside_down(rows: Sequence[Sequence[str]]) -> bytes:
    """Return a page whose coordinates run downwards, as spreadsheets on the web print them."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(612, 792), invariant=True)
    canvas.translate(0, 792)
    canvas.scale(1, -1)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            words = canvas.beginText()
            words.setTextTransform(1, 0, 0, -1, 72 + 228 * column, 100 + 20 * number)
            words.textOut(cell)
            canvas.drawText(words)
    canvas.save()
    return target.getvalue()


def pdf(
    pages: Sequence[str],
    *,
    outline: Sequence[tuple[str, int, int]] = (),
    roman: int = 0,
    title: str = "",
    password: str | None = None,
) -> bytes:
    """Return a PDF of these pages; `outline` has (words, level, page) from 0; the first `roman` labels are i, ii.

    A `password` of "" protects only against changes.
    """
    target = io.BytesIO()
    locked = StandardEncryption(password, ownerPassword="owner", canModify=0) if password is not None else None
    canvas = Canvas(target, invariant=True, encrypt=locked)
    canvas.setTitle(title)
    if roman:
        canvas.addPageLabel(0, style="ROMAN_LOWER", start=1)
        canvas.addPageLabel(roman, style="ARABIC", start=1)
    for number, text in enumerate(pages):
        canvas.bookmarkPage(f"p{number}")
        for words, level, page in outline:
            if page == number:
                canvas.addOutlineEntry(words, f"p{number}", level)
        if text == PICTURE:
            canvas.drawImage(ImageReader(Image.new("RGB", (40, 60), "grey")), 20, 20, 550, 800)
        for row, line in enumerate(text.replace(PICTURE, "").split("\n")):
            canvas.drawString(72, 770 - 14 * row, line)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def leftward_pdf(text: str) -> bytes:
    """Return a PDF of one line in which each word beyond ASCII is a single glyph, as some shapers of Arabic do it."""
    words = sorted({word for word in text.split() if not word.isascii()})
    codes = {word: chr(1 + number) for number, word in enumerate(words)}
    shown = " ".join(codes.get(word, word) for word in text.split()).encode("latin-1")
    known = {**{code: word for word, code in codes.items()}, **{chr(code): chr(code) for code in range(32, 127)}}
    lines = "".join(f"<{ord(code):02x}> <{word.encode('utf-16-be').hex()}>\n" for code, word in known.items())
    codes_of = f"begincmap 1 begincodespacerange <00> <ff> endcodespacerange {len(known)} beginbfchar\n{lines}"
    content = b"BT /F 16 Tf 72 700 Td <" + shown.hex().encode() + b"> Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        _stream(content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
        _stream(f"{codes_of}endbfchar endcmap".encode()),
    ]
    return raw_pdf(objects)


def raw_pdf(objects: Sequence[bytes]) -> bytes:
    """Return a PDF of these objects, the first of which is its catalogue."""
    made, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(made))
    return made + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


def _stream(data: bytes) -> bytes:
    return b"<</Length %d>>stream\n%b\nendstream" % (len(data), data)
