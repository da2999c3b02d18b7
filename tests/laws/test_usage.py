"""Records under threads and crashes: no limit is passed, nothing counts twice or is lost, whoever is faster or dies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.allowance import Allowance
from corpus.errors import QuotaExceeded
from corpus.keys import A_DAY, iso_time
from corpus.model import Document
from corpus.ports import Table
from corpus.records.conversations import BOT, Conversation, Conversations, Message
from corpus.records.documents import Documents
from corpus.records.levels import ACTIONS, Levels
from corpus.records.recount import QUIET_SECONDS
from corpus.records.spend import Call, Cost, Spending
from corpus.records.tenants import Tenants
from corpus.records.usage import Usage, Used
from corpus.scope import Scope
from tests.contracts.adapters import TABLES, Place
from tests.contracts.conftest import marked
from tests.fakes import Clock, MemoryTable
from tests.worlds import Fuse, Fused, Killed, together

CLOCK = Clock(time.time() + 3600)
"""Ahead of the clock on the wall, by which DynamoDB Local deletes."""
ANN = Scope("ann", "linden", frozenset({"user:ann"}), frozenset(ACTIONS), CLOCK(), "basic")
THREADS = 8


@pytest.fixture(params=marked(TABLES))
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Table]:
    for opened in TABLES[request.param](Place(tmp_path, CLOCK, request.getfixturevalue)):
        yield opened.it


def limited(table: Table, **limits: Any) -> Allowance:
    levels = Levels(table)
    levels.put(replace(levels.get("basic"), **limits))
    return Allowance(table, CLOCK)


def test_one_gets_the_last_ask(table: Table) -> None:
    """Of eight who ask at once when one ask is left, exactly one is answered."""
    allowance = limited(table, max_asks_per_day=3)

    def ask(_: int) -> str:
        with allowance.asking(ANN, "ask"):
            return "answered"

    assert [ask(0), ask(1)] == ["answered"] * 2
    outcomes = together(THREADS, ask)

    assert sorted(map(str, outcomes)) == sorted(map(str, ["answered", *[QuotaExceeded] * (THREADS - 1)]))
    assert Usage(table).of("ann", CLOCK()).asks == 3


@pytest.mark.parametrize("limits", [{"max_documents": 3}, {"max_bytes": 30}])
def test_one_gets_the_last_place(table: Table, limits: dict[str, int]) -> None:
    """Of eight uploads at once when there is room for one more document, exactly one is taken and counted."""
    allowance = limited(table, **limits)

    def upload(n: int) -> str:
        with allowance.uploading(ANN, f"d{n}", 10):
            return f"d{n}"

    upload(100)
    upload(101)
    taken = [one for one in together(THREADS, upload) if one is not QuotaExceeded]

    assert len(taken) == 1
    assert Usage(table).of("ann", CLOCK()) == Used(documents=3, bytes=30)
    assert Usage(table).counted("ann", str(taken[0])) == 10


def test_one_document_uploaded_by_many(table: Table) -> None:
    """Eight uploads of one document at once count one document, with the bytes that its own record says."""
    allowance = limited(table)

    def upload(n: int) -> None:
        with allowance.uploading(ANN, "d1", 10 + n):
            pass

    assert together(THREADS, upload) == [None] * THREADS
    counted = Usage(table).counted("ann", "d1")
    assert counted in range(10, 10 + THREADS)
    assert Usage(table).of("ann", CLOCK()) == Used(documents=1, bytes=counted or 0)


def test_a_document_is_given_back_once(table: Table) -> None:
    """Eight removals of one document at once give it back once."""
    allowance = limited(table)
    for name in ("d1", "d2"):
        with allowance.uploading(ANN, name, 10):
            pass

    assert together(THREADS, lambda _: allowance.removed("ann", "d1")) == [None] * THREADS
    assert Usage(table).of("ann", CLOCK()) == Used(documents=1, bytes=10)


STEPS = st.lists(
    st.tuples(st.sampled_from(["d1", "d2", "d3"]), st.one_of(st.none(), st.integers(0, 40))), min_size=1, max_size=20
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories=st.lists(STEPS, min_size=3, max_size=3))
def test_the_total_is_that_of_the_documents(histories: list[list[tuple[str, int | None]]]) -> None:
    """Whatever three threads upload and remove, no limit is passed, and the total is the sum of what is counted."""
    table = MemoryTable(CLOCK)
    allowance, usage = limited(table, max_documents=2, max_bytes=60), Usage(table)

    def live(n: int) -> None:
        for name, size in histories[n]:
            try:
                if size is None:
                    allowance.removed("ann", name)
                else:
                    with allowance.uploading(ANN, name, size):
                        pass
            except QuotaExceeded:
                pass

    assert together(3, live) == [None] * 3
    sizes = [size for name in ("d1", "d2", "d3") if (size := usage.counted("ann", name)) is not None]
    assert usage.of("ann", CLOCK()) == Used(documents=len(sizes), bytes=sum(sizes))
    assert len(sizes) <= 2
    assert sum(sizes) <= 60


def killed_at_every_step(history: Callable[[Table], None], look: Callable[[Table], None]) -> None:
    """Have a history end at each of its calls into a table, before and after it, and look at what it left."""
    for after in (False, True):
        step, ended = 0, False
        while not ended:
            step += 1
            table = MemoryTable(CLOCK)
            fused: Any = Fused(table, Fuse(step, after))
            with suppress(Killed):
                history(fused)
                ended = True
            look(table)
        assert step > 5


@pytest.mark.parametrize("sizes", [(60, None), (60, 90, 90), (60, 10, None, 5)])
def test_nobody_gains_by_a_crash(sizes: tuple[int | None, ...]) -> None:
    """Killed at any call, the total is never less than what is counted of the documents; counted anew it is that."""

    def history(table: Table) -> None:
        Documents(table).put(Document("d1", "ann", "linden"))
        for size in sizes:
            Usage(table).keep("ann", "d1", size, {}, CLOCK())

    def look(table: Table) -> None:
        usage = Usage(table)
        used, counted = usage.of("ann", CLOCK()), usage.counted("ann", "d1")
        assert used.documents >= int(counted is not None)
        assert used.bytes >= (counted or 0)
        usage.recount("ann", CLOCK() + QUIET_SECONDS)
        assert usage.of("ann", CLOCK()) == Used(documents=int(counted is not None), bytes=counted or 0)

    killed_at_every_step(history, look)


def test_what_is_said_at_once_is_kept(table: Table) -> None:
    """Eight questions and answers at once in one conversation are all kept, each pair whole."""
    records = Conversations(table, Tenants(table).get)
    now = iso_time(CLOCK())
    begun = records.begin(Conversation("c1", "ann", "linden", now, now))

    def say(n: int) -> None:
        records.add(ANN, [Message(f"{n}-{who}", "c1", now, who, "Good morning.") for who in ("ann", BOT)])

    assert together(THREADS, say) == [None] * THREADS
    assert len(records.messages(begun, 100)[0]) == 2 * THREADS


CALL = Call("linden", "ann", "2026-11", "job1", "embed", "00001", "embed", "a-model")


def test_one_gets_the_last_of_the_money(table: Table) -> None:
    """Of eight calls at once when there is money for one more, exactly one is made; the others are not paid for."""
    spending = Spending(table)
    outcomes = together(THREADS, lambda n: spending.reserve(replace(CALL, batch=str(n)), Cost(10), 19, CLOCK()))

    assert outcomes.count(None) == 1
    assert outcomes.count(QuotaExceeded) == THREADS - 1
    assert spending.of_month("linden", "2026-11") == Cost(10)


def test_one_call_made_by_many(table: Table) -> None:
    """One call that eight workers set money aside for, and tell the cost of, at once is counted once."""
    spending = Spending(table)

    def call(_: int) -> None:
        spending.reserve(CALL, Cost(10), None, CLOCK())
        spending.correct(CALL, Cost(7), CLOCK())

    assert together(THREADS, call) == [None] * THREADS
    assert spending.of_month("linden", "2026-11") == Cost(7)
    assert list(spending.by_day("linden", "2026-11").values()) == [Cost(7)]


@pytest.mark.parametrize("actual", [7, 25])
def test_no_building_gains_by_a_crash(actual: int) -> None:
    """Killed at any call, the month's total is no less than its calls cost or set aside; counted anew it is that.

    What was set aside a day ago for a call of which nobody told is given back.
    """

    def history(table: Table) -> None:
        spending = Spending(table)
        spending.reserve(CALL, Cost(10), 100, CLOCK())
        spending.correct(CALL, Cost(actual), CLOCK())
        spending.correct(replace(CALL, batch="00003"), Cost(5), CLOCK())  # without a cap nothing is set aside
        spending.reserve(replace(CALL, batch="00002"), Cost(10), 100, CLOCK())
        spending.release(replace(CALL, batch="00002"), CLOCK())

    def look(table: Table) -> None:
        calls = table.query(0, "SPEND#linden#2026-11", ("CALL#", "CALL#~")).items
        counted = sum(int(str(item.data["costMicros"])) for item in calls)
        spending = Spending(table)
        assert spending.of_month("linden", "2026-11").cost_micros >= counted
        spending.recount("linden", "2026-11", CLOCK() + QUIET_SECONDS)
        assert spending.of_month("linden", "2026-11").cost_micros == counted
        spending.recount("linden", "2026-11", CLOCK() + A_DAY + 1)
        assert spending.of_month("linden", "2026-11") == spending.of_job("linden", "2026-11", "job1")

    killed_at_every_step(history, look)
