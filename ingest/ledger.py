"""The page ledger in short: which pages of a document could not be read, and why."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.model import Coverage, Page


def coverage(pages: Sequence[Page], flags: tuple[str, ...] = ()) -> Coverage:
    """Return what the pages of a document say of how much of it was read."""
    numbers = {problem: [page.number for page in pages if page.problem == problem] for problem in ("empty", "image")}
    lost = [page.number for page in pages if page.problem in {"garbage", "failed"}]
    return Coverage(
        pages=len(pages),
        readable=sum(not page.problem for page in pages),
        empty=page_ranges(numbers["empty"]),
        images=page_ranges(numbers["image"]),
        garbage=page_ranges(lost),
        flags=flags,
        recognised=page_ranges([page.number for page in pages if page.method == "ocr" and not page.problem]),
    )


def page_ranges(numbers: Sequence[int]) -> tuple[str, ...]:
    """Fold rising page numbers into ranges: 1, 3, 4, 5 become "1" and "3-5"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return tuple("-".join(map(str, run)) for run in runs)
