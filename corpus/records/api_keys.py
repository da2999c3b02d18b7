"""API keys as records, for programs: shown once, kept as a hash, for some actions only, and taken back at any time."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from corpus.errors import BadRequest, Conflict, Forbidden, NotFound
from corpus.items import ABSENT, Item
from corpus.keys import iso_time, ulid
from corpus.model import Json
from corpus.ports import Table
from corpus.records.every import every

KIND = "key"
SORT = "KEY"
OF_USER = 1
PREFIX = "fn_"
SECRET_BYTES = 32
TOUCHED_SECONDS = 3600
"""How often it is noted that a key is used."""
MAX_NAME = 100
_SECRET = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key, which is not the key itself. Times are as stored, "" for never."""

    key_id: str
    user_id: str
    tenant_id: str
    name: str
    allowed_actions: frozenset[str]
    created_at: str
    expires_at: str = ""
    last_used_at: str = ""
    revoked_at: str = ""


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What a key is for: a name to know it by, what may be done with it, and for how many seconds, 0 for ever."""

    name: str
    actions: frozenset[str]
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The keys of a table, by `KEY#{sha256 of the key}` / `KEY`."""

    table: Table

    def make(
        self, user_id: str, tenant_id: str, terms: KeyTerms, within: Collection[str], secret: bytes, now: float
    ) -> tuple[str, ApiKey]:
        """Make a key of 32 random bytes; return it, for the only time, and what is known of it.

        Raises `Forbidden` for actions beyond `within`, those of whoever makes it, `BadRequest` for terms that make no
        sense.
        """
        if len(secret) != SECRET_BYTES:
            raise ValueError("A key is made of 32 random bytes.")
        if not (0 < len(terms.name) <= MAX_NAME and terms.name.isprintable() and terms.actions and terms.seconds >= 0):
            raise BadRequest(
                "A key needs a name and an action.",
                hint=f"A name has at most {MAX_NAME} characters; the seconds it holds are not below 0.",
            )
        if beyond := sorted(terms.actions - frozenset(within)):
            raise Forbidden(
                f"You may not give a key what you may not do yourself: {', '.join(beyond)}.",
                hint=f"You may do {', '.join(sorted(within))}.",
            )
        key = PREFIX + base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
        until = iso_time(now + terms.seconds) if terms.seconds else ""
        made = ApiKey(ulid(now), user_id, tenant_id, terms.name, terms.actions, iso_time(now), until)
        self.table.put(_item(_pk(key), made), ABSENT)
        return key, made

    def find(self, key: str, now: float) -> ApiKey | None:
        """Return what is known of a key that holds; None for one that is unknown, expired or taken back.

        Its use is noted once an hour.
        """
        if not _SECRET.fullmatch(key):
            return None
        item = self.table.get(_pk(key), SORT)
        found = _key(item) if item else None
        if (
            item is None
            or found is None
            or found.revoked_at
            or (found.expires_at and found.expires_at <= iso_time(now))
        ):
            return None
        if not found.last_used_at or now - datetime.fromisoformat(found.last_used_at).timestamp() >= TOUCHED_SECONDS:
            with suppress(Conflict):  # another request notes it
                self.table.put(_changed(item, "lastUsedAt", now), item.rev)
        return found

    def of_user(self, user_id: str, limit: int, after: str | None = None) -> tuple[list[ApiKey], str | None]:
        """Return a page of a person's keys, newest first, and the cursor of the next.

        By index 1: `USER#{userId}#KEY`, in the order of `{createdAt}#{keyId}`.
        """
        batch = self.table.query(OF_USER, f"USER#{user_id}#KEY", newest_first=True, limit=limit, after=after)
        return [_key(item) for item in batch.items], batch.cursor

    def revoke(self, user_id: str, key_id: str, now: float) -> ApiKey:
        """Take a person's key back: it opens nothing from now on. Raises `NotFound` for one that is not theirs."""
        for item in every(self.table, OF_USER, f"USER#{user_id}#KEY"):
            if item.data["keyId"] == key_id:
                return self._revoked(item, now)
        raise NotFound(f"There is no key {key_id[:128]}.", hint="List your keys to see their ids.")

    def _revoked(self, item: Item, now: float) -> ApiKey:
        """Mark a record as taken back, however often its use is noted meanwhile."""
        current: Item | None = item
        while current and not current.data["revokedAt"]:
            with suppress(Conflict):
                return _key(self.table.put(_changed(current, "revokedAt", now), current.rev))
            current = self.table.get(item.pk, SORT)
        return _key(current or item)


def _pk(key: str) -> str:
    return f"KEY#{hashlib.sha256(key.encode()).hexdigest()}"


def key_data(key: ApiKey) -> dict[str, Json]:
    """Return what is known of a key with the names it is stored and sent under."""
    return {
        "keyId": key.key_id,
        "userId": key.user_id,
        "tenantId": key.tenant_id,
        "name": key.name,
        "allowedActions": tuple(sorted(key.allowed_actions)),
        "createdAt": key.created_at,
        "expiresAt": key.expires_at or None,
        "lastUsedAt": key.last_used_at or None,
        "revokedAt": key.revoked_at or None,
    }


def _item(pk: str, key: ApiKey) -> Item:
    keys = {OF_USER: (f"USER#{key.user_id}#KEY", f"{key.created_at}#{key.key_id}")}
    ttl = int(datetime.fromisoformat(key.expires_at).timestamp()) if key.expires_at else None
    return Item(pk, SORT, KIND, key_data(key), keys, ttl=ttl)


def _changed(item: Item, name: str, now: float) -> Item:
    return Item(item.pk, SORT, KIND, {**item.data, name: iso_time(now)}, item.keys, ttl=item.ttl)


def _key(item: Item) -> ApiKey:
    data: dict[str, Any] = dict(item.data)
    return ApiKey(
        key_id=data["keyId"],
        user_id=data["userId"],
        tenant_id=data["tenantId"],
        name=data["name"],
        allowed_actions=frozenset(data["allowedActions"]),
        created_at=data["createdAt"],
        expires_at=data["expiresAt"] or "",
        last_used_at=data["lastUsedAt"] or "",
        revoked_at=data["revokedAt"] or "",
    )
