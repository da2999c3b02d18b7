"""From a text to chunks: tokenised once, cut where the text itself pauses, with exact offsets.

The whole text is encoded once. Each chunk then begins where the last one ended and may reach as far as its tokens
allow; within that reach it ends at the strongest pause that leaves it full enough: a page, a heading, a paragraph, a
line, a sentence, a blank. A text's length costs time in proportion, because no pause is searched for outside a chunk's
reach.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from corpus.model import Chunk, Extracted
from ingest import tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_TOKENS = 512
NAME = f"chunk-1-{MAX_TOKENS}"

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
_CHARACTER = -64
"""UTF-8: bytes that go on within a character are less than this, as signed numbers."""
_INK = re.compile(r"\S")


def chunk(extracted: Extracted, max_tokens: int = MAX_TOKENS) -> tuple[Chunk, ...]:
    """Return the chunks of a text, in order: every character that is not blank is in exactly one of them.

    Each has at most `max_tokens` tokens of cl100k_base, whether counted in its text or by itself, unless a single
    character has more.
    """
    if max_tokens <= _SLACK:
        raise ValueError(f"A chunk needs more than {_SLACK} tokens.")
    text = extracted.text
    page_starts = [page.start for page in extracted.pages]
    section_starts = [section.start for section in extracted.sections]
    found: list[Chunk] = []
    for start, end, count in _spans(text, sorted({*page_starts, *section_starts}), max_tokens):
        first = max(0, bisect_right(page_starts, start) - 1)
        last = max(0, bisect_right(page_starts, end - 1) - 1)
        section = bisect_right(section_starts, start) - 1
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
            )
        )
    return tuple(found)


class _Places(NamedTuple):
    """Where each token ends: behind its last whole character, and behind the character it ends in."""

    whole: NDArray[np.int64]
    touched: NDArray[np.int64]


def _spans(text: str, structure: Sequence[int], max_tokens: int) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, tokens) of each chunk."""
    places = _places(text)
    position = 0
    while ink := _INK.search(text, position):
        start = ink.start()
        first = int(places.touched.searchsorted(start, "right"))
        room = max_tokens - _SLACK
        while True:
            cut = _cut(text, structure, places.whole[first:], start, room) if room else start + 1
            end = start + len(text[start:cut].rstrip())
            count = _count(text[start:end], places, start, first, max_tokens)
            if count <= max_tokens or not room:
                break
            room = max(0, room - (count - max_tokens))
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
        if tail:
            count += len(tokens.encoded(content[int(places.whole[last - 1]) - start :])) - 1
        if count < max_tokens - _NEAR:
            return count
    return len(tokens.encoded(content))


def _cut(text: str, structure: Sequence[int], ends: NDArray[np.int64], start: int, room: int) -> int:
    """Where a chunk ends that begins at `start`, if the tokens from there end at `ends` and it has room for `room`."""
    if room >= len(ends):
        return len(text)
    reach = max(int(ends[room - 1]), start + 1)

    def filled(share: float) -> int:
        """The first place at which the chunk is that full."""
        return max(int(ends[int(share * room)]), start + 1)

    strongest = bisect_right(structure, reach)
    if strongest and structure[strongest - 1] >= filled(STRUCTURE_FILL):
        return structure[strongest - 1]
    for share, marks in _PAUSES:
        least = filled(share)
        pause = max(_behind(text, mark, least, reach) for mark in marks)
        if pause:
            return pause
    return reach


def _behind(text: str, mark: str, least: int, reach: int) -> int:
    """The place behind the last `mark` that ends between `least` and `reach`; 0 without one."""
    found = text.rfind(mark, max(0, least - len(mark)), reach)
    return found + len(mark) if found >= 0 else 0


def _places(text: str) -> _Places:
    """Where each token of a text ends, in characters."""
    ends = np.cumsum(tokens.token_bytes()[tokens.encoded(text)], dtype=np.int64)
    if text.isascii():
        return _Places(ends, ends)
    data = np.frombuffer(tokens.plain(text).encode(), np.uint8)
    goes_on = np.flatnonzero(data.view(np.int8) < _CHARACTER)
    holders = ends.searchsorted(goes_on, "right")
    split = np.zeros(len(ends), np.int64)
    split[holders[(holders > 0) & (ends[holders - 1] == goes_on)] - 1] = 1
    touched = ends - np.cumsum(np.bincount(holders, minlength=len(ends)))
    return _Places(touched - split, touched)
