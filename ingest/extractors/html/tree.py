"""A parsed page as a row of events, without recursion: elements that begin and end, and the text between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

UNSEEN = frozenset(
    [
        "head", "script", "style", "template", "noscript", "svg", "iframe", "noembed", "noframes", "audio",
        "video", "canvas", "object", "datalist",
    ]
)  # fmt: skip
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
LONG_CELL = 1_000
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)", re.IGNORECASE)


class Event(NamedTuple):
    """An element begins or ends, or a text stands; `name` is the tag, or the text itself."""

    kind: Literal["begin", "end", "text"]
    name: str
    node: LexborNode

    def attribute(self, name: str) -> str:
        """Return an attribute's value; "" if it has none."""
        return self.node.attributes.get(name) or ""

    def has(self, name: str) -> bool:
        """Whether the element has the attribute, with or without a value."""
        return name in self.node.attributes


class Tree:
    """The visible part of a page; iterating yields its events in document order."""

    def __init__(self, root: LexborNode) -> None:
        self._root = root

    def __iter__(self) -> Iterator[Event]:
        node: LexborNode | None = self._root
        ancestors: list[LexborNode] = []
        while node is not None:
            child = None
            if node.is_text_node:
                yield Event("text", node.text_content or "", node)
            elif node.is_element_node and not _is_hidden(node):
                yield Event("begin", node.tag or "", node)
                child = node.first_child
                if child is None:
                    yield Event("end", node.tag or "", node)
            if child is not None:
                ancestors.append(node)
                node = child
                continue
            following = node.next
            while following is None and ancestors:
                node = ancestors.pop()
                yield Event("end", node.tag or "", node)
                following = node.next if ancestors else None
            node = following if ancestors else None


def _is_hidden(node: LexborNode) -> bool:
    if node.tag in UNSEEN:
        return True
    attributes = node.attributes
    return "hidden" in attributes or bool(_HIDDEN.search(attributes.get("style") or ""))


@dataclass(slots=True)
class Shape:
    """What tells a table of data from one that only places things on the page."""

    marked: bool = False
    placing: bool = False
    cells: int = 0
    widest: int = 0
    letters: int = 0

    @property
    def is_data(self) -> bool:
        """Whether its rows are to be kept as rows."""
        return self.marked or (self.widest > 1 and not self.placing)


def shapes(tree: Tree) -> dict[int, Shape]:
    """Return the shape of each table of a page, by its node's `mem_id`."""
    found: dict[int, Shape] = {}
    open_tables: list[Shape] = []
    for kind, name, node in tree:
        if kind == "text":
            if open_tables:
                open_tables[-1].letters += len(name)
                open_tables[-1].placing |= open_tables[-1].letters > LONG_CELL
        elif name == "table":
            if kind == "end":
                open_tables.pop()
                continue
            if open_tables:
                open_tables[-1].placing = True
            role = (node.attributes.get("role") or "").lower()
            open_tables.append(Shape(placing=role in {"presentation", "none"}))
            found[node.mem_id] = open_tables[-1]
        elif kind == "begin" and open_tables:
            _look(open_tables[-1], name)
    return found


def _look(table: Shape, name: str) -> None:
    """Take note of an element that begins in a table."""
    if name == "tr":
        table.cells = 0
    elif name in {"td", "th"}:
        table.cells += 1
        table.letters = 0
        table.widest = max(table.widest, table.cells)
    elif name in HEADINGS:
        table.placing = True
    if name in {"th", "thead", "caption"}:
        table.marked = True
