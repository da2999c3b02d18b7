"""Where a text pauses, how strongly, and which of its pauses are the best of their neighbourhood."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from corpus.model import Grid
from ingest import tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.uint32]


class Pause(IntEnum):
    """What comes behind a token, from the weakest to the strongest pause."""

    NEVER = 0
    NONE = 1
    BLANK = 2
    SENTENCE = 3
    LINE = 4
    PARAGRAPH = 5
    SECTION = 6
    PAGE = 7


_STRENGTH_BITS = 3
_MIX = (2654435761, 2246822519, 3266489917, 668265263)
"""Odd numbers that spread a hash over 32 bits (Knuth's, and xxHash's primes)."""
_SENTENCE_ENDS = (".", "?", "!", '."', '?"', '!"', ".”", ".)")
_UNSPACED_ENDS = ("。", "！", "？")
_KIND, _CLOSES, _OPENS = 15, 8, 16
"""In a token's kind: the bits of its pause, a sentence that ends without a blank behind it, a blank it begins with."""


def anchors(
    encoded: Numbers,
    ends: NDArray[np.int64],
    pages: Sequence[int],
    sections: Sequence[int],
    grids: Sequence[Grid],
    reach: int,
) -> list[int]:
    """Return the offsets at which a text is always cut: the best of all places within `reach` tokens on both sides.

    `ends` says where each token ends. No two are nearer than `reach`, and none is nearer than half of it to the text's
    own ends. Whether a place is one depends on the text within `reach` tokens, and eight more, and on nothing else; so
    a text that repeats itself may have none for long.
    """
    if len(encoded) <= reach:
        return []
    strengths = _strengths(encoded, ends, grids)
    offsets = ends.copy()
    for starts, pause in ((sections, Pause.SECTION), (pages, Pause.PAGE)):
        at = ends.searchsorted(np.array(starts, np.int64), "right") - 1
        inside = at >= 0
        strengths[at[inside]] = pause
        offsets[at[inside]] = np.array(starts, np.int64)[inside]
    ranks = _hashes(encoded) >> np.uint32(_STRENGTH_BITS)
    ranks |= strengths.astype(np.uint32) << np.uint32(32 - _STRENGTH_BITS)
    ranks[strengths == Pause.NEVER] = 0
    best = np.flatnonzero(_best_of_their_neighbours(ranks, reach))
    edge = reach // 2
    return [int(one) for one in offsets[best[(best >= edge) & (best < len(ranks) - edge)]]]


def _strengths(encoded: Numbers, ends: NDArray[np.int64], grids: Sequence[Grid]) -> NDArray[np.uint8]:
    """How strongly the text pauses behind each of its tokens, pages and sections aside."""
    kinds = _token_kinds()[encoded]
    pairs = kinds & _KIND
    pairs[:-1] |= kinds[1:] & _OPENS
    pairs[-1] |= _OPENS
    found: NDArray[np.uint8] = _pair_strengths()[pairs]
    for grid in grids:
        first, rows, last = ends.searchsorted([grid.start, grid.header_end, grid.end], "right").tolist()
        table = found[first:last]
        table[table < Pause.LINE] = Pause.NEVER
        if grid.header_end > grid.start:
            found[first : rows + 1] = Pause.NEVER
    return found


@lru_cache(maxsize=1)
def _token_kinds() -> NDArray[np.uint8]:
    """By token: how strongly a text may pause behind it, and `_OPENS` if it begins with a blank."""
    kinds = np.full(tokens.encoding().n_vocab, Pause.NONE, np.uint8)
    for number, data in tokens.numbered():
        text = data.decode("utf-8", "replace")
        if "\n\n" in text:
            kinds[number] = Pause.PARAGRAPH
        elif "\n" in text:
            kinds[number] = Pause.LINE
        elif text.endswith(_SENTENCE_ENDS):
            kinds[number] = Pause.SENTENCE
        elif text.endswith(_UNSPACED_ENDS):
            kinds[number] = _CLOSES
        if text[:1].isspace():
            kinds[number] |= _OPENS
    return kinds


@lru_cache(maxsize=1)
def _pair_strengths() -> NDArray[np.uint8]:
    """By the kind of a token, with `_OPENS` if the next one begins with a blank: how strongly the text pauses."""
    found = np.arange(2 * _OPENS, dtype=np.uint8) & np.uint8(_KIND)
    found[Pause.SENTENCE] = Pause.NONE
    found[Pause.NONE | _OPENS] = Pause.BLANK
    found[[_CLOSES, _CLOSES | _OPENS]] = Pause.SENTENCE
    return found


def _hashes(encoded: Numbers) -> Numbers:
    """A hash of the eight tokens that begin with each."""
    found = encoded * np.uint32(_MIX[0])
    for step, mix in zip((1, 2, 4), _MIX[1:], strict=True):
        found[:-step] += (found[step:] ^ (found[step:] >> np.uint32(15))) * np.uint32(mix)
    return found ^ (found >> np.uint32(16))


def _best_of_their_neighbours(ranks: Numbers, reach: int) -> NDArray[np.bool_]:
    """Which ranks are above 0, higher than the `reach` before them, and no lower than the `reach` behind them."""
    nothing = np.zeros(reach, np.uint32)
    highest = np.concatenate([nothing, ranks, nothing])
    covered = 1
    while covered < reach:  # each pass at most doubles how many places a value speaks for, itself the first
        step = min(covered, reach - covered)
        highest = np.maximum(highest[:-step], highest[step:])
        covered += step
    count = len(ranks)
    return (ranks > highest[:count]) & (ranks >= highest[reach + 1 : reach + 1 + count])
