"""Presentations made for a test."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import pptx
from PIL import Image
from pptx.util import Inches

TITLE_ONLY, TITLE_AND_TEXT, BLANK = 5, 1, 6
"""Layouts of the built-in template."""


def deck(*makers: Callable[[Any], None] | str, title: str = "", layout: int = BLANK) -> bytes:
    """Return a presentation: a slide for each maker, which is handed the slide, or for words in a box."""
    made = pptx.Presentation()
    made.core_properties.title = title
    for maker in makers:
        slide = made.slides.add_slide(made.slide_layouts[layout])
        if isinstance(maker, str):
            box(slide.shapes, maker)
        else:
            maker(slide)
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


def box(shapes: Any, text: str, left: float = 1, top: float = 1) -> Any:
    """Add a box of text, placed in inches."""
    shape = shapes.add_textbox(Inches(left), Inches(top), Inches(2), Inches(0.5))
    shape.text_frame.text = text
    return shape


def picture(slide: Any) -> None:
    """Cover a slide with a picture."""
    target = io.BytesIO()
    Image.new("RGB", (40, 30), "grey").save(target, "PNG")
    slide.shapes.add_picture(target, 0, 0, Inches(10), Inches(7))


def table(slide: Any, rows: Sequence[Sequence[str]]) -> Any:
    """Add a table under a header."""
    made = slide.shapes.add_table(len(rows), len(rows[0]), Inches(1), Inches(3), Inches(6), Inches(2)).table
    for y, row in enumerate(rows):
        for x, text in enumerate(row):
            made.cell(y, x).text = text
    return made
