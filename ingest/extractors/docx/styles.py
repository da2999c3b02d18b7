"""What a paragraph's style says of it: the level of a heading, the list it is numbered in, whether it is hidden."""

from __future__ import annotations

import re
from typing import NamedTuple

from ingest.extractors.docx.xml import Element, W, chain, number, on, value

TITLE, NO_HEADING = 0, -1
_HEADING = re.compile(r"heading ?([1-9])", re.IGNORECASE)
_BODY_LEVEL = 9
"""The outline level of what is no heading (§17.3.1.20)."""


class Style(NamedTuple):
    """`level` is a heading's from 1, `TITLE`, or `NO_HEADING`; `num_id` "" is no list, `list_level` -1 says nothing."""

    level: int = NO_HEADING
    num_id: str = ""
    list_level: int = -1
    hidden: bool = False


class Styles:
    """The styles of one document, by their id; they work without any, too."""

    def __init__(self, root: Element) -> None:
        found = [] if root is None else root.findall(W + "style")
        self.elements: dict[str, Element] = {one.get(W + "styleId", ""): one for one in found}
        usual = (one for one in found if one.get(W + "type") == "paragraph" and one.get(W + "default") in {"1", "true"})
        self.usual = next((one.get(W + "styleId", "") for one in usual), "")
        self._known: dict[str, Style] = {}

    def of(self, style_id: str) -> Style:
        """What a style says, with what it takes over from those it is based on."""
        if style_id not in self._known:
            self._known[style_id] = self._read(style_id)
        return self._known[style_id]

    def _read(self, style_id: str) -> Style:
        if style_id not in self.elements:
            return Style(level=_named(style_id))
        level, num_id, list_level, hidden = None, "", -1, None
        for style in chain(self.elements, style_id):
            if level is None:
                level = _level(style)
            numbered = style.find(f"{W}pPr/{W}numPr")
            if numbered is not None:
                num_id = num_id or value(numbered, W + "numId")
                list_level = number(value(numbered, W + "ilvl"), -1) if list_level < 0 else list_level
            vanish = style.find(f"{W}rPr/{W}vanish")
            hidden = on(vanish) if hidden is None and vanish is not None else hidden
        return Style(NO_HEADING if level is None else level, num_id, list_level, bool(hidden))


def outline_level(properties: Element) -> int | None:
    """The heading level that an outline level stands for; None where none is given."""
    given = value(properties, W + "outlineLvl")
    if not given:
        return None
    level = number(given, _BODY_LEVEL)
    return level + 1 if 0 <= level < _BODY_LEVEL else NO_HEADING


def _level(style: Element) -> int | None:
    """What a style itself says: by its name, which is English in every Word, or by its outline level."""
    named = _named(value(style, W + "name"))
    return named if named != NO_HEADING else outline_level(style.find(W + "pPr"))


def _named(name: str) -> int:
    heading = _HEADING.fullmatch(name.strip())
    return int(heading[1]) if heading else TITLE if name.strip().lower() == "title" else NO_HEADING
