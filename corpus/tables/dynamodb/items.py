"""Items as DynamoDB keeps them: the attributes of the data model, each with its type; whole numbers only.

Counters stand at top level, where an atomic add reaches them: every attribute that has no other meaning is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpus.errors import BadRequest
from corpus.items import Item
from corpus.model import Json

Attribute = dict[str, Any]
"""A value with its type, as in `{"S": "text"}`."""
Row = Mapping[str, Attribute]

SCHEMA_VERSION = "1.0.0"
SECONDARY = (1, 2, 3)
NAMES = frozenset(
    {"PK", "SK", "kind", "data", "created_at", "updated_at", "ttl", "schemaVersion", "rev"}
    | {f"GSI{n}{part}" for n in SECONDARY for part in ("PK", "SK")}
)
LARGEST_NUMBER = 10**38
"""DynamoDB keeps 38 digits."""


def key_names(index: int) -> tuple[str, str]:
    """Return the attributes of an index's partition and sort key; index 0 is the table itself."""
    return (f"GSI{index}PK", f"GSI{index}SK") if index else ("PK", "SK")


def key(pk: str, sk: str) -> dict[str, Attribute]:
    """Return a primary key."""
    return {"PK": text(pk), "SK": text(sk)}


def text(value: str) -> Attribute:
    """Return a string with its type."""
    return {"S": value}


def number(value: int) -> Attribute:
    """Return a whole number with its type; raises `BadRequest` beyond 38 digits."""
    if abs(value) >= LARGEST_NUMBER:
        raise BadRequest("A record's numbers have at most 38 digits.")
    return {"N": str(value)}


def stored(item: Item) -> dict[str, Attribute]:
    """Return the item as it is stored. Raises `BadRequest` for a counter that bears another attribute's name."""
    row = {
        **key(item.pk, item.sk),
        "kind": text(item.kind),
        "data": _attribute(item.data),
        "created_at": text(item.created_at),
        "updated_at": text(item.updated_at),
        "schemaVersion": text(SCHEMA_VERSION),
        "rev": number(item.rev),
    }
    if item.ttl is not None:
        row["ttl"] = number(item.ttl)
    for index, parts in item.keys.items():
        row |= {name: text(part) for name, part in zip(key_names(index), parts, strict=True)}
    return row | counters(item.counters)


def counters(amounts: Mapping[str, int]) -> dict[str, Attribute]:
    """Return counters as attributes. Raises `BadRequest` for one that bears another attribute's name."""
    if taken := sorted(NAMES & amounts.keys()):
        raise BadRequest(f"A counter cannot be called {taken[0]}: a record has that already.")
    return {name: number(amount) for name, amount in amounts.items()}


def loaded(row: Row) -> Item:
    """Return a stored item."""
    return Item(
        pk=row["PK"]["S"],
        sk=row["SK"]["S"],
        kind=row["kind"]["S"],
        data=_map(row["data"]["M"]),
        keys={n: (row[pk]["S"], row[sk]["S"]) for n, (pk, sk) in ((n, key_names(n)) for n in SECONDARY) if pk in row},
        ttl=int(row["ttl"]["N"]) if "ttl" in row else None,
        counters={name: int(part["N"]) for name, part in row.items() if name not in NAMES},
        created_at=row["created_at"]["S"],
        updated_at=row["updated_at"]["S"],
        rev=int(row["rev"]["N"]),
    )


def live(item: Item, now: float) -> bool:
    """Whether the item has not expired; DynamoDB lets what has expired linger for days."""
    return item.ttl is None or item.ttl > now


def _attribute(value: Json) -> Attribute:
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return number(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return {"M": {name: _attribute(part) for name, part in value.items()}}
    if isinstance(value, (list, tuple)):
        return {"L": [_attribute(part) for part in value]}
    raise BadRequest("A record holds text, whole numbers, lists and maps.")


def _value(attribute: Attribute) -> Json:
    ((kind, value),) = attribute.items()
    if kind == "M":
        return _map(value)
    if kind == "L":
        return [_value(part) for part in value]
    if kind == "N":
        return int(value)
    return None if kind == "NULL" else value


def _map(parts: Mapping[str, Attribute]) -> dict[str, Json]:
    """A map in the order of its names: DynamoDB keeps none, and a reply that is made of it has one ETag."""
    return {name: _value(parts[name]) for name in sorted(parts)}
