from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from corpus.errors import BadRequest, QuotaExceeded
from corpus.keys import A_DAY, iso_month
from corpus.records.recount import QUIET_SECONDS
from corpus.records.spend import KEPT_SECONDS, Call, Cost, Spending, next_month
from tests.fakes import Clock, MemoryTable

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
CALL = Call("linden", "ann", "2026-11", "job1", "embed", "00001", "embed", "text-embedding-3-small", "d1", "v1")
ESTIMATE, ACTUAL = Cost(100, embed_tokens=5_000), Cost(70, embed_tokens=3_500)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def spending(clock: Clock) -> Spending:
    return Spending(MemoryTable(clock))


def spent(spending: Spending, tenant_id: str = "linden") -> Cost:
    return spending.of_month(tenant_id, "2026-11")


def test_set_aside_then_corrected(spending: Spending) -> None:
    """What a call may cost is set aside before it, and replaced by what it did cost after it."""
    spending.reserve(CALL, ESTIMATE, 100, NOON)
    assert (spent(spending), spending.by_day("linden", "2026-11")) == (ESTIMATE, {})
    spending.correct(CALL, ACTUAL, NOON)
    assert (spent(spending), spending.by_day("linden", "2026-11")) == (ACTUAL, {"2026-11-21": ACTUAL})
    assert (spent(spending, "elm"), spending.of_month("linden", "2026-12")) == (Cost(), Cost())


def test_the_cap(spending: Spending) -> None:
    """What would pass the cap is refused before it is spent; what is given back, or turns out cheaper, makes room."""
    other = replace(CALL, batch="00002")
    spending.reserve(CALL, ESTIMATE, 199, NOON)
    with pytest.raises(QuotaExceeded, match=r"0\.00 dollars a month \(costMicrosPerMonth\)") as refused:
        spending.reserve(other, ESTIMATE, 199, NOON)
    assert refused.value.counter == "costMicros"
    assert refused.value.retry_after == next_month("2026-11") - NOON
    assert "from 2026-12-01T00:00:00.000Z on" in refused.value.hint
    assert spent(spending) == ESTIMATE
    spending.correct(CALL, replace(ACTUAL, cost_micros=99), NOON)
    spending.reserve(other, ESTIMATE, 199, NOON)
    spending.release(other, NOON)
    assert spent(spending).cost_micros == 99
    spending.reserve(other, replace(ESTIMATE, cost_micros=10**9), None, NOON)


def test_what_is_spent_is_counted_beyond_the_cap(spending: Spending) -> None:
    """A call that cost more than was set aside is counted as what it cost, and the next one is refused."""
    spending.reserve(CALL, ESTIMATE, 100, NOON)
    spending.correct(CALL, Cost(150), NOON)
    assert spent(spending) == Cost(150)
    with pytest.raises(QuotaExceeded):
        spending.reserve(replace(CALL, batch="00002"), Cost(1), 100, NOON)


def test_a_retry_is_counted_once(spending: Spending) -> None:
    """A call that is tried again is counted once, whether it was cut short before or had ended."""
    for _ in range(2):
        spending.reserve(CALL, ESTIMATE, 100, NOON)
        assert spent(spending) == ESTIMATE
    for _ in range(2):
        spending.correct(CALL, ACTUAL, NOON)
        spending.reserve(CALL, ESTIMATE, 100, NOON)
        spending.release(CALL, NOON)
        assert spent(spending) == ACTUAL
    assert spending.by_day("linden", "2026-11") == {"2026-11-21": ACTUAL}


def test_what_was_given_back_is_set_aside_anew(spending: Spending) -> None:
    """A call whose money was given back, once, has to have it set aside again."""
    spending.reserve(CALL, ESTIMATE, 100, NOON)
    for _ in range(2):
        spending.release(CALL, NOON)
        assert spent(spending) == Cost()
    with pytest.raises(QuotaExceeded):
        spending.reserve(CALL, ESTIMATE, 99, NOON)
    spending.reserve(CALL, ESTIMATE, 100, NOON)
    assert spent(spending) == ESTIMATE


def test_the_record_of_a_call(spending: Spending, clock: Clock) -> None:
    """A call's record says whose it was and what for, is found among that person's, and is kept for 400 days."""
    spending.correct(CALL, ACTUAL, NOON)
    (item,) = spending.table.query(1, "USER#ann#SPEND").items
    assert (item.pk, item.sk) == ("SPEND#linden#2026-11", "CALL#job1#embed#00001")
    assert item.data == {
        "timestamp": "2026-11-21T12:00:00.000Z",
        "tenantId": "linden",
        "userId": "ann",
        "documentId": "d1",
        "version": "v1",
        "purpose": "embed",
        "model": "text-embedding-3-small",
        "done": True,
        "costMicros": 70,
        "embedTokens": 3_500,
        "inputTokens": 0,
        "outputTokens": 0,
    }
    clock.sleep(KEPT_SECONDS)
    assert not spending.table.query(0, "SPEND#linden#2026-11").items


def test_months() -> None:
    """A month is that of UTC and ends with it, the year too; what is none is refused."""
    last = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    assert (iso_month(last), iso_month(last + 1)) == ("2026-12", "2027-01")
    assert next_month("2026-12") == last + 1
    for month in ("2026-1", "2026-13", "", "2026-11-01"):
        with pytest.raises(BadRequest, match="is no month"):
            replace(CALL, month=month)
    with pytest.raises(BadRequest):
        replace(CALL, of="a#b")


def test_a_job_that_ends_after_its_month(spending: Spending) -> None:
    """What a job of November costs in December is November's, on its last day; beyond its cap no time is waited for."""
    december = next_month("2026-11") + 3600
    spending.correct(CALL, ACTUAL, december)
    assert spent(spending) == ACTUAL
    assert spending.by_day("linden", "2026-11") == {"2026-11-30": ACTUAL}
    with pytest.raises(QuotaExceeded, match="costMicrosPerMonth") as refused:
        spending.reserve(replace(CALL, batch="00002"), ESTIMATE, 100, december)
    assert refused.value.retry_after == 0
    assert "from 2026-12-01T00:00:00.000Z on" in refused.value.hint


def test_what_was_never_spent_comes_back(spending: Spending, clock: Clock) -> None:
    """A call that the cap does not allow finds the money that was set aside a day ago for one that nobody told of."""
    spending.reserve(CALL, ESTIMATE, 100, clock())
    other = replace(CALL, batch="00002")
    for wait in (QUIET_SECONDS, A_DAY - QUIET_SECONDS - 1):
        clock.sleep(wait)
        with pytest.raises(QuotaExceeded):
            spending.reserve(other, ESTIMATE, 100, clock())
    clock.sleep(QUIET_SECONDS)
    spending.reserve(other, ESTIMATE, 100, clock())
    assert spent(spending) == ESTIMATE
    spending.correct(CALL, ACTUAL, clock())  # told of after all
    assert spent(spending) == ESTIMATE + ACTUAL
