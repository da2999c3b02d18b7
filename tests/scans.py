"""Scanned pages made for a test: text that is only to be seen, upright or turned, clean or grainy."""

from __future__ import annotations

import io
import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from tests.pdfs import pdf

TESSERACT = shutil.which("tesseract") or ""
needs_tesseract = pytest.mark.skipif(not TESSERACT, reason="tesseract is not installed")
"""Marks what only the real program can show."""
DPI = 200


def scan(pages: Sequence[str], *, turned: int = 0, grain: int = 0) -> bytes:
    """Return a PDF whose pages are pictures of these, `turned` by so many degrees, with so much grain."""
    found = [(grainy(page, grain) if grain else page).rotate(turned, expand=True) for page in pictures(pdf(pages))]
    return bound(found)


def bound(found: Sequence[Image.Image]) -> bytes:
    """Return a PDF each page of which is a picture."""
    target = io.BytesIO()
    canvas = Canvas(target, invariant=True)
    for picture in found:
        wide, high = (side * 72 / DPI for side in picture.size)
        canvas.setPageSize((wide, high))
        canvas.drawImage(ImageReader(picture), 0, 0, wide, high)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def pictures(data: bytes, dpi: int = DPI) -> list[Image.Image]:
    """Return the pages of a PDF as grey pictures."""
    document = pypdfium2.PdfDocument(data)
    found = [page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in document]
    document.close()
    return found


def grainy(picture: Image.Image, grain: int, seed: int = 1) -> Image.Image:
    """Return a picture on grey paper, each of its points lighter or darker by up to `grain`."""
    noise = Image.frombytes("L", picture.size, random.Random(seed).randbytes(picture.width * picture.height))  # noqa: S311
    paper = picture.point([30 + value * 190 // 255 for value in range(256)])
    return Image.blend(paper, noise, grain / 128)


def stand_in(folder: Path, words: str, before: str = "") -> str:
    """Return a program in place of tesseract that sees these words on every page; `before` is what it does first."""
    rows = "".join(f"5\\t1\\t1\\t1\\t1\\t1\\t0\\t0\\t9\\t9\\t91.2\\t{word}\\n" for word in words.split())
    answers = f"{{'--version': 'tesseract 0', '--list-langs': 'Languages\\neng'}}.get(sys.argv[1], '{rows}')"
    path = folder / "tesseract"
    path.write_text(
        f"#!{sys.executable} -S\nimport sys\n{before}\nsys.stdin.buffer.read()\nsys.stdout.write({answers})\n"
    )
    path.chmod(0o700)
    return str(path)
