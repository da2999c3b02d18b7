"""From single pages to parts of a document: when a part is full."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from corpus.raw_pages import PART_PAGES, Part, RawPage

PART_SECONDS = 5.0
"""Pages that are slow to read make shorter parts, so that no slice of time is too short for one."""


def in_parts(
    pages: Iterator[RawPage], first: Part, begin: int, clock: Callable[[], float] = time.monotonic
) -> Iterator[Part]:
    """Yield pages, the first of which has index `begin`, in parts of at most 64 pages and about five seconds.

    `first` has all that goes with page 0, but no page.
    """
    head = first if begin == 0 else Part(begin, first.total, ())
    found: list[RawPage] = []
    begun = clock()
    for page in pages:
        found.append(page)
        if len(found) == PART_PAGES or clock() - begun > PART_SECONDS:
            part = replace(head, pages=tuple(found))
            yield part
            head, found, begun = Part(part.end, first.total, ()), [], clock()
    if found:
        yield replace(head, pages=tuple(found))
