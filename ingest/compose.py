"""Puts a document's text together piece by piece, and writes down where each piece came to stand.

What every format that is not pages of lines has in common: headings, paragraphs, list items, tables and pages in
document order. Pieces are cleaned here, so an extractor only says what it found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from corpus.errors import NoText, TooLarge
from corpus.model import Extracted, Grid, Page, PageProblem, Section
from corpus.ports import Limits
from ingest.clean import PAGE_BREAK, clean, letters

CELL_END = " | "
BETWEEN_PARAGRAPHS, BETWEEN_LINES = "\n\n", "\n"


class Composer:
    """A text in the making: `heading`, `paragraph`, `line`, `table` and `page` add to it, `done` returns it.

    Adding raises `TooLarge` once the text, its rows or its pages are beyond the limits.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parts: list[str] = []
        self._length = 0
        self._rows = 0
        self._path: dict[int, str] = {}
        self._sections: dict[int, tuple[str, ...]] = {}
        self._grids: list[Grid] = []
        self._labels: list[str] = []
        self._problems: list[PageProblem] = []
        self._starts: list[int] = []

    def page(self, label: str, without_text: PageProblem = "empty") -> None:
        """Begin a new page, whose printed label is `label`; what is added before any page is begun is on the first.

        `without_text` is what is wrong with it if it stays without text. A document without pages never calls this.
        """
        if self._labels or self._length:
            self._add_raw(PAGE_BREAK)
        self._starts.append(self._length)
        self._labels.append(" ".join(clean(label).split()))
        self._problems.append(without_text)
        if len(self._labels) > self._limits.pages:
            raise TooLarge(f"The file has more pages than FOOTNOTE_MAX_PAGES={self._limits.pages}.")

    def heading(self, level: int, words: str) -> None:
        """Add a heading of a level from 1: what follows stands under it, and under those above it."""
        title = " ".join(clean(words).split())
        if not title:
            return
        self._path = {above: name for above, name in self._path.items() if above < level}
        self._path[level] = title
        self._sections[self._add(title, BETWEEN_PARAGRAPHS)] = tuple(self._path.values())

    def end_sections(self) -> None:
        """Have what follows stand under no heading: a slide without a title is no part of the one before it."""
        if self._path:
            self._path = {}
            self._sections[self._length] = ()

    def paragraph(self, text: str) -> None:
        """Add a paragraph; its own line ends stay."""
        self._add(text, BETWEEN_PARAGRAPHS)

    def line(self, text: str) -> None:
        """Add a line that follows the one before it without a blank line: an item of a list, a line of a poem."""
        self._add(text, BETWEEN_LINES)

    def table(self, rows: Iterable[Sequence[str]], header_rows: int = 1) -> None:
        """Add a table, one line a row; rows without any text are left out. The first `header_rows` are its header."""
        start = header_end = -1
        for number, cells in enumerate(rows):
            line = row_line(cells)
            if not line:
                continue
            self._rows += 1
            if self._rows > self._limits.rows:
                raise self._too_many_rows()
            at = self._add(line, BETWEEN_PARAGRAPHS if start < 0 else BETWEEN_LINES)
            start = at if start < 0 else start
            if number < header_rows:
                header_end = self._length
        if start >= 0:
            self._grids.append(Grid(start, max(start, header_end), self._length))

    def include(self, document: Extracted) -> None:
        """Add a document that lies in this one, under the headings that are open: its sections and tables come along.

        Its pages do not: they are none of this document's.
        """
        path = tuple(self._path.values())
        start = self._add(document.text.replace(PAGE_BREAK, BETWEEN_PARAGRAPHS), BETWEEN_PARAGRAPHS)
        lost = len(document.text) - len(document.text.lstrip("\n"))
        for section in document.sections:
            self._sections[start + max(0, section.start - lost)] = path + section.headings
        for grid in document.grids:
            self._rows += document.text.count("\n", grid.start, grid.end) + 1
            self._grids.append(Grid(*(start - lost + at for at in (grid.start, grid.header_end, grid.end))))
        if self._rows > self._limits.rows:
            raise self._too_many_rows()

    def done(self, title: str = "", flags: Sequence[str] = ()) -> Extracted:
        """Return the text; raises `NoText` if there is none."""
        text = "".join(self._parts)
        if not letters(text):
            raise NoText("The file holds no text.", hint="It is empty, or holds only pictures and marks.")
        sections = tuple(Section(start, path) for start, path in self._sections.items() if start < len(text))
        return Extracted(text, tuple(self._pages(text)), sections, title, tuple(flags), tuple(self._grids))

    def _too_many_rows(self) -> TooLarge:
        return TooLarge(f"The file has more rows than FOOTNOTE_MAX_ROWS={self._limits.rows}.")

    def _pages(self, text: str) -> Iterable[Page]:
        starts, labels, problems = self._starts or [0], self._labels or [""], self._problems or ["empty"]
        if starts[0]:  # something stood before the first page was begun
            starts, labels, problems = [0, *starts], ["", *labels], ["empty", *problems]
        ends = [start - len(PAGE_BREAK) for start in starts[1:]] + [len(text)]
        for number, (label, start, end, problem) in enumerate(zip(labels, starts, ends, problems, strict=True), 1):
            yield Page(number, label, start, end, "" if letters(text[start:end]) else problem)

    def _add(self, text: str, between: str) -> int:
        """Add a piece behind the blank that parts it from what is there; return where it begins."""
        piece = clean(text).strip("\n").rstrip()
        if not piece.strip():
            return self._length
        if self._parts and not self._parts[-1].endswith(PAGE_BREAK):
            self._add_raw(between)
        start = self._length
        self._add_raw(piece)
        return start

    def _add_raw(self, piece: str) -> None:
        self._parts.append(piece)
        self._length += len(piece)
        if self._length > self._limits.characters:
            raise TooLarge(f"The text is longer than FOOTNOTE_MAX_CHARACTERS={self._limits.characters}.")


def row_line(cells: Sequence[str]) -> str:
    """Return a row as one line: "Party room | 80.00 | on booking"; "" if it holds no text."""
    texts = [" ".join(clean(cell).split()) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return CELL_END.join(texts).lstrip()
