"""Calls to DynamoDB: what it answers in our errors, and which of them may be tried again.

The client tries once. A write whose answer got lost may have been done, and doing it again would find its own trace (a
`Conflict` with itself) or count twice; so only what DynamoDB surely did not do is tried again, or what may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from corpus import aws
from corpus.errors import Conflict, Throttled, Unavailable

TRIES = 4
ITEM_BY_ITEM = frozenset({"batch_get_item", "transact_write_items"})
"""The operations that name the table with each item."""
REFUSED = frozenset({"ConditionalCheckFailedException", "ConditionalCheckFailed"})
"""A condition did not hold; alone, and as a reason of a transaction."""
BUSY = frozenset(
    {"TransactionConflictException", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
)
"""Nothing was done, because others are at work: on the same items, or too many. Not a `Conflict`: no `rev` is known to
have changed."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The operations of a client on one table."""

    client: Any
    name: str
    pause: Callable[[int], None] = aws.pause

    def repeat(self, operation: str, parameters: Mapping[str, Any]) -> Any:
        """Return the answer of an operation that may be repeated, whatever became of the last try."""
        return self._tried(operation, parameters, repeatable=True)

    def once(self, operation: str, parameters: Mapping[str, Any]) -> Any:
        """Return the answer of an operation that is not repeated once it may have been done."""
        return self._tried(operation, parameters, repeatable=False)

    def _tried(self, operation: str, parameters: Mapping[str, Any], *, repeatable: bool) -> Any:
        """Raises `Conflict` when a condition does not hold."""
        if operation not in ITEM_BY_ITEM:
            parameters = {"TableName": self.name, **parameters}
        tries = 0
        while True:
            try:
                return self._answer(operation, parameters)
            except Unavailable as error:
                tries += 1
                if tries == TRIES or not (repeatable or isinstance(error, Throttled)):
                    raise
            self.pause(tries)

    def _answer(self, operation: str, parameters: Mapping[str, Any]) -> Any:
        with aws.translated(f"The table {self.name}"):
            try:
                return getattr(self.client, operation)(**parameters)
            except aws.ClientError as error:
                reasons = {reason["Code"] for reason in error.response.get("CancellationReasons", ())} - {"None"}
                codes = reasons or {aws.code_of(error)}
                if codes & REFUSED:
                    raise Conflict(f"A record of the table {self.name} was written meanwhile.") from error
                if codes <= BUSY:
                    raise Throttled(f"A record of the table {self.name} is in demand.", retry_after=1) from error
                raise
