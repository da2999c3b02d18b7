"""Replies as server-sent events: what is known so far, signs of life between, and all of it at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Sequence
from http import HTTPStatus
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from corpus.errors import FootnoteError
from footnote.api.problems import of_bug, of_error
from footnote.api.replies import REPLAYED, Data, Once, rendered

MEDIA_TYPE = "text/event-stream"
BEAT_SECONDS = 3.0
BEAT = b": the model is thinking\n\n"
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Has nginx and those who do as it does pass on each event at once."""
SENTENCE, ANSWER, PROBLEM = "sentence", "answer", "problem"
EXAMPLE = 'event: sentence\ndata: {"text":"The pool opens at nine. [1]","citations":[…]}\n\n'


class Event(NamedTuple):
    """What is told in the middle of a reply, under a name; `ANSWER` is the last, and what JSON would have said."""

    name: str
    data: Data


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
    try:
        first = next(telling)
    except BaseException:
        once.drop()
        raise
    events = _events(request, once, [first] if first else [], telling, kept_as)
    return StreamingResponse(beating(events, BEAT_SECONDS), headers=UNBUFFERED, media_type=MEDIA_TYPE)


def _events(
    request: Request, once: Once, first: Sequence[Event], telling: Telling, kept_as: HTTPStatus
) -> Generator[bytes, None, None]:
    """Yield events as they are sent, and b"" while there is none; a failure is the last of them."""
    try:
        for one in chain(first, telling):
            body = rendered(one.data) if one else b""
            if one and one.name == ANSWER:
                once.keep(kept_as, body)
            yield _event(one.name, body) if one else b""
    except FootnoteError as error:
        yield _event(PROBLEM, bytes(of_error(error).body))
    except Exception as error:  # noqa: BLE001 -- the status is sent: nobody else can say that this failed
        yield _event(PROBLEM, bytes(of_bug(request, error).body))
    finally:
        telling.close()
        once.drop()


def _event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


async def beating(events: Generator[bytes, None, None], seconds: float) -> AsyncIterator[bytes]:
    """Yield what a generator that waits does, but for b"", and a comment whenever nothing was sent for so many seconds.

    It is worked on in the threads of the handlers, a step at a time. Closing this, as happens when the asker leaves,
    closes it behind the step it is in.
    """
    loop = asyncio.get_running_loop()
    said: bytes | None = b""
    step = asyncio.ensure_future(run_in_threadpool(next, events, None))
    due = loop.time() + seconds
    try:
        while said is not None:
            await asyncio.wait({step}, timeout=max(0.0, due - loop.time()))
            said = step.result() if step.done() else BEAT
            if step.done() and said is not None:
                step = asyncio.ensure_future(run_in_threadpool(next, events, None))
            if said:
                due = loop.time() + seconds
                yield said
    finally:
        if said is not None:
            step.add_done_callback(lambda _: loop.run_in_executor(None, events.close))
