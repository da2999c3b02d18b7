"""One pass over the XML of a part: the paragraphs and tables that a reader sees in it, in document order, once each.

It walks lxml's tree itself, because python-docx knows paragraphs and tables only, repeats merged cells and stops at odd
ones. Out of sight, and so left out: deletions, hidden runs, the codes of fields, the older twin of a drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from corpus.errors import TooLarge
from ingest.extractors.docx.blocks import Block, Paragraph, Row, Table
from ingest.extractors.docx.numbering import Numbering
from ingest.extractors.docx.package import Part, rel_id
from ingest.extractors.docx.styles import Styles, outline_level
from ingest.extractors.docx.symbols import symbol
from ingest.extractors.docx.xml import CHART, DIAGRAM, MC, OFFICE, VML, A, Element, M, W, number, on, value

MAX_SPAN = 63
"""The columns that Word allows a table; a cell that says to span more spans that many."""
CHARTS, DIAGRAMS, OBJECTS = "charts-left-out", "diagrams-left-out", "objects-left-out"
EMBEDDED, SYMBOLS = "embedded-documents-left-out", "symbols-left-out"


@dataclass(slots=True)
class _Draft:
    """A paragraph in the making."""

    made: Paragraph = field(default_factory=Paragraph)
    pieces: list[str] = field(default_factory=list)
    num_id: str = ""
    list_level: int = -1
    style_id: str = ""
    hidden: bool = False
    goes_on: bool = False
    """Its end was deleted, or it is a drop cap: the next one goes on with it."""


@dataclass(slots=True)
class _Place:
    """Where blocks are put: a part, a cell, a text box; `draft` is the paragraph open in it."""

    blocks: list[Block] = field(default_factory=list)
    draft: _Draft | None = None
    held: _Draft | None = None
    drawn: bool = False
    """Whether it is for one paragraph of a drawing, which stands in a paragraph without a text box around it."""


class Story:
    """Reads parts of one document: their lists count on from one to the next. `flags` says what it left out."""

    def __init__(self, styles: Styles, numbering: Numbering, nesting: int) -> None:
        self.flags: set[str] = set()
        self._styles = styles
        self._numbering = numbering
        self._nesting = nesting
        self._starts: dict[str, Callable[[Element], bool | None]] = {
            **dict.fromkeys((W + "p", A + "p"), self._start_paragraph),
            **dict.fromkeys((W + "t", A + "t", M + "t"), self._text),
            **dict.fromkeys((W + "tab", W + "ptab"), lambda _: self._add("\t")),
            **dict.fromkeys((W + "br", W + "cr", A + "br"), lambda _: self._add("\n")),
            **dict.fromkeys((W + "pPr", W + "sdtPr", W + "del", W + "moveFrom", W + "sectPr"), lambda _: True),
            **dict.fromkeys((W + "footnoteReference", W + "endnoteReference"), self._note),
            **dict.fromkeys((W + "altChunk", W + "subDoc"), lambda _: self.flags.add(EMBEDDED)),
            **dict.fromkeys((M + "num", M + "den"), lambda _: self._marks.append(len(self._pieces()))),
            W + "noBreakHyphen": lambda _: self._add("-"),
            W + "r": self._hidden,
            W + "sym": self._symbol,
            W + "fldChar": self._field,
            W + "tbl": lambda _: self._tables.append(Table()),
            W + "tr": self._start_row,
            W + "tc": self._start_cell,
            W + "txbxContent": self._start_place,
            W + "rt": lambda _: self._marks.append(len(self._pieces())),
            MC + "AlternateContent": self._choose,
            MC + "Choice": lambda element: element in self._passed_over,
            MC + "Fallback": lambda element: element in self._passed_over,
            M + "sup": lambda element: self._add("^" if len(element) else ""),
            M + "sub": lambda element: self._add("_" if len(element) else ""),
            M + "d": lambda element: self._add(self._delimiter(element, "begChr", "(")),
            M + "nary": lambda element: self._add(self._delimiter(element, "chr", "∫")),
            VML + "textpath": lambda element: self._add(element.get("string", "")),
            CHART + "chart": lambda _: self.flags.add(CHARTS),
            OFFICE + "OLEObject": lambda _: self.flags.add(OBJECTS),
            DIAGRAM + "relIds": self._diagram,
        }
        self._ends: dict[str, Callable[[Element], None]] = {
            W + "p": self._end_paragraph,
            A + "p": self._end_paragraph,
            W + "tbl": self._end_table,
            W + "tc": self._end_cell,
            W + "txbxContent": self._end_box,
            W + "rt": self._end_reading,
            W + "ruby": lambda _: self._add(self._readings.pop() if self._readings else ""),
            M + "d": lambda element: self._add(self._delimiter(element, "endChr", ")")),
            M + "num": lambda _: self._end_fraction("/"),
            M + "den": lambda _: self._end_fraction(""),
        }

    def read(self, part: Part, root: Element) -> list[Block]:
        """Return what stands under `root`, an element of `part`; raises `TooLarge` for tables nested too deep."""
        from lxml import etree  # noqa: PLC0415 -- loaded in the child process only

        self._part = part
        self._places = [_Place()]
        self._tables: list[Table] = []
        self._fields: list[bool] = []  # for each field that is open, whether its codes are
        self._codes = 0
        self._marks: list[int] = []
        self._readings: list[str] = []
        self._passed_over: set[Element] = set()
        skipped = None
        walk = etree.iterwalk(root, ("start", "end"), tag=tuple({**self._starts, **self._ends}))
        for event, element in walk:
            if event == "start":
                start = self._starts.get(element.tag)
                if start and start(element):
                    skipped = element
                    walk.skip_subtree()
            elif element is skipped:
                skipped = None
            elif end := self._ends.get(element.tag):
                end(element)
        return self._end_place()

    def _start_place(self, _: Element) -> None:
        self._places.append(_Place())
        if len(self._places) > self._nesting + 1:
            raise TooLarge(f"Tables or text boxes lie deeper in one another than FOOTNOTE_MAX_NESTING={self._nesting}.")

    def _end_place(self) -> list[Block]:
        place = self._places.pop()
        self._settle(place)
        return place.blocks

    def _end_box(self, _: Element) -> None:
        self._hand_over(self._end_place())

    def _hand_over(self, blocks: list[Block]) -> None:
        """Put blocks where the walk is: behind the paragraph that is open there, or where the next would stand."""
        place = self._places[-1]
        if place.draft is None:
            self._settle(place)
        (place.blocks if place.draft is None else place.draft.made.boxes).extend(blocks)

    def _settle(self, place: _Place) -> None:
        """End a paragraph that was to go on, and does not."""
        if place.held is not None:
            place.blocks.append(self._finished(place.held))
            place.held = None

    def _start_paragraph(self, element: Element) -> None:
        if self._places[-1].draft is not None:
            self._start_place(element)
            self._places[-1].drawn = True
        place = self._places[-1]
        draft = place.draft = _Draft()
        if place.held is not None:
            draft.made, draft.pieces, place.held = place.held.made, place.held.pieces, None
        properties = element.find(W + "pPr")
        draft.style_id = value(properties, W + "pStyle") or self._styles.usual
        style = self._styles.of(draft.style_id)
        draft.hidden, draft.num_id, draft.list_level = style.hidden, style.num_id, style.list_level
        draft.made.level = style.level
        if properties is not None:
            self._read_properties(draft, properties)

    def _read_properties(self, draft: _Draft, properties: Element) -> None:
        """Take over what a paragraph says itself, which outweighs its style."""
        level = outline_level(properties)
        draft.made.level = draft.made.level if level is None else level
        numbered = properties.find(W + "numPr")
        if numbered is not None:
            own = value(numbered, W + "numId")
            draft.num_id = own or draft.num_id
            draft.list_level = number(value(numbered, W + "ilvl"), 0 if own else draft.list_level)
        section = properties.find(W + "sectPr")
        draft.made.section = draft.made.section if section is None else section
        frame = properties.find(W + "framePr")
        drop_cap = frame is not None and frame.get(W + "dropCap", "none") != "none"
        draft.goes_on = drop_cap or properties.find(f"{W}rPr/{W}del") is not None

    def _end_paragraph(self, _: Element) -> None:
        place = self._places[-1]
        draft, place.draft = place.draft, None
        if self._codes:  # they end with their paragraph, even where their end is missing
            self._fields, self._codes = [False] * len(self._fields), 0
        if draft is None or draft.goes_on:
            place.held = draft
        elif not (made := self._finished(draft)).blank:
            place.blocks.append(made)
        if place.drawn:
            self._hand_over(self._end_place())

    def _finished(self, draft: _Draft) -> Paragraph:
        draft.made.text = "".join(draft.pieces).strip()
        if draft.num_id:
            draft.made.label = self._numbering.label(draft.num_id, draft.list_level, draft.style_id)
        return draft.made

    def _end_table(self, _: Element) -> None:
        self._hand_over([self._tables.pop()])

    def _start_row(self, element: Element) -> bool:
        """Begin a row, unless it was deleted."""
        properties = element.find(W + "trPr")
        if properties is not None and properties.find(W + "del") is not None:
            return True
        if self._tables:
            empty = min(max(number(value(properties, W + "gridBefore"), 0), 0), MAX_SPAN)
            header = properties is not None and on(properties.find(W + "tblHeader"))
            self._tables[-1].rows.append(Row([[] for _ in range(empty)], header))
        return False

    def _start_cell(self, element: Element) -> bool:
        """Begin a cell, unless it was deleted."""
        if element.find(f"{W}tcPr/{W}cellDel") is not None:
            return True
        self._start_place(element)
        return False

    def _end_cell(self, element: Element) -> None:
        blocks = self._end_place()
        if not self._tables or not self._tables[-1].rows:
            self._hand_over(blocks)
            return
        more = min(max(number(value(element, f"{W}tcPr/{W}gridSpan"), 1), 1), MAX_SPAN) - 1
        self._tables[-1].rows[-1].cells += [blocks, *([] for _ in range(more))]

    def _pieces(self) -> list[str]:
        draft = self._places[-1].draft
        return [] if draft is None else draft.pieces

    def _add(self, text: str) -> None:
        if self._codes:
            return
        place = self._places[-1]
        if place.draft is not None:
            place.draft.pieces.append(text)
        elif text.strip():  # a run outside any paragraph
            self._hand_over([Paragraph(text.strip())])

    def _text(self, element: Element) -> None:
        text = element.text or ""
        if len(element):  # comments and the like inside
            text += "".join(one.tail or "" for one in element)
        self._add(text.replace("\n", " "))

    def _hidden(self, run: Element) -> bool:
        """Whether a run is out of sight: it says so itself, or one of its two styles does (§17.7.3)."""
        draft = self._places[-1].draft
        by_paragraph = draft is not None and draft.hidden
        properties = run.find(W + "rPr")
        if properties is None:
            return by_paragraph
        vanish = properties.find(W + "vanish")
        if vanish is not None:
            return on(vanish)
        return self._styles.of(value(properties, W + "rStyle")).hidden != by_paragraph

    def _symbol(self, element: Element) -> None:
        found = symbol(element.get(W + "font", ""), element.get(W + "char", ""))
        self._add(found)
        if not found:
            self.flags.add(SYMBOLS)

    def _field(self, element: Element) -> None:
        """Follow a field: its codes come first and are not seen, then its result, which is."""
        kind = element.get(W + "fldCharType")
        if kind == "begin":
            self._form(element.find(W + "ffData"))
            self._fields.append(True)
            self._codes += 1
        elif self._fields and kind in {"separate", "end"}:
            self._codes -= self._fields.pop()
            self._fields += [False] if kind == "separate" else []

    def _form(self, data: Element) -> None:
        """Add what a form's box or list shows, which is no text of its own."""
        box, entries = (None, None) if data is None else (data.find(W + "checkBox"), data.find(W + "ddList"))
        if box is not None:
            checked = box.find(W + "checked")
            self._add("☒" if on(box.find(W + "default") if checked is None else checked) else "☐")
        if entries is not None:
            shown = entries.findall(W + "listEntry")
            chosen = number(value(entries, W + "result") or value(entries, W + "default"), 0)
            self._add(value(shown[chosen]) if 0 <= chosen < len(shown) else "")

    def _note(self, element: Element) -> None:
        draft = self._places[-1].draft
        if draft is not None and not self._codes:
            kind = element.tag.removeprefix(W).removesuffix("Reference") + "s"
            draft.made.notes.append((kind, element.get(W + "id", "")))

    def _choose(self, element: Element) -> None:
        """Of a drawing's twins keep one: the first that has words, else the first."""
        twins = [one for one in element if one.tag in {MC + "Choice", MC + "Fallback"}]
        wordy = (one for one in twins if next(one.iter(W + "t", A + "t", M + "t", VML + "textpath"), None) is not None)
        chosen = next(wordy, twins[0] if twins else None)
        self._passed_over.update(one for one in twins if one is not chosen)

    def _diagram(self, element: Element) -> None:
        """Add the words of a drawn diagram, which has a part of its own."""
        found = self._part.named(rel_id(element, "dm"))
        if found is None or found.root is None:
            self.flags.add(DIAGRAMS)
            return
        texts = ("".join(one.text or "" for one in words.iter(A + "t")) for words in found.root.iter(A + "p"))
        self._hand_over([Paragraph(text.strip()) for text in texts if text.strip()])

    def _end_reading(self, _: Element) -> None:
        """Keep the reading of ideographs until they are there: it stands above them, and in the XML before them."""
        pieces, mark = self._pieces(), self._marks.pop()
        reading = "".join(pieces[mark:]).strip()
        del pieces[mark:]
        self._readings.append(f"({reading})" if reading else "")

    def _end_fraction(self, between: str) -> None:
        pieces, mark = self._pieces(), self._marks.pop()
        part = "".join(pieces[mark:])
        pieces[mark:] = [part if len(part) == 1 or part.isalnum() else f"({part})", between]

    @staticmethod
    def _delimiter(element: Element, name: str, usual: str) -> str:
        """The sign that a formula's bracket or sum names, or the usual one."""
        found = element.find(f"*/{M}{name}")
        return usual if found is None else str(found.get(M + "val", ""))
