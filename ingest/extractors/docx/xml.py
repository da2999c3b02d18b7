"""The names of WordprocessingML that are looked for, and how its attributes are read (ISO/IEC 29500-1, §17 and §22)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

Element: TypeAlias = Any
"""An lxml element; lxml ships no types."""

_MAIN = "http://schemas.openxmlformats.org"
W = f"{{{_MAIN}/wordprocessingml/2006/main}}"
A = f"{{{_MAIN}/drawingml/2006/main}}"
M = f"{{{_MAIN}/officeDocument/2006/math}}"
R = f"{{{_MAIN}/officeDocument/2006/relationships}}"
CHART = f"{{{_MAIN}/drawingml/2006/chart}}"
DIAGRAM = f"{{{_MAIN}/drawingml/2006/diagram}}"
MC = f"{{{_MAIN}/markup-compatibility/2006}}"
VML = "{urn:schemas-microsoft-com:vml}"
OFFICE = "{urn:schemas-microsoft-com:office:office}"
DC = "{http://purl.org/dc/elements/1.1/}"
MOST_STYLES = 100
"""Word bases no style on so many others, one behind the other."""
_OFF = frozenset({"0", "false", "off"})


def value(element: Element, path: str = "") -> str:
    """The `w:val` of an element, or of the child at `path`; "" if there is none."""
    found = element if not path or element is None else element.find(path)
    return "" if found is None else str(found.get(W + "val", ""))


def on(element: Element) -> bool:
    """Whether a switch such as `w:vanish` is there and on (§17.17.4)."""
    return element is not None and element.get(W + "val", "1") not in _OFF


def number(text: str, default: int, most: int = 100_000) -> int:
    """A whole number of an attribute; `default` for what is none, or is out of all reason."""
    digits = text.strip().removeprefix("-")
    found = int(text) if digits.isascii() and digits.isdigit() and len(digits) <= len(str(most)) else default
    return found if abs(found) <= most else default


def chain(styles: dict[str, Element], style_id: str) -> Iterator[Element]:
    """A style and those it is based on, nearest first; each once and not too many, whatever circle they form."""
    seen: set[str] = set()
    while style_id in styles and style_id not in seen and len(seen) < MOST_STYLES:
        seen.add(style_id)
        yield styles[style_id]
        style_id = value(styles[style_id], W + "basedOn")
