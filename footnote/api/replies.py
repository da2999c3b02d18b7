"""Replies: with an ETag, for conditional reads and writes (RFC 9110, 13), and given once for each Idempotency-Key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from corpus.errors import BadRequest, Conflict, PreconditionFailed, TooLarge
from corpus.model import Blob, Document
from corpus.records.replies import Replies, Reply
from corpus.scope import Scope
from footnote.connect import Footnote

Data = Mapping[str, Any]
Still: TypeAlias = Callable[[Data], bool]
KEY = "Idempotency-Key"
MAX_KEY = 255
UNTYPED = "application/octet-stream"
LINK_SECONDS = 60
REPLAYED = {"Idempotent-Replayed": "true"}
UNCHANGED: dict[int | str, dict[str, Any]] = {
    HTTPStatus.NOT_MODIFIED.value: {"description": "It is as it was under the ETag in `If-None-Match`."}
}
"""What the OpenAPI document says of replies with an ETag."""


def sent(data: Data, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> Response:
    """Return an object as a reply that nobody keeps."""
    return Response(rendered(data), status, headers, media_type="application/json")


def tagged(request: Request, data: Data) -> Response:
    """Return an object with its ETag, or 304 if that is the state the asker has.

    They may keep it, but have to ask each time whether it still holds: a status changes, and rights do.
    """
    body = rendered(data)
    headers = {"ETag": _tag(body), "Cache-Control": "private, no-cache"}
    if _names(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def downloaded(request: Request, blob: Blob, document: Document) -> Response:
    """Return a blob to be saved under the document's name; no browser opens, runs or guesses at what is in it."""
    headers = {
        "ETag": f'"{blob.etag}"',
        "Cache-Control": "private, no-cache",
        "Content-Disposition": _to_save(document),
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    if _names(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(blob.data, headers=headers, media_type=document.file_type or UNTYPED)


def linked(footnote: Footnote, document: Document) -> Response | None:
    """Send whoever may read a document to where its original lies; None where that is in no such place.

    No reply of a function on Lambda has more than 6 MB. The address is good for a minute, to whoever has it.
    """
    media_type = document.file_type or UNTYPED
    address = footnote.blobs.link(document.key, media_type, _to_save(document), LINK_SECONDS)
    moved = {"Location": address or "", "Referrer-Policy": "no-referrer"}
    return Response(status_code=HTTPStatus.TEMPORARY_REDIRECT, headers=moved) if address else None


def expect(request: Request, data: Data) -> None:
    """Raise `PreconditionFailed` if the asker names a state with If-Match, and it is not this one."""
    wanted = request.headers.get("if-match", "")
    if wanted and not _names(wanted, _tag(rendered(data))):
        raise PreconditionFailed("It was changed since you read it.", hint="Read it again, then decide again.")


class Made(NamedTuple):
    """A reply to be sent, and the ids of the documents that it names: it is repeated to who may still read them."""

    status: HTTPStatus
    data: Data
    documents: Sequence[str] = ()


def always(_: Data) -> bool:
    """For replies that rest on nothing but the documents they name: where those may be read, they may be repeated."""
    return True


def once(
    footnote: Footnote,
    scope: Scope,
    request: Request,
    asked: Data,
    make: Callable[[], Made],
    still: Still = always,
) -> Response:
    """Return what `make` makes; a request whose Idempotency-Key was answered before gets that first reply again.

    Raises what `Once` raises, and what `make` does: then the key may be used again.
    """
    noted = Once(footnote, scope, request, asked, still)
    if noted.earlier:
        return Response(noted.earlier.body, noted.earlier.status, REPLAYED, media_type="application/json")
    try:
        made = make()
    except BaseException:
        noted.drop()
        raise
    body = rendered(made.data)
    noted.keep(made.status, body, made.documents)
    return Response(body, made.status, media_type="application/json")


class Once:
    """A request that is noted if it bears an Idempotency-Key; `earlier` is the reply if it was answered before.

    `asked` is the request's content. Raises `BadRequest` if the key was used for another; `Conflict` while the first
    request is still worked on, and when its reply may not be repeated: it names a document that the asker may no longer
    read, or `still` says no to it.
    """

    def __init__(self, footnote: Footnote, scope: Scope, request: Request, asked: Data, still: Still = always) -> None:
        self._replies, self._user_id = Replies(footnote.table, footnote.clock), scope.user_id
        self._key = key = request.headers.get(KEY, "")
        if len(key) > MAX_KEY or not key.isprintable():
            raise BadRequest(f"{KEY} is not a key.", hint=f"It has at most {MAX_KEY} printable characters.")
        who = f"{scope.tenant_id} {' '.join(sorted(scope.allowed_actions))}"  # a reply is for whoever could get it
        route = f"{request.method} {request.url.path} {who}\n".encode()
        self._fingerprint = hashlib.sha256(route + rendered(asked)).hexdigest()
        self.earlier = self._replies.begin(self._user_id, key, self._fingerprint) if key else None
        if self.earlier:
            named = set(self.earlier.documents)
            if named != footnote.documents.admitting(scope, named) or not still(json.loads(self.earlier.body)):
                raise Conflict(
                    "The first reply to this Idempotency-Key rests on documents that are no longer available to you.",
                    hint="Ask again with a new key.",
                )

    def keep(self, status: HTTPStatus, body: bytes, documents: Sequence[str]) -> None:
        """Keep the reply, unless it is too large for that: it was made all the same."""
        if self._key:
            try:
                reply = Reply(status, body.decode(), tuple(dict.fromkeys(documents)))
                self._replies.keep(self._user_id, self._key, self._fingerprint, reply)
            except TooLarge:
                self.drop()

    def drop(self) -> None:
        """Let the request be made again, if it has no reply."""
        if self._key:
            self._replies.drop(self._user_id, self._key)


def _to_save(document: Document) -> str:
    return f"attachment; filename*=UTF-8''{quote(document.file_name, safe='')}"


def rendered(data: Data) -> bytes:
    """Return an object as it is sent: JSON on one line."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _names(header: str, tag: str) -> bool:
    """Whether a header of ETags names this one; a weak tag is as good."""
    return header.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in header.split(",")}
