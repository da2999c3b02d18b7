"""S3 and SQS as the tests use them: moto, a bucket and queues of one's own, and a clock where one is needed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from corpus import aws
from corpus.blobs.s3 import S3Blobs
from corpus.queues.sqs import SqsQueue
from lambdas.events import changes
from tests.fakes import Clock
from tests.services.aws import CREDENTIALS
from tests.services.poller import Poller, Pumped
from tests.services.servers import CLOCK_HEADER

ACCOUNT = "123456789012"


@contextmanager
def moto_with_clock() -> Iterator[str]:
    """Run a moto of one's own, whose clock its clients set, and yield its address; skips where moto is missing."""
    if importlib.util.find_spec("moto") is None:
        pytest.skip("moto is not installed in this environment: make services")
    command = [sys.executable, "-m", "tests.services.moto_clock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def client(service: str, address: str, clock: Clock | None = None, *, attempts: int = aws.ATTEMPTS) -> Any:
    """A client of a double; with a clock, it says with each request what time it is, and its long polls take time."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        made = aws.client(service, endpoint=address, attempts=attempts)

    def say(request: Any, **_: object) -> None:
        if clock:
            request.headers[CLOCK_HEADER] = str(clock())

    def listen(http_response: Any, **_: object) -> None:
        if clock:
            clock.sleep(float(http_response.headers[CLOCK_HEADER]))

    made.meta.events.register(f"before-send.{service}", say)
    made.meta.events.register(f"after-call.{service}", listen)
    return made


@contextmanager
def sqs_queue(address: str, clock: Clock | None = None) -> Iterator[tuple[SqsQueue, Any, str]]:
    """A queue of one's own with its client and URL."""
    sqs = client("sqs", address, clock)
    url = f"{address}/{ACCOUNT}/{fresh()}"
    queue = SqsQueue(sqs, url, changes)
    queue.setup("no-bucket")
    yield queue, sqs, url
    for each in (url, f"{url}-dead"):
        sqs.delete_queue(QueueUrl=each)
    queue.close()


@dataclass
class Bucket:
    """A bucket whose changes reach `queue` as on AWS, by way of `poller`; `announced` pumps by itself."""

    name: str
    blobs: S3Blobs
    queue: SqsQueue
    poller: Poller
    s3: Any
    sqs: Any
    url: str

    @property
    def announced(self) -> Pumped:
        return Pumped(self.queue, self.poller)


@contextmanager
def bucket(address: str) -> Iterator[Bucket]:
    """A bucket of one's own, made and wired as `footnote setup` does it, with the poller between bucket and queue."""
    s3, name = client("s3", address), fresh()
    with sqs_queue(address) as (queue, sqs, url), sqs_queue(address) as (raw, _, raw_url):
        blobs = S3Blobs(s3, name, lambda: s3)
        blobs.setup()
        queue.setup(name)
        blobs.notify(raw.setup(name))
        yield Bucket(name, blobs, queue, Poller(s3, sqs, name, raw_url, url), s3, sqs, url)
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for one in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                s3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
        s3.delete_bucket(Bucket=name)
        blobs.close()


def fresh() -> str:
    """A name that nobody else has."""
    return f"footnote-test-{uuid.uuid4().hex[:16]}"
