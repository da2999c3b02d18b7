"""`setup` and `person`: what has to be there before documents come."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.markup import escape

from corpus.errors import BadRequest, ConfigError, Conflict
from corpus.keys import checked_id
from corpus.principals import LOCAL_TENANT, LOCAL_USER
from corpus.records.people import id_of
from corpus.records.rotation import Outcome, buildings, rotated
from footnote.connect import Footnote


def setup(footnote: Footnote) -> None:
    """Make what is missing of table, queue, bucket with its notification, and index; say of each that it is there.

    What is there already and as it should be stays as it is. Raises `ConfigError` for what is there and otherwise.
    """
    console = Console(highlight=False, soft_wrap=True)
    settings = footnote.settings

    def told(part: str, address: str) -> None:
        console.print(f"[green]✓[/] {part:9} {escape(address)}")

    _made(footnote.table)
    told("table", settings.table)
    if settings.blobs.startswith("s3:"):
        queue: Any = footnote.queue
        blobs: Any = footnote.blobs
        blobs.setup()
        blobs.notify(queue.setup(settings.blobs.removeprefix("s3:")))
    else:
        _made(footnote.queue)
    told("queue", settings.queue)
    told("blobs", settings.blobs)
    _made(footnote.index)
    told("index", f"{settings.index}, {footnote.index.name}")


def _made(part: object) -> None:
    """Parts of one machine make themselves when they are opened."""
    make = getattr(part, "setup", None)
    if make:
        make()


def add_person(footnote: Footnote, subject: str, tenant_id: str, role: str, level: str) -> None:
    """Make a person known, by id or by their provider's `sub`: they have this role and level once they sign in.

    Raises `Conflict` if they are known already, and were to have a role or a level.
    """
    user_id = _named(footnote, subject)
    new = footnote.people.add(user_id, tenant_id, role, level)
    if new:
        _audited(footnote, tenant_id, "add person", user_id, role, level)
    elif role or level:
        raise Conflict(f"{user_id} is known already.", hint=f"Change them: `footnote person set {user_id} …`.")
    at_home = footnote.people.tenant_of(user_id)
    _say(f"{user_id} is {'now' if new else 'already'} known, at home in {at_home or 'no building: not active'}")


def set_person(footnote: Footnote, subject: str, tenant_id: str, role: str, level: str) -> None:
    """Give a person who is known another role or level, which they have from their next request on.

    Raises `BadRequest` if neither is named, or a building is; `NotFound` for somebody unknown.
    """
    if tenant_id:
        raise BadRequest("A person who is known stays at home where they are.", hint="Leave --tenant out.")
    if not (role or level):
        raise BadRequest("There is nothing to set.", hint="Name a --role or a --level.")
    user_id = _named(footnote, subject)
    tenant_id = footnote.people.change(user_id, role, level)
    _audited(footnote, tenant_id, "change person", user_id, role, level)
    told = " and ".join(one for one in (role and f"role {role}", level and f"level {level}") if one)
    _say(f"{user_id} has {told}, at home in {tenant_id}")


def seal_people(footnote: Footnote) -> bool:
    """Seal everybody's record anew with the newest key, say how many were, and whether the older keys may go.

    Returns whether they may. Raises `ConfigError` without a key.
    """
    keys = footnote.settings.privacy_keys
    if not keys:
        raise ConfigError("FOOTNOTE_PRIVACY_KEYS is not set.", hint="Set the key that is to seal, in front.")
    tenant_ids = buildings(footnote.table, LOCAL_TENANT, *sorted(footnote.trails.buildings_of(LOCAL_USER)))
    counts: Counter[Outcome] = Counter()
    for user_id, outcome in rotated(footnote.table, footnote.people.privacy, tenant_ids):
        counts[outcome] += 1
        if outcome not in {Outcome.SEALED, Outcome.AS_IT_WAS}:
            _say(f"{user_id}: {outcome.value}")
    for outcome in Outcome:
        if counts[outcome] or outcome is Outcome.SEALED:
            _say(f"{counts[outcome]:,} {outcome.value}")
    left = counts[Outcome.LOCKED] + counts[Outcome.BUSY]
    _say(_verdict(left, len(keys) - 1))
    return not left


def _verdict(left: int, older: int) -> str:
    if left:
        return "No key may go yet: put back what is missing, then run this again."
    if not older:
        return "Everybody is sealed with the one key that is set."
    which = "the older key" if older == 1 else f"the {older} older keys"
    return f"Everybody is sealed with the newest key: {which} may be taken out of FOOTNOTE_PRIVACY_KEYS."


def _named(footnote: Footnote, subject: str) -> str:
    """Whom somebody means: where people sign in any `sub` names one, elsewhere only an id does."""
    return id_of(subject) if footnote.settings.identity.issuer else checked_id("ID", subject)


def _audited(footnote: Footnote, tenant_id: str, action: str, target: str, role: str, level: str) -> None:
    """Write in the building's audit what whoever runs the installation did, under the name of its local user."""
    details = {name: value for name, value in (("role", role), ("serviceLevel", level)) if value}
    footnote.trails.audited(LOCAL_USER, tenant_id, action, target, details, footnote.clock())


def _say(told: str) -> None:
    Console(highlight=False, soft_wrap=True).print(escape(told))
