from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import ConfigError, FootnoteError, Throttled, Unavailable
from corpus.model import Change, Delivery
from corpus.ports import LEASE_SECONDS, MAX_DELIVERIES
from corpus.queues.sqs import SqsQueue, endpoint_of
from lambdas.events import changes
from tests.fakes import Clock
from tests.services import doubles
from tests.services.scripted import Reply, scripted

EVENTS = Path(__file__).parent / "events"
KEY = "documents/u1/d1/original"
CHANGE = Change("put", KEY, "0001", "e1")


def event(name: str) -> str:
    return (EVENTS / f"{name}.json").read_text("utf-8")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with doubles.moto_with_clock() as address:
        yield address


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the queue logs, wherever a door has turned it."""
    logger = logging.getLogger("corpus.queues.sqs")
    logger.addHandler(caplog.handler)
    logger.propagate = False
    with caplog.at_level(logging.WARNING, logger.name):
        yield caplog
    logger.propagate = True
    logger.removeHandler(caplog.handler)


class Made:
    """A queue under test, and its double's side of it."""

    def __init__(self, queue: SqsQueue, sqs: Any, url: str) -> None:
        self.queue, self.sqs, self.url = queue, sqs, url

    def lay(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def attributes(self, url: str = "") -> Any:
        return self.sqs.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=["All"])["Attributes"]


@pytest.fixture
def made(address: str, clock: Clock) -> Iterator[Made]:
    with doubles.sqs_queue(address, clock) as (queue, sqs, url):
        yield Made(queue, sqs, url)


def received(queue: SqsQueue) -> list[Change]:
    found = []
    while deliveries := queue.receive(10, 0):
        found += [one.change for one in deliveries]
        for one in deliveries:
            queue.done(one)
    return found


@pytest.mark.service
def test_a_live_event_without_sequencer(made: Made, logged: pytest.LogCaptureFixture) -> None:
    """An event without sequencer lies among the dead letters, with the reason in the log; its neighbours are read."""
    made.lay(event("s3-no-sequencer"), event("s3-put"), "not JSON", event("eventbridge-deleted"))

    found = received(made.queue)

    assert [change.kind for change in found] == ["put", "removed"]
    assert made.queue.dead_letters() == 2
    assert vars(logged.records[0])["reason"].startswith(f"The event of {KEY} has no sequencer")
    (dead, _) = made.sqs.receive_message(QueueUrl=f"{made.url}-dead", MaxNumberOfMessages=10)["Messages"]
    assert json.loads(dead["Body"]) == json.loads(event("s3-no-sequencer"))


@pytest.mark.service
def test_messages_of_many_and_of_none(made: Made, clock: Clock) -> None:
    """A message of two changes becomes two deliveries, each finished for itself; one of none is finished."""
    made.lay(event("s3-test-event"), event("s3-awkward-keys"), event("s3-two-records"))

    first = made.queue.receive(1, 0)
    second = made.queue.receive(10, 0)
    assert {one.change.key for one in [*first, *second]} == {KEY, "documents/u1/d2/original"}
    made.queue.done(first[0])
    clock.sleep(LEASE_SECONDS + 1)
    assert received(made.queue) == [second[0].change]
    assert made.queue.dead_letters() == 0


@pytest.mark.service
def test_a_redelivery(made: Made, clock: Clock) -> None:
    """A message that nobody finished within its lease is delivered again, and counted; by the tenth it is known."""
    made.lay(event("s3-put"))

    for count in range(1, MAX_DELIVERIES + 1):
        (delivery,) = made.queue.receive(10, 0)
        assert delivery.count == count
        clock.sleep(LEASE_SECONDS + 1)
    assert made.queue.receive(10, 0) == []
    assert made.queue.dead_letters() == 1


@pytest.mark.service
def test_waiting(made: Made) -> None:
    """A long wait is several long polls; a fraction of a second is slept, for SQS waits whole seconds only."""
    made.queue.send(CHANGE, delay=15)
    assert [one.change for one in made.queue.receive(10, 25)] == [CHANGE]

    slept: list[float] = []
    queue = SqsQueue(made.sqs, made.url, changes, slept.append)
    assert queue.receive(10, 0.25) == []
    assert slept == [0.25]


@pytest.mark.service
def test_finishing_what_is_gone(made: Made) -> None:
    """Extending or failing what was finished is no error; what SQS never handed out is not known to it."""
    made.queue.send(CHANGE)
    (delivery,) = made.queue.receive(1, 0)
    made.queue.done(delivery)
    made.queue.extend(delivery, 60)
    made.queue.failed(delivery, RuntimeError("no"))
    made.queue.done(Delivery(CHANGE, "never handed out", 1))


@pytest.mark.service
def test_setup_twice(made: Made) -> None:
    """Setting up makes what is missing and keeps what is there: other senders, and dead letters that suffice."""
    attributes = made.attributes()
    policy = json.loads(attributes["Policy"])
    (ours,) = policy["Statement"]
    arn = attributes["QueueArn"]
    assert (ours["Principal"], ours["Action"]) == ({"Service": "s3.amazonaws.com"}, "sqs:SendMessage")
    assert ours["Condition"]["ArnEquals"] == {"aws:SourceArn": "arn:aws:s3:::no-bucket"}
    assert ours["Condition"]["StringEquals"] == {"aws:SourceAccount": doubles.ACCOUNT}
    assert json.loads(attributes["RedrivePolicy"]) == {"deadLetterTargetArn": f"{arn}-dead", "maxReceiveCount": 10}
    assert (attributes["VisibilityTimeout"], attributes["MessageRetentionPeriod"]) == ("60", "1209600")

    theirs = {**ours, "Sid": "theirs"}
    changed = {"Policy": json.dumps({**policy, "Statement": [theirs, ours]}), "VisibilityTimeout": "90"}
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": f"{arn}-dead", "maxReceiveCount": 3})}
    made.sqs.set_queue_attributes(QueueUrl=made.url, Attributes={**changed, **redrive})
    with pytest.raises(ConfigError, match="handed out 10 times"):
        made.queue.ping()
    assert made.queue.setup("a-bucket") == arn
    made.queue.ping()

    after = made.attributes()
    mine = {**ours, "Condition": {**ours["Condition"], "ArnEquals": {"aws:SourceArn": "arn:aws:s3:::a-bucket"}}}
    assert json.loads(after["Policy"])["Statement"] == [theirs, mine]
    assert json.loads(after["RedrivePolicy"])["maxReceiveCount"] == 10
    assert after["VisibilityTimeout"] == "90"
    made.queue.setup()
    assert made.attributes()["Policy"] == after["Policy"]


@pytest.mark.service
def test_queues_that_are_not_as_they_should_be(made: Made, address: str, logged: pytest.LogCaptureFixture) -> None:
    """A queue that is missing or has no dead letters is named, and so is what makes it; receiving goes on."""
    bare = made.sqs.create_queue(QueueName=doubles.fresh())["QueueUrl"]
    for url in (bare, f"{bare}-missing"):
        with pytest.raises(ConfigError) as caught:
            SqsQueue(made.sqs, url, changes).ping()
        assert "footnote setup" in caught.value.hint

    queue = SqsQueue(made.sqs, bare, changes)
    made.sqs.send_message(QueueUrl=bare, MessageBody="not JSON")
    queue.send(CHANGE)
    assert [one.change for one in queue.receive(10, 0)] == [CHANGE]
    assert logged.records[0].message == "a message could not be cleared away"
    with pytest.raises(ConfigError, match="address names"):
        SqsQueue(made.sqs, f"{address}/999999999999/{doubles.fresh()}", changes).setup("b")


@pytest.mark.service
@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "RequestThrottled", Throttled),
        (403, "ThrottlingException", Throttled),
        (500, "InternalFailure", Unavailable),
        (400, "AccessDeniedException", ConfigError),
        (400, "AWS.SimpleQueueService.NonExistentQueue", ConfigError),
    ],
)
def test_what_a_queue_says_is_translated(status: int, code: str, expected: type[FootnoteError]) -> None:
    """Whatever call it is that SQS refuses, the error is ours and says whether another try would help."""
    reply = Reply(status, json.dumps({"__type": code, "message": "no"}).encode())
    with (
        scripted(lambda _: reply) as server,
        closing(SqsQueue(doubles.client("sqs", server.address, attempts=1), f"{server.address}/1/q", changes)) as queue,
    ):
        delivery = Delivery(CHANGE, "r", 1)
        for call in (
            lambda: queue.send(CHANGE),
            lambda: queue.receive(1, 0),
            lambda: queue.extend(delivery, 1),
            lambda: queue.done(delivery),
            lambda: queue.failed(delivery, RuntimeError("no")),
            queue.dead_letters,
            queue.ping,
            lambda: queue.setup("b"),
        ):
            with pytest.raises(expected):
                call()


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://sqs.eu-central-1.amazonaws.com/123456789012/footnote", None),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/footnote", None),
        ("http://127.0.0.1:8020/123456789012/footnote", "http://127.0.0.1:8020"),
        ("https://queues.example.org/queue/footnote", "https://queues.example.org"),
    ],
)
def test_where_a_queue_is_asked(url: str, endpoint: str | None) -> None:
    """AWS is found by the region; any other queue is asked where its URL says."""
    assert endpoint_of(url) == endpoint


@pytest.mark.parametrize("url", ["footnote", "/queues/footnote", "https://", "ftp://a/b", "https://host", "https:///q"])
def test_what_is_no_queue(url: str) -> None:
    """What is no URL of a queue is refused."""
    with pytest.raises(ConfigError):
        endpoint_of(url)
