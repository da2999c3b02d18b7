"""AWS's payloads → changes: S3 notifications, also in SQS messages, and EventBridge; and Lambda's reply to a batch.

This is the only place where keys are decoded: a notification's is form-encoded (a blank is `+`), EventBridge's is raw.
`connect` hands `changes` to `corpus/queues/sqs.py` for workers outside Lambda, so both doors understand the same.
Shapes: docs.aws.amazon.com/AmazonS3/latest/userguide, "Event message structure" and "EventBridge event schema".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from corpus.changes import from_json
from corpus.errors import BadRequest
from corpus.keys import parse_original
from corpus.model import Change, ChangeKind

VERSION_DIGITS = 40
_SEQUENCER = re.compile(rf"[0-9A-Fa-f]{{1,{VERSION_DIGITS}}}")
_NOTIFIED: Mapping[str, ChangeKind] = {
    "ObjectCreated": "put",
    "ObjectRemoved": "removed",
    "LifecycleExpiration": "removed",
}
_BRIDGED: Mapping[str, ChangeKind] = {"Object Created": "put", "Object Deleted": "removed"}


@dataclass(frozen=True, slots=True)
class Message:
    """One SQS message of a batch that Lambda was handed; `count` says how often, this time included."""

    id: str
    body: str
    receipt: str
    count: int


def changes(body: str) -> list[Change]:
    """Return what an SQS message speaks of: a change of ours, an S3 notification's, an EventBridge event's.

    None for S3's test event, and for keys that are no originals. Raises `BadRequest` with the reason for what cannot
    be understood, and for a live event without a sequencer: nothing would say whether it is newer than what is known.
    """
    if own := from_json(body):
        return [own]
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The message is not JSON.") from error
    return changes_of(payload)


def changes_of(event: object) -> list[Change]:
    """Return what an event speaks of that S3 or EventBridge hands over itself; as `changes` otherwise."""
    match event:
        case {"Event": "s3:TestEvent"}:
            return []
        case {"source": "aws.s3", "detail-type": str(name), "detail": {"object": {"key": str(key)} as about}}:
            found = [_change(_BRIDGED.get(name), key, about, about.get("etag"))]
        case {"Records": [_, *_] as records}:
            found = [_notified(record) for record in records]
        case _:
            raise BadRequest("The message is neither a change, nor a notification of S3, nor an event of EventBridge.")
    return [change for change in found if change]


def messages(event: object) -> list[Message]:
    """Return the messages of a batch that Lambda hands over from SQS; raises `BadRequest` for any other event."""
    match event:
        case {"Records": [*records]}:
            return [_message(record) for record in records]
    raise BadRequest("The event is no batch of SQS messages.")


def partial(failed_ids: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Return what tells Lambda which messages of a batch to deliver again; it deletes the others."""
    return {"batchItemFailures": [{"itemIdentifier": one} for one in failed_ids]}


def notified_key(encoded: str) -> str:
    """Return the key that an S3 notification means; EventBridge's are what they are."""
    return unquote_plus(encoded)


def _notified(record: object) -> Change | None:
    match record:
        case {"eventSource": str(source), "eventName": str(name), "s3": {"object": {"key": str(key)} as about}}:
            if source.endswith(":s3"):  # `aws:s3`; other stores put their own name before the colon
                kind = _NOTIFIED.get(name.removeprefix("s3:").partition(":")[0])
                return _change(kind, notified_key(key), about, about.get("eTag"))
    raise BadRequest("A record of the message is no S3 event, or lacks its name or its key.")


def _change(kind: ChangeKind | None, key: str, about: Mapping[str, object], etag: object) -> Change | None:
    """The change of a decoded key; None for what changes no original: a tag, a rule, another file."""
    if kind is None or parse_original(key) is None:
        return None
    sequencer = about.get("sequencer")
    if not (isinstance(sequencer, str) and _SEQUENCER.fullmatch(sequencer)):
        raise BadRequest(
            f"The event of {key} has no sequencer, so nothing says whether it is newer than what is known."
        )
    version = sequencer.lower().ljust(VERSION_DIGITS, "0")
    if kind == "removed":
        return Change(kind, key, version)
    if not (isinstance(etag, str) and etag.strip('"')):
        raise BadRequest(f"The event of {key} has no etag, so nothing says which bytes it means.")
    return Change(kind, key, version, etag.strip('"'))


def _message(record: object) -> Message:
    match record:
        case {
            "eventSource": "aws:sqs",
            "messageId": str(name),
            "body": str(body),
            "receiptHandle": str(receipt),
            **rest,
        }:
            match rest.get("attributes"):
                case {"ApproximateReceiveCount": str(count)} if count.isdecimal():
                    return Message(name, body, receipt, int(count))
    raise BadRequest("A record of the event is no SQS message.")
