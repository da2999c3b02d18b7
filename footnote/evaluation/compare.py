"""Two runs of the same questions, held against each other: what changed, and what of it may be chance.

Differences are paired, question by question. p is that of the paired randomisation test, two-sided: how often a mean
difference as large comes about when the sign of each question's is drawn by lot (Fisher; for search, Smucker, Allan and
Carterette, CIKM 2007). The interval is the 95 % percentile bootstrap over questions.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpus.errors import ConfigError
from footnote.evaluation.runs import HEADLINES, LOWER_IS_BETTER, Run, SetRun
from footnote.evaluation.sets import LabelledSet

ROUNDS = 10_000
SEED = 20_261_121
EXACT = 5
"""Digits that count: a run that was kept has one more."""
_TINY = 1e-9
"""Sums of the same numbers in another order may differ by less."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How a measure changed over a set's questions that have it in both runs; `low` to `high` is of the change."""

    set_name: str
    metric: str
    questions: int
    before: float
    after: float
    low: float
    high: float
    p: float

    @property
    def change(self) -> float:
        """How much the mean rose."""
        return round(self.after - self.before, EXACT) + 0.0  # not -0

    def worse(self, margin: float, alpha: float) -> bool:
        """Whether a headline measure got worse by more than the margin, and p is not above alpha."""
        loss = self.change if self.metric in LOWER_IS_BETTER else -self.change
        return self.metric in HEADLINES and loss > margin + _TINY and self.p <= alpha


def check(sets: Sequence[LabelledSet], then: Run) -> None:
    """Raise `ConfigError` if a set is not in the other run, or not with the same questions and labels."""
    for one in sets:
        if one.name not in then.sets:
            raise ConfigError(f"The other run knows no set {one.name}, only {', '.join(then.sets)}.")
        if then.sets[one.name].fingerprint != one.fingerprint:
            raise ConfigError(f"The other run asked other questions of {one.name}, or held them against other labels.")


def differences(now: Run, then: Run) -> list[Difference]:
    """Return what changed, for each set of `now` and each measure that both runs have; `check` comes first."""
    return [
        _difference(name, metric, one, then.sets[name])
        for name, one in now.sets.items()
        for metric in one.means()
        if one.values(metric).keys() & then.sets[name].values(metric).keys()
    ]


def _difference(name: str, metric: str, now: SetRun, then: SetRun) -> Difference:
    new, old = now.values(metric), then.values(metric)
    both = sorted(new.keys() & old.keys())
    after, before = (np.array([values[one] for one in both]) for values in (new, old))
    low, high, p = paired((after - before).round(EXACT), (SEED, zlib.crc32(f"{name}/{metric}".encode())))
    return Difference(name, metric, len(both), float(before.mean()), float(after.mean()), low, high, p)


def paired(differences: NDArray[np.float64], seed: Sequence[int]) -> tuple[float, float, float]:
    """Return the ends of the 95 % interval of the mean of these differences, and p of its being none."""
    if not differences.any():
        return 0.0, 0.0, 1.0
    rng = np.random.default_rng(seed)
    size = len(differences)
    means = differences[rng.integers(0, size, (ROUNDS, size))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    moved = differences[differences != 0]
    sums = (rng.integers(0, 2, (ROUNDS, len(moved))) * 2.0 - 1.0) @ moved
    extreme = int((np.abs(sums) >= abs(moved.sum()) - _TINY).sum())
    return float(low), float(high), (1 + extreme) / (1 + ROUNDS)
