from __future__ import annotations

from itertools import pairwise

import pytest

from corpus.errors import BadRequest, Throttled
from corpus.model import Change
from corpus.ports import LEASE_SECONDS, MAX_DELIVERIES, Queue
from tests.contracts.adapters import Opened
from tests.fakes import Clock

CHANGE = Change("put", "documents/u1/d1/original", "0001", "e1")
OTHER = Change("removed", "documents/u1/d2/original", "0002")


def received(queue: Queue, limit: int = 10) -> list[Change]:
    return [delivery.change for delivery in queue.receive(limit, 0)]


def test_sent_is_received(opened_queue: Opened[Queue], clock: Clock) -> None:
    """Make the change receivable after `delay` seconds, durably."""
    opened_queue.it.send(CHANGE, delay=30)
    other = opened_queue.again()

    assert received(other) == []
    clock.sleep(31)
    assert received(other) == [CHANGE]


def test_delay_is_bounded(queue: Queue) -> None:
    """Raises `BadRequest` for a delay beyond 900 seconds."""
    queue.send(CHANGE, delay=900)
    with pytest.raises(BadRequest):
        queue.send(CHANGE, delay=901)


def test_limit_and_wait(queue: Queue, clock: Clock) -> None:
    """Hand out at most `limit` changes, waiting at most `wait` seconds for the first."""
    for version in range(3):
        queue.send(Change("put", CHANGE.key, str(version)))
    assert len(received(queue, limit=2)) == 2
    assert len(received(queue, limit=2)) == 1

    queue.send(OTHER, delay=3)
    before = clock()
    assert [delivery.change for delivery in queue.receive(1, wait=5)] == [OTHER]
    assert clock() - before <= 5
    assert queue.receive(1, wait=5) == []


def test_lease(opened_queue: Opened[Queue], clock: Clock) -> None:
    """A delivery is nobody else's for 60 seconds; unfinished by then, it is handed out again."""
    queue, other = opened_queue.it, opened_queue.again()
    queue.send(CHANGE)

    assert [delivery.count for delivery in queue.receive(1, 0)] == [1]
    clock.sleep(LEASE_SECONDS - 1)
    assert received(other) == []
    clock.sleep(2)
    assert [(delivery.change, delivery.count) for delivery in other.receive(1, 0)] == [(CHANGE, 2)]


def test_dead_letters(queue: Queue, clock: Clock) -> None:
    """A change that was handed out 10 times and not finished goes to the dead letters instead of out again.

    Return how many changes lie among the dead letters.
    """
    queue.send(CHANGE)
    for _ in range(MAX_DELIVERIES):
        assert received(queue) == [CHANGE]
        assert queue.dead_letters() == 0
        clock.sleep(LEASE_SECONDS + 1)

    assert received(queue) == []
    assert queue.dead_letters() == 1


def test_a_malformed_message(opened_queue: Opened[Queue]) -> None:
    """A message that cannot be understood goes to the dead letters, and its neighbours are handed out."""
    queue = opened_queue.it
    queue.send(CHANGE)
    opened_queue.garble()
    queue.send(OTHER)

    assert received(queue) == [OTHER]
    assert queue.dead_letters() == 1


def test_extend(queue: Queue, clock: Clock) -> None:
    """Keep the delivery for `seconds` from now; 0 hands it back at once."""
    queue.send(CHANGE)
    (delivery,) = queue.receive(1, 0)
    clock.sleep(50)
    queue.extend(delivery, 60)
    clock.sleep(50)
    assert received(queue) == []

    queue.extend(delivery, 0)
    assert received(queue) == [CHANGE]


def test_give_way(queue: Queue, clock: Clock) -> None:
    """Hand the delivery back at once, to be handed out as if for the first time."""
    queue.send(CHANGE)
    for _ in range(MAX_DELIVERIES + 2):
        (delivery,) = queue.receive(1, 0)
        assert (delivery.change, delivery.count) == (CHANGE, 1)
        assert received(queue) == []
        queue.give_way(delivery)

    (delivery,) = queue.receive(1, 0)
    queue.done(delivery)
    clock.sleep(LEASE_SECONDS + 1)
    assert received(queue) == []
    assert queue.dead_letters() == 0


def test_waiting(queue: Queue, clock: Clock) -> None:
    """Return whether a change waits that could be handed out now, without taking it."""
    assert not queue.waiting()
    queue.send(CHANGE, delay=30)
    assert not queue.waiting()
    clock.sleep(31)
    assert queue.waiting()
    (delivery,) = queue.receive(1, 0)
    assert delivery.count == 1
    assert not queue.waiting()
    queue.extend(delivery, 0)
    assert queue.waiting()


def test_done(queue: Queue, clock: Clock) -> None:
    """Finish the delivery: it is never handed out again."""
    queue.send(CHANGE)
    queue.send(OTHER)
    first, _ = queue.receive(2, 0)
    queue.done(first)
    clock.sleep(LEASE_SECONDS + 1)

    assert received(queue) == [OTHER if first.change == CHANGE else CHANGE]


def test_done_twice(queue: Queue, clock: Clock) -> None:
    """Finishing it twice, or after it was handed to another, is no error."""
    queue.send(CHANGE)
    (late,) = queue.receive(1, 0)
    clock.sleep(LEASE_SECONDS + 1)
    (now,) = queue.receive(1, 0)
    queue.done(late)
    queue.done(now)
    queue.done(now)

    clock.sleep(LEASE_SECONDS + 1)
    assert received(queue) == []


def test_failed(queue: Queue, clock: Clock) -> None:
    """Hand the delivery back, to be handed out again after a pause that grows with its count."""
    queue.send(CHANGE)
    pauses = []
    for _ in range(5):
        (delivery,) = queue.receive(1, 0)
        queue.failed(delivery, RuntimeError("no"))
        before = clock()
        while not (again := queue.receive(1, 0)):
            clock.sleep(0.5)
        pauses.append(clock() - before)
        queue.extend(again[0], 0)

    assert all(0 < early < late for early, late in pairwise(pauses))


def test_retry_after(queue: Queue, clock: Clock) -> None:
    """The pause is at least the `retry_after` of an `Unavailable`, up to 900 seconds."""
    for asked, kept in ((100, 100), (5000, 900)):
        queue.send(CHANGE)
        (delivery,) = queue.receive(1, 0)
        queue.failed(delivery, Throttled("slow down", retry_after=asked))
        clock.sleep(kept - 1)
        assert received(queue) == []
        clock.sleep(2)
        (delivery,) = queue.receive(1, 0)
        queue.done(delivery)


def test_ping(queue: Queue) -> None:
    """Return if the queue can be used, else raise `ConfigError` or `Unavailable` with the reason."""
    queue.ping()
