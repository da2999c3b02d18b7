"""A long document in the making: its pages as the file gives them, part by part, before a text is made of the whole.

A part goes over the pipe of the child process, and into a blob, in one form. Whoever wrote it, what is read back is
checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any, NamedTuple

from corpus.model import Method, PageProblem

PART_PAGES = 64
"""No part has more pages: what a reader loses that dies in the middle of one."""


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page as its reader gives it, not yet cleaned; the other fields are those of the `Page` it will be."""

    text: str
    label: str
    problem: PageProblem = ""
    method: Method = "text"
    confidence: int = 100


class OutlineEntry(NamedTuple):
    """A line of an outline: how deep from 1, its words, and the index of the page it leads to."""

    level: int
    title: str
    page: int


@dataclass(frozen=True, slots=True)
class Part:
    """Pages in a row, the first of which has index `begin`, of `total` in all; title and outline go with page 0.

    `seconds` is how long text recognition took of its pages.
    """

    begin: int
    total: int
    pages: tuple[RawPage, ...]
    title: str = ""
    outline: tuple[OutlineEntry, ...] = ()
    seconds: float = 0.0

    @property
    def end(self) -> int:
        """The index behind its last page."""
        return self.begin + len(self.pages)

    @property
    def whole(self) -> bool:
        """Whether it has every page of its document."""
        return len(self.pages) == self.total

    @property
    def characters(self) -> int:
        """How long the texts of its pages are."""
        return sum(len(page.text) for page in self.pages)


def dump_part(part: Part) -> bytes:
    """Return a part as JSON; `load_part` undoes it. A parser's lone surrogates go through as they are."""
    data = {
        "begin": part.begin,
        "total": part.total,
        "pages": [astuple(page) for page in part.pages],
        "title": part.title,
        "outline": part.outline,
        "seconds": part.seconds,
    }
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def load_part(data: bytes) -> Part:
    """Return the part that bytes are; raises `ValueError` if they cannot be one."""
    return _part(json.loads(data.decode("utf-8", "surrogatepass")))


def _part(found: Any) -> Part:
    try:
        pages = tuple(RawPage(*page) for page in found["pages"])
        outline = tuple(OutlineEntry(*entry) for entry in found["outline"])
        part = Part(found["begin"], found["total"], pages, found["title"], outline, float(found.get("seconds", 0)))
        words = [part.title, *(page.text + page.label for page in pages), *(entry.title for entry in outline)]
        fits = 0 <= part.begin < part.end <= part.total and len(pages) <= PART_PAGES
        leads = all(0 <= entry.page < part.total for entry in outline)
    except (KeyError, TypeError) as error:
        raise ValueError("The part lacks something.") from error
    if not (fits and leads and all(isinstance(one, str) for one in words)):
        raise ValueError("The part's pages are not pages of its document.")
    return part


def dump_parts(parts: Iterable[Part]) -> bytes:
    """Return parts as one JSON list; `load_parts` undoes it."""
    return b"[" + b",".join(map(dump_part, parts)) + b"]"


def load_parts(data: bytes) -> tuple[Part, ...]:
    """Return the parts of a list; raises `ValueError` if one cannot be one."""
    return tuple(map(_part, json.loads(data.decode("utf-8", "surrogatepass"))))


def in_a_row(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return those that follow on one another from page 0: what stands behind a gap is left out."""
    found: list[Part] = []
    for part in sorted(parts, key=lambda one: one.begin):
        if part.begin == (found[-1].end if found else 0) and part.total == (found or [part])[0].total:
            found.append(part)
    return tuple(found)
