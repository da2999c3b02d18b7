from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corpus import aws
from corpus.errors import BadRequest, ConfigError, Conflict, FootnoteError, QuotaExceeded, Throttled, Unavailable
from corpus.model import Document
from corpus.ports import ABSENT, Item, Put, Remove
from corpus.records.documents import Documents
from corpus.records.jobs import Job, Jobs
from corpus.tables.dynamodb import DynamoDbTable
from corpus.tables.dynamodb.calls import TRIES
from footnote.connect import connect
from footnote.settings import Settings
from tests.fakes import Clock
from tests.services.aws import CREDENTIALS, dynamodb
from tests.services.aws import client as client_of
from tests.services.needed import up
from tests.services.servers import DYNAMODB

pytestmark = pytest.mark.service
Call = Callable[[], Any]
Meddler = Callable[[str, Mapping[str, Any], Call], Any]


class Meddled:
    """A client whose every call goes through a function that may look on, fail before, or fail after."""

    def __init__(self, client: Any, meddle: Meddler) -> None:
        self._client, self.meddle = client, meddle

    def __getattr__(self, operation: str) -> Any:
        call = getattr(self._client, operation)
        return lambda **parameters: self.meddle(operation, parameters, lambda: call(**parameters))


class Opened:
    """A table in DynamoDB Local, its client, and a count of the pauses it made."""

    def __init__(self, client: Any, name: str) -> None:
        self.client, self.name, self.pauses = client, name, list[int]()
        self.clock = Clock()
        self.clock.now += 10**8  # DynamoDB Local deletes what has expired by the clock on the wall
        self.table = DynamoDbTable(client, name, self.clock, self.pauses.append)

    def meddled(self, meddle: Meddler) -> DynamoDbTable:
        return DynamoDbTable(Meddled(self.client, meddle), self.name, self.clock, self.pauses.append)


@pytest.fixture
def opened() -> Iterator[Opened]:
    with dynamodb() as (client, name):
        yield Opened(client, name)


@pytest.fixture
def table(opened: Opened) -> DynamoDbTable:
    return opened.table


def item(sk: str = "A", pk: str = "P", **more: Any) -> Item:
    return replace(Item(pk, sk, "test", {"n": 1}), **more)


def refusal(code: str, status: int = 400, reasons: tuple[str, ...] = ()) -> aws.ClientError:
    said: dict[str, Any] = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return aws.ClientError(said | {"CancellationReasons": [{"Code": one} for one in reasons]}, "Any")


def first_fails(*errors: Exception, operation: str = "", done: bool = False) -> Meddler:
    """The first calls fail, before or after they are done; the others go through."""
    left = list(errors)

    def meddle(called: str, _: Mapping[str, Any], call: Call) -> Any:
        if left and called == operation:
            if done:
                call()
            raise left.pop(0)
        return call()

    return meddle


# What is stored


def test_the_attributes_are_those_of_the_data_model(opened: Opened) -> None:
    """An item has exactly the attributes of the data model, each of its type; counters stand at top level."""
    data = {"name": "Zoë", "empty": "", "none": None, "yes": True, "many": [1, [], {}], "big": -(10**38 - 1)}
    keys = {n: (f"K{n}", f"S{n}") for n in (1, 2, 3)}
    opened.table.put(item(data=data, keys=keys, ttl=2_000_000_000, counters={"bytes": 7}), ABSENT)

    row = opened.client.get_item(TableName=opened.name, Key={"PK": {"S": "P"}, "SK": {"S": "A"}})["Item"]
    types = {name: next(iter(value)) for name, value in row.items()}
    texts = "PK SK kind created_at updated_at schemaVersion GSI1PK GSI1SK GSI2PK GSI2SK GSI3PK GSI3SK".split()  # noqa: SIM905
    assert types == {**dict.fromkeys(texts, "S"), "data": "M", "ttl": "N", "rev": "N", "bytes": "N"}
    assert (row["schemaVersion"], row["ttl"], row["bytes"]) == ({"S": "1.0.0"}, {"N": "2000000000"}, {"N": "7"})
    found = opened.table.get("P", "A")
    assert found
    assert found.data == data
    assert type(found.ttl) is type(found.rev) is type(found.counters["bytes"]) is int


def test_what_dynamodb_cannot_keep(table: DynamoDbTable) -> None:
    """A number beyond 38 digits and a counter with the name of an attribute are refused, and nothing is written."""
    with pytest.raises(BadRequest, match="38 digits"):
        table.put(item(data={"n": 10**38}), ABSENT)
    with pytest.raises(BadRequest, match="cannot be called rev"):
        table.put(item(counters={"rev": 1}), ABSENT)
    with pytest.raises(BadRequest, match="cannot be called ttl"):
        table.add("P", "A", {"ttl": 1}, {})
    assert table.get("P", "A") is None


def test_reserved_words_are_good_names(table: DynamoDbTable) -> None:
    """Counters may bear the names of DynamoDB's reserved words, and names that no expression could hold."""
    names = {"status": 1, "bytes": 2, "a-b.c d": 3, "#n": 4}

    assert table.add("P", "A", names, dict.fromkeys(names, 9)) == names
    assert table.add("P", "A", names, {}) == {name: 2 * amount for name, amount in names.items()}


# Cursors


@pytest.mark.parametrize("index", [0, 1])
def test_a_cursor_is_good_for_its_own_question_only(table: DynamoDbTable, index: int) -> None:
    """A cursor of another partition, index or span, with a part too many, changed or too few, is refused."""
    for pk in ("P", "Q"):
        for n in range(4):
            table.put(item(f"{n}", pk, keys={1: (pk, f"{n}"), 2: (pk, f"{n}")}), ABSENT)
    cursor = table.query(index, "P", limit=2).cursor
    assert cursor
    assert [one.sk for one in table.query(index, "P", after=cursor).items] == ["2", "3"]
    parts = json.loads(base64.urlsafe_b64decode(cursor))
    others = [
        [*parts, "more"],
        parts[:-1],
        [7, *parts[1:]],
        [index, "Q", *parts[2:]],
        [*parts[:3], "", ""],
        [*parts[:2], "", *parts[3:]],
        [*parts[:3], None, *parts[4:]],
        [*parts[:3], {"S": "x"}, *parts[4:]],
        [*parts[:2], "\ud800", *parts[3:]],
        [],
        {},
        "x" * 20_000,
    ]
    if index == 0:
        others += [[*parts[:3], "Q", parts[4]], [*parts[:4], "3"]]
    forged = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in others]
    for bad in [*forged, cursor[:-2], "!" + cursor, base64.urlsafe_b64encode(b"[" * 9000).decode()]:
        with pytest.raises(BadRequest):
            table.query(index, "P", after=bad)
    for other, partition, span in ((index, "Q", ("", "~")), (2, "P", ("", "~")), (index, "P", ("2", "~"))):
        with pytest.raises(BadRequest):
            table.query(other, partition, span, after=cursor)


def test_a_place_where_no_page_can_end(opened: Opened) -> None:
    """A cursor that only DynamoDB knows to be wrong is refused like any other; without one, a refusal is a bug."""
    opened.table.put(item("A"), ABSENT)
    opened.table.put(item("B"), ABSENT)
    cursor = opened.table.query(0, "P", limit=1).cursor

    with pytest.raises(BadRequest):
        opened.meddled(first_fails(refusal("ValidationException"), operation="query")).query(0, "P", after=cursor)
    with pytest.raises(aws.ClientError):
        opened.meddled(first_fails(refusal("ValidationException"), operation="query")).query(0, "P")


def test_a_page_may_be_short(table: DynamoDbTable, opened: Opened) -> None:
    """What has expired and lingers shortens a page, even to nothing, and the cursor leads on to what is left."""
    for n in range(6):
        table.put(item(f"{n}", ttl=int(opened.clock()) + (10 if n < 4 else 99), keys={1: ("K", f"{n}")}), ABSENT)
    opened.clock.sleep(10)

    for index, partition in ((0, "P"), (1, "K")):
        first = table.query(index, partition, limit=2)
        assert (first.items, first.cursor is None) == ((), False)
        found, cursor = list[str](), first.cursor
        while cursor:
            page = table.query(index, partition, limit=2, after=cursor)
            found += [one.sk for one in page.items]
            cursor = page.cursor
        assert found == ["4", "5"]


def test_questions_that_dynamodb_does_not_take(table: DynamoDbTable) -> None:
    """A span that holds nothing, and a partition without a name, hold nothing."""
    table.put(item(), ABSENT)

    assert (
        table.query(0, "P", ("B", "A")).items == table.query(0, "P", ("", "")).items == table.query(0, "").items == ()
    )
    assert [one.sk for one in table.query(0, "P", ("", "A")).items] == ["A"]


# Indexes that lag


def test_an_index_may_lag(opened: Opened) -> None:
    """What an index still names under keys that moved, expired or went is not in the page; the rest is, in order."""
    now = int(opened.clock())
    items = [opened.table.put(item(sk, ttl=now + 99, keys={1: ("K", sk)}), ABSENT) for sk in "ABCDE"]
    old = opened.client.query(
        TableName=opened.name,
        IndexName="GSI1",
        KeyConditionExpression="GSI1PK = :p",
        ExpressionAttributeValues={":p": {"S": "K"}},
    )
    opened.table.put(replace(items[0], keys={1: ("K", "Z")}), 1)
    opened.table.put(replace(items[1], keys={}), 1)
    opened.table.delete("P", "C", 1)
    opened.table.put(replace(items[3], ttl=now), 1)

    def late(operation: str, _: Mapping[str, Any], call: Call) -> Any:
        return old if operation == "query" else call()

    assert [one.sk for one in opened.meddled(late).query(1, "K").items] == ["E"]
    assert [(one.sk, one.keys[1][1]) for one in opened.table.query(1, "K").items] == [("E", "E"), ("A", "Z")]


# Many keys, and what is left out of an answer


def test_many_keys(opened: Opened) -> None:
    """More keys than one request takes are read by several, each once, and come back in the order asked."""
    asked = list[int]()

    def watch(operation: str, parameters: Mapping[str, Any], call: Call) -> Any:
        if operation == "batch_get_item":
            asked.append(len(parameters["RequestItems"][opened.name]["Keys"]))
            assert parameters["RequestItems"][opened.name]["ConsistentRead"]
        return call()

    for start in (0, 100, 200):
        opened.table.transact([Put(item(f"{n:03}"), ABSENT) for n in range(start, start + 100)])
    names = [f"{n:03}" for n in range(305)]
    keys = [("P", sk) for sk in [*reversed(names), *names]]

    found = opened.meddled(watch).get_many(keys)

    assert [one.sk if one else None for one in found] == [sk if sk < "300" else None for _, sk in keys]
    assert asked == [100, 100, 100, 5]


def test_keys_left_out_of_an_answer(opened: Opened) -> None:
    """Keys that an answer leaves out are asked for again, after a pause; when none comes any more, it is throttled."""
    for sk in "ABC":
        opened.table.put(item(sk), ABSENT)
    generous = [1, 0, 0, 2]

    def stingy(operation: str, parameters: Mapping[str, Any], call: Call) -> Any:
        wanted = parameters["RequestItems"][opened.name]
        keys, most = wanted["Keys"], generous.pop(0) if generous else 0
        wanted["Keys"] = keys[:most]
        answer = call() if most else {"Responses": {}, "UnprocessedKeys": {}}
        left = {opened.name: {"Keys": keys[most:]}} if keys[most:] else {}
        return answer | {"UnprocessedKeys": left}

    table = opened.meddled(stingy)
    assert [one.sk for one in table.get_many([("P", sk) for sk in "CBA"]) if one] == ["C", "B", "A"]
    assert opened.pauses == [0, 1, 2]
    with pytest.raises(Throttled):
        table.get_many([("P", "A")])


# Races


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What became of several threads' work that began at once: results, and errors of ours."""
    gate = threading.Barrier(count)

    def one(n: int) -> Any:
        gate.wait()
        try:
            return work(n)
        except FootnoteError as error:
            return type(error)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


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


# What DynamoDB Local never says: throttling, conflicts of transactions, lost answers

THROTTLED = refusal("ProvisionedThroughputExceededException")
LOST = refusal("InternalServerError", 500)
WRITES: dict[str, Callable[[DynamoDbTable], object]] = {
    "put_item": lambda table: table.put(item("B"), ABSENT),
    "update_item": lambda table: table.add("P", "B", {"n": 1}, {}),
    "delete_item": lambda table: table.delete("P", "A", 1),
    "transact_write_items": lambda table: table.transact([Put(item("B"), ABSENT), Remove("P", "A", 1)]),
}
READS: dict[str, Callable[[DynamoDbTable], object]] = {
    "get_item": lambda table: table.get("P", "A"),
    "batch_get_item": lambda table: table.get_many([("P", "A")]),
    "query": lambda table: table.query(1, "K"),
    "describe_table": lambda table: table.ping(),
}


def state(table: DynamoDbTable) -> list[tuple[str, int, Mapping[str, int]]]:
    return [(one.sk, one.rev, one.counters) for one in table.query(0, "P").items]


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


# Making the table


def test_setup(opened: Opened) -> None:
    """`setup` makes the table of the data model, paid by request, with stream and expiry; again, it changes nothing."""
    name = opened.name
    before = opened.client.describe_table(TableName=name)["Table"]
    opened.table.setup()
    table = opened.client.describe_table(TableName=name)["Table"]

    assert table == before
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert {one["Projection"]["ProjectionType"] for one in table["GlobalSecondaryIndexes"]} == {"KEYS_ONLY"}
    assert sorted(one["IndexName"] for one in table["GlobalSecondaryIndexes"]) == ["GSI1", "GSI2", "GSI3"]
    expiry = opened.client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert expiry == {"AttributeName": "ttl", "TimeToLiveStatus": "ENABLED"}


def test_several_may_set_up_at_once(opened: Opened) -> None:
    """Of several that make the table at once each ends with a table that can be used."""
    name = f"{opened.name}-2"
    tables = [DynamoDbTable(opened.client, name) for _ in range(4)]
    try:
        outcomes = together(4, lambda n: tables[n].setup())
        tables[0].ping()
    finally:
        opened.client.delete_table(TableName=name)

    assert None in outcomes
    assert set(outcomes) <= {None, Unavailable}


KEY = [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}]


def bare(opened: Opened, names: str, **more: Any) -> DynamoDbTable:
    """Another table under the same name: only what is given here."""
    opened.client.delete_table(TableName=opened.name)
    opened.client.create_table(
        TableName=opened.name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names.split()],
        **{"KeySchema": KEY, **more},
    )
    return DynamoDbTable(opened.client, opened.name, opened.clock)


def test_setup_adds_what_is_missing(opened: Opened) -> None:
    """A table without indexes or expiry cannot be used as it is; `setup` adds them, and what it holds is found."""
    table = bare(opened, "PK SK")
    table.put(item(keys={2: ("K", "1")}), ABSENT)
    with pytest.raises(ConfigError, match="lacks GSI1, GSI2, GSI3") as caught:
        table.ping()
    assert "footnote setup" in caught.value.hint

    table.setup()
    table.ping()
    assert [one.sk for one in table.query(2, "K").items] == ["A"]
    expiry = opened.client.describe_time_to_live(TableName=opened.name)["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] == "ENABLED"
    stream = opened.client.describe_table(TableName=opened.name)["Table"]["StreamSpecification"]
    assert stream["StreamEnabled"]


def test_another_s_table_is_left_alone(opened: Opened) -> None:
    """A table with other keys, or an index of our name with other keys, is refused and not changed."""
    table = bare(opened, "id SK", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, KEY[1]])
    for verb in (table.ping, table.setup):
        with pytest.raises(ConfigError, match="is not Footnote's: its key is id / SK"):
            verb()

    index = {"IndexName": "GSI1", "KeySchema": KEY, "Projection": {"ProjectionType": "ALL"}}
    table = bare(opened, "PK SK", GlobalSecondaryIndexes=[index])
    for verb in (table.ping, table.setup):
        with pytest.raises(ConfigError, match="the key of GSI1 is PK / SK"):
            verb()
    assert len(opened.client.describe_table(TableName=opened.name)["Table"]["GlobalSecondaryIndexes"]) == 1


def test_another_expiry_is_refused(opened: Opened) -> None:
    """A table whose items expire by another attribute is not ours."""
    table = bare(opened, "PK SK")
    other = {"Enabled": True, "AttributeName": "gone"}
    opened.client.update_time_to_live(TableName=opened.name, TimeToLiveSpecification=other)

    with pytest.raises(ConfigError, match="lets items expire by gone"):
        table.setup()


@pytest.mark.parametrize("state", ["CREATING", "DELETING"])
def test_a_table_in_the_making_is_unavailable(opened: Opened, state: str) -> None:
    """A table, or an index, that is being made is not ready yet, which is no fault of the settings."""

    def table_is(operation: str, _: Mapping[str, Any], call: Call) -> Any:
        found = call()
        found["Table"]["TableStatus"] = state
        return found

    def index_is(operation: str, _: Mapping[str, Any], call: Call) -> Any:
        found = call()
        found["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"] = state
        return found

    for meddle in (table_is, index_is):
        with pytest.raises(Unavailable, match=f"is {state.lower()}"):
            opened.meddled(meddle).ping()


def test_point_in_time_recovery() -> None:
    """`setup` lets the table's state be had back for any second, where the service offers it."""
    client = client_of("dynamodb", up("moto").address, 1)
    with dynamodb() as (_, name):
        pass
    DynamoDbTable(client, name).setup()
    try:
        state = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    finally:
        client.delete_table(TableName=name)

    assert state["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


# From an address


def test_an_address_is_all_it_takes(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`dynamodb:TABLE`, with AWS's own variables for the rest, is where the records lie."""
    for name, value in (CREDENTIALS | {"AWS_ENDPOINT_URL_DYNAMODB": DYNAMODB}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FOOTNOTE_TABLE", f"dynamodb:{opened.name}")

    with connect(Settings.from_env(home=tmp_path)) as footnote:
        footnote.table.ping()
        footnote.table.put(item(), ABSENT)

    assert opened.table.get("P", "A")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "ab", "a b", "x" * 256, "arn:aws:dynamodb:x"])
def test_a_name_that_no_table_can_have(name: str) -> None:
    """A name that DynamoDB would refuse is one of the settings."""
    with pytest.raises(ConfigError, match="names no table"):
        DynamoDbTable(None, name)


# Access patterns


def test_every_access_pattern_asks_by_the_key_it_names(opened: Opened) -> None:
    """Each question of the records asks by primary key or by the index that the data model gives it; nothing scans.

    Every read is consistent, but for an index's, which cannot be.
    """
    asked = list[tuple[str, str]]()

    def watch(operation: str, parameters: Mapping[str, Any], call: Call) -> Any:
        if operation not in {"put_item", "transact_write_items"}:
            wanted = parameters.get("RequestItems", {}).get(opened.name, parameters)
            assert "IndexName" in wanted or wanted["ConsistentRead"]
            values = parameters.get("ExpressionAttributeValues", {})
            asked.append((operation, f"{parameters.get('IndexName', '')} {values.get(':partition', {}).get('S', '')}"))
        return call()

    table = opened.meddled(watch)
    documents, jobs = Documents(table), Jobs(table)
    documents.put(Document("d1", "me", "home", upload_date="2026-01-01T00:00:00.000Z", file_type="text/plain"))
    jobs.put(Job("j1", "d1", "me", "home", "1", "2026-01-01T00:00:00.000Z"))
    assert asked == []

    assert table.query(0, "DOCUMENT#d1").items
    assert documents.get("d1")
    assert list(documents.get_many(["d1"])) == ["d1"]
    assert [one.document_id for one in documents.of_user("me", 10)[0]] == ["d1"]
    assert [one.document_id for one in documents.of_tenant("home")] == ["d1"]
    assert jobs.get("d1", "j1")
    assert asked == [
        ("query", " DOCUMENT#d1"),
        ("get_item", " "),
        ("batch_get_item", " "),
        ("query", "GSI1 USER#me#DOCUMENT"),
        ("batch_get_item", " "),
        ("query", "GSI3 TENANT#home#TYPE"),
        ("batch_get_item", " "),
        ("get_item", " "),
    ]


def test_nobody_there() -> None:
    """A service that does not answer is unavailable."""
    client = client_of("dynamodb", DYNAMODB.replace("8010", "9"), 1)
    table = DynamoDbTable(client, "footnote-test", pause=lambda _: None)

    with pytest.raises(Unavailable, match="cannot be reached"):
        table.ping()
