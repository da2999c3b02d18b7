"""What stands between moto's notifications and our queue, and makes of them what S3 would have sent.

moto stamps no sequencer and no version id, says nothing of delete markers, and announces a multipart upload twice. The
bucket's notification goes to a raw queue; what lies there is forwarded with a version id and a sequencer, its place in
the key's history, and a delete marker that the history shows gets the event that S3 would have made of it.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from corpus.model import Change, Delivery
from corpus.ports import Queue

PAUSE_SECONDS = 0.05


@dataclass
class _Version:
    """One entry of a key's history: a put's has an etag, a delete marker's has none."""

    id: str
    etag: str
    place: int
    announced: bool = False


class Poller:
    """Forwards what a bucket announces. `pump` may be called from any thread, one at a time does it."""

    def __init__(self, s3: Any, sqs: Any, bucket: str, raw_url: str, url: str) -> None:
        self._s3, self._sqs = s3, sqs
        self._bucket, self._raw_url, self._url = bucket, raw_url, url
        self._histories: dict[str, list[_Version]] = defaultdict(list)
        self._lock = threading.Lock()

    def pump(self) -> None:
        """Forward all that waits, and announce all delete markers that are new."""
        with self._lock:
            raw = list(self._raw())  # before the look, so that what was announced is in the history
            self._look()
            for message in raw:
                self._forward(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._raw_url, ReceiptHandle=message["ReceiptHandle"])
            for key, history in self._histories.items():
                for version in history:
                    if not version.etag and not version.announced:
                        self._announce(_event("ObjectRemoved:DeleteMarkerCreated", self._bucket, key), version)

    def _raw(self) -> Iterator[Any]:
        while found := self._sqs.receive_message(QueueUrl=self._raw_url, MaxNumberOfMessages=10).get("Messages"):
            yield from found

    def _forward(self, event: Any) -> None:
        if "Records" not in event:  # s3:TestEvent
            self._send(event)
            return
        about = event["Records"][0]["s3"]["object"]
        history = self._histories[unquote_plus(about["key"])]
        if event["Records"][0]["eventName"].startswith("ObjectRemoved"):  # a version was deleted for good
            history.append(_Version("", "", len(history) + 1))
            self._announce(event, history[-1])
            return
        same = [version for version in history if version.etag == about["eTag"]]
        unannounced = (version for version in same if not version.announced)
        self._announce(event, next(unannounced, same[-1]))

    def _announce(self, event: Any, version: _Version) -> None:
        version.announced = True
        event["Records"][0]["s3"]["object"] |= {"versionId": version.id, "sequencer": f"00{version.place:016X}"}
        self._send(event)

    def _send(self, event: Any) -> None:
        self._sqs.send_message(QueueUrl=self._url, MessageBody=json.dumps(event))

    def _look(self) -> None:
        """Add to the histories what is new in the bucket, oldest first."""
        known = {version.id for history in self._histories.values() for version in history}
        unseen = {
            key for key, found in self._listed("documents/", 1000) if found.id not in known and "/original" in key
        }
        for key in sorted(unseen):
            fresh = []  # one a page: only so does a listing tell the order of puts and delete markers
            for found_key, found in self._listed(key, 1):
                if found_key != key or found.id in known:
                    break
                fresh.append(found)
            for found in reversed(fresh):
                found.place = len(self._histories[key]) + 1
                self._histories[key].append(found)

    def _listed(self, prefix: str, size: int) -> Iterator[tuple[str, _Version]]:
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=prefix, PaginationConfig={"PageSize": size}
        )
        for page in pages:
            for one in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                yield one["Key"], _Version(one["VersionId"], one.get("ETag", "").strip('"'), 0)


class Pumped:
    """A queue behind a poller that is pumped whenever somebody receives."""

    def __init__(self, queue: Queue, poller: Poller) -> None:
        self._queue, self._poller = queue, poller

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        self._poller.pump()
        return self._queue.receive(limit, wait)

    def send(self, change: Change, delay: float = 0) -> None:
        self._queue.send(change, delay)

    def extend(self, delivery: Delivery, seconds: float) -> None:
        self._queue.extend(delivery, seconds)

    def give_way(self, delivery: Delivery) -> None:
        self._queue.give_way(delivery)

    def waiting(self) -> bool:
        return self._queue.waiting()

    def done(self, delivery: Delivery) -> None:
        self._queue.done(delivery)

    def failed(self, delivery: Delivery, error: Exception) -> None:
        self._queue.failed(delivery, error)

    def dead_letters(self) -> int:
        return self._queue.dead_letters()

    def ping(self) -> None:
        self._queue.ping()


@contextmanager
def polling(poller: Poller) -> Iterator[None]:
    """Pump in a thread for as long as this lasts; raises what went wrong there."""
    stop, errors = threading.Event(), list[Exception]()

    def run() -> None:
        while not stop.is_set() and not errors:
            try:
                poller.pump()
            except Exception as error:  # noqa: BLE001 -- raised below, where somebody sees it
                errors.append(error)
            stop.wait(PAUSE_SECONDS)

    thread = threading.Thread(target=run, name="poller")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if errors:
        raise errors[0]


def _event(name: str, bucket: str, key: str) -> dict[str, Any]:
    about = {"key": quote_plus(key, safe="/"), "eTag": "d41d8cd98f00b204e9800998ecf8427e"}
    s3 = {"s3SchemaVersion": "1.0", "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"}, "object": about}
    return {"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name, "s3": s3}]}
