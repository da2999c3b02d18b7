"""DOCX: every place a reader of the document sees, in its order; unpaged, because Word lays pages out when it prints.

Where things go that have no place in the line of reading: a section's headers before it and its footers behind it, once
where several are alike; notes as lines of their own behind the paragraph, or the table, that refers to them; then the
text boxes that are anchored in it. Nothing is put into a sentence, not even a note's number, so that a quote
of it is what its author wrote. Comments, deletions, hidden text and the codes of fields are not part of what is seen
(`ingest.unseen` looks whether they speak to a model).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from corpus.model import Extracted
from corpus.ports import Limits
from ingest.compose import Composer
from ingest.extractors.docx.blocks import Block, Note, Paragraph, Row, Table, cell_text, lines, notes_of
from ingest.extractors.docx.numbering import Numbering
from ingest.extractors.docx.package import DAMAGED, Package, Part, load
from ingest.extractors.docx.package import rel_id as named
from ingest.extractors.docx.story import Story
from ingest.extractors.docx.styles import NO_HEADING, TITLE, Styles
from ingest.extractors.docx.xml import Element, W

NAME = "docx-1"
MEDIA_TYPES: tuple[str, ...] = ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",)
SUFFIXES: tuple[str, ...] = (".docx",)

COMMENTS = "comments-left-out"
LONGEST_HEADING = 250
LONGEST_HEADER_CELL = 80
"""Characters: what is longer is a paragraph in a heading's clothes, or a cell of text."""


def extract(data: bytes, limits: Limits) -> Extracted:
    """Return the text with headings as sections and tables as grids; the contract is `Extractor`'s."""
    return _Reading(load(data, limits), limits).done()


class _Reading:
    """One document being read: what of its parts was given already, and the text so far."""

    def __init__(self, package: Package, limits: Limits) -> None:
        self._main = package.main
        self._title = package.title
        self._flags = {*package.flags, *([DAMAGED] if package.damaged else [])}
        styles = Styles(self._root("styles"))
        self._story = Story(styles, Numbering(self._root("numbering"), styles.elements), limits.nesting)
        self._made = Composer(limits)
        self._in_list = False
        self._referred: set[str] = set()
        self._margins: set[tuple[str, ...]] = set()
        self._notes: dict[str, tuple[Part, dict[str, Element]]] = {}
        self._told: set[Note] = set()

    def done(self) -> Extracted:
        body = self._main.root.find(W + "body")
        blocks = [] if body is None else self._story.read(self._main, body)
        ends = [block.section for block in blocks if isinstance(block, Paragraph) and block.section is not None]
        ends += [] if body is None else body.findall(W + "sectPr")
        self._margin(ends[:1], "headerReference")
        for block in blocks:
            self._add(block)
            if isinstance(block, Paragraph) and block.section is not None:
                self._margin([ends.pop(0)], "footerReference")
                self._margin(ends[:1], "headerReference")
        self._margin(ends, "footerReference")
        comments = self._root("comments")
        if comments is not None and next(comments.iter(W + "t"), None) is not None:
            self._flags.add(COMMENTS)
        return self._made.done(self._title, sorted(self._flags | self._story.flags))

    def _root(self, kind: str) -> Element:
        """The XML of a part that the main one refers to; None without it."""
        part = self._main.related(kind)
        return None if part is None else self._whole(part)

    def _whole(self, part: Part) -> Element:
        if part.root is None:
            self._flags.add(DAMAGED)
        return part.root

    def _margin(self, sections: Sequence[Element], kind: str) -> None:
        """Add the headers or footers of sections, those that no other section had."""
        references = [named(one) for section in sections for one in section.findall(W + kind)]
        for reference in references:
            if reference in self._referred:
                continue
            self._referred.add(reference)
            part = self._main.named(reference)
            root = None if part is None else self._whole(part)
            if part is None or root is None:
                continue
            found = tuple(lines(self._story.read(part, root)))
            if found not in self._margins:
                self._margins.add(found)
                self._add_lines(found)

    def _add_lines(self, found: Iterable[str]) -> None:
        """Add lines that belong together."""
        for number, line in enumerate(found):
            (self._made.line if number else self._made.paragraph)(line)
        self._in_list = False

    def _add(self, block: Block) -> None:
        if isinstance(block, Table):
            self._add_table(block)
            return
        if block.text:
            self._add_words(block)
        self._add_notes(block.notes)
        for box in block.boxes:
            self._add(box)

    def _add_words(self, block: Paragraph) -> None:
        item = bool(block.label)
        if block.level != NO_HEADING and len(block.text) <= LONGEST_HEADING:
            if block.level == TITLE:
                self._title = self._title or " ".join(block.text.split())
            self._made.heading(block.level + 1, block.words)
            item = False
        elif item and self._in_list:
            self._made.line(block.words)
        else:
            self._made.paragraph(block.words)
        self._in_list = item

    def _add_notes(self, notes: Iterable[Note]) -> None:
        """Add the notes that are referred to, each as a line behind what is there, the first time only."""
        for note in notes:
            if note in self._told:
                continue
            self._told.add(note)
            kind, note_id = note
            part, known = self._notes_of(kind)
            if note_id in known and part is not None:
                for line in lines(self._story.read(part, known[note_id])):
                    self._made.line(line)

    def _notes_of(self, kind: str) -> tuple[Part | None, dict[str, Element]]:
        if kind not in self._notes:
            part = self._main.related(kind)
            if part is None or self._whole(part) is None:
                return None, {}
            self._notes[kind] = part, {one.get(W + "id", ""): one for one in part.root.findall(f"{W}{kind[:-1]}")}
        return self._notes[kind]

    def _add_table(self, table: Table) -> None:
        """Add a table; one of a single column is there for the layout, and what stands in it is text like any other."""
        if all(len(row.cells) <= 1 for row in table.rows):
            for row in table.rows:
                for block in (one for cell in row.cells for one in cell):
                    self._add(block)
            return
        texts = [[cell_text(cell) for cell in row.cells] for row in table.rows]
        self._made.table(texts, _header_rows(table.rows, texts))
        self._in_list = False
        self._add_notes(notes_of([table]))


def _header_rows(rows: Sequence[Row], texts: Sequence[Sequence[str]]) -> int:
    """How many rows are the header: those that say so, else the first if it can be one."""
    marked = next((number for number, row in enumerate(rows) if not row.header), len(rows))
    return marked or int(len(rows) > 1 and all(map(_is_name, texts[0])))


def _is_name(cell: str) -> bool:
    """Whether a cell could name a column: it is short, and has more letters than digits."""
    return len(cell) <= LONGEST_HEADER_CELL and sum(map(str.isalpha, cell)) > sum(map(str.isdigit, cell))
