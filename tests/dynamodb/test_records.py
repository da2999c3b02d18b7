from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from corpus import aws
from corpus.errors import BadRequest, Throttled
from corpus.items import ABSENT, Put
from corpus.tables.dynamodb import DynamoDbTable
from corpus.tables.dynamodb.items import loaded
from tests.dynamodb.meddling import (
    Call,
    Opened,
    first_fails,
    item,
    refusal,
)

pytestmark = pytest.mark.service


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


def test_maps_are_read_in_one_order(opened: Opened) -> None:
    """Names of a map come back in one order, whatever order DynamoDB tells them in: what is sent twice has one ETag."""
    one: dict[str, Any] = {"b": 1, "a": {"userId": "", "action": None, "at": [{"z": 1, "y": 2}]}}
    opened.table.put(item(data=one), ABSENT)
    row = opened.client.get_item(TableName=opened.name, Key={"PK": {"S": "P"}, "SK": {"S": "A"}})["Item"]

    told = {json.dumps(loaded({**row, "data": other}).data) for other in (row["data"], turned(row["data"]))}
    assert told == {json.dumps(one, sort_keys=True)}


def turned(attribute: dict[str, Any]) -> dict[str, Any]:
    """The same with the names of every map in the opposite order."""
    ((kind, value),) = attribute.items()
    if kind == "M":
        return {"M": {name: turned(value[name]) for name in reversed(value)}}
    return {"L": [turned(part) for part in value]} if kind == "L" else attribute


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
