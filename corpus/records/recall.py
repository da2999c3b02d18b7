"""How much of what a question should find it found, as records: counters by day and by how much its asker may see."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.keys import A_DAY, iso_day
from corpus.ports import Table

SIZES = (1_000, 10_000, 100_000)
"""The greatest numbers of visible chunks of all groups but the last."""
DAYS = 7


@dataclass(frozen=True, slots=True)
class Recall:
    """Of one group's questions that were asked again exactly: how many, and how many of their nearest were found."""

    size: str
    questions: int
    wanted: int
    found: int

    @property
    def share(self) -> float:
        """The recall, from 0 to 1."""
        return self.found / self.wanted if self.wanted else 1.0


@dataclass(frozen=True, slots=True)
class Recalls:
    """The recall of one index, in a table: `RECALL#{indexName}` / `{yyyy-mm-dd}#{group}`, counters."""

    table: Table
    index_name: str

    def add(self, now: float, visible: int, wanted: int, found: int) -> None:
        """Count a question whose asker sees so many chunks: `found` of the `wanted` nearest were found."""
        group = next((n for n, most in enumerate(SIZES) if visible <= most), len(SIZES))
        amounts = {"questions": 1, "wanted": wanted, "found": found}
        self.table.add(self._pk, f"{iso_day(now)}#{group}", amounts, {})

    def lately(self, now: float) -> list[Recall]:
        """Return the recall of the last seven days, by group, the smallest first; without groups nobody asked of."""
        since = iso_day(now - (DAYS - 1) * A_DAY)
        sums: dict[int, list[int]] = {}
        for item in self.table.query(0, self._pk, (since, "~"), limit=(DAYS + 1) * (len(SIZES) + 1)).items:
            sum_ = sums.setdefault(int(item.sk.rpartition("#")[2]), [0, 0, 0])
            for n, name in enumerate(("questions", "wanted", "found")):
                sum_[n] += item.counters[name]
        return [Recall(_named(group), *sums[group]) for group in sorted(sums)]

    @property
    def _pk(self) -> str:
        return f"RECALL#{self.index_name}"


def _named(group: int) -> str:
    return f"up to {SIZES[group]:,}" if group < len(SIZES) else f"above {SIZES[-1]:,}"
