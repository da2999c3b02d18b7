"""Replies as they are sent, with an ETag for conditional reads and writes (RFC 9110, 13)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from corpus.errors import PreconditionFailed
from corpus.model import Blob, Document
from footnote.connect import Footnote

Data: TypeAlias = Mapping[str, Any]
UNTYPED = "application/octet-stream"
LINK_SECONDS = 60
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
