"""How the table in DynamoDB is laid out, how it is made, and what is missing of it.

One table for every kind of record, three secondary indexes that hold keys only, paid by request. Its stream feeds what
follows changes; expired items are deleted in the end, and its state can be had back for any second of 35 days.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from corpus import aws
from corpus.errors import ConfigError, FootnoteError, Unavailable
from corpus.tables.dynamodb.calls import Calls
from corpus.tables.dynamodb.items import SECONDARY, key_names

STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
EXPIRY = {"Enabled": True, "AttributeName": "ttl"}
RECOVERY = {"PointInTimeRecoveryEnabled": True}
LOOKS = 300
"""How often to look whether the table is ready, at most 2 seconds apart."""
NOT_OFFERED = "UnknownOperationException"
"""What a service that is like DynamoDB says of what it does not offer."""
FIX = "Give the address another table's name, and let `footnote setup` make it."


def index_name(index: int) -> str:
    """Return what a secondary index is called."""
    return f"GSI{index}"


def make(calls: Calls) -> None:
    """Make the table, or what is missing of it, and return when it can be used.

    Raises `ConfigError` when there is a table of this name that is not laid out as ours.
    """
    table = described(calls)
    if table is None:
        _create(calls)
        table = _ready(calls)
    _refuse_other_keys(calls, table)
    for index in _missing(table):
        update = {"Create": _index(index)}
        calls.once(
            "update_table",
            {"AttributeDefinitions": _attributes(0, index), "GlobalSecondaryIndexUpdates": [update]},
        )
        _ready(calls)
    if not table.get("StreamSpecification", {}).get("StreamEnabled"):
        calls.once("update_table", {"StreamSpecification": STREAM})
        _ready(calls)
    _expire(calls)
    try:
        calls.repeat("update_continuous_backups", {"PointInTimeRecoverySpecification": RECOVERY})
    except aws.ClientError as error:
        if aws.code_of(error) != NOT_OFFERED:
            raise


def check(calls: Calls) -> None:
    """Return if the table is there, is ours and is ready, else raise `ConfigError` or `Unavailable` with the reason."""
    table = described(calls)
    if table is None:
        raise ConfigError(
            f"There is no table {calls.name} in this region.", hint="`footnote setup` makes it, once for all."
        )
    _refuse_other_keys(calls, table)
    if missing := [index_name(index) for index in _missing(table)]:
        raise ConfigError(f"The table {calls.name} lacks {', '.join(missing)}.", hint="`footnote setup` adds them.")
    if waiting := _not_ready(table):
        raise Unavailable(f"The table {calls.name} is not ready: {waiting}.", retry_after=10)


def described(calls: Calls) -> dict[str, Any] | None:
    """Return what DynamoDB says of the table, or None when there is none."""
    try:
        found: dict[str, Any] = calls.repeat("describe_table", {})["Table"]
    except ConfigError as error:
        if _said(error, "ResourceNotFoundException"):
            return None
        raise
    return found


def _create(calls: Calls) -> None:
    try:
        calls.once("create_table", _whole())
    except Unavailable as error:
        if not _said(error, "ResourceInUseException"):  # another makes it at this moment
            raise


def _said(error: FootnoteError, code: str) -> bool:
    return isinstance(error.__cause__, aws.ClientError) and aws.code_of(error.__cause__) == code


def _expire(calls: Calls) -> None:
    """Let DynamoDB delete what has expired; it refuses to be told twice."""
    expiry = _expiry(calls)
    if expiry.get("TimeToLiveStatus", "DISABLED") == "DISABLED":
        try:
            calls.once("update_time_to_live", {"TimeToLiveSpecification": EXPIRY})
        except aws.ClientError:
            if _expiry(calls).get("TimeToLiveStatus") == "DISABLED":  # else another was faster
                raise
    elif expiry.get("AttributeName") != EXPIRY["AttributeName"]:
        raise ConfigError(f"The table {calls.name} lets items expire by {expiry.get('AttributeName')}.", hint=FIX)


def _expiry(calls: Calls) -> dict[str, Any]:
    found: dict[str, Any] = calls.repeat("describe_time_to_live", {})["TimeToLiveDescription"]
    return found


def _ready(calls: Calls) -> dict[str, Any]:
    waiting = "it does not appear"
    for tries in range(LOOKS):
        table = described(calls)
        if table:
            waiting = _not_ready(table)
            if not waiting:
                return table
        calls.pause(tries)
    raise Unavailable(f"The table {calls.name} is not ready: {waiting}.", hint="Run the same again later.")


def _not_ready(table: dict[str, Any]) -> str:
    """What of the table cannot be used yet, and the state it is in; a table that is changed can be used meanwhile."""
    if table["TableStatus"] not in {"ACTIVE", "UPDATING"}:
        return f"it is {table['TableStatus'].lower()}"
    for index in table.get("GlobalSecondaryIndexes", ()):
        if index["IndexStatus"] not in {"ACTIVE", "UPDATING"}:
            return f"{index['IndexName']} is {index['IndexStatus'].lower()}"
    return ""


def _refuse_other_keys(calls: Calls, table: dict[str, Any]) -> None:
    if other := list(_differences(table)):
        raise ConfigError(f"The table {calls.name} is not Footnote's: {', '.join(other)}.", hint=FIX)


def _differences(table: dict[str, Any]) -> Iterator[str]:
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    places = {"its key": (0, table["KeySchema"])}
    for index in SECONDARY:
        if found := _found(table, index):
            places[f"the key of {index_name(index)}"] = (index, found["KeySchema"])
    for place, (index, schema) in places.items():
        if schema != _keys(index) or any(types[name] != "S" for name in key_names(index)):
            yield f"{place} is {' / '.join(one['AttributeName'] for one in schema)}"


def _found(table: dict[str, Any], index: int) -> dict[str, Any] | None:
    indexes: list[dict[str, Any]] = table.get("GlobalSecondaryIndexes", [])
    return next((one for one in indexes if one["IndexName"] == index_name(index)), None)


def _missing(table: dict[str, Any]) -> list[int]:
    return [index for index in SECONDARY if not _found(table, index)]


def _keys(index: int) -> list[dict[str, str]]:
    pk, sk = key_names(index)
    return [{"AttributeName": pk, "KeyType": "HASH"}, {"AttributeName": sk, "KeyType": "RANGE"}]


def _index(index: int) -> dict[str, Any]:
    return {
        "IndexName": index_name(index),
        "KeySchema": _keys(index),
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


def _attributes(*indexes: int) -> list[dict[str, str]]:
    names = (name for index in indexes for name in key_names(index))
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def _whole() -> dict[str, Any]:
    return {
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _keys(0),
        "AttributeDefinitions": _attributes(0, *SECONDARY),
        "GlobalSecondaryIndexes": [_index(index) for index in SECONDARY],
        "StreamSpecification": STREAM,
    }
