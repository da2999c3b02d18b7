"""The events of a page, written down as headings, paragraphs, list items and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.compose import Composer
from ingest.extractors.html.grid import GridWriter
from ingest.extractors.html.tree import HEADINGS, Event, Shape

BLOCKS = frozenset(
    [
        "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "dir", "div",
        "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "html",
        "legend", "li", "listing", "main", "menu", "nav", "ol", "optgroup", "p", "plaintext", "pre", "search",
        "section", "summary", "table", "tbody", "td", "textarea", "tfoot", "th", "thead", "tr", "ul", "caption",
        "xmp", "h1", "h2", "h3", "h4", "h5", "h6",
    ]
)  # fmt: skip
LISTS = frozenset(["ul", "ol", "menu", "dir", "dl"])
KEPT_LINES = frozenset(["pre", "textarea", "listing", "xmp", "plaintext"])
UNSAID = frozenset(["hidden", "password", "submit", "reset", "button", "file"])
DEEPEST_INDENT = 10
_SPACES = re.compile(r"[ \t\n\r\f]+")
_BREAK = re.compile(r" ?\n ?")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


@dataclass(slots=True)
class _List:
    """A list that is open: how its next item is marked."""

    style: str
    number: int
    step: int

    def marker(self) -> str:
        if not self.style:
            return "• "
        number, self.number = self.number, self.number + self.step
        return f"{_numbered(number, self.style)}. "


class Writer:
    """Takes the events of a page in order and adds what they say to a composer."""

    def __init__(self, composer: Composer, shapes: dict[int, Shape]) -> None:
        self._composer = composer
        self._shapes = shapes
        self._words: list[str] = []
        self._lists: list[_List] = []
        self._marker: str | None = None
        self._begins_list = False
        self._heading = 0
        self._kept_lines = 0
        self._options = 0
        self._grid: GridWriter | None = None

    def take(self, event: Event) -> None:
        """Take the next event."""
        if event.kind == "text":
            self._say(event.name if self._kept_lines and not self._grid else _SPACES.sub(" ", event.name))
        elif event.kind == "begin":
            self._begin(event)
        else:
            self._end(event)

    def flush(self) -> None:
        """Write down the words that have gathered; within a heading they go on."""
        if self._heading:
            self._words.append(" ")
            return
        text = "".join(self._words)
        self._words.clear()
        if not self._kept_lines:
            text = _BREAK.sub("\n", re.sub(r" {2,}", " ", text)).strip(" \n")
        if not text.strip():
            return
        if not self._lists:
            self._composer.paragraph(text)
            return
        indent = "  " * (min(len(self._lists), DEEPEST_INDENT) - 1)
        text = indent + ("  " if self._marker is None else self._marker) + text.replace("\n", f"\n{indent}  ")
        self._marker = None
        if self._begins_list:
            self._composer.paragraph(text)
        else:
            self._composer.line(text)
        self._begins_list = False

    def _say(self, words: str) -> None:
        if self._grid:
            self._grid.text(words)
        else:
            self._words.append(words)

    def _begin(self, event: Event) -> None:
        name = event.name
        self._begin_inline(event)
        if self._grid:
            if name in BLOCKS or name == "br":
                self._grid.begin(event)
            return
        if name not in BLOCKS:
            return
        self.flush()
        if name in HEADINGS:
            self._heading = HEADINGS.index(name) + 1
        elif name in LISTS:
            self._begins_list |= not self._lists
            self._lists.append(_list(event))
        elif name == "li":
            self._marker = self._item(event)
        elif name == "dt":
            self._marker = ""
        elif name in KEPT_LINES:
            self._kept_lines += 1
        elif name == "table" and (shape := self._shapes.get(event.node.mem_id)) and shape.is_data:
            self._heading = 0
            self.flush()
            self._grid = GridWriter()

    def _end(self, event: Event) -> None:
        name = event.name
        if name == "q":
            self._say("”")
        if self._grid:
            if name in BLOCKS and self._grid.end(event):
                self._end_table(self._grid)
            return
        if name not in BLOCKS:
            return
        if name in HEADINGS and self._heading:
            level, self._heading = self._heading, 0
            self._composer.heading(level, "".join(self._words))
            self._words.clear()
        self.flush()
        if name in LISTS and self._lists:
            self._lists.pop()
        elif name in KEPT_LINES:
            self._kept_lines -= 1

    def _begin_inline(self, event: Event) -> None:
        """Say what an element says by its attributes."""
        name = event.name
        if name == "br" and not self._grid:
            self._say(" " if self._heading else "\n")
        elif name == "img":
            self._say(f" {_SPACES.sub(' ', event.attribute('alt'))} ")
        elif name == "input":
            self._say(_field(event))
        elif name == "q":
            self._say("“")
        elif name == "select":
            self._options = 0
        elif name == "option":
            self._say(", " if self._options else " ")
            self._options += 1

    def _item(self, event: Event) -> str:
        """The marker of a list's item, whose number may be its own."""
        if not self._lists:
            return ""
        if _is_number(value := event.attribute("value")):
            self._lists[-1].number = int(value)
        return self._lists[-1].marker()

    def _end_table(self, grid: GridWriter) -> None:
        self._grid = None
        self._composer.paragraph(grid.caption)
        self._composer.table(*grid.done())


def _list(event: Event) -> _List:
    if event.name != "ol":
        return _List("", 1, 1)
    start = event.attribute("start")
    number, step = (int(start) if _is_number(start) else 1), 1
    if event.has("reversed"):
        step = -1
        if not _is_number(start):
            number, child = 0, event.node.first_child
            while child is not None:
                number += child.tag == "li"
                child = child.next
    style = event.attribute("type")
    return _List(style if style in {"a", "A", "i", "I"} else "1", number, step)


def _is_number(value: str) -> bool:
    return bool(re.fullmatch(r"-?[0-9]{1,9}", value))


def _numbered(number: int, style: str) -> str:
    """A number as a list shows it: 3, c, C, iii, III; letters and Roman numerals only as far as they are read."""
    shown = ""
    if style in {"a", "A"} and 0 < number <= 26:  # noqa: PLR2004 -- letters
        shown = chr(ord("a") + number - 1)
    elif style in {"i", "I"} and 0 < number < 4000:  # noqa: PLR2004 -- there is no numeral above
        left = number
        for value, numeral in _ROMAN:
            shown += numeral * (left // value)
            left %= value
    return (shown.upper() if style.isupper() else shown) or str(number)


def _field(event: Event) -> str:
    """What a field of a form shows."""
    kind = event.attribute("type").lower()
    if kind in {"checkbox", "radio"}:
        return " [x] " if event.has("checked") else " [ ] "
    if kind == "image":
        return f" {event.attribute('alt')} "
    return "" if kind in UNSAID else f" {_SPACES.sub(' ', event.attribute('value'))} "
