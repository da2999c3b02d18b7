"""What models cost, as counters by building and month: set aside under the cap before a call, corrected after it.

Each call has a record under a key that is the same whenever it is tried again, so a retry is counted once. The total is
raised before that record is written and lowered after it was changed: whoever dies between leaves a building with less
to spend than it has. What was set aside for a call that was never made is given back, or used by its retry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from corpus.errors import BadRequest, Conflict, QuotaExceeded, Unavailable
from corpus.items import ABSENT, Item
from corpus.keys import A_DAY, checked_id, iso_day, iso_time
from corpus.model import Json
from corpus.ports import Table
from corpus.records.every import every
from corpus.records.recount import recount

KIND = "spend"
TOTAL = "TOTAL"
OF_USER = 1
KEPT_SECONDS = 400 * A_DAY
TRIES = 20
CallPurpose = Literal["embed", "answer", "rewrite", "ocr"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What calls cost: in millionths of a dollar, and in tokens, of text embedded, read and written by a model."""

    cost_micros: int = 0
    embed_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Cost) -> Cost:
        return self - (Cost() - other)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(
            self.cost_micros - other.cost_micros,
            self.embed_tokens - other.embed_tokens,
            self.input_tokens - other.input_tokens,
            self.output_tokens - other.output_tokens,
        )


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a model: whose it is, what for, and what names it whenever it is tried again.

    `of` is the job or the request it belongs to, `month` ("2026-11") that job's or request's, `batch` what names it
    within a stage. Raises `BadRequest` for what cannot be part of a key.
    """

    tenant_id: str
    user_id: str
    month: str
    of: str
    stage: str
    batch: str
    purpose: CallPurpose
    model: str
    document_id: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        for name in ("tenant_id", "user_id", "of", "stage", "batch"):
            checked_id(name, getattr(self, name))
        _checked_month(self.month)

    @property
    def key(self) -> tuple[str, str]:
        """The primary key of its record."""
        return _pk(self.tenant_id, self.month), f"CALL#{self.of}#{self.stage}#{self.batch}"


@dataclass(frozen=True, slots=True)
class Spending:
    """The spending of a table: `SPEND#{tenantId}#{yyyy-mm}` / `TOTAL`, `DAY#{dd}`, `CALL#{of}#{stage}#{batch}`.

    Calls are in index 1 too: `USER#{userId}#SPEND`, by the same sort key.
    """

    table: Table

    def reserve(self, call: Call, estimate: Cost, cap: int | None, now: float) -> None:
        """Set aside what a call may cost at most; nothing if that, or its cost, is counted already.

        Raises `QuotaExceeded`, setting nothing aside, if the month's costs would pass the cap, in millionths of a
        dollar; None is no cap.
        """
        if self.table.get(*call.key):
            return
        caps = {} if cap is None else {"costMicros": cap}
        try:
            self._add(call, TOTAL, estimate, caps, now)
        except QuotaExceeded as error:
            if self.table.get(*call.key):  # another that makes the same call has set it aside by now
                return
            if not self.recount(call.tenant_id, call.month, now):
                raise _beyond(cap or 0, call.month, now) from error
            try:
                self._add(call, TOTAL, estimate, caps, now)
            except QuotaExceeded:
                raise _beyond(cap or 0, call.month, now) from error
        try:
            self.table.put(_item(call, estimate, now, done=False), ABSENT)
        except Conflict:  # another that makes the same call was faster
            self._add(call, TOTAL, Cost() - estimate, {}, now)

    def correct(self, call: Call, cost: Cost, now: float) -> None:
        """Count what a call did cost in place of what was set aside; once, however often it is told.

        It is counted even beyond the cap: it is spent. What ends after its month is counted on that month's last day.
        """
        for _ in range(TRIES):
            found = self.table.get(*call.key)
            if found and found.data["done"]:
                return
            more = cost - (_cost(found) if found else Cost())
            grows = more.cost_micros > 0
            if grows:
                self._add(call, TOTAL, more, {}, now)
            try:
                self.table.put(_item(call, cost, now, done=True), found.rev if found else ABSENT)
            except Conflict:  # another tells of it too
                if grows:
                    self._add(call, TOTAL, Cost() - more, {}, now)
                continue
            if not grows:
                self._add(call, TOTAL, more, {}, now)
            last = min(now, next_month(call.month) - 1)
            self._add(call, f"DAY#{iso_day(last)[8:]}", cost, {}, now)
            return
        raise Unavailable("The record of a call changes all the time.", retry_after=1)

    def release(self, call: Call, now: float) -> None:
        """Give back what was set aside for a call that cost nothing; what is counted stays."""
        found = self.table.get(*call.key)
        if found and not found.data["done"]:
            with suppress(Conflict):  # another gave it back, or told what it did cost
                self.table.delete(*call.key, found.rev)
                self._add(call, TOTAL, Cost() - _cost(found), {}, now)

    def recount(self, tenant_id: str, month: str, now: float) -> bool:
        """Set a month's total to what its calls cost, or have set aside within a day, and return whether that is less.

        What was set aside before was for calls that were never made, or never told of.
        """
        since = iso_time(now - A_DAY)

        def counted() -> dict[str, int]:
            total = Cost()
            for item in self._calls(tenant_id, month):
                if item.data["done"] or item.updated_at > since:
                    total += _cost(item)
                else:
                    with suppress(Conflict):  # it was told of just now
                        self.table.delete(item.pk, item.sk, item.rev)
            return cost_data(total)

        return recount(self.table, _pk(tenant_id, month), TOTAL, counted, now)

    def of_job(self, tenant_id: str, month: str, of: str) -> Cost:
        """Return what the calls of a job, or of a request, cost that have ended."""
        return sum((_cost(item) for item in self._calls(tenant_id, month, f"{of}#") if item.data["done"]), Cost())

    def of_month(self, tenant_id: str, month: str) -> Cost:
        """Return what a building spent in a month, and has set aside."""
        item = self.table.get(_pk(tenant_id, _checked_month(month)), TOTAL)
        return _of_counters(item.counters) if item else Cost()

    def by_day(self, tenant_id: str, month: str) -> dict[str, Cost]:
        """Return what a building spent on each day of a month on which it spent anything, by ISO date in UTC."""
        found = self.table.query(0, _pk(tenant_id, _checked_month(month)), ("DAY#", "DAY#~")).items
        return {f"{month}-{item.sk.removeprefix('DAY#')}": _of_counters(item.counters) for item in found}

    def by_use(self, tenant_id: str, month: str) -> dict[tuple[CallPurpose, str], Cost]:
        """Return what a building's calls of a month cost that have ended, by purpose and model; it reads each."""
        found: dict[tuple[CallPurpose, str], Cost] = {}
        for item in self._calls(tenant_id, _checked_month(month)):
            if item.data["done"]:
                use = cast("CallPurpose", item.data["purpose"]), str(item.data["model"])
                found[use] = found.get(use, Cost()) + _cost(item)
        return found

    def _calls(self, tenant_id: str, month: str, of: str = "") -> Iterator[Item]:
        """The records of a month's calls, all or those of a job or request."""
        return every(self.table, 0, _pk(tenant_id, month), (f"CALL#{of}", f"CALL#{of}~"))

    def _add(self, call: Call, sk: str, cost: Cost, cap: Mapping[str, int], now: float) -> None:
        self.table.add(_pk(call.tenant_id, call.month), sk, cost_data(cost), cap, int(now) + KEPT_SECONDS)


def next_month(before: str) -> float:
    """Return when the month after this one, like "2026-11", begins in UTC, in seconds."""
    year, month = map(int, before.split("-"))
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()


def _beyond(cap: int, month: str, now: float) -> QuotaExceeded:
    then = next_month(month)
    return QuotaExceeded(
        f"Models may cost this building {cap / 1e6:,.2f} dollars a month (costMicrosPerMonth), and this would be more.",
        hint=f"Try again from {iso_time(then)} on, or have whoever runs your building raise the cap.",
        counter="costMicros",
        retry_after=max(0.0, then - now),
    )


def _pk(tenant_id: str, month: str) -> str:
    return f"SPEND#{checked_id('tenantId', tenant_id)}#{month}"


def _checked_month(month: str) -> str:
    try:
        if datetime.strptime(month, "%Y-%m").strftime("%Y-%m") == month:  # noqa: DTZ007 -- a month has no zone
            return month
    except ValueError:
        pass
    raise BadRequest(f"{month[:20]!r} is no month.", hint="Months are written like 2027-01.")


def cost_data(cost: Cost) -> dict[str, int]:
    """Return costs with the names they are stored and sent under."""
    return {
        "costMicros": cost.cost_micros,
        "embedTokens": cost.embed_tokens,
        "inputTokens": cost.input_tokens,
        "outputTokens": cost.output_tokens,
    }


def _of_counters(counters: Mapping[str, Any]) -> Cost:
    return Cost(*(counters.get(name, 0) for name in ("costMicros", "embedTokens", "inputTokens", "outputTokens")))


def _cost(item: Item) -> Cost:
    return _of_counters(item.data)


def _item(call: Call, cost: Cost, now: float, *, done: bool) -> Item:
    data: dict[str, Json] = {
        "timestamp": iso_time(now),
        "tenantId": call.tenant_id,
        "userId": call.user_id,
        "documentId": call.document_id or None,
        "version": call.version or None,
        "purpose": call.purpose,
        "model": call.model,
        "done": done,
        **cost_data(cost),
    }
    pk, sk = call.key
    return Item(pk, sk, KIND, data, {OF_USER: (f"USER#{call.user_id}#SPEND", sk)}, ttl=int(now) + KEPT_SECONDS)
