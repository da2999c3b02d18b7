"""What Word prints in front of a numbered paragraph: "1.", "2.1", "a)", "•", counted as Word counts (§17.9)."""

from __future__ import annotations

import re

from ingest.extractors.docx.xml import Element, W, chain, number, on, value

BULLET = "•"
LEVELS = 9
MAX_ROMAN, MAX_LETTER = 3999, 26 * 30
"""Beyond these Word's numbers are no use to a reader; they are given as digits."""
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc")),
    *((50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)


class Numbering:
    """The lists of one document and how far each has counted: `label` says what stands before the next paragraph."""

    def __init__(self, root: Element, styles: dict[str, Element]) -> None:
        found = () if root is None else root
        self._styles = styles
        self._nums = {one.get(W + "numId", ""): one for one in found if one.tag == W + "num"}
        self._abstracts = {one.get(W + "abstractNumId", ""): one for one in found if one.tag == W + "abstractNum"}
        self._known: dict[str, tuple[str, list[Element]]] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._begun: set[tuple[str, int]] = set()

    def label(self, num_id: str, level: int, style_id: str) -> str:
        """Count one paragraph of a list, and return its label; "" for one that shows none.

        A `level` of -1 is the one that names the paragraph's style, as numbered headings have it.
        """
        num = self._nums.get(num_id)
        if num is None:
            return ""
        if num_id not in self._known:
            abstract_id, abstract = self._abstract(num)
            self._known[num_id] = abstract_id, _levels(num, abstract)
        abstract_id, levels = self._known[num_id]
        if level < 0:
            level = next((n for n, one in enumerate(levels) if value(one, W + "pStyle") == style_id), 0)
        level = min(level, LEVELS - 1)
        counts = self._counts.setdefault(abstract_id, [None] * LEVELS)
        self._count(num_id, num, levels, level, counts)
        return _shown(levels, level, counts)

    def _abstract(self, num: Element) -> tuple[str, Element]:
        """The definition behind a list, and behind the list style that it may name instead (§17.9.21)."""
        abstract_id = value(num, W + "abstractNumId")
        abstract = self._abstracts.get(abstract_id)
        linked = value(abstract, W + "numStyleLink") if abstract is not None else ""
        for style in chain(self._styles, linked) if linked else ():
            other = self._nums.get(value(style, f"{W}pPr/{W}numPr/{W}numId"))
            if other is not None and (found := value(other, W + "abstractNumId")) in self._abstracts:
                return found, self._abstracts[found]
        return abstract_id, abstract

    def _count(self, num_id: str, num: Element, levels: list[Element], level: int, counts: list[int | None]) -> None:
        if (num_id, level) not in self._begun:
            self._begun.add((num_id, level))
            for override in num.findall(W + "lvlOverride"):
                start = value(override, W + "startOverride")
                if start and number(override.get(W + "ilvl", ""), 0) == level:
                    counts[level] = number(start, 1) - 1
        for above in range(level):
            counts[above] = _start(levels[above]) if counts[above] is None else counts[above]
        last = counts[level]
        counts[level] = _start(levels[level]) if last is None else last + 1
        for below in range(level + 1, LEVELS):
            restart = value(levels[below], W + "lvlRestart")
            if not restart or level < number(restart, LEVELS):
                counts[below] = None


def _levels(num: Element, abstract: Element) -> list[Element]:
    """A list's levels: those of its definition, and what it puts in their place."""
    levels: list[Element] = [None] * LEVELS
    changed = [one for override in num.findall(W + "lvlOverride") for one in override.findall(W + "lvl")]
    for one in (*(() if abstract is None else abstract.findall(W + "lvl")), *changed):
        levels[min(max(number(one.get(W + "ilvl", ""), 0), 0), LEVELS - 1)] = one
    return levels


def _start(level: Element) -> int:
    return number(value(level, W + "start"), 0)  # without one a list starts at zero (§17.9.25)


def _shown(levels: list[Element], level: int, counts: list[int | None]) -> str:
    definition = levels[level]
    if definition is None or on(definition.find(f"{W}rPr/{W}vanish")):
        return ""
    pattern = value(definition, W + "lvlText")
    if _format(definition) == "bullet":
        return BULLET if pattern.strip() else ""
    plain = on(definition.find(W + "isLgl"))

    def counted(match: re.Match[str]) -> str:
        of = int(match[1]) - 1
        return written(counts[of] or 0, "decimal" if plain else _format(levels[of]))

    return re.sub(r"%([1-9])", counted, pattern).strip()


def _format(level: Element) -> str:
    found = None if level is None else next(level.iter(W + "numFmt"), None)  # a newer format has its fallback beside it
    return value(found) or "decimal"


def written(count: int, number_format: str) -> str:
    """Return a number as Word writes it in a format (§17.18.59); in digits where the format is not known here."""
    if number_format == "none":
        return ""
    if number_format == "decimalZero":
        return f"{count:02}"
    if number_format in {"lowerRoman", "upperRoman"} and 0 < count <= MAX_ROMAN:
        return _cased(_roman(count), number_format)
    if number_format in {"lowerLetter", "upperLetter"} and 0 < count <= MAX_LETTER:
        return _cased(chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1), number_format)
    if number_format == "ordinal":
        teens = count % 100 in {11, 12, 13}
        return f"{count}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(count % 10, 'th')}"
    return str(count)


def _cased(text: str, number_format: str) -> str:
    return text.upper() if number_format.startswith("upper") else text


def _roman(count: int) -> str:
    found = ""
    for worth, letters in _ROMAN:
        found += letters * (count // worth)
        count %= worth
    return found
