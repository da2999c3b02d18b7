"""Records as a table keeps them, and what a transaction does with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from corpus.errors import BadRequest, TooLarge
from corpus.model import Json

MAX_ITEM_BYTES = 64 * 1024
MAX_TRANSACTION = 100
ABSENT = 0
"""The `rev` of an item that is not there."""


@dataclass(frozen=True, slots=True)
class Item:
    """One record as a table keeps it; `keys` are its secondary keys, by index number 1 to 3, as (partition, sort)."""

    pk: str
    sk: str
    kind: str
    data: Mapping[str, Json]
    keys: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    ttl: int | None = None
    counters: Mapping[str, int] = field(default_factory=dict)
    created_at: str = ""
    updated_at: str = ""
    rev: int = 0

    def __post_init__(self) -> None:
        if not (self.pk and self.sk) or any(n not in {1, 2, 3} or not all(key) for n, key in self.keys.items()):
            raise BadRequest(f"A {self.kind} record has an empty key, or a secondary index that does not exist.")
        if not self.rev and (size := _json_bytes(self.data)) > MAX_ITEM_BYTES:  # what was read was written
            raise TooLarge(f"A {self.kind} record of {size} bytes is beyond the {MAX_ITEM_BYTES} an item may have.")


@dataclass(frozen=True, slots=True)
class Put:
    """Write `item` if its stored `rev` is `only_if`; `ABSENT` means that there is none."""

    item: Item
    only_if: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete the item under this key if its stored `rev` is `only_if`."""

    pk: str
    sk: str
    only_if: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of a query; without a `cursor` it was the last."""

    items: tuple[Item, ...]
    cursor: str | None


def _json_bytes(value: Json) -> int:
    """How many bytes a value takes as JSON, near enough; refuses floats, which a table cannot keep."""
    if isinstance(value, float):
        raise BadRequest("A record's numbers are whole: store thousandths, or text.")
    if isinstance(value, Mapping):
        return 2 + sum(len(name) + 4 + _json_bytes(part) for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return 2 + sum(1 + _json_bytes(part) for part in value)
    return len(value.encode("utf-8", "surrogatepass")) + 2 if isinstance(value, str) else 8
