"""Records in DynamoDB: one table, three secondary indexes that hold keys only, and no scan.

An index may lag; what is read never does: every read is consistent, and what an index names is read by its primary key.
How the attributes look is `items`'s business, how the table is made `layout`'s.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from corpus import aws
from corpus.errors import BadRequest, ConfigError, Conflict, QuotaExceeded, Throttled, Unavailable
from corpus.items import ABSENT, MAX_TRANSACTION, Batch, Item, Put, Remove
from corpus.keys import iso_time
from corpus.tables.dynamodb import layout
from corpus.tables.dynamodb.calls import TRIES, Calls
from corpus.tables.dynamodb.items import (
    SCHEMA_VERSION,
    Attribute,
    Row,
    counters,
    key,
    key_names,
    live,
    loaded,
    number,
    stored,
    text,
)

NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
BATCH = 100
"""The most keys that one request may read."""
LONGEST_CURSOR = 16_384
LIVE = "(attribute_not_exists(#ttl) OR #ttl > :now)"
REFUSED = "ConditionalCheckFailedException"


class DynamoDbTable:
    """A `Table` in DynamoDB, by a client that tries once: what may be tried again is decided here.

    Raises `ConfigError` for a name that no table can have.
    """

    def __init__(
        self,
        client: Any,
        name: str,
        clock: Callable[[], float] = time.time,
        pause: Callable[[int], None] = aws.pause,
    ) -> None:
        if not NAME.fullmatch(name):
            raise ConfigError(f"dynamodb:{name} names no table: 3 to 255 of A-Z a-z 0-9 _ . - are expected.")
        self._calls = Calls(client, name, pause)
        self._clock = clock

    def get(self, pk: str, sk: str) -> Item | None:
        answer = self._calls.repeat("get_item", {"Key": key(pk, sk), "ConsistentRead": True})
        return self._known(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        wanted, found = list(dict.fromkeys(keys)), dict[tuple[str, str], Item | None]()
        for start in range(0, len(wanted), BATCH):
            for row in self._batch([key(*one) for one in wanted[start : start + BATCH]]):
                found[row["PK"]["S"], row["SK"]["S"]] = self._known(row)
        return [found.get(one) for one in keys]

    def put(self, item: Item, only_if: int) -> Item:
        now = self._clock()
        (row,) = self._rows([Put(item, only_if)], now)
        self._calls.once("put_item", {"Item": row, **_condition(only_if, now)})
        return loaded(row)

    def add(
        self, pk: str, sk: str, amounts: Mapping[str, int], cap: Mapping[str, int], ttl: int | None = None
    ) -> Mapping[str, int]:
        for tries in range(TRIES):
            now = self._clock()
            new, old = self._add(pk, sk, _addition(amounts, cap, ttl, now))
            if new:
                return loaded(new).counters
            there = loaded(old) if old else None
            _refuse_beyond(cap, amounts, there.counters if there and live(there, now) else {})
            try:  # what is there has expired: it is replaced
                return self.put(Item(pk, sk, "counters", {}, ttl=ttl, counters=amounts), ABSENT).counters
            except Conflict:
                self._calls.pause(tries)
        raise Unavailable(f"The counters of {pk} / {sk} change all the time.", retry_after=1)

    def delete(self, pk: str, sk: str, only_if: int) -> None:
        self._calls.once("delete_item", {"Key": key(pk, sk), **_condition(only_if, self._clock())})

    def query(
        self,
        index: int,
        partition: str,
        span: tuple[str, str] = ("", "~"),
        *,
        newest_first: bool = False,
        limit: int = 100,
        after: str | None = None,
    ) -> Batch:
        start = _start(after, index, partition, span) if after else {}
        if not partition or not span[1] or span[0] > span[1]:  # DynamoDB takes none of these for a question
            return Batch((), None)
        asked = {**_question(index, partition, span), "ScanIndexForward": not newest_first, "Limit": limit, **start}
        try:
            answer = self._calls.repeat("query", asked)
        except aws.ClientError as error:
            if after and aws.code_of(error) == "ValidationException":  # a place where no page can have ended
                raise BadRequest("That is no cursor of this query.") from error
            raise
        items = self._named(answer["Items"], index) if index else [self._known(row) for row in answer["Items"]]
        last = answer.get("LastEvaluatedKey")
        return Batch(tuple(item for item in items if item), _cursor(index, last) if last else None)

    def transact(self, writes: Sequence[Put | Remove]) -> None:
        names = {(one.item.pk, one.item.sk) if isinstance(one, Put) else (one.pk, one.sk) for one in writes}
        if len(writes) > MAX_TRANSACTION or len(names) < len(writes):
            raise BadRequest(f"A transaction has at most {MAX_TRANSACTION} writes, each of another item.")
        if not writes:
            return
        now = self._clock()
        rows = iter(self._rows([one for one in writes if isinstance(one, Put)], now))
        steps = [
            {"Put": self._step(one.only_if, now, Item=next(rows))}
            if isinstance(one, Put)
            else {"Delete": self._step(one.only_if, now, Key=key(one.pk, one.sk))}
            for one in writes
        ]
        token = secrets.token_hex(16)  # the same in every try: what was done already is not done again
        self._calls.repeat("transact_write_items", {"TransactItems": steps, "ClientRequestToken": token})

    def ping(self) -> None:
        layout.check(self._calls)

    def setup(self) -> None:
        """Make the table, or what is missing of it, and return when it can be used."""
        layout.make(self._calls)
        self.ping()

    def close(self) -> None:
        """Let go of the connections."""
        self._calls.client.close()

    def _known(self, row: Row) -> Item | None:
        item = loaded(row)
        return item if live(item, self._clock()) else None

    def _batch(self, keys: list[dict[str, Attribute]]) -> list[Row]:
        """Read some keys, asking again for those that DynamoDB leaves out of an answer, as it does when it is busy."""
        rows, tries = list[Row](), 0
        while keys:
            asked = {self._calls.name: {"Keys": keys, "ConsistentRead": True}}
            answer = self._calls.repeat("batch_get_item", {"RequestItems": asked})
            found = answer["Responses"].get(self._calls.name, [])
            keys = answer["UnprocessedKeys"].get(self._calls.name, {}).get("Keys", [])
            rows += found
            tries = 0 if found else tries + 1
            if tries == TRIES:
                raise Throttled(f"The table {self._calls.name} is asked too often just now.", retry_after=2)
            if keys:
                self._calls.pause(tries)
        return rows

    def _named(self, rows: Sequence[Row], index: int) -> list[Item | None]:
        """Return the items that an index names, without those whose keys have moved since."""
        partition, sort = key_names(index)
        items = self.get_many([(row["PK"]["S"], row["SK"]["S"]) for row in rows])
        return [
            item if item and item.keys.get(index) == (row[partition]["S"], row[sort]["S"]) else None
            for row, item in zip(rows, items, strict=True)
        ]

    def _rows(self, puts: Sequence[Put], now: float) -> list[dict[str, Attribute]]:
        """Return the items as they will be stored: the time of the first write is read from what they replace.

        The condition on `rev` makes sure that it is still that which is replaced.
        """
        replaced = [one for one in puts if one.only_if != ABSENT]
        created, stamp = dict[tuple[str, str], str](), iso_time(now)
        found = self.get_many([(one.item.pk, one.item.sk) for one in replaced])
        for one, there in zip(replaced, found, strict=True):
            if there is None or there.rev != one.only_if:
                raise Conflict(f"{one.item.pk} / {one.item.sk} is not at rev {one.only_if} any more.")
            created[there.pk, there.sk] = there.created_at
        return [
            stored(
                replace(
                    one.item,
                    created_at=created.get((one.item.pk, one.item.sk), stamp),
                    updated_at=stamp,
                    rev=one.only_if + 1,
                )
            )
            for one in puts
        ]

    def _step(self, only_if: int, now: float, **what: dict[str, Attribute]) -> dict[str, Any]:
        return {"TableName": self._calls.name, **what, **_condition(only_if, now)}

    def _add(self, pk: str, sk: str, addition: dict[str, Any]) -> tuple[Row | None, Row | None]:
        """Return the counters' item as it is now; or, when the condition does not hold, what is there instead."""
        try:
            return self._calls.once("update_item", {"Key": key(pk, sk), **addition})["Attributes"], None
        except Conflict as conflict:
            refusal = conflict.__cause__
            return None, refusal.response.get("Item") if isinstance(refusal, aws.ClientError) else None


def _condition(only_if: int, now: float) -> dict[str, Any]:
    """The two there are: nothing is there, or what is there has this `rev`. What has expired is not there."""
    names, values = {"#ttl": "ttl"}, {":now": number(int(now))}
    if only_if == ABSENT:
        condition = "attribute_not_exists(PK) OR #ttl <= :now"
    else:
        condition = f"#rev = :rev AND {LIVE}"
        names["#rev"], values[":rev"] = "rev", number(only_if)
    return {
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def _addition(amounts: Mapping[str, int], cap: Mapping[str, int], ttl: int | None, now: float) -> dict[str, Any]:
    """One update that adds to counters and keeps each at or below its cap."""
    first = {"kind": text("counters"), "data": {"M": {}}, "schemaVersion": text(SCHEMA_VERSION)}
    first["created_at"] = stamp = text(iso_time(now))
    if ttl is not None:
        first["ttl"] = number(ttl)
    values = {":now": number(int(now)), ":one": number(1), ":stamp": stamp}
    names = {"#ttl": "ttl", "#rev": "rev", "#updated_at": "updated_at"}
    sets, adds, conditions = ["#updated_at = :stamp"], ["#rev :one"], [LIVE]
    for name, value in first.items():
        names[f"#{name}"], values[f":{name}"] = name, value
        sets.append(f"#{name} = if_not_exists(#{name}, :{name})")
    for n, (name, amount) in enumerate(counters(amounts).items()):
        names[f"#c{n}"], values[f":c{n}"] = name, amount
        adds.append(f"#c{n} :c{n}")
        if name in cap:
            values[f":room{n}"] = number(cap[name] - amounts[name])
            fresh = f"attribute_not_exists(#c{n}) OR " if amounts[name] <= cap[name] else ""
            conditions.append(f"({fresh}#c{n} <= :room{n})")
    return {
        "UpdateExpression": f"SET {', '.join(sets)} ADD {', '.join(adds)}",
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _refuse_beyond(cap: Mapping[str, int], amounts: Mapping[str, int], there: Mapping[str, int]) -> None:
    for name, amount in amounts.items():
        if name in cap and there.get(name, 0) + amount > cap[name]:
            raise QuotaExceeded(f"{name} would pass {cap[name]}.", counter=name)


def _question(index: int, partition: str, span: tuple[str, str]) -> dict[str, Any]:
    """Ask the table consistently, or an index for its keys; no sort key is as small as an empty one."""
    names = dict(zip(("#partition", "#sort"), key_names(index), strict=True))
    values = {":partition": text(partition), ":last": text(span[1])}
    sort = "#sort <= :last"
    if span[0]:
        sort, values[":first"] = "#sort BETWEEN :first AND :last", text(span[0])
    return {
        "KeyConditionExpression": f"#partition = :partition AND {sort}",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        **({"IndexName": layout.index_name(index)} if index else {"ConsistentRead": True}),
    }


def _cursor(index: int, last: Row) -> str:
    """Where a page ended, and of which partition of which index, as text that means nothing to others."""
    places = [last[name]["S"] for name in (*key_names(index), "PK", "SK")]
    return base64.urlsafe_b64encode(json.dumps([index, *places]).encode()).decode()


def _start(after: str, index: int, partition: str, span: tuple[str, str]) -> dict[str, Any]:
    """Where to go on. A cursor that another question gave, of this asker or of another, is refused."""
    try:
        asked, (where, sort, pk, sk) = _places(after)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadRequest("That is no cursor of this query.") from error
    same = (asked, where) == (index, partition) and span[0] <= sort <= span[1] and pk and sk
    if not same or (index == 0 and (where, sort) != (pk, sk)):
        raise BadRequest("That is no cursor of this query.")
    names = (*key_names(index), "PK", "SK")
    return {"ExclusiveStartKey": {name: text(part) for name, part in zip(names, (where, sort, pk, sk), strict=True)}}


def _places(after: str) -> tuple[int, list[str]]:
    """Take a cursor apart; fails in one of many ways for what is none."""
    asked, *places = json.loads(base64.b64decode(after[:LONGEST_CURSOR], altchars=b"-_", validate=True))
    return asked, [place.encode().decode() for place in places]
