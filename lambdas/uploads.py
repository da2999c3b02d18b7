"""A batch of SQS messages about uploads: each is worked on as everywhere else, and what was not done comes again.

Lambda deletes what the reply does not name. The messages that are not begun when time runs short are handed back at
once, for another invocation to take.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from corpus.ports import Deliveries
from lambdas.wired import wired

if TYPE_CHECKING:
    from corpus.model import Delivery

log = logging.getLogger(__name__)

RESERVED_SECONDS = 20.0
"""Kept for handing back, and for the document at work to notice. One that notices too late is ended by Lambda, and goes
on when its lease is over."""


def handler(event: object, context: Any) -> Mapping[str, object]:
    """Work through the batch, and return which of its messages are to come again."""
    from ingest.claim import Stopped  # noqa: PLC0415
    from lambdas.events import partial  # noqa: PLC0415

    footnote = wired()
    batch = Batch(event, cast("Source", footnote.queue))
    left = float(context.get_remaining_time_in_millis()) / 1000
    deadline = time.monotonic() + left - RESERVED_SECONDS

    def late() -> bool:
        return time.monotonic() > deadline

    try:
        while not late() and footnote.ingestor.drain(batch, stop=late):
            pass
    except Stopped:
        log.info("time ran short in the middle of a document; another invocation goes on from its last stage")
    batch.hand_back()
    return partial(batch.unfinished)


class Source(Deliveries, Protocol):
    """A queue that understands a message which somebody else received from it."""

    def taken(self, name: str, body: str, receipt: str, count: int) -> Delivery | None:
        """Return the delivery that a message is; None for one that was cleared away."""
        ...


class Batch:
    """The messages of one invocation, as the pipeline drains them."""

    def __init__(self, event: object, queue: Source) -> None:
        from lambdas.events import messages  # noqa: PLC0415

        self._queue = queue
        self._waiting = list(messages(event))
        self._ids = {message.receipt: message.id for message in self._waiting}
        self.unfinished = set(self._ids.values())

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        """Hand out the next message that speaks of one change; one at a time, and without waiting."""
        del limit, wait
        return [delivery] if (delivery := self._next()) else []

    def done(self, delivery: Delivery) -> None:
        """Finish a message: Lambda deletes it."""
        self.unfinished.remove(self._ids[delivery.receipt])

    def failed(self, delivery: Delivery, error: Exception) -> None:
        """Let a message come again after its pause."""
        self._queue.failed(delivery, error)

    def extend(self, delivery: Delivery, seconds: float) -> None:
        """Keep a message for so long; 0 hands it back at once."""
        self._queue.extend(delivery, seconds)

    def give_way(self, delivery: Delivery) -> None:
        """Have a message come again as a new one, and finish this one."""
        self._queue.give_way(delivery)
        self.done(delivery)

    def waiting(self) -> bool:
        """Return whether more of the batch is to be done; what waits in the queue is for other invocations."""
        return bool(self._waiting)

    def hand_back(self) -> None:
        """Let the messages that were not begun be taken by another invocation at once."""
        while delivery := self._next():
            self._queue.extend(delivery, 0)

    def _next(self) -> Delivery | None:
        """The next message that speaks of one change; those that speak of none, or of many, are finished by that."""
        while self._waiting:
            message = self._waiting.pop(0)
            delivery = self._queue.taken(message.id, message.body, message.receipt, message.count)
            if delivery:
                return delivery
            self.unfinished.remove(message.id)
        return None
