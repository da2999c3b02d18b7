from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import BadRequest, Conflict, QuotaExceeded, TooLarge
from corpus.items import ABSENT, Item, Put, Remove
from corpus.ports import Table
from tests.contracts.adapters import Opened
from tests.fakes import Clock, MemoryTable

DATA = {"name": "Zoë", "count": 7, "flags": [True, None, "x"], "deep": {"a": {"b": [1]}}}


def item(sk: str = "A", pk: str = "P", **more: object) -> Item:
    return replace(Item(pk, sk, "test", {"n": 1}), **more)  # type: ignore[arg-type]


def names(items: tuple[Item, ...]) -> list[str]:
    return [one.sk for one in items]


def test_get(opened_table: Opened[Table]) -> None:
    """Return the item as it was last written, or None."""
    opened_table.it.put(item(data=DATA, keys={2: ("x", "y")}, ttl=2_000_000_000), ABSENT)
    found = opened_table.again().get("P", "A")

    assert found
    assert (found.data, found.keys, found.ttl, found.kind) == (DATA, {2: ("x", "y")}, 2_000_000_000, "test")
    assert opened_table.it.get("P", "B") is None


def test_expired(table: Table, clock: Clock) -> None:
    """An item whose `ttl` has passed is not there for any read and for any condition."""
    ttl = int(clock()) + 10
    old = table.put(item(ttl=ttl, keys={1: ("K", "1")}), ABSENT)
    table.put(item("B", ttl=ttl), ABSENT)
    clock.sleep(10)

    assert table.get("P", "A") is None
    assert table.get_many([("P", "A")]) == [None]
    assert table.query(0, "P").items == table.query(1, "K").items == ()
    with pytest.raises(Conflict):
        table.put(old, old.rev)
    with pytest.raises(Conflict):
        table.delete("P", "A", old.rev)
    assert table.put(item(data={"n": 2}), ABSENT).rev == 1
    assert table.add("P", "B", {"n": 1}, {}) == {"n": 1}


def test_get_many(table: Table) -> None:
    """Return one entry for each key, in order, as `get` would."""
    for sk in "ABC":
        table.put(item(sk), ABSENT)

    found = table.get_many([("P", "C"), ("P", "X"), ("P", "A"), ("P", "C")])

    assert [one.sk if one else None for one in found] == ["C", None, "A", "C"]
    assert table.get_many([]) == []
    assert len(table.get_many([("P", str(n)) for n in range(250)])) == 250


def test_put(table: Table) -> None:
    """Write the item if its stored `rev` is `only_if`, and return it with its new `rev` and times."""
    first = table.put(item(), ABSENT)
    second = table.put(replace(first, data={"n": 2}), first.rev)

    assert second == table.get("P", "A")
    assert second.data == {"n": 2}
    assert second.created_at
    assert second.updated_at


def test_rev(table: Table) -> None:
    """Each write raises `rev` by one, and a first write makes it 1."""
    one = table.put(item(rev=7), ABSENT)
    assert one.rev == 1
    assert table.put(one, 1).rev == 2
    table.add("P", "A", {"n": 1}, {})
    assert table.put(one, 3).rev == 4


def test_created_at(table: Table, clock: Clock) -> None:
    """`created_at` stays that of the first write."""
    first = table.put(item(), ABSENT)
    clock.sleep(60)
    second = table.put(item(created_at="1970"), 1)

    assert second.created_at == first.created_at < second.updated_at
    table.transact([Put(item(created_at="1970"), 2)])
    third = table.get("P", "A")
    assert third
    assert (third.created_at, third.updated_at) == (first.created_at, second.updated_at)


def test_conflict(table: Table) -> None:
    """Raises `Conflict`, changing nothing, when the stored `rev` is another, or when `ABSENT` and one is there."""
    table.put(item(), ABSENT)

    for wrong in (ABSENT, 2, 7):
        with pytest.raises(Conflict):
            table.put(item(data={"n": 9}), wrong)
    with pytest.raises(Conflict):
        table.put(item("B"), 1)
    found = table.get("P", "A")
    assert found
    assert (found.data, found.rev) == ({"n": 1}, 1)


def test_add(table: Table) -> None:
    """Add to the counters of an item in one step, making it where there is none, and return their new values."""
    assert table.add("P", "A", {"asks": 2, "bytes": 5}, {}) == {"asks": 2, "bytes": 5}
    assert table.add("P", "A", {"asks": -1}, {"asks": 2}) == {"asks": 1, "bytes": 5}
    found = table.get("P", "A")
    assert found
    assert found.counters == {"asks": 1, "bytes": 5}
    table.put(item("B", counters={"asks": 3}), ABSENT)
    assert table.add("P", "B", {"asks": 1}, {}) == {"asks": 4}


def test_counters_expire(table: Table, clock: Clock) -> None:
    """An item that has no `ttl` gets this one, if there is one."""
    ttl = int(clock()) + 10
    table.add("P", "A", {"asks": 1}, {}, ttl)
    table.add("P", "A", {"asks": 1}, {}, ttl + 100)
    table.put(item("B"), ABSENT)
    table.add("P", "B", {"asks": 1}, {}, ttl)
    table.add("P", "C", {"asks": 1}, {})

    assert [one.ttl for one in table.query(0, "P").items] == [ttl, ttl, None]
    clock.sleep(10)
    assert table.add("P", "A", {"asks": 1}, {}, ttl + 200) == {"asks": 1}
    found = table.get("P", "A")
    assert found
    assert found.ttl == ttl + 200


def test_cap(table: Table) -> None:
    """Raises `QuotaExceeded`, which names the counter, changing nothing, when one would pass its cap."""
    table.add("P", "A", {"asks": 9, "bytes": 1}, {"asks": 9})
    with pytest.raises(QuotaExceeded) as refused:
        table.add("P", "A", {"bytes": 1, "asks": 1}, {"asks": 9, "bytes": 9})
    assert refused.value.counter == "asks"
    with pytest.raises(QuotaExceeded):
        table.add("P", "B", {"asks": 10}, {"asks": 9})

    assert table.add("P", "A", {"asks": 0}, {"asks": 9}) == {"asks": 9, "bytes": 1}
    assert table.get("P", "B") is None


def test_delete(table: Table) -> None:
    """Delete the item if its stored `rev` is `only_if`, else raise `Conflict` and change nothing."""
    one = table.put(item(keys={1: ("K", "1")}), ABSENT)
    with pytest.raises(Conflict):
        table.delete("P", "A", 2)
    assert table.get("P", "A") == one

    table.delete("P", "A", 1)
    assert table.get("P", "A") is None
    assert table.query(1, "K").items == ()
    with pytest.raises(Conflict):
        table.delete("P", "A", 1)


def test_query(table: Table) -> None:
    """Return the partition's items whose sort key lies in `span`, both ends included, in the sort key's order."""
    for sk in ("JOB#2", "JOB#10", "DOCUMENT", "JOB#1", "Zz", "é"):
        table.put(item(sk), ABSENT)
    table.put(item("JOB#3", pk="Q"), ABSENT)

    assert names(table.query(0, "P", ("", "\uffff")).items) == ["DOCUMENT", "JOB#1", "JOB#10", "JOB#2", "Zz", "é"]
    assert names(table.query(0, "P", ("JOB#", "JOB#~")).items) == ["JOB#1", "JOB#10", "JOB#2"]
    assert names(table.query(0, "P", ("JOB#1", "JOB#10")).items) == ["JOB#1", "JOB#10"]
    assert names(table.query(0, "nobody").items) == []


def test_secondary(table: Table) -> None:
    """Index 0 is the primary key; 1 to 3 find only the items that carry such a key."""
    table.put(item("A", keys={1: ("K", "2"), 3: ("K", "9")}), ABSENT)
    table.put(item("B", keys={1: ("K", "1#B")}), ABSENT)
    third = table.put(item("C", keys={1: ("K", "1#C")}), ABSENT)
    table.put(item("D"), ABSENT)

    assert names(table.query(1, "K").items) == ["B", "C", "A"]
    assert names(table.query(3, "K").items) == ["A"]
    assert names(table.query(2, "K").items) == []
    table.put(replace(third, keys={2: ("K", "1")}), third.rev)
    assert names(table.query(1, "K").items) == ["B", "A"]
    assert names(table.query(2, "K").items) == ["C"]


def test_newest_first(table: Table) -> None:
    """`newest_first` turns the order around."""
    for n in range(5):
        table.put(item(str(n), keys={1: ("K", str(n))}), ABSENT)

    assert names(table.query(0, "P", newest_first=True).items) == list("43210")
    assert names(table.query(1, "K", ("1", "3"), newest_first=True).items) == list("321")


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("index", [0, 1])
def test_cursor(table: Table, index: int, newest_first: bool) -> None:
    """`after` goes on behind the page whose cursor it was, and only a page without a cursor is the last."""
    for n in range(7):
        table.put(item(str(n), keys={1: ("P", str(n // 3))}), ABSENT)

    found: list[str] = []
    cursor = None
    while True:
        batch = table.query(index, "P", limit=2, newest_first=newest_first, after=cursor)
        found += names(batch.items)
        cursor = batch.cursor
        if cursor is None:
            break

    order = [int(sk) // 3 if index else int(sk) for sk in found]  # of equal sort keys, none comes first
    assert order == sorted(order, reverse=newest_first)
    assert sorted(found) == list("0123456")


def test_bad_cursor(table: Table) -> None:
    """Raises `BadRequest` for a cursor that is none."""
    half = r'["\ud800", "P", "a"]'  # of a character
    for cursor in ("nonsense", "[]", "{}", "[1, 2, 3]", '["a"]', "é", half, "[" * 900):
        with pytest.raises(BadRequest):
            table.query(0, "P", after=cursor)


def test_transact(table: Table) -> None:
    """Do all of the writes or none; raises `Conflict`, changing nothing, when one condition does not hold."""
    one = table.put(item("A"), ABSENT)
    two = table.put(item("B"), ABSENT)

    table.transact([Put(replace(one, data={"n": 2}), 1), Put(item("C"), ABSENT), Remove("P", "B", two.rev)])
    assert names(table.query(0, "P").items) == ["A", "C"]
    for broken in (Put(item("C"), ABSENT), Remove("P", "B", 1), Put(item("A"), 1)):
        with pytest.raises(Conflict):
            table.transact([Put(item("D"), ABSENT), broken, Put(item("E"), ABSENT)])

    assert names(table.query(0, "P").items) == ["A", "C"]
    found = table.get("P", "A")
    assert found
    assert (found.rev, found.data) == (2, {"n": 2})


def test_transaction_size(table: Table) -> None:
    """Raises `BadRequest` for more than 100 writes, or two of one item."""
    table.transact([Put(item(str(n)), ABSENT) for n in range(100)])
    with pytest.raises(BadRequest):
        table.transact([Put(item(str(n), pk="Q"), ABSENT) for n in range(101)])
    with pytest.raises(BadRequest):
        table.transact([Put(item("A"), ABSENT), Remove("P", "A", 1)])
    assert table.query(0, "Q").items == ()


def test_ping(table: Table) -> None:
    """Return if the table can be used, else raise `ConfigError` or `Unavailable` with the reason."""
    table.ping()


def test_what_no_table_can_keep() -> None:
    """A float, an item beyond 64 KB, an empty key and a fourth index are refused before any table sees them."""
    with pytest.raises(BadRequest):
        item(data={"deep": [{"x": 0.5}]})
    with pytest.raises(TooLarge):
        item(data={"x": "é" * 32_768})
    with pytest.raises(BadRequest):
        item("")
    with pytest.raises(BadRequest):
        item(keys={4: ("a", "b")})
    with pytest.raises(BadRequest):
        item(keys={1: ("a", "")})


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("AB"), st.integers(0, 3)),
        st.tuples(st.just("delete"), st.sampled_from("AB"), st.integers(0, 3)),
        st.tuples(st.just("add"), st.sampled_from("AB"), st.integers(1, 3)),
        st.tuples(st.just("sleep"), st.just(""), st.integers(1, 20)),
    ),
    max_size=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_any_history_ends_as_in_memory(
    opened_table: Opened[Table], clock: Clock, steps: list[tuple[str, str, int]]
) -> None:
    """Any history of writes has the outcomes, and leaves the items, that the simplest table would."""
    table, model = opened_table.it, MemoryTable(clock)
    for old in table.query(0, "H").items:
        table.delete("H", old.sk, old.rev)

    for verb, sk, n in steps:
        outcomes: list[object] = []
        for one in (table, model):
            try:
                if verb == "put":
                    outcomes.append(one.put(item(sk, pk="H", data={"n": n}, ttl=int(clock()) + 15), n).rev)
                elif verb == "delete":
                    outcomes.append(one.delete("H", sk, n))  # type: ignore[func-returns-value]
                elif verb == "add":
                    outcomes.append(one.add("H", sk, {"n": n}, {"n": 4}))
            except (Conflict, QuotaExceeded) as error:
                outcomes.append(type(error))
        if verb == "sleep":
            clock.sleep(n)
        else:
            assert outcomes[0] == outcomes[1]

    left = [[(one.sk, one.rev, one.data, one.counters) for one in t.query(0, "H").items] for t in (table, model)]
    assert left[0] == left[1]
