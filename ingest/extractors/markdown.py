"""Markdown: the text as it was written, its headings as sections, its tables as grids, its front matter for a title."""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpus.errors import TooLarge
from corpus.model import Extracted, Grid, Page, Section
from corpus.ports import Limits
from ingest.extractors.text import read

NAME = "markdown-4"
MEDIA_TYPES: tuple[str, ...] = ("text/markdown",)
SUFFIXES: tuple[str, ...] = (".md", ".markdown", ".mdown", ".mkd")

_LINE = re.compile(
    r"^(?: {0,3}(?P<fence>```+|~~~+)|(?P<marks>#{1,6})[ \t]+(?P<title>[^\n]*)$"
    r"|(?P<above>[^\s>|#*+-][^\n]*)\n(?P<under>===+|---+)$)",
    re.MULTILINE,
)
"""A code fence, a heading behind `#`s, or a heading that is underlined."""
_DASHES = re.compile(r"^[ \t]{0,3}(?=[|:-])[|: \t-]+$", re.MULTILINE)
"""What may stand between the header of a table and its rows."""
_TITLE = re.compile(r"^title:[ \t]+([^\n]+)$", re.MULTILINE)


def extract(data: bytes, limits: Limits) -> Extracted:
    """Return the text and its headings; the contract is `Extractor`'s."""
    body, flags = read(data, limits)
    found = [heading for heading in headings(body) if heading[2]]
    path: dict[int, str] = {}
    sections = []
    for start, level, title in found:
        path = {above: name for above, name in path.items() if above < level}
        path[level] = title
        sections.append(Section(start, tuple(path.values())))
    grids = tuple(tables(body))
    if sum(body.count("\n", grid.start, grid.end) for grid in grids) > limits.rows:
        raise TooLarge(f"The file has more rows than FOOTNOTE_MAX_ROWS={limits.rows}.")
    return Extracted(body, (Page(1, "", 0, len(body)),), tuple(sections), _title(body), flags, grids)


def headings(body: str) -> Iterator[tuple[int, int, str]]:
    """Yield (offset, level from 1, words) of each heading outside code fences."""
    fence = ""
    for line in _LINE.finditer(body, _front_matter(body)):
        if mark := line["fence"]:
            fence = "" if fence and mark.startswith(fence) else fence or mark
        elif fence:
            continue
        elif line["marks"]:
            yield line.start(), len(line["marks"]), _unclosed(line["title"].strip())
        else:
            yield line.start(), 1 if line["under"].startswith("=") else 2, line["above"].strip()


def tables(body: str) -> Iterator[Grid]:
    """Yield the tables: a line with bars, a line of dashes and bars under it, and each line with bars that follows."""
    behind = 0
    for dashes in _DASHES.finditer(body):
        start = body.rfind("\n", behind, max(0, dashes.start() - 1)) + 1
        if start < behind or not {"-", "|"} <= set(dashes[0]) or "|" not in body[start : dashes.start()]:
            continue
        end = dashes.end()
        while (following := body[end + 1 : _line_end(body, end + 1)]).find("|") >= 0:
            end += 1 + len(following)
        yield Grid(start, dashes.end(), end)
        behind = end


def _line_end(body: str, start: int) -> int:
    end = body.find("\n", start)
    return end if end >= 0 else len(body)


def _front_matter(body: str) -> int:
    """Where the text begins behind a block of properties between two lines of dashes; 0 without one."""
    end = body.find("\n---\n") if body.startswith("---\n") else -1
    return end + len("\n---\n") if end >= 0 else 0


def _title(body: str) -> str:
    """The title in the front matter; a block behind `>` or `|` is left alone."""
    found = _TITLE.search(body, 0, _front_matter(body))
    value = found[1].strip() if found else ""
    quoted = len(value) > 1 and value[0] in "\"'" and value[0] == value[-1]
    return value[1:-1].strip() if quoted else "" if value.startswith((">", "|")) else value


def _unclosed(title: str) -> str:
    """A heading's words without the `#`s that may close it; "C#" keeps its own."""
    bare = title.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else title
