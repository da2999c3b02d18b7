"""Mends totals that a crash left too high: each is set to the sum of what it counts, once somebody runs into its cap.

A total is raised before what it counts is written, and lowered after that is deleted. So a total that nobody has
changed for longer than this takes is right, or too high.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from corpus.errors import Conflict
from corpus.ports import Table

QUIET_SECONDS = 900
"""Longer than anybody takes between changing a total and writing or deleting what it counts."""


def recount(table: Table, pk: str, sk: str, counted: Callable[[], Mapping[str, int]], now: float) -> bool:
    """Set a total to what `counted` returns, if nobody changed it for 15 minutes; return whether a counter went down.

    Being set is a change too: it is recounted at most every 15 minutes.
    """
    total = table.get(pk, sk)
    if total is None or now - datetime.fromisoformat(total.updated_at).timestamp() < QUIET_SECONDS:
        return False
    counters = counted()
    try:
        table.put(replace(total, counters=counters), total.rev)
    except Conflict:  # somebody has just changed it
        return False
    return any(counters.get(name, 0) < value for name, value in total.counters.items())
