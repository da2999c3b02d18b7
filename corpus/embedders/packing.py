"""What goes into one request: texts cut to what a model takes, packed by number, bytes and tokens.

A text of n bytes never has more than n tokens, in any vocabulary made of bytes. So bytes bound what a service refuses
outright; how many tokens they are in fact, which is what is paid and paced, is learnt from its replies.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_ITEMS = 64
"""Far below the 2,048 a service takes: more requests side by side, and less to lose with one."""
MOST_BYTES = 250_000
"""Of the 300,000 tokens a request may have."""
WINDOW_BYTES = 8_000
"""Of the 8,191 tokens a text may have."""
BLANK = "."
"""Sent for a text without a character in it: services refuse the empty string."""
MARGIN = 1.05
FRESH = 0.2
"""How much the newest reply counts in the bytes a token has."""


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of the text of passage `row`, and how many bytes it has."""

    row: int
    text: str
    size: int


class Ratio:
    """How many tokens a byte is; one, until a reply said otherwise."""

    def __init__(self) -> None:
        self._value = 0.0
        self._lock = threading.Lock()

    def tokens(self, size: int) -> int:
        """Return how many tokens so many bytes will be, rather too many than too few."""
        return math.ceil(size * min(1.0, MARGIN * self._value if self._value else 1.0))

    def told(self, size: int, tokens: int) -> None:
        """Take in how many tokens so many bytes were."""
        if tokens > 0:
            with self._lock:
                share = FRESH if self._value else 1.0
                self._value += share * (tokens / size - self._value)


def windows(row: int, text: str) -> list[Window]:
    """Return the text in pieces of at most 8,000 bytes, cut between characters; one, blank, for an empty text.

    A lone surrogate, which no encoding takes, becomes a question mark.
    """
    data = text.encode("utf-8", "replace")
    found: list[Window] = []
    while data:
        end = min(len(data), WINDOW_BYTES)
        while end < len(data) and data[end] & 0xC0 == 0x80:  # noqa: PLR2004 -- the middle of a character in UTF-8
            end -= 1
        piece, data = data[:end].decode(), data[end:]
        found.append(Window(row, piece if piece.strip() else BLANK, end))
    return found or [Window(row, BLANK, 1)]


def packed(pieces: Sequence[Window], ratio: Ratio, most_tokens: float) -> Iterator[tuple[Window, ...]]:
    """Yield the windows in order, in requests within all three bounds; a window alone may be beyond `most_tokens`."""
    batch: list[Window] = []
    size = 0
    for one in pieces:
        grown = size + one.size
        if batch and (len(batch) == MOST_ITEMS or grown > MOST_BYTES or ratio.tokens(grown) > most_tokens):
            yield tuple(batch)
            batch, grown = [], one.size
        batch.append(one)
        size = grown
    if batch:
        yield tuple(batch)
