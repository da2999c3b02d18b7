"""Replies that say which state they are of: nobody reads the same twice, or writes over what they did not see."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from corpus.errors import BadRequest, PreconditionFailed, TooLarge
from corpus.model import Blob, Document
from corpus.records.replies import Replies, Reply
from corpus.scope import Scope
from footnote.connect import Footnote

Data = Mapping[str, Any]
KEY = "Idempotency-Key"
MAX_KEY = 255


def sent(data: Data, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> Response:
    """Return an object as a reply that nobody keeps."""
    return Response(_rendered(data), status, headers, media_type="application/json")


def tagged(request: Request, data: Data) -> Response:
    """Return an object with its ETag, or 304 if that is the state the asker has.

    They may keep it, but have to ask each time whether it still holds: a status changes, and rights do.
    """
    body = _rendered(data)
    headers = {"ETag": _tag(body), "Cache-Control": "private, no-cache"}
    if _names(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def downloaded(request: Request, blob: Blob, document: Document) -> Response:
    """Return a blob to be saved under the document's name; no browser opens, runs or guesses at what is in it."""
    headers = {
        "ETag": f'"{blob.etag}"',
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(document.file_name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    if _names(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(blob.data, headers=headers, media_type=document.file_type or "application/octet-stream")


def expect(request: Request, data: Data) -> None:
    """Raise `PreconditionFailed` if the asker names a state with If-Match, and it is not this one."""
    wanted = request.headers.get("if-match", "")
    if wanted and not _names(wanted, _tag(_rendered(data))):
        raise PreconditionFailed("It was changed since you read it.", hint="Read it again, then decide again.")


def once(
    footnote: Footnote, scope: Scope, request: Request, asked: Data, make: Callable[[], tuple[HTTPStatus, Data]]
) -> Response:
    """Return what `make` makes; a request with an Idempotency-Key that was answered before gets that reply again.

    `asked` is what was asked, by which a key that is used for something else is found out. Raises `BadRequest` for
    that, `Conflict` while the first request is still worked on.
    """
    key = request.headers.get(KEY, "")
    if not key:
        status, data = make()
        return sent(data, status)
    if len(key) > MAX_KEY or not key.isprintable():
        raise BadRequest(f"{KEY} is not a key.", hint=f"It has at most {MAX_KEY} printable characters.")
    replies = Replies(footnote.table, footnote.clock)
    fingerprint = hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + _rendered(asked)).hexdigest()
    earlier = replies.begin(scope.user_id, key, fingerprint)
    if earlier:
        headers = {"Idempotent-Replayed": "true"}
        return Response(earlier.body, earlier.status, headers, media_type="application/json")
    try:
        status, data = make()
    except BaseException:
        replies.drop(scope.user_id, key)
        raise
    body = _rendered(data)
    try:
        replies.keep(scope.user_id, key, fingerprint, Reply(status, body.decode()))
    except TooLarge:  # it cannot be kept, and was made all the same
        replies.drop(scope.user_id, key)
    return Response(body, status, media_type="application/json")


def _rendered(data: Data) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _names(header: str, tag: str) -> bool:
    """Whether a header of ETags names this one; a weak tag is as good."""
    return header.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in header.split(",")}
