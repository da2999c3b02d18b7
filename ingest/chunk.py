"""From a text to chunks: tokenised once, cut where the text itself pauses, with exact offsets.

Where a chunk ends depends on the text nearby and on nothing else, so that an edit changes the chunks around it and
leaves the rest alone. The whole text is encoded once, and each token's end is a place where the text might be cut: the
stronger the pause, the better. A place that is better than every other within `reach` tokens on both sides is an
*anchor*; a hash of the words behind it decides between pauses of one kind. What lies between two anchors is one chunk,
or is parted if that is too long, the last two pieces evenly, again at the strongest pause that leaves a piece full
enough.

The rows of a table are never cut unless one alone is too long, and rows that come to stand apart from their header have
it repeated beside them. (Anchors are the local maxima of content-defined chunking; see docs/decisions/0008.)
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from corpus.model import Chunk, Extracted, Grid
from ingest import tokens
from ingest.pauses import anchors

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_TOKENS = 512
NAME = f"chunk-3-{MAX_TOKENS}"

MAX_HEADER = 600
"""Characters of a table's header that are repeated."""
REACH_SHARE = 0.5
"""How far, as a share of a chunk, an anchor is to be the best place: the nearest two can be."""
EVENLY = 1.4
"""How much longer than its even share a piece between two anchors may be, to end at a better pause."""
STRUCTURE_FILL = 0.25
"""How full a chunk must be to end at a page or a heading; at weaker pauses it must be fuller."""
_PAUSES = (
    (0.4, ("\n\n",)),
    (0.6, ("\n",)),
    (0.6, (". ", "? ", "! ", "。", "！", "？")),
    (0.9, (" ",)),
)
_SLACK = 2
"""Tokens kept free: a word that is cut off from the blank before it may take more."""
_NEAR = 2
"""A chunk that cuts a token, and is this near the limit, is counted anew as a whole."""
_ONE_TOKEN = 3
"""A piece of a token with no more characters than this is counted as a token."""
_CHARACTER = -64
"""UTF-8: bytes that go on within a character are less than this, as signed numbers."""
_INK = re.compile(r"\S")


def chunk(extracted: Extracted, max_tokens: int = MAX_TOKENS) -> tuple[Chunk, ...]:
    """Return the chunks of a text, in order: every character that is not blank is in exactly one of them.

    Each has at most `max_tokens` tokens of cl100k_base, whether counted in its text or by itself, unless a single
    character has more; a repeated header is not counted.
    """
    if max_tokens <= _SLACK:
        raise ValueError(f"A chunk needs more than {_SLACK} tokens.")
    text = extracted.text
    page_starts = [page.start for page in extracted.pages]
    section_starts = [section.start for section in extracted.sections]
    grid_starts = [grid.start for grid in extracted.grids]
    found: list[Chunk] = []
    for start, end, count in _spans(extracted, page_starts, section_starts, max_tokens):
        first = max(0, bisect_right(page_starts, start) - 1)
        last = max(0, bisect_right(page_starts, end - 1) - 1)
        section = bisect_right(section_starts, start) - 1
        grid = bisect_right(grid_starts, start) - 1
        found.append(
            Chunk(
                index=len(found),
                start=start,
                end=end,
                content=text[start:end],
                page=extracted.pages[first].number,
                end_page=extracted.pages[last].number,
                headings=extracted.sections[section].headings if section >= 0 else (),
                token_count=count,
                header=_repeated(text, extracted.grids[grid], start) if grid >= 0 else "",
            )
        )
    return tuple(found)


def _repeated(text: str, grid: Grid, start: int) -> str:
    """The header of the table in which a chunk begins behind it; "" if it does not."""
    return (
        text[grid.start : min(grid.header_end, grid.start + MAX_HEADER)] if grid.header_end <= start < grid.end else ""
    )


class _Places(NamedTuple):
    """Where each token ends: behind its last whole character, and behind the character it ends in."""

    whole: NDArray[np.int64]
    touched: NDArray[np.int64]


class _Text(NamedTuple):
    """What decides where a text is cut: its tokens' ends, and where pages, sections and tables begin."""

    text: str
    places: _Places
    structure: Sequence[int]
    grids: Sequence[Grid]
    grid_starts: Sequence[int]


def _spans(
    extracted: Extracted, pages: Sequence[int], sections: Sequence[int], max_tokens: int
) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, tokens) of each chunk."""
    text, grids = extracted.text, extracted.grids
    encoded = tokens.encoded(text)
    places = _places(text, encoded)
    inside = _Text(text, places, sorted({*pages, *sections}), grids, [grid.start for grid in grids])
    begin = 0
    for end in anchors(encoded, places.touched, pages, sections, grids, int(max_tokens * REACH_SHARE)):
        yield from _pieces(inside, begin, end, max_tokens)
        begin = end
    yield from _pieces(inside, begin, len(text), max_tokens)


def _pieces(inside: _Text, begin: int, stop: int, max_tokens: int) -> Iterator[tuple[int, int, int]]:
    """Yield the chunks of what lies between two anchors."""
    text, places = inside.text, inside.places
    position = begin
    while (ink := _INK.search(text, position, stop)) is not None:
        start = ink.start()
        first = int(places.touched.searchsorted(start, "right"))
        left = int(places.touched.searchsorted(stop)) + 1 - first
        room = most = max_tokens - _SLACK
        if room < left <= 2 * room:
            room = min(room, int(EVENLY * left / 2))
        while True:
            cut = stop if left <= room else _cut(inside, start, stop, first, room, most) if room else start + 1
            end = start + len(text[start:cut].rstrip())
            count = _count(text[start:end], places, start, first, max_tokens)
            if count <= max_tokens or not room:
                break
            room, most = max(0, room - (count - max_tokens)), most - (count - max_tokens)
        yield start, end, count
        position = cut


def _count(content: str, places: _Places, start: int, first: int, max_tokens: int) -> int:
    """The tokens of a chunk that begins in token `first`: those of the whole text, but for what it cuts."""
    end = start + len(content)
    last = int(places.whole.searchsorted(end))
    count = last - first + 1
    head = start != (places.whole[first - 1] if first else 0)
    tail = end != places.whole[last]
    if not (head or tail):
        return count
    if last > first:
        if head:
            count += len(tokens.encoded(content[: int(places.touched[first]) - start])) - 1
        if tail and end - places.whole[last - 1] > _ONE_TOKEN:
            count += len(tokens.encoded(content[int(places.whole[last - 1]) - start :])) - 1
        if count < max_tokens - _NEAR:
            return count
    return len(tokens.encoded(content))


def _cut(inside: _Text, start: int, stop: int, first: int, room: int, most: int) -> int:
    """Where a chunk ends that begins at `start` in token `first`, ends by `stop`, and has room for `room` tokens.

    For a row that would be cut otherwise it takes up to `most`.
    """
    text, ends = inside.text, inside.places.whole[first : first + room]
    if len(ends) < room or ends[-1] >= stop:
        return stop
    reach = max(int(ends[-1]), start + 1)

    def filled(share: float) -> int:
        """The first place at which the chunk is that full."""
        return max(int(ends[int(share * room)]), start + 1)

    if row := _row_end(inside, start, reach, min(stop, int(inside.places.whole[first : first + most][-1]))):
        return row
    strongest = bisect_right(inside.structure, reach)
    if strongest and inside.structure[strongest - 1] >= filled(STRUCTURE_FILL):
        return inside.structure[strongest - 1]
    for share, marks in _PAUSES:
        least = filled(share)
        pause = max(_behind(text, mark, least, reach) for mark in marks)
        if pause:
            return pause
    return reach


def _row_end(inside: _Text, start: int, reach: int, furthest: int) -> int:
    """Where a chunk ends that would reach into a table: behind a row, or before the table; 0 if neither is in reach."""
    number = bisect_left(inside.grid_starts, reach) - 1
    if number < 0 or inside.grids[number].end < reach:
        return 0
    grid = inside.grids[number]
    rows = max(start, grid.header_end + 1)
    if row := inside.text.rfind("\n", rows, reach) + 1:
        return row
    if grid.start > start:
        return grid.start
    if grid.end <= furthest:
        return grid.end
    # a header that is too long for a chunk is cut between its own rows
    return inside.text.rfind("\n", rows, furthest) + 1 or inside.text.rfind("\n", start, furthest) + 1


def _behind(text: str, mark: str, least: int, reach: int) -> int:
    """The place behind the last `mark` that ends between `least` and `reach`; 0 without one."""
    found = text.rfind(mark, max(0, least - len(mark)), reach)
    return found + len(mark) if found >= 0 else 0


def _places(text: str, encoded: NDArray[np.uint32]) -> _Places:
    """Where each token of a text ends, in characters."""
    ends = np.cumsum(tokens.token_bytes()[encoded], dtype=np.int64)
    if text.isascii():
        return _Places(ends, ends)
    data = np.frombuffer(tokens.plain(text).encode(), np.uint8)
    goes_on = np.flatnonzero(data.view(np.int8) < _CHARACTER)
    holders = ends.searchsorted(goes_on, "right")
    split = np.zeros(len(ends), np.int64)
    split[holders[(holders > 0) & (ends[holders - 1] == goes_on)] - 1] = 1
    touched = ends - np.cumsum(np.bincount(holders, minlength=len(ends)))
    return _Places(touched - split, touched)
