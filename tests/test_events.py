from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.changes import to_json
from corpus.errors import BadRequest
from corpus.model import Change
from lambdas.events import Message, changes, changes_of, messages, partial

EVENTS = Path(__file__).parent / "events"
KEY = "documents/u1/d1/original"
EMPTY = "d41d8cd98f00b204e9800998ecf8427e"


def body(name: str) -> str:
    return (EVENTS / f"{name}.json").read_text("utf-8")


def padded(sequencer: str) -> str:
    return sequencer + "0" * (40 - len(sequencer))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("s3-put", Change("put", KEY, padded("0055aed6dcd90281e5"), EMPTY)),
        ("s3-multipart", Change("put", KEY, padded("0055aed6dcd90281e6"), "6bcf86bed8807b8e78f0fc6e0a53079d-2")),
        ("s3-slashes-encoded", Change("put", KEY, padded("617f08299329d189"), "900150983cd24fb0d6963f7d28e17f72")),
        ("s3-delete-marker", Change("removed", KEY, padded("0055aed6dcd90281e7"))),
        ("s3-delete", Change("removed", KEY, padded("0055aed6dcd90281e8"))),
        ("s3-expired", Change("removed", KEY, padded("0055aed6dcd90281e9"))),
        ("eventbridge-created", Change("put", KEY, padded("617f08299329d189"), "b1946ac92492d2347c6235b4d2611184")),
        ("eventbridge-deleted", Change("removed", KEY, padded("617f0837b476e463"))),
    ],
)
def test_an_event_becomes_a_change(name: str, expected: Change) -> None:
    """What S3 or EventBridge says of an original is a change with its kind, key, version and etag."""
    assert changes(body(name)) == [expected]
    assert changes_of(json.loads(body(name))) == [expected]


@pytest.mark.parametrize(
    "name", ["s3-test-event", "s3-awkward-keys", "s3-tagged", "eventbridge-awkward-key", "eventbridge-tagged"]
)
def test_what_concerns_no_original_is_ignored(name: str) -> None:
    """A test event, a tag, and keys with blanks, plus signs, percents or other letters: no change, and no error."""
    assert changes(body(name)) == []


def test_two_records() -> None:
    """A message may speak of several originals."""
    first, second = changes(body("s3-two-records"))

    assert (first.kind, second.kind) == ("put", "removed")
    assert (first.key, second.key) == (KEY, "documents/u1/d2/original")


def test_a_change_of_ours() -> None:
    """What a queue of ours sends is read as it was sent."""
    change = Change("put", KEY, "0007", "e1")

    assert changes(to_json(change)) == [change]


def test_without_a_sequencer() -> None:
    """A live event without sequencer is refused with the reason."""
    with pytest.raises(BadRequest, match=f"The event of {KEY} has no sequencer, so nothing says whether it is newer"):
        changes(body("s3-no-sequencer"))


def edited(name: str, **values: Any) -> str:
    """A captured event with fields of its object changed; None takes one away."""
    event = json.loads(body(name))
    about = event["Records"][0]["s3"]["object"] if "Records" in event else event["detail"]["object"]
    about |= values
    for field in [field for field, value in about.items() if value is None]:
        del about[field]
    return json.dumps(event)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (edited("s3-put", sequencer=7), "no sequencer"),
        (edited("s3-put", sequencer=""), "no sequencer"),
        (edited("s3-put", sequencer="0x7"), "no sequencer"),
        (edited("s3-put", sequencer="0" * 41), "no sequencer"),
        (edited("s3-delete", sequencer=None), "no sequencer"),
        (edited("eventbridge-created", sequencer=None), "no sequencer"),
        (edited("eventbridge-deleted", sequencer=None), "no sequencer"),
        (edited("s3-put", eTag=None), "no etag"),
        (edited("s3-put", eTag='""'), "no etag"),
        (edited("eventbridge-created", etag=None), "no etag"),
        (edited("s3-put", key=None), "lacks its name or its key"),
        (edited("s3-put", key=5), "lacks its name or its key"),
        (body("s3-put").replace("aws:s3", "aws:ses"), "is no S3 event"),
        (body("s3-put")[:-200], "not JSON"),
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"Records": []}', "neither a change, nor a notification"),
        ('{"Records": {}}', "neither a change, nor a notification"),
        ('{"Records": [null]}', "is no S3 event"),
        ('{"kind": "put", "key": 7}', "neither a change, nor a notification"),
        ("7", "neither a change, nor a notification"),
        ('{"source": "aws.ec2", "detail-type": "Object Created", "detail": {}}', "neither a change"),
    ],
)
def test_what_cannot_be_understood_is_refused(sent: str, reason: str) -> None:
    """A truncated, altered or foreign event is refused with the reason, never with another error."""
    with pytest.raises(BadRequest, match=reason):
        changes(sent)


def test_a_batch() -> None:
    """A batch of SQS messages is read whole, whatever is in them; each message then stands for itself."""
    first, second, third = messages(json.loads(body("sqs-batch")))

    assert [change.kind for change in changes(first.body)] == ["put"]
    assert [change.kind for change in changes(second.body)] == ["removed"]
    assert (second.receipt, second.count) == ("AQEB2e14==", 10)
    assert third == Message("c80e8021-a70a-42c7-a470-796e1186f753", "not for us", "AQEBc80e==", 3)
    with pytest.raises(BadRequest):
        changes(third.body)


@pytest.mark.parametrize("event", [{}, [], None, {"Records": [{}]}, json.loads(body("s3-put"))])
def test_what_is_no_batch(event: object) -> None:
    """What is no batch of SQS messages is refused."""
    with pytest.raises(BadRequest):
        messages(event)


def test_the_reply_to_a_batch() -> None:
    """Lambda is told which messages failed, and deletes the others."""
    assert partial(["a", "b"]) == {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]}
    assert partial([]) == {"batchItemFailures": []}
