"""Everybody's record sealed anew with the newest key, and their e-mail held under its hash alone.

After that the older keys open nothing that is still there. A record that is as it should be is left alone, so to begin
again is to go on: whoever died halfway, or ran beside another, left nothing but records of either kind.

Nothing names a person before they sign in, and who did stands in their building's list (index 1,
`TENANT#{tenantId}#LOGIN`). It is read from the longest ago on: who signs in meanwhile moves to its end, and is met
there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import Enum

from corpus.errors import ConfigError, Conflict
from corpus.items import Item, Put, Remove
from corpus.ports import Table
from corpus.records.every import every
from corpus.records.people import OF_TENANT_BY_LOGIN, SORT
from corpus.records.privacy import Emails, Privacy, naming, with_naming
from corpus.records.tenants import ALL, PARTITION

TRIES = 5


class Outcome(Enum):
    """What became of a person's record."""

    SEALED = "sealed anew"
    AS_IT_WAS = "sealed with the newest key already"
    LOCKED = "sealed with a key that is not set"
    BUSY = "changed by others all the time"
    DISPUTED = "with an e-mail that is another person's"
    """Sealed anew; it was given to both while no key was set that both had been hashed under."""


def buildings(table: Table, *known: str) -> Iterator[str]:
    """Yield the ids of those known and of all that have a record, each once; so has any where somebody is at home."""
    yield from dict.fromkeys((*known, *(str(item.data["tenantId"]) for item in every(table, ALL, PARTITION))))


def rotated(table: Table, privacy: Privacy, tenant_ids: Iterable[str]) -> Iterator[tuple[str, Outcome]]:
    """Seal anew whoever is at home in these buildings, and yield the id of each with what became of their record."""
    met: set[str] = set()
    for tenant_id in tenant_ids:
        for item in every(table, OF_TENANT_BY_LOGIN, f"TENANT#{tenant_id}#LOGIN"):
            user_id = str(item.data["userId"])
            if user_id not in met:
                yield user_id, _rotated(table, privacy, item)
            met.add(user_id)


def _rotated(table: Table, privacy: Privacy, found: Item) -> Outcome:
    item: Item | None = found
    for _ in range(TRIES):
        if item is None:  # gone meanwhile
            return Outcome.AS_IT_WAS
        try:
            writes, outcome = _writes(table, privacy, item)
        except ConfigError:
            return Outcome.LOCKED
        if not writes:
            return outcome
        try:
            table.transact(writes)
        except Conflict:  # they signed in, somebody took their e-mail, or another run was faster: read again
            item = table.get(item.pk, SORT)
            continue
        return Outcome.SEALED if outcome is Outcome.AS_IT_WAS else outcome
    return Outcome.BUSY


def _writes(table: Table, privacy: Privacy, item: Item) -> tuple[list[Put | Remove], Outcome]:
    """What has to be written, in one transaction with the person, and what became of them if that is nothing.

    Raises `ConfigError` for what no key opens.
    """
    sealed = with_naming(item.data, lambda value: privacy.seal(privacy.unseal(value)))
    moves, outcome = list[Put | Remove](), Outcome.AS_IT_WAS
    email, metadata = item.data.get("email"), item.data.get("metadata")
    if email and isinstance(metadata, dict) and metadata.get("emailVerified"):
        user_id, emails = str(item.data["userId"]), Emails(table, privacy)
        held = emails.held(privacy.unseal(email))
        moves = emails.moved(user_id, held)
        outcome = Outcome.AS_IT_WAS if len(held.of(user_id)) == len(held.items) else Outcome.DISPUTED
    if not moves and all(map(privacy.is_newest, naming(item.data))):
        return [], outcome
    return [Put(replace(item, data=sealed), item.rev), *moves], outcome
