"""Totals that whoever died halfway left too high: set to the sum of what they are the total of, when somebody needs it.

Totals are raised before what they count is written down, and lowered after it is gone. So one that nobody has changed
for longer than that takes is right, or too high.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from corpus.errors import Conflict
from corpus.ports import Table

QUIET_SECONDS = 900
"""Nobody takes as long between a total and what it counts."""


def recount(table: Table, pk: str, sk: str, counted: Callable[[], Mapping[str, int]], now: float) -> bool:
    """Set a total that rests to what `counted` returns, and return whether any counter of it went down.

    It is not looked at again for as long as it has to rest.
    """
    total = table.get(pk, sk)
    if total is None or now - datetime.fromisoformat(total.updated_at).timestamp() < QUIET_SECONDS:
        return False
    counters = counted()
    try:
        table.put(replace(total, counters=counters), total.rev)
    except Conflict:  # it does not rest
        return False
    return any(counters.get(name, 0) < value for name, value in total.counters.items())
