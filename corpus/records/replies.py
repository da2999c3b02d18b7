"""Replies to requests that bear an Idempotency-Key, as records: whoever asks the same again gets the first reply."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from corpus.errors import BadRequest, Conflict
from corpus.items import ABSENT, Item
from corpus.keys import A_DAY
from corpus.model import Json
from corpus.ports import Table

KIND = "request"
KEPT_SECONDS = A_DAY
WORKED_ON_SECONDS = 120
"""How long a request may take; one whose worker died may be asked again after that."""


class Reply(NamedTuple):
    """What was replied, and the ids of the documents that it names."""

    status: int
    body: str
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replies:
    """The replies of a table, by `USER#{userId}` / `REQUEST#{sha256 of the key}`."""

    table: Table
    clock: Callable[[], float]

    def begin(self, user_id: str, key: str, fingerprint: str) -> Reply | None:
        """Return the reply to this request, or None if it is the first, which is noted.

        Raises `BadRequest` if the key was used for something else, `Conflict` while the first is worked on.
        """
        for _ in range(2):
            found = self.table.get(*_key(user_id, key))
            if found is None:
                with suppress(Conflict):
                    self.table.put(self._item(user_id, key, fingerprint, None, WORKED_ON_SECONDS), ABSENT)
                    return None
                continue  # another was faster
            if found.data["fingerprint"] != fingerprint:
                raise BadRequest(
                    "This Idempotency-Key was used for another request.", hint="Make a new key for each request."
                )
            data: dict[str, Any] = dict(found.data)
            if data["status"]:
                return Reply(data["status"], data["body"], tuple(data.get("documents", ())))
        raise Conflict("The first request with this Idempotency-Key is still worked on.", hint="Ask again in a moment.")

    def keep(self, user_id: str, key: str, fingerprint: str, reply: Reply) -> None:
        """Keep the reply for a day. Raises `TooLarge` for one of more than 64 KB."""
        found = self.table.get(*_key(user_id, key))
        item = self._item(user_id, key, fingerprint, reply, KEPT_SECONDS)
        self.table.put(item, found.rev if found else ABSENT)

    def drop(self, user_id: str, key: str) -> None:
        """Forget a request that came to nothing, so that it may be asked again."""
        found = self.table.get(*_key(user_id, key))
        if found and not found.data["status"]:
            with suppress(Conflict):
                self.table.delete(*_key(user_id, key), found.rev)

    def _item(self, user_id: str, key: str, fingerprint: str, reply: Reply | None, seconds: int) -> Item:
        data: dict[str, Json] = {"fingerprint": fingerprint, "status": None}
        if reply:
            data |= {"status": reply.status, "body": reply.body, "documents": reply.documents}
        return Item(*_key(user_id, key), KIND, data, ttl=int(self.clock()) + seconds)


def _key(user_id: str, key: str) -> tuple[str, str]:
    return f"USER#{user_id}", f"REQUEST#{hashlib.sha256(key.encode()).hexdigest()}"
