"""The recall meter: what it counts, what it keeps, and that nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from corpus.errors import Unavailable
from corpus.model import Legs
from corpus.records.recall import Recall, Recalls
from corpus.scope import Where
from corpus.ways import Exact
from footnote.render import exposition
from search.meter import MOST_WAITING, RecallMeter
from tests.contracts.adapters import SPACE
from tests.contracts.test_index import ME, generation, unit
from tests.fakes import Clock, MemoryIndex, MemoryTable


class Forgetful(MemoryIndex):
    """An index whose graphs miss the best chunk; `before` is called before it compares all."""

    before: Callable[[], None] = staticmethod(lambda: None)

    def forgotten(self) -> Legs:
        whole = self.legs(unit(0), (), 11, ME)
        return Legs(whole.nearest[1:], whole.matching)

    def exactly(self, vector: object, k: int, where: Where) -> Exact:
        self.before()
        return super().exactly(unit(0), k, where)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def index() -> Forgetful:
    index = Forgetful(SPACE)
    for n in range(5):
        index.write(generation(f"d{n}", seed=10 * n))
    return index


def meter(index: MemoryIndex, recalls: Recalls, clock: Clock, share: float = 0.5, dice: float = 0.4) -> RecallMeter:
    return RecallMeter(index, recalls, share, clock, lambda: dice)


def test_what_was_missed_is_counted(index: Forgetful, clock: Clock) -> None:
    """Of a question's ten nearest, those that had not been found count against it, in the group of who saw as much."""
    recalls = Recalls(MemoryTable(clock), index.name)
    for legs in (index.forgotten(), index.forgotten(), index.legs(unit(0), (), 100, ME)):
        measuring = meter(index, recalls, clock)
        measuring.look(unit(0), ME, legs)
        measuring.close()

    assert recalls.lately(clock()) == [Recall("up to 1,000", 3, 30, 28)]
    clock.sleep(6 * 86_400)
    recalls.add(clock(), 200_000, 10, 10)
    assert recalls.lately(clock()) == [Recall("up to 1,000", 3, 30, 28), Recall("above 100,000", 1, 10, 10)]
    clock.sleep(86_400)
    assert [one.size for one in recalls.lately(clock())] == ["above 100,000"]


def test_only_the_share_is_measured(index: Forgetful, clock: Clock) -> None:
    """Questions whose dice fall at the share or above are not measured, and with a share of 0 none is."""
    recalls = Recalls(MemoryTable(clock), index.name)
    for share, dice in ((0.5, 0.5), (0.0, 0.0), (0.01, 0.9)):
        measuring = meter(index, recalls, clock, share, dice)
        measuring.look(unit(0), ME, index.forgotten())
        measuring.close()

    assert recalls.lately(clock()) == []


def test_nobody_waits(index: Forgetful, clock: Clock) -> None:
    """While the meter is busy, questions beyond a few are left unmeasured; an index that is away stops nothing."""
    go, reached = threading.Event(), threading.Event()

    def slowly() -> None:
        reached.set()
        assert go.wait(10)
        raise Unavailable("away")

    recalls = Recalls(MemoryTable(clock), index.name)
    measuring, legs = meter(index, recalls, clock), index.forgotten()
    index.before = slowly
    measuring.look(unit(0), ME, legs)
    assert reached.wait(10)
    for _ in range(2 * MOST_WAITING):
        measuring.look(unit(0), ME, legs)
    index.before = lambda: None
    go.set()
    measuring.close()

    assert [one.questions for one in recalls.lately(clock())] == [MOST_WAITING]


def test_exposition() -> None:
    """Measured recall as Prometheus reads it; nothing measured is no number."""
    told = exposition([Recall("up to 1,000", 3, 30, 27)])

    assert 'footnote_recall_at_10{visible="up to 1,000"} 0.9\n' in told
    assert 'footnote_recall_questions{visible="up to 1,000"} 3\n' in told
    assert all(line.startswith("#") for line in exposition([]).splitlines())
