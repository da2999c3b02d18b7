from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import ConfigError, Unavailable
from corpus.items import ABSENT
from corpus.model import Document
from corpus.records.documents import Documents, Listing
from corpus.records.jobs import Job, Jobs
from corpus.tables.dynamodb import DynamoDbTable
from footnote.connect import connect
from footnote.settings import Settings
from tests.dynamodb.meddling import (
    Call,
    Opened,
    item,
)
from tests.services.aws import CREDENTIALS, dynamodb
from tests.services.aws import client as client_of
from tests.services.needed import up
from tests.services.servers import DYNAMODB
from tests.worlds import ME, together

pytestmark = pytest.mark.service


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
    assert [one.document_id for one in documents.listed(ME, Listing(), 10)[0]] == ["d1"]
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
