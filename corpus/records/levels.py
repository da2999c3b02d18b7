"""Service levels as records: what those who have one may do, and how much of it.

The three hold from the first day, as they stand here, and each until another is stored in its place. No level denies
anybody to read, take along or erase what is their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

from corpus.errors import BadRequest, NotFound
from corpus.items import ABSENT, Item
from corpus.model import Json
from corpus.ports import Table

KIND = "level"
SORT = "LEVEL"
ALL = 1
LevelName = Literal["basic", "premium", "enterprise"]
Priority = Literal["standard", "priority", "dedicated"]
Action = Literal["search", "ask", "upload", "converse", "share", "stream", "apiKeys", "reindex"]
ACTIONS: tuple[str, ...] = get_args(Action)
MOST = 10**15
"""The greatest limit there may be; a level without one has none."""
GB = 2**30


@dataclass(frozen=True, slots=True)
class Level:
    """What a level allows: actions, documents and bytes kept at a time, asks a day in UTC; None is no limit.

    Raises `BadRequest` for an action, a priority or a limit that there is not.
    """

    name: str
    allowed_actions: frozenset[str]
    max_documents: int | None
    max_bytes: int | None
    max_asks_per_day: int | None
    support_priority: Priority = "standard"
    rev: int = field(default=ABSENT, compare=False)

    def __post_init__(self) -> None:
        if unknown := sorted(self.allowed_actions - set(ACTIONS)):
            raise BadRequest(f"{unknown[0]!r} is no action of a level.", hint=f"Actions are {', '.join(ACTIONS)}.")
        if self.support_priority not in get_args(Priority):
            known = ", ".join(get_args(Priority))
            raise BadRequest(f"{self.support_priority!r} is no priority.", hint=f"Priorities are {known}.")
        limits = (self.max_documents, self.max_bytes, self.max_asks_per_day)
        if any(one is not None and not 0 <= one <= MOST for one in limits):
            raise BadRequest(f"The limits of {self.name} are not from 0 to {MOST:,}.", hint="Null is no limit.")


BASIC = frozenset({"search", "ask", "upload", "converse", "share", "stream"})
DEFAULTS: Mapping[str, Level] = MappingProxyType(
    {
        "basic": Level("basic", BASIC, 100, GB, 50),
        "premium": Level("premium", BASIC | {"apiKeys"}, 2_000, 20 * GB, 500, "priority"),
        "enterprise": Level("enterprise", frozenset(ACTIONS), 50_000, 500 * GB, 10_000, "dedicated"),
    }
)
"""In the order they are shown."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of a table, by `LEVEL#{level}` / `LEVEL`, and all of them by index 1: `LEVEL` / `{level}`."""

    table: Table

    def get(self, name: str) -> Level:
        """Return a level as it holds now. Raises `NotFound` for one that there is not."""
        default = _default(name)
        item = self.table.get(f"LEVEL#{name}", SORT)
        return _level(item) if item else default

    def all(self) -> list[Level]:
        """Return the three as they hold now."""
        found = self.table.get_many([(f"LEVEL#{name}", SORT) for name in DEFAULTS])
        return [_level(item) if item else DEFAULTS[name] for name, item in zip(DEFAULTS, found, strict=True)]

    def put(self, level: Level) -> Level:
        """Have this level hold from now on, and return it.

        Raises `NotFound` for one that there is not, `Conflict` if it was written since it was read.
        """
        _default(level.name)
        return _level(self.table.put(_item(level), level.rev))


def level_data(level: Level) -> dict[str, Json]:
    """Return a level with the names it is stored and sent under, its actions in the order they are told of."""
    return {
        "level": level.name,
        "allowedActions": [one for one in ACTIONS if one in level.allowed_actions],
        "maxDocuments": level.max_documents,
        "maxBytes": level.max_bytes,
        "maxAsksPerDay": level.max_asks_per_day,
        "supportPriority": level.support_priority,
    }


def _default(name: str) -> Level:
    if name not in DEFAULTS:
        raise NotFound(f"There is no service level {name[:40]!r}.", hint=f"Levels are {', '.join(DEFAULTS)}.")
    return DEFAULTS[name]


def _item(level: Level) -> Item:
    return Item(f"LEVEL#{level.name}", SORT, KIND, level_data(level), {ALL: ("LEVEL", level.name)})


def _level(item: Item) -> Level:
    data: dict[str, Any] = dict(item.data)
    return Level(
        name=data["level"],
        allowed_actions=frozenset(data["allowedActions"]),
        max_documents=data["maxDocuments"],
        max_bytes=data["maxBytes"],
        max_asks_per_day=data["maxAsksPerDay"],
        support_priority=data["supportPriority"],
        rev=item.rev,
    )
