"""When a document counts, and beside which editions: a noun of `corpus.model`, which is long enough."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Force:
    """When a document is in force, and among which editions: days are ISO dates, "" means without end on that side.

    `start` is its first day and `until` its last. `supersedes` is the document whose place it takes, `superseded_by`
    those that take its own; both sides are written together.
    """

    start: str = ""
    until: str = ""
    supersedes: str = ""
    superseded_by: tuple[str, ...] = ()

    def covers(self, day: str) -> bool:
        """Whether a day lies within the dates."""
        return self.start <= day and (not self.until or day <= self.until)
