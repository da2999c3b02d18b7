"""A batch of SQS messages about uploads: each is worked on as everywhere else, and what was not done comes again.

Lambda deletes what the reply does not name. The messages that are not begun when time runs short are handed back at
once, for another invocation to take.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from corpus.ports import Queue
from lambdas.parts import parts

if TYPE_CHECKING:
    from corpus.model import Change, Delivery
    from lambdas.events import Message

log = logging.getLogger(__name__)

RESERVED_SECONDS = 20.0
"""What handing back takes at most, and the longest that a stage goes on without looking at the clock."""


def handler(event: object, context: Any) -> Mapping[str, object]:
    """Work through the batch, and return which of its messages are to come again."""
    from ingest.claim import Stopped  # noqa: PLC0415
    from lambdas.events import partial  # noqa: PLC0415

    footnote = parts()
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


class Source(Queue, Protocol):
    """A queue that understands a message which others received from it."""

    def taken(self, message: Mapping[str, Any]) -> Delivery | None:
        """Return the delivery that a message is; None for one that was cleared away."""
        ...


class Batch:
    """The messages of one invocation as the queue that the pipeline drains."""

    def __init__(self, event: object, queue: Source) -> None:
        from lambdas.events import messages  # noqa: PLC0415

        found = messages(event)
        self._queue = queue
        self._waiting = list(found)
        self._ids = {message.receipt: message.id for message in found}
        self.unfinished = {message.id: message for message in found}

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        """Hand out the next message that speaks of one change; those that speak of none, or of many, are cleared."""
        del limit, wait
        while self._waiting:
            message = self._waiting.pop(0)
            delivery = self._queue.taken(_as_received(message))
            if delivery:
                return [delivery]
            del self.unfinished[message.id]
        return []

    def done(self, delivery: Delivery) -> None:
        """Finish a message: Lambda deletes it."""
        del self.unfinished[self._ids[delivery.receipt]]

    def failed(self, delivery: Delivery, error: Exception) -> None:
        """Let a message come again after its pause."""
        self._queue.failed(delivery, error)

    def extend(self, delivery: Delivery, seconds: float) -> None:
        """Keep a message for so long; 0 hands it back at once."""
        self._queue.extend(delivery, seconds)

    def send(self, change: Change, delay: float = 0) -> None:
        """Send a change of our own to the queue that the batch came from."""
        self._queue.send(change, delay)

    def dead_letters(self) -> int:
        """Return how many changes lie among the dead letters of that queue."""
        return self._queue.dead_letters()

    def ping(self) -> None:
        """Return if that queue can be used."""
        self._queue.ping()

    def hand_back(self) -> None:
        """Let the messages that were not begun be taken by another invocation at once."""
        for message in self._waiting:
            delivery = self._queue.taken(_as_received(message))
            if delivery:
                self._queue.extend(delivery, 0)
            else:
                del self.unfinished[message.id]


def _as_received(message: Message) -> Mapping[str, Any]:
    """A message in the form in which SQS hands it out to whoever asks for it."""
    return {
        "MessageId": message.id,
        "Body": message.body,
        "ReceiptHandle": message.receipt,
        "Attributes": {"ApproximateReceiveCount": str(message.count)},
    }
