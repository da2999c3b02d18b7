"""Replies as server-sent events: what is known so far, signs of life between, and all of it at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from corpus.errors import FootnoteError
from footnote.api.once import REPLAYED, Once
from footnote.api.problems import of_bug, of_error
from footnote.api.replies import Data, rendered

MEDIA_TYPE = "text/event-stream"
BEAT_SECONDS = 3.0
BEAT = b": the model is thinking\n\n"
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Has nginx and those who do as it does pass on each event at once."""
SENTENCE, ANSWER, PROBLEM = "sentence", "answer", "problem"
EXAMPLE = 'event: sentence\ndata: {"text":"The pool opens at nine. [1]","citations":[…]}\n\n'


class Event(NamedTuple):
    """What is told in the middle of a reply, under a name; `ANSWER` is the last, and what JSON would have said.

    That one says which `documents` it names.
    """

    name: str
    data: Data
    documents: Sequence[str] = ()


Telling: TypeAlias = Generator[Event | None, None, None]


def described(description: str, *events: str) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of a reply that may be events, with these as an example."""
    content = {MEDIA_TYPE: {"schema": {}, "example": "".join(events)}}
    return {HTTPStatus.OK.value: {"description": description, "content": content}}


def wanted(request: Request) -> bool:
    """Whether the asker names the media type of events among those they take."""
    named = request.headers.get("accept", "").lower().split(",")
    return MEDIA_TYPE in {one.partition(";")[0].strip() for one in named}


def streamed(request: Request, once: Once, telling: Telling, kept_as: HTTPStatus = HTTPStatus.OK) -> StreamingResponse:
    """Return what is told as events; who asks the same without them gets the last one, with the status `kept_as`.

    What fails before there is anything to tell, if only None, is raised instead.
    """
    if once.earlier:
        replayed = _event(ANSWER, once.earlier.body.encode())
        return StreamingResponse(iter([replayed]), headers=REPLAYED, media_type=MEDIA_TYPE)
    return sending(request, _events(once, telling, kept_as), lambda problem: _event(PROBLEM, problem))


def sending(
    request: Request, events: Generator[bytes, None, None], problem: Callable[[bytes], bytes]
) -> StreamingResponse:
    """Return events, b"" while there is none, as they come; what fails among them is the last, as `problem` tells it.

    What fails before the first, if only b"", is raised instead.
    """
    whole = _ended(request, next(events), events, problem)
    return StreamingResponse(beating(whole, BEAT_SECONDS), headers=UNBUFFERED, media_type=MEDIA_TYPE)


def _ended(
    request: Request, first: bytes, events: Generator[bytes, None, None], problem: Callable[[bytes], bytes]
) -> Generator[bytes, None, None]:
    """Yield all events, and what became of them if they failed."""
    try:
        if first:
            yield first
        yield from events
    except FootnoteError as error:
        yield problem(bytes(of_error(error, request.url.path).body))
    except Exception as error:  # noqa: BLE001 -- the status is sent: nobody else can say that this failed
        yield problem(bytes(of_bug(request, error).body))
    finally:
        events.close()


def _events(once: Once, telling: Telling, kept_as: HTTPStatus) -> Generator[bytes, None, None]:
    """Yield what is told as it is sent, and b"" while that is nothing; the answer is kept before it is sent."""
    try:
        for one in telling:
            body = rendered(one.data) if one else b""
            if one and one.name == ANSWER:
                once.keep(kept_as, body, one.documents)
            yield _event(one.name, body) if one else b""
    finally:
        telling.close()
        once.drop()


def _event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


async def beating(events: Generator[bytes, None, None], seconds: float) -> AsyncIterator[bytes]:
    """Yield what a generator that waits does, but for b"", and a comment whenever nothing was sent for so many seconds.

    It is worked on in the threads of the handlers, a step at a time, and the next once this one was taken: what it held
    to be true when it yielded is told then. Closing this, as happens when the asker leaves, closes it behind the step
    it is in.
    """
    loop = asyncio.get_running_loop()
    said: bytes | None = b""
    step = asyncio.ensure_future(run_in_threadpool(next, events, None))
    due = loop.time() + seconds
    try:
        while said is not None:
            await asyncio.wait({step}, timeout=max(0.0, due - loop.time()))
            done = step.done()
            said = step.result() if done else BEAT
            if said:
                yield said
                due = loop.time() + seconds
            if done and said is not None:
                step = asyncio.ensure_future(run_in_threadpool(next, events, None))
    finally:
        if said is not None:
            step.add_done_callback(lambda _: loop.run_in_executor(None, events.close))
