"""A request that bears an Idempotency-Key is done once: whoever sends it again gets the first reply again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple, TypeAlias

from fastapi import Request
from fastapi.responses import Response

from corpus.errors import BadRequest, Conflict, TooLarge
from corpus.records.replies import Replies, Reply
from corpus.scope import Scope
from footnote.api.replies import Data, rendered
from footnote.connect import Footnote

Still: TypeAlias = Callable[[Data], bool]
KEY = "Idempotency-Key"
MAX_KEY = 255
REPLAYED = {"Idempotent-Replayed": "true"}


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
