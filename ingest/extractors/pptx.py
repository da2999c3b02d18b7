"""PPTX: each slide a page, its title a heading, then its shapes as the eye goes, then its notes.

python-pptx reads the package; it knows every ordinary shape and raises on odd ones, which then cost themselves alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from corpus.errors import Rejected, TooLarge, Unreadable
from corpus.model import Extracted
from corpus.ports import Limits
from ingest import unseen
from ingest.archive import opened
from ingest.compose import Composer
from ingest.numbers import GENERAL, written

if TYPE_CHECKING:
    from pptx.presentation import Presentation
    from pptx.shapes.base import BaseShape
    from pptx.slide import Slide

NAME = "pptx-1"
MEDIA_TYPES: tuple[str, ...] = (
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
)
SUFFIXES: tuple[str, ...] = (".pptx", ".pptm", ".ppsx")

FLAG_HIDDEN = "hidden-slides-left-out"
FLAG_SHAPES = "odd-shapes-left-out"
FLAG_OBJECTS = "objects-left-out"
FLAG_COMMENTS = "comments-left-out"
MOST_POINTS = 1_000
"""A chart that claims more points is no table to read; python-pptx searches for each of them among all."""
BAND = 114_300
"""Shapes whose tops are within an eighth of an inch, in English Metric Units, stand side by side."""
NO_TITLES = ("PowerPoint Presentation", "PowerPoint-Präsentation", "Présentation PowerPoint")
"""What PowerPoint writes where nobody gave a title."""


def extract(data: bytes, limits: Limits) -> Extracted:
    """Return the slides that are shown, as pages labelled with their numbers; the contract is `Extractor`'s."""
    with opened(data, limits) as archive:
        commented = any(name.startswith("ppt/comments/") for name in archive.namelist())
        said = unseen.flags(archive)
    deck = _presentation(data)
    reading = _Reading(limits)
    reading.flags.update(said)
    if commented:
        reading.flags.add(FLAG_COMMENTS)
    first = str(deck.element.get("firstSlideNum", ""))
    offset = int(first[:6]) if first.isdecimal() else 1
    for number in range(len(deck.slides)):
        reading.add_slide(deck, number, str(number + offset))
    return reading.made.done(_title(deck), sorted(reading.flags))


def _presentation(data: bytes) -> Presentation:
    from pptx.package import Package  # noqa: PLC0415 -- loaded in the child process only

    try:
        deck: Presentation = Package.open(io.BytesIO(data)).main_document_part.presentation
        len(deck.slides)
    except MemoryError:
        raise
    except Exception as error:  # python-pptx raises nearly anything on a package that is none of its own
        raise Unreadable("The file is damaged, or its archive holds no presentation.") from error
    return deck


def _title(deck: Presentation) -> str:
    try:
        title = " ".join(str(deck.core_properties.title or "").split())
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- damaged properties cost the title and nothing else
        return ""
    return "" if title in NO_TITLES else title


class _Reading:
    """A presentation on its way to a text, and what was left out."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.made = Composer(limits)
        self.flags: set[str] = set()
        self._footers: set[str] = set()

    def add_slide(self, deck: Presentation, number: int, label: str) -> None:
        """Add a slide, if it is shown: its title, its shapes from top to bottom, its notes."""
        try:
            slide = deck.slides[number]
            hidden = slide.element.get("show") in {"0", "false"}
            self._drop_unknown(slide)
            shapes, title = list(_shapes(slide.shapes, self.limits)), slide.shapes.title
        except (Rejected, MemoryError):
            raise
        except Exception:  # noqa: BLE001 -- one bad slide, whatever it raises, must not hide its neighbours
            self.made.page(label, "failed")
            return
        if hidden:
            self.flags.add(FLAG_HIDDEN)
            return
        self.made.page(label, "image" if any(_tag(shape) == "pic" for shape in shapes) else "empty")
        self.made.end_sections()
        if title is not None:
            self.made.heading(1, title.text_frame.text)
        for shape in shapes:
            if title is None or shape.element is not title.element:
                self._add_shape(shape)
        self._add_notes(slide)

    def _drop_unknown(self, slide: Slide) -> None:
        """Take away ink and what is newer than the library: it would stumble over some of it, and skips the rest."""
        for child in list(slide.shapes.element.iter("{*}contentPart", "{*}AlternateContent")):
            parent = child.getparent()
            if parent is not None:
                self.flags.add(FLAG_OBJECTS)
                parent.remove(child)

    def _add_shape(self, shape: BaseShape) -> None:
        try:
            self._add(shape)
        except (Rejected, MemoryError):
            raise
        except Exception:  # noqa: BLE001 -- python-pptx raises nearly anything on an odd shape
            self.flags.add(FLAG_SHAPES)

    def _add(self, shape: Any) -> None:
        if shape.has_text_frame:
            text = "\n".join(one.text for one in shape.text_frame.paragraphs if one.text.strip())
            if not self._is_furniture(shape, text):
                self.made.paragraph(text)
        elif shape.has_table:
            rows = ([("" if cell.is_spanned else cell.text) for cell in row.cells] for row in shape.table.rows)
            self.made.table(rows, header_rows=int(bool(shape.table.first_row)))
        elif shape.has_chart:
            self._add_chart(shape.chart)
        elif _tag(shape) == "graphicFrame":
            self.flags.add(FLAG_OBJECTS)

    def _is_furniture(self, shape: Any, text: str) -> bool:
        """Whether a shape is on every slide: the date, the number, or a footer that was seen before."""
        from pptx.enum.shapes import PP_PLACEHOLDER  # noqa: PLC0415

        kind = shape.placeholder_format.type if shape.is_placeholder else None
        if kind != PP_PLACEHOLDER.FOOTER:
            return kind in {PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.DATE}
        known = text in self._footers
        self._footers.add(text)
        return known

    def _add_chart(self, chart: Any) -> None:
        """Add a chart as the table that it shows."""
        if chart.has_title and chart.chart_title.has_text_frame:
            self.made.paragraph(chart.chart_title.text_frame.text)
        if max(map(int, chart.element.xpath("//c:ptCount/@val")), default=0) > MOST_POINTS:
            self.flags.add(FLAG_OBJECTS)
            return
        for plot in chart.plots:
            series = list(plot.series)
            columns = [list(one.values) for one in series]
            names = [str(name) for name in plot.categories]
            if not names:
                self.flags.add(FLAG_OBJECTS)
            elif columns:
                rows = ([name, *(_value(column, at) for column in columns)] for at, name in enumerate(names))
                self.made.table([["", *(one.name for one in series)], *rows])

    def _add_notes(self, slide: Slide) -> None:
        try:
            frame = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
            text = frame.text.strip() if frame is not None else ""
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 -- damaged notes cost themselves
            self.flags.add(FLAG_SHAPES)
            return
        if text:
            self.made.paragraph(f"Notes: {text}")


def _value(column: Sequence[float | None], at: int) -> str:
    value = column[at] if at < len(column) else None
    return "" if value is None else written(value, GENERAL)


def _shapes(shapes: Iterable[BaseShape], limits: Limits) -> Iterator[BaseShape]:
    """Yield shapes in reading order, those of a group where the group stands."""
    waiting = [(0, shape) for shape in reversed(_in_order(shapes))]
    while waiting:
        depth, shape = waiting.pop()
        if _tag(shape) != "grpSp":
            yield shape
            continue
        if depth >= limits.nesting:
            raise TooLarge(f"The file's groups are nested deeper than FOOTNOTE_MAX_NESTING={limits.nesting}.")
        members: Iterable[BaseShape] = shape.shapes  # type: ignore[attr-defined]  # a group has them
        waiting += [(depth + 1, member) for member in reversed(_in_order(members))]


def _in_order(shapes: Iterable[BaseShape]) -> list[BaseShape]:
    """Shapes from top to bottom, and from left to right where they stand side by side."""
    placed = sorted((*_place(shape), number, shape) for number, shape in enumerate(shapes))
    bands: list[list[tuple[int, int, int, BaseShape]]] = []
    for one in placed:
        if not bands or one[0] - bands[-1][0][0] > BAND:
            bands.append([])
        bands[-1].append(one)
    return [shape for band in bands for _, _, _, shape in sorted(band, key=lambda one: one[1:3])]


def _place(shape: BaseShape) -> tuple[int, int]:
    try:
        return int(shape.top or 0), int(shape.left or 0)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- a placeholder without a layout has no place
        return 0, 0


def _tag(shape: BaseShape) -> str:
    """What a shape is, by its element: `shape_type` raises on odd ones."""
    return _local(shape.element)


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]
