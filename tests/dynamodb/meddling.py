"""A table in DynamoDB Local, and ways to come between it and its client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from corpus import aws
from corpus.items import ABSENT, Item, Put, Remove
from corpus.tables.dynamodb import DynamoDbTable
from tests.fakes import Clock

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
