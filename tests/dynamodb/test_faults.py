from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from corpus import aws
from corpus.errors import ConfigError, Conflict, QuotaExceeded, Throttled, Unavailable
from corpus.items import ABSENT, Put
from corpus.tables.dynamodb import DynamoDbTable
from corpus.tables.dynamodb.calls import TRIES
from tests.dynamodb.meddling import (
    LOST,
    READS,
    THROTTLED,
    WRITES,
    Call,
    Opened,
    first_fails,
    item,
    refusal,
    state,
)
from tests.worlds import together

pytestmark = pytest.mark.service


def test_of_racing_puts_one_wins(table: DynamoDbTable) -> None:
    """Of sixteen that write at once what was absent, or the same `rev`, one writes and fifteen find a `Conflict`."""
    for rev in (ABSENT, 1, 2):
        outcomes = together(16, lambda n, rev=rev: table.put(item(data={"n": n}), rev))  # type: ignore[misc]

        (won,) = [one for one in outcomes if one is not Conflict]
        assert won == table.get("P", "A")
        assert won.rev == rev + 1


def test_racing_additions_are_all_counted_and_none_passes_the_cap(table: DynamoDbTable) -> None:
    """Additions at once are each counted once, up to the cap and not beyond, and the others are told so."""

    def add(_: int) -> int:
        done = 0
        for _ in range(5):
            try:
                table.add("P", "A", {"n": 1}, {"n": 50})
            except QuotaExceeded:
                continue
            done += 1
        return done

    assert sum(together(16, add)) == 50
    found = table.get("P", "A")
    assert found
    assert (found.counters, found.rev) == ({"n": 50}, 50)


def test_of_racing_transactions_one_wins(table: DynamoDbTable) -> None:
    """Of eight transactions at once on the same two items, one is done whole and seven find a `Conflict`."""

    def both(n: int) -> int:
        table.transact([Put(item(sk, data={"n": n}), ABSENT) for sk in "AB"])
        return n

    outcomes = together(8, both)
    (won,) = [one for one in outcomes if one is not Conflict]

    assert [one.data["n"] if one else None for one in table.get_many([("P", "A"), ("P", "B")])] == [won, won]


def test_counters_that_expired_are_made_anew_once(opened: Opened) -> None:
    """Of additions at once to counters that have expired, one begins anew and the others are added to it."""
    opened.table.put(item(ttl=int(opened.clock()) + 5, counters={"n": 100}), ABSENT)
    opened.clock.sleep(5)

    outcomes = together(4, lambda _: opened.table.add("P", "A", {"n": 1}, {"n": 9}))

    assert sorted(one["n"] for one in outcomes) == [1, 2, 3, 4]
    with pytest.raises(QuotaExceeded):
        opened.table.add("P", "A", {"n": 6}, {"n": 9})


def test_counters_that_expire_again_and_again(opened: Opened) -> None:
    """Counters that another replaces whenever they are looked at are unavailable, not wrong."""

    def meddle(operation: str, _: Mapping[str, Any], call: Call) -> Any:
        if operation in {"update_item", "put_item"}:
            raise refusal("ConditionalCheckFailedException")
        return call()

    with pytest.raises(Unavailable, match="change all the time"):
        opened.meddled(meddle).add("P", "A", {"n": 1}, {})
    assert len(opened.pauses) == TRIES


@pytest.mark.parametrize("operation", [*WRITES, *READS])
def test_what_was_not_done_is_tried_again(opened: Opened, operation: str) -> None:
    """A call that is throttled is made again after growing pauses; throttled to the end, it is `Throttled`."""
    opened.table.put(item("A"), ABSENT)
    act = (WRITES | READS)[operation]

    with pytest.raises(Throttled) as caught:
        act(opened.meddled(first_fails(*[THROTTLED] * TRIES, operation=operation)))
    assert caught.value.retry_after
    assert opened.pauses == list(range(1, TRIES))
    assert state(opened.table) == [("A", 1, {})]
    act(opened.meddled(first_fails(*[THROTTLED] * (TRIES - 1), operation=operation)))


@pytest.mark.parametrize("operation", ["put_item", "update_item", "delete_item"])
def test_a_write_whose_answer_is_lost_is_not_repeated(opened: Opened, operation: str) -> None:
    """A write that may have been done is not done twice and finds no conflict with itself: it is unavailable."""
    opened.table.put(item("A"), ABSENT)

    with pytest.raises(Unavailable) as caught:
        WRITES[operation](opened.meddled(first_fails(LOST, operation=operation, done=True)))

    assert type(caught.value) is Unavailable
    done: dict[str, list[object]] = {
        "put_item": [("A", 1, {}), ("B", 1, {})],
        "update_item": [("A", 1, {}), ("B", 1, {"n": 1})],
        "delete_item": [],
    }
    assert state(opened.table) == done[operation]


def test_a_transaction_whose_answer_is_lost_is_done_once(opened: Opened) -> None:
    """A transaction that may have been done is asked for again by the same token, which does it once in all."""
    opened.table.put(item("A"), ABSENT)

    opened.meddled(first_fails(LOST, LOST, operation="transact_write_items", done=True)).transact(
        [Put(item("A"), 1), Put(item("B"), ABSENT)]
    )
    assert state(opened.table) == [("A", 2, {}), ("B", 1, {})]
    opened.table.transact([Put(item("A"), 2), Put(item("B"), 1)])
    assert state(opened.table) == [("A", 3, {}), ("B", 2, {})]


@pytest.mark.parametrize("operation", WRITES)
def test_a_transaction_at_work_on_an_item_is_no_conflict(opened: Opened, operation: str) -> None:
    """Where another transaction is at work, no `rev` is known to have changed: it is tried again, then unavailable."""
    opened.table.put(item("A"), ABSENT)
    busy = refusal("TransactionConflictException")
    if operation == "transact_write_items":
        busy = refusal("TransactionCanceledException", reasons=("None", "TransactionConflict", "ThrottlingError"))

    with pytest.raises(Throttled):
        WRITES[operation](opened.meddled(first_fails(*[busy] * TRIES, operation=operation)))
    assert state(opened.table) == [("A", 1, {})]
    WRITES[operation](opened.meddled(first_fails(busy, operation=operation)))
    assert state(opened.table) != [("A", 1, {})]


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (("None", "ConditionalCheckFailed"), Conflict),
        (("TransactionConflict", "ConditionalCheckFailed"), Conflict),
        (("ProvisionedThroughputExceeded", "None"), Throttled),
        (("ValidationError", "None"), aws.ClientError),
        (("ItemCollectionSizeLimitExceeded", "TransactionConflict"), aws.ClientError),
        ((), aws.ClientError),
    ],
)
def test_why_a_transaction_was_cancelled(opened: Opened, reasons: tuple[str, ...], expected: type[Exception]) -> None:
    """A transaction is cancelled by a condition (`Conflict`), by others at work (`Throttled`), or by a bug."""
    cancelled = refusal("TransactionCanceledException", reasons=reasons)
    table = opened.meddled(first_fails(*[cancelled] * TRIES, operation="transact_write_items"))

    with pytest.raises(expected):
        table.transact([Put(item("A"), ABSENT), Put(item("B"), ABSENT)])


def test_a_conflict_is_found_before_it_is_paid_for(opened: Opened) -> None:
    """A write of a `rev` that is gone is refused by what is read before it, with the record's key."""
    opened.table.put(item("A"), ABSENT)

    def read_only(operation: str, _: Mapping[str, Any], call: Call) -> Any:
        assert operation == "batch_get_item"
        return call()

    with pytest.raises(Conflict, match="P / A is not at rev 2"):
        opened.meddled(read_only).put(item("A"), 2)


def test_no_table(opened: Opened) -> None:
    """Without its table every verb says that the settings are wrong, names the table and says what makes it."""
    table = DynamoDbTable(opened.client, "test-nobody-made-this", opened.clock)

    for verb in (*READS.values(), *WRITES.values()):
        with pytest.raises(ConfigError, match="test-nobody-made-this") as caught:
            verb(table)
        assert "footnote setup" in caught.value.hint
