"""Answers as server-sent events: what is sent, what JSON would have said, and what happens when either side leaves."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

from corpus.answers import Prompt
from corpus.errors import Unavailable
from footnote.api.app import create_app
from footnote.api.streams import BEAT, beating
from footnote.connect import Footnote
from search.answer import BROKE_OFF
from tests.flows.test_api import RULES, client, footnote, upload
from tests.flows.test_http import POOL

__all__ = ["client", "footnote"]
STREAM = {"accept": "text/event-stream"}


def events(body: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream, without its comments."""
    found = []
    for block in body.removesuffix("\n\n").split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def streamed(client: TestClient, **headers: str) -> list[tuple[str, dict[str, Any]]]:
    reply = client.post("/v1/ask", json=POOL, headers={**STREAM, **headers})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/event-stream; charset=utf-8"), reply.text
    return events(reply.text)


def test_an_answer_as_events(client: TestClient, footnote: Footnote) -> None:
    """A stream has each sentence with its citations, and at last what JSON would have said."""
    upload(client, footnote)
    upload(client, footnote, RULES.replace(b"nine", b"ten"), "new.md")

    whole = client.post("/v1/ask", json=POOL).json()
    *sentences, (last, answer) = streamed(client)

    assert (last, answer) == ("answer", whole)
    assert {name for name, _ in sentences} == {"sentence"}
    assert " ".join(one["text"] for _, one in sentences).split() == whole["text"].split()
    assert [cited for _, one in sentences for cited in one["citations"]] == whole["citations"]


def test_a_stream_without_an_answer(client: TestClient) -> None:
    """Where nothing is found there is no sentence, and the answer says so."""
    ((name, answer),) = streamed(client)
    assert (name, answer["type"]) == ("answer", "not_found")


def test_who_gets_a_stream(client: TestClient) -> None:
    """Only who names the media type of events gets them; a stream is kept by nobody on the way, and told at once."""
    for accept, kind in (
        ("text/event-stream", "text/event-stream; charset=utf-8"),
        ("text/html, Text/Event-Stream;q=0.9", "text/event-stream; charset=utf-8"),
        ("*/*", "application/json"),
        ("text/*", "application/json"),
    ):
        assert client.post("/v1/ask", json=POOL, headers={"accept": accept}).headers["content-type"] == kind
    headers = client.post("/v1/ask", json=POOL, headers=STREAM).headers
    assert (headers["cache-control"], headers["x-accel-buffering"], "x-request-id" in headers) == (
        "no-store",
        "no",
        True,
    )


def test_what_fails_before_a_stream(client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot even be looked up is refused as without a stream, and may be asked again with its key."""

    def down(*_: object) -> None:
        raise Unavailable("The index rests.", retry_after=7)

    key = {**STREAM, "idempotency-key": "ask 1"}
    with monkeypatch.context() as patched:
        patched.setattr(footnote.index, "legs", down)
        reply = client.post("/v1/ask", json=POOL, headers=key)
    assert (reply.status_code, reply.json()["code"], reply.headers["retry-after"]) == (503, "unavailable", "7")
    assert client.post("/v1/ask", json=POOL, headers=key).status_code == 200
    assert client.post("/v1/ask", json={"question": ""}, headers=STREAM).status_code == 422


@pytest.mark.parametrize(
    ("error", "code", "status"), [(Unavailable("later"), "unavailable", 503), (RuntimeError("secret"), "internal", 500)]
)
def test_what_fails_within_a_stream(
    client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str, status: int
) -> None:
    """What fails later is an event with problem details, which tells nothing of a bug; its key may be used again."""
    upload(client, footnote)

    def broken(*_: object) -> None:
        raise error

    key = {"idempotency-key": "ask 1"}
    with monkeypatch.context() as patched:
        patched.setattr(footnote.blobs, "get", broken)
        ((name, problem),) = streamed(client, **key)
    assert (name, problem["code"], problem["status"]) == ("problem", code, status)
    assert "secret" not in str(problem)
    assert streamed(client, **key)[-1][1]["type"] == "grounded"


def test_a_repeated_stream(client: TestClient, footnote: Footnote) -> None:
    """Who repeats a request with its key gets the first answer again, as events or as JSON."""
    key = {"idempotency-key": "ask 1"}
    upload(client, footnote)
    first = streamed(client, **key)[-1]

    again = client.post("/v1/ask", json=POOL, headers={**STREAM, **key})
    assert (again.headers["idempotent-replayed"], events(again.text)) == ("true", [first])
    assert client.post("/v1/ask", json=POOL, headers=key).json() == first[1]


@dataclass
class Waiting:
    """Writes a sentence, and waits for each of the further pieces it then writes until it is let go or left."""

    quote: str = 'It opens at nine [1 "opens at nine in"]. And '
    go: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    name: str = "waiting"

    def stream(self, _: Prompt) -> Generator[str, None, None]:
        try:
            yield self.quote
            while not self.go.wait(0.05):
                yield " "
            raise Unavailable("The model broke off.")
        finally:
            self.left.set()


def eventually(look: Callable[[], list[Any]]) -> list[Any]:
    """What somebody sees once there is something to see."""
    until = time.monotonic() + 20
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def left_behind(client: TestClient) -> list[Any]:
    """What the trail says, in the end, of those who left before the end of what they asked for."""
    return eventually(lambda: [one for one in client.get("/v1/access").json()["accesses"] if one["outcome"] == "left"])


@contextmanager
def served(footnote: Footnote) -> Iterator[int]:
    """The port of the application behind a real server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(create_app(footnote), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def said_to(port: int, path: str, sent: dict[str, str]) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {**STREAM, "content-type": "application/json"}
    connection.request("POST", path, json.dumps(sent), headers)
    return connection, connection.getresponse()


def asked(port: int) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    return said_to(port, "/v1/ask", POOL)


@pytest.mark.service
def test_a_sentence_arrives_while_the_model_writes(client: TestClient, footnote: Footnote) -> None:
    """A sentence is there before the model has ended; what it said stays when it breaks off, and the answer says so."""
    upload(client, footnote)
    footnote.llm = model = Waiting()
    with served(footnote) as port:
        connection, reply = asked(port)
        first = reply.readline() + reply.readline()
        model.go.set()
        rest = events((first + reply.read()).decode())
        connection.close()

    assert first.startswith(b'event: sentence\ndata: {"text":"It opens at nine. [1]"')
    assert [name for name, _ in rest] == ["sentence", "answer"]
    assert rest[1][1]["text"] == "It opens at nine. [1]"
    assert (rest[1][1]["type"], rest[1][1]["notes"]) == ("partial", [BROKE_OFF])


@pytest.mark.service
@pytest.mark.parametrize("quote", ['It opens at nine [1 "opens at nine in"]. And ', "It opens"])
def test_who_leaves_ends_the_model(client: TestClient, footnote: Footnote, quote: str) -> None:
    """Closing the connection ends what the model writes, whether a sentence was sent or not; the server answers on."""
    upload(client, footnote)
    footnote.llm = model = Waiting(quote)
    with served(footnote) as port:
        connection, reply = asked(port)
        if "[" in quote:
            assert reply.readline() == b"event: sentence\n"
        reply.close()
        connection.close()
        assert model.left.wait(20)
        assert not model.go.is_set()
        model.go.set()
        connection, reply = asked(port)
        assert events(reply.read().decode())[-1][0] == "answer"
        connection.close()


def test_signs_of_life() -> None:
    """While nothing is sent comments are, also while the model writes what nobody may see; the events stay in order."""

    def slow() -> Generator[bytes, None, None]:
        yield b"first"
        for _ in range(20):
            time.sleep(0.01)
            yield b""
        time.sleep(0.2)
        yield b"second"
        yield b"third"

    async def all_of(seconds: float) -> list[bytes]:
        return [one async for one in beating(slow(), seconds)]

    found = asyncio.run(all_of(0.05))
    assert [one for one in found if one != BEAT] == [b"first", b"second", b"third"]
    assert found.count(BEAT) >= 2
    assert BEAT not in asyncio.run(all_of(60))


def test_who_reads_slowly() -> None:
    """Nothing is worked out ahead of whoever reads: what they are told next is held against their rights then."""
    begun: list[bytes] = []

    def told() -> Generator[bytes, None, None]:
        for one in (b"first", b"second"):
            begun.append(one)
            yield one

    async def slowly() -> list[list[bytes]]:
        known = []
        async for one in beating(told(), 60):
            await asyncio.sleep(0.05)
            known.append([one, *begun])
        return known

    assert asyncio.run(slowly()) == [[b"first", b"first"], [b"second", b"first", b"second"]]
