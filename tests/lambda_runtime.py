"""Lambda on this machine: AWS's own runtime client in a process of its own, against a double of the Runtime API.

The client, the handler and everything behind it are real; what stands in is who asks: `Function.invoke` for an event,
and `deliver` for the event source mapping that reads SQS. Not shown: memory, freezing, concurrency limits.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PREFIX = "/2018-06-01/runtime/"


class Failed(Exception):
    """The handler raised, or its process ended."""


class Function:
    """One function: its handler, and the process that runs it, started again when it ended."""

    def __init__(self, handler: str, environment: Mapping[str, str], seconds: float = 60) -> None:
        self._handler, self._environment, self._seconds = handler, dict(environment), seconds
        self._waiting: queue.Queue[tuple[str, object]] = queue.Queue()
        self._asked: dict[str, Future[Any]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _api(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self._process: subprocess.Popen[bytes] | None = None

    def invoke(self, event: object) -> Any:
        """Return what the handler makes of an event; raises `Failed` if it raises or dies."""
        self._running()
        name, future = str(uuid.uuid4()), Future[Any]()
        self._asked[name] = future
        self._waiting.put((name, event))
        deadline = time.monotonic() + self._seconds + 5
        while not future.done():
            with suppress(TimeoutError):
                return future.result(timeout=0.05)
            if self._running(start=False) is None or time.monotonic() > deadline:
                self._asked.pop(name, None)
                self.kill()
                raise Failed("the process ended, or time was up")
        return future.result()

    def kill(self) -> None:
        """End the process as Lambda ends one that takes too long: at once."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Stop everything."""
        self.kill()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _running(self, *, start: bool = True) -> subprocess.Popen[bytes] | None:
        if self._process and self._process.poll() is None:
            return self._process
        self._process = None
        if start:
            self._waiting = queue.Queue()  # whoever still asks for a process that died asks the old one
            address = f"127.0.0.1:{self._server.server_port}"
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", self._handler],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], **self._environment, "AWS_LAMBDA_RUNTIME_API": address},
            )
        return self._process

    def next(self) -> tuple[str, object]:
        """Hand the next event to the process."""
        return self._waiting.get()

    def answered(self, name: str, answer: object, *, failed: bool) -> None:
        """Take the process's answer."""
        future = self._asked.pop(name, None)
        if future and failed:
            future.set_exception(Failed(json.dumps(answer)))
        elif future:
            future.set_result(answer)

    def deadline(self) -> int:
        """When the invocation that begins now is to end, in milliseconds."""
        return int((time.time() + self._seconds) * 1000)


def _api(function: Function) -> type[BaseHTTPRequestHandler]:
    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name, event = function.next()
            self._reply(
                200,
                event,
                {
                    "Lambda-Runtime-Aws-Request-Id": name,
                    "Lambda-Runtime-Deadline-Ms": str(function.deadline()),
                    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:test",
                },
            )

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"null")
            verb, _, rest = self.path.removeprefix(PREFIX).partition("/")
            if verb == "invocation":
                name, _, outcome = rest.partition("/")
                function.answered(name, body, failed=outcome == "error")
            self._reply(202, {"status": "OK"}, {})

        def _reply(self, status: int, value: object, headers: Mapping[str, str]) -> None:
            body = json.dumps(value).encode()
            with suppress(ConnectionError):
                self.send_response(status)
                sent = {**headers, "content-type": "application/json", "content-length": str(len(body))}
                for name, one in sent.items():
                    self.send_header(name, one)
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Api


@contextmanager
def function(handler: str, environment: Mapping[str, str], seconds: float = 60) -> Iterator[Function]:
    """A function for as long as this lasts."""
    one = Function(handler, environment, seconds)
    try:
        yield one
    finally:
        one.close()


def http(method: str, path: str, body: object = None, token: str = "") -> dict[str, Any]:
    """The event that an HTTP API of API Gateway makes of a request (payload format 2.0), which may bear a token."""
    bears = {"authorization": f"Bearer {token}"} if token else {}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "x.execute-api.eu-west-1.amazonaws.com", **bears},
        "requestContext": {
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "test",
            },
            "stage": "$default",
        },
        "body": json.dumps(body) if body is not None else "",
        "isBase64Encoded": False,
    }


def records(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The event that Lambda makes of SQS messages."""
    return {
        "Records": [
            {
                "messageId": one["MessageId"],
                "receiptHandle": one["ReceiptHandle"],
                "body": one["Body"],
                "attributes": one["Attributes"],
                "eventSource": "aws:sqs",
                "awsRegion": "eu-central-1",
            }
            for one in messages
        ]
    }


def deliver(one: Function, sqs: Any, url: str, batch: int = 10, visibility: int = 60) -> int:
    """Hand what waits in a queue to a function once, as the event source mapping does; return how many messages."""
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=batch,
        VisibilityTimeout=visibility,
        MessageSystemAttributeNames=["ApproximateReceiveCount"],
    )
    messages = answer.get("Messages", [])
    if not messages:
        return 0
    try:
        reply = one.invoke(records(messages))
    except Failed:
        return len(messages)  # all of them come again
    again = {failure["itemIdentifier"] for failure in reply["batchItemFailures"]}
    for message in messages:
        if message["MessageId"] not in again:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)
