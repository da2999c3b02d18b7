"""What people may do, and how much of it, by their service level: decided before anything is done, never after.

An action needs both: what the asker signed in with has to allow it, and so does their level. What is refused, or comes
to nothing, is not counted. Of those who have no level because the machine is their own, nothing is counted at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from corpus.errors import FootnoteError, Forbidden, NotFound, QuotaExceeded, Rejected
from corpus.keys import A_DAY, iso_time
from corpus.ports import Table
from corpus.records.levels import ACTIONS, Level, Levels
from corpus.records.usage import Usage, Used
from corpus.scope import ENDED, UNLIMITED, Scope

OWNER = Level(UNLIMITED, frozenset(ACTIONS), None, None, None, "dedicated")
COUNTERS: Mapping[str, str] = {"ask": "asks", "search": "searches"}
"""What is counted of a day, by action."""
ANOTHER_LEVEL = "ask whoever runs your building for another service level."


@dataclass(frozen=True, slots=True)
class Allowance:
    """Decides and counts, by the levels and the usage of a table."""

    table: Table
    clock: Callable[[], float]

    def allow(self, scope: Scope, action: str) -> Level:
        """Return the asker's level. Raises `Forbidden` if they may not do this, however little of it."""
        level = self.level(scope)
        signed_in_for(scope, action)
        if action not in level.allowed_actions and action in ACTIONS:
            raise Forbidden(f"The service level {level.name} does not allow {action!r}.", hint=_capital(ANOTHER_LEVEL))
        return level

    def level(self, scope: Scope) -> Level:
        """Return the asker's level. Raises `Forbidden` for a person whose level there is not."""
        if scope.service_level == UNLIMITED:
            return OWNER
        try:
            return Levels(self.table).get(scope.service_level)
        except NotFound as error:
            raise Forbidden(error.message, hint=_capital(ANOTHER_LEVEL)) from error

    @contextmanager
    def asking(self, scope: Scope, action: Literal["ask", "search"]) -> Iterator[None]:
        """Count one ask or search of today while it is worked on; one that fails is given back.

        One whose asker's rights end meanwhile counts: they may have read most of it, and can end a right themselves.
        Raises `Forbidden`, and `QuotaExceeded` with the time until midnight in UTC if all of today's are used up.
        """
        level, now = self.allow(scope, action), self.clock()
        if level is OWNER:
            yield
            return
        counter, usage = COUNTERS[action], Usage(self.table)
        cap = _limits(asks=level.max_asks_per_day)
        try:
            usage.count(scope.user_id, counter, 1, cap, now)
        except QuotaExceeded as error:
            raise _until_midnight(level, now) from error
        try:
            yield
        except ENDED:
            raise
        except FootnoteError:
            usage.count(scope.user_id, counter, -1, {}, now)
            raise

    @contextmanager
    def uploading(self, scope: Scope, document_id: str, size: int) -> Iterator[None]:
        """Count a document of so many bytes as one of the asker's; one that is refused meanwhile is not counted.

        What it was counted as before is replaced. Raises `Forbidden`, and `QuotaExceeded` if there is no room for it.
        """
        level = self.allow(scope, "upload")
        if level is OWNER:
            yield
            return
        usage = Usage(self.table)
        try:
            before = usage.keep(scope.user_id, document_id, size, _room(level), self.clock())
        except QuotaExceeded as error:
            raise _no_room(level, error.counter) from error
        try:
            yield
        except Rejected:
            usage.keep(scope.user_id, document_id, before, {}, self.clock())
            raise

    def expect(self, scope: Scope, size: int) -> None:
        """Raise what `uploading` would for one more document of so many bytes, counting nothing."""
        level = self.allow(scope, "upload")
        if level is OWNER:
            return
        usage, now = Usage(self.table), self.clock()
        short = _short(level, usage.of(scope.user_id, now), size)
        if short and usage.recount(scope.user_id, now):
            short = _short(level, usage.of(scope.user_id, now), size)
        if short:
            raise _no_room(level, short)

    def removed(self, user_id: str, document_id: str) -> None:
        """Count a document no longer; one that is not counted is none the less."""
        Usage(self.table).keep(user_id, document_id, None, {}, self.clock())


def signed_in_for(scope: Scope, action: str) -> None:
    """Raise `Forbidden` if what the asker signed in with does not go that far, whatever their level says.

    It is all that is asked where somebody looks after what is their own: no level keeps anybody from that.
    """
    if action in scope.allowed_actions:
        return
    if action in ACTIONS:
        hint = "Sign in yourself, or with a key that has this action."
        raise Forbidden(f"What you signed in with does not allow {action!r}.", hint=hint)
    raise Forbidden(
        f"That is for administrators: it needs {action!r}.",
        hint="Ask one of them; with a key, make one that has this action, or sign in yourself.",
    )


def midnight(now: float) -> float:
    """Return when the next day begins in UTC, in seconds."""
    return (math.floor(now / A_DAY) + 1) * float(A_DAY)


def _limits(**limits: int | None) -> dict[str, int]:
    return {name: most for name, most in limits.items() if most is not None}


def _room(level: Level) -> dict[str, int]:
    return _limits(documents=level.max_documents, bytes=level.max_bytes)


def _short(level: Level, used: Used, size: int) -> str:
    """Which counter has no room for one more document of so many bytes; "" if each has."""
    after = {"documents": used.documents + 1, "bytes": used.bytes + size}
    return next((counter for counter, most in _room(level).items() if after[counter] > most), "")


def _until_midnight(level: Level, now: float) -> QuotaExceeded:
    then = midnight(now)
    return QuotaExceeded(
        f"The service level {level.name} allows {level.max_asks_per_day:,} questions a day (maxAsksPerDay).",
        hint=f"Ask again from {iso_time(then)} on, or {ANOTHER_LEVEL}",
        counter="asks",
        retry_after=then - now,
    )


def _no_room(level: Level, counter: str) -> QuotaExceeded:
    most = f"{level.max_bytes:,} bytes of documents (maxBytes)"
    if counter == "documents":
        most = f"{level.max_documents:,} documents (maxDocuments)"
    return QuotaExceeded(
        f"The service level {level.name} allows {most}, and this one would be beyond that.",
        hint=f"Remove documents, or {ANOTHER_LEVEL}",
        counter=counter,
    )


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
