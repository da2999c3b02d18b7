from __future__ import annotations

from dataclasses import replace

import pytest

from corpus.errors import BadRequest, Conflict, NotFound
from corpus.records.levels import ACTIONS, DEFAULTS, Level, Levels, level_data
from tests.fakes import Clock, MemoryTable


@pytest.fixture
def levels() -> Levels:
    return Levels(MemoryTable(Clock()))


def test_the_three_hold_from_the_first_day(levels: Levels) -> None:
    """Where nobody stored a level there are three, each with no less than the one before it."""
    basic, premium, enterprise = levels.all()
    assert [one.name for one in levels.all()] == ["basic", "premium", "enterprise"]
    assert basic.allowed_actions < premium.allowed_actions < enterprise.allowed_actions == set(ACTIONS)
    for name in ("max_documents", "max_bytes", "max_asks_per_day"):
        assert 0 < getattr(basic, name) < getattr(premium, name) < getattr(enterprise, name)


def test_a_level_that_is_stored_holds_instead(levels: Levels) -> None:
    """A level that is stored is the one that holds; the others stay as they were, and a stale write is refused."""
    stored = levels.put(replace(levels.get("basic"), max_documents=None, allowed_actions=frozenset({"ask"})))

    assert levels.get("basic") == stored == levels.all()[0]
    assert level_data(stored) | {"maxDocuments": None, "allowedActions": ["ask"]} == level_data(stored)
    assert levels.get("premium") == DEFAULTS["premium"]
    assert levels.put(replace(stored, max_documents=7)).max_documents == 7
    with pytest.raises(Conflict):
        levels.put(replace(stored, max_documents=8))


def test_the_stored_levels_are_found(levels: Levels) -> None:
    """Those that are stored are in index 1, by name."""
    levels.put(levels.get("premium"))
    levels.put(levels.get("basic"))
    assert [item.keys for item in levels.table.query(1, "LEVEL").items] == [
        {1: ("LEVEL", "basic")},
        {1: ("LEVEL", "premium")},
    ]


@pytest.mark.parametrize("name", ["gold", "", "Basic", "unlimited", "basic/../premium"])
def test_an_unknown_level_is_refused(levels: Levels, name: str) -> None:
    """There is no level but the three: none can be read, and none be stored."""
    with pytest.raises(NotFound, match="no service level"):
        levels.get(name)
    with pytest.raises(NotFound, match="no service level"):
        levels.put(replace(DEFAULTS["basic"], name=name))


def test_a_level_makes_sense() -> None:
    """An action, a priority or a limit that there is not, is refused."""
    for wrong in (
        {"allowed_actions": frozenset({"ask", "fly"})},
        {"support_priority": "now"},
        {"max_documents": -1},
        {"max_bytes": 10**16},
        {"max_asks_per_day": -1},
    ):
        with pytest.raises(BadRequest):
            replace(DEFAULTS["basic"], **wrong)
    assert Level("basic", frozenset(), 0, 0, 0).allowed_actions == frozenset()
