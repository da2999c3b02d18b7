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
