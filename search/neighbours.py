"""What stands around the best hits: a chunk is small, so that it is found, and what it means may stand beside it."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.model import Hit
from corpus.sentences import sentences

WIDENED = 2
"""How many of the best hits are read with what stands around them."""
AROUND = 400
"""Characters read on either side, at most; whole sentences only."""


def widened(hit: Hit, text: str, others: Sequence[Hit]) -> Hit:
    """Return a hit that holds the sentences around it too, up to where another hit of its document is.

    `text` is the document's; the hit's content is still exactly what stands there between its offsets.
    """
    near = [one for one in others if one.generation == hit.generation and one.chunk_id != hit.chunk_id]
    lowest = max([0, *(one.end for one in near if one.end <= hit.start)])
    highest = min([len(text), *(one.start for one in near if one.start >= hit.end)])
    start, end = max(lowest, hit.start - AROUND), min(highest, hit.end + AROUND)
    before = [start + begin for begin, _ in sentences(text[start : hit.start])]
    behind = [hit.end + stop for _, stop in sentences(text[hit.end : end])]
    first = before[0 if start == lowest else 1 :]  # a sentence may begin before what was read, or end behind it
    last = behind if end == highest else behind[:-1]
    begin, stop = min([hit.start, *first[:1]]), max([hit.end, *last[-1:]])
    return hit._replace(start=begin, end=stop, content=text[begin:stop])
