"""How fast a service may be asked: two token buckets, of requests and of tokens, filled as the service says.

Nothing is assumed of a service that says nothing. One that sends `x-ratelimit-*` headers is believed: the refill is
(limit - left) / reset, for a minute, a day or any other span, and a bucket never holds more than what the last reply
left, less what is still on its way, so a quota may be shared with others. Replies of requests that overlapped do not
say which of them they know of; only one that was alone can show that there is more than we thought.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MINUTE = 60.0
ALONE_SECONDS = 0.05
"""How often those who wait for the very first reply look again."""
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")


@dataclass
class _Bucket:
    """What may still be spent of one allowance; it fills by `rate` a second up to `limit`."""

    limit: float = math.inf
    level: float = math.inf
    rate: float = math.inf
    at: float = 0.0

    def missing(self, cost: float, now: float) -> float:
        """Return in how many seconds `cost` can be paid; what exceeds the whole allowance waits until it is full."""
        if self.level == math.inf:
            return 0.0
        self.level = min(self.limit, self.level + (now - self.at) * self.rate)
        self.at = now
        return max(0.0, (min(cost, self.limit) - self.level) / self.rate)


@dataclass(frozen=True, slots=True)
class Turn:
    """A request that may go now, or after `wait` seconds has to ask again."""

    number: int
    tokens: int
    wait: float = 0.0
    alone: bool = False


class Pace:
    """When the next request may go, for all threads of a process that ask one service."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets = {"requests": _Bucket(), "tokens": _Bucket()}
        self._flying = {"requests": 0.0, "tokens": 0.0}
        self._paused_until = -math.inf
        self._heard = False

        self._taken = 0

    @property
    def token_limit(self) -> float:
        """How many tokens the whole allowance has; infinite as long as nobody said."""
        return self._buckets["tokens"].limit

    def take(self, tokens: int, *, at_once: bool = False) -> Turn:
        """Take one request of so many tokens, or nothing, if it has to wait.

        As long as no reply has come, requests go one by one: the first tells what is allowed. `at_once` is for a person
        who waits: it takes without waiting, and those behind wait the longer.
        """
        costs = {"requests": 1.0, "tokens": float(tokens)}
        with self._lock:
            now = self._clock()
            waits = [self._buckets[name].missing(cost, now) for name, cost in costs.items()]
            waits.append(self._paused_until - now)
            waits.append(ALONE_SECONDS if self._flying["requests"] and not self._heard else 0.0)
            if max(waits) > 0 and not at_once:
                return Turn(0, tokens, max(waits))
            alone = not self._flying["requests"]
            for name, cost in costs.items():
                self._buckets[name].level -= cost
                self._flying[name] += cost
            self._taken += 1
            return Turn(self._taken, tokens, alone=alone)

    def told(self, turn: Turn, headers: Mapping[str, str], spent: int, *, heard: bool = True) -> None:
        """Take in what came of a request, and how many tokens it was; without `heard` nothing came back."""
        with self._lock:
            self._heard = self._heard or heard
            self._buckets["tokens"].level += turn.tokens - spent
            alone = turn.alone and turn.number == self._taken
            for name, cost in (("requests", 1.0), ("tokens", float(turn.tokens))):
                self._flying[name] -= cost
                self._learn(name, headers, alone=alone)

    def _learn(self, name: str, headers: Mapping[str, str], *, alone: bool) -> None:
        limit, left = (_number(headers.get(f"x-ratelimit-{what}-{name}", "")) for what in ("limit", "remaining"))
        if not limit or left is None:
            return
        reset, now = seconds(headers.get(f"x-ratelimit-reset-{name}", "")), self._clock()
        rate = (limit - left) / reset if reset and left < limit else limit / MINUTE
        self._buckets[name].missing(0, now)  # filled up to now, at the rate that was known
        known = math.inf if alone else self._buckets[name].level
        self._buckets[name] = _Bucket(limit, min(known, left - self._flying[name]), rate, now)

    def pause(self, wait: float) -> None:
        """Let nobody go for so many seconds."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + wait)


def seconds(text: str) -> float | None:
    """Return the seconds of a span as headers write it ("6m0s", "1.5s", "20ms", "12"); None if it is none."""
    if number := _number(text):
        return number
    found = _DURATION.fullmatch(text) if text else None
    if not found:
        return None
    days, hours, minutes, rest, thousandths = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest + thousandths / 1000


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else None
