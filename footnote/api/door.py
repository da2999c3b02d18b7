"""What every request passes first: who may come in at all, how large a body may be, and the id of the request."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from typing import NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from corpus.errors import TooLarge
from corpus.keys import ID, ulid
from footnote.api.meter import RequestMeter
from footnote.api.problems import of_error, problem

log = logging.getLogger(__name__)

HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
ENVELOPE = 64 * 1024
"""What a form may take beyond the file in it."""
GATEWAY_BYTES = 4 * 2**20
"""What fits through API Gateway and Lambda with room to spare: 6 MB at a time, in base64."""
REQUEST_ID = "X-Request-Id"


class Most(NamedTuple):
    """How many bytes a file in a request may have, and what is said of more."""

    bytes: int
    refusal: str


def most_at_once(limit: int, *, behind_gateway: bool) -> Most:
    """Return how large a file may be to come in one request, where files of up to `limit` bytes may come at all."""
    if not behind_gateway or limit <= GATEWAY_BYTES:
        return Most(limit, f"The request has more bytes than FOOTNOTE_MAX_BYTES={limit:,}.")
    detail = f"A request may bring {GATEWAY_BYTES:,} bytes; larger files come in parts: POST /v1/uploads."
    return Most(GATEWAY_BYTES, detail)


class Door:
    """Refuses bodies beyond the limit and, unless it is `open_to_all`, requests that a foreign page may have sent.

    A browser sends those as the local user. A `Host` that is not this machine means DNS rebinding: a page has its own
    name point here. A foreign `Origin` means cross-site request forgery: a page elsewhere posts a form. Every reply
    bears a request id, the asker's if it is a valid one, and is `no-store` unless its route says otherwise.
    """

    def __init__(self, app: ASGIApp, *, most: Most, open_to_all: bool, meter: RequestMeter) -> None:
        self._app, self._most, self._open, self._meter = app, most.bytes + ENVELOPE, open_to_all, meter
        self._too_large = most.refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, begun = Headers(scope=scope), time.perf_counter()
        given = headers.get(REQUEST_ID, "")
        request_id = given if ID.fullmatch(given) else ulid(time.time())
        scope.setdefault("state", {})["request_id"] = request_id
        length, path = headers.get("content-length", "0"), str(scope["path"])
        inside: ASGIApp = self._app
        if not (self._open or _from_here(headers)):
            inside = problem(
                HTTPStatus.FORBIDDEN, "forbidden", "Only this machine's own programs and pages may ask.", path=path
            )
        elif length.isdecimal() and int(length) > self._most:
            inside = of_error(TooLarge(self._too_large), path)
        taken = 0

        async def receiving() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most:  # a body that does not say how large it is
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large)
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                sent[REQUEST_ID] = request_id
                sent.setdefault("Cache-Control", "no-store")
                sent.setdefault("X-Content-Type-Options", "nosniff")
                self._answered(scope, message["status"], time.perf_counter() - begun)
            await send(message)

        await inside(scope, receiving, sending)

    def _answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Say that a request was answered, by its route, as a path may hold anything, and count it."""
        route = getattr(scope.get("route"), "path", "")
        self._meter.count(scope["method"], route, status, seconds)
        extra = {"method": scope["method"], "route": route, "status": status, "ms": round(1000 * seconds)}
        log.info("a request was answered", extra={**extra, "request_id": scope["state"]["request_id"]})


def _from_here(headers: Headers) -> bool:
    origin = headers.get("origin")
    return _is_local(headers.get("host", "")) and not (origin and not _is_local(origin.partition("//")[2]))


def _is_local(host: str) -> bool:
    """Whether a host, with or without a port, is this machine by one of its own names."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host) in HOSTS
