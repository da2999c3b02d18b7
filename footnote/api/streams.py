"""Answers as server-sent events: each sentence as it is verified, signs of life between, and the answer at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from corpus.answers import Answer
from corpus.errors import FootnoteError
from footnote.api.problems import of_bug, of_error
from footnote.api.replies import REPLAYED, Data, Once, rendered
from footnote.render import sentence_data
from search.answer import Answering

MEDIA_TYPE = "text/event-stream"
BEAT_SECONDS = 3.0
BEAT = b": the model is thinking\n\n"
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Has nginx and those who do as it does pass on each event at once."""
STREAMED: Mapping[int | str, dict[str, Any]] = {
    HTTPStatus.OK.value: {
        "description": "The answer; as events, each sentence when it is verified, and the answer last.",
        "content": {
            MEDIA_TYPE: {
                "schema": {},
                "example": 'event: sentence\ndata: {"text":"The pool opens at nine. [1]","citations":[…]}\n\n'
                'event: answer\ndata: {"type":"grounded","text":"The pool opens at nine. [1]",…}\n\n',
            }
        },
    }
}


def wanted(request: Request) -> bool:
    """Whether the asker names the media type of events among those they take."""
    named = request.headers.get("accept", "").lower().split(",")
    return MEDIA_TYPE in {one.partition(";")[0].strip() for one in named}


def streamed(request: Request, once: Once, answering: Answering, told: Callable[[Answer], Data]) -> StreamingResponse:
    """Return an answer as events, the last of them as it is `told`.

    What fails before the question was looked up is raised instead.
    """
    if once.earlier:
        replayed = _event("answer", once.earlier.body.encode())
        return StreamingResponse(iter([replayed]), headers=REPLAYED, media_type=MEDIA_TYPE)
    try:
        next(answering)
    except BaseException:
        once.drop()
        raise
    events = _events(request, once, answering, told)
    return StreamingResponse(beating(events, BEAT_SECONDS), headers=UNBUFFERED, media_type=MEDIA_TYPE)


def _events(
    request: Request, once: Once, answering: Answering, told: Callable[[Answer], Data]
) -> Generator[bytes, None, None]:
    """Yield an answer as events, and b"" while there is none; a failure is the last of them."""
    try:
        for one in answering:
            if isinstance(one, Answer):
                body = rendered(told(one))
                once.keep(HTTPStatus.OK, body)
                yield _event("answer", body)
            else:
                yield _event("sentence", rendered(sentence_data(one))) if one else b""
    except FootnoteError as error:
        yield _event("problem", bytes(of_error(error).body))
    except Exception as error:  # noqa: BLE001 -- the status is sent: nobody else can say that this failed
        yield _event("problem", bytes(of_bug(request, error).body))
    finally:
        answering.close()
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
