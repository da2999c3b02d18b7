"""People as records: who they are, in which building they are at home, when they signed in, and whose an e-mail is.

The provider's claims make and update them; `footnote person add` makes those who never sign in, of whom it knows no
name. A verified e-mail is one person's: what says whose is written in the same transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from corpus.errors import ConfigError, Conflict, Forbidden, NotFound
from corpus.items import ABSENT, Item, Put, Remove
from corpus.keys import ID, checked_id, iso_time
from corpus.model import Json
from corpus.ports import Table
from corpus.records.every import every
from corpus.records.grants import Grant, grant_of
from corpus.records.privacy import OPEN, USERNAME, Emails, Privacy, folded, with_naming
from corpus.records.tenants import Tenants

KIND = "person"
SORT = "PROFILE"
OF_TENANT_BY_LOGIN = 1
TRIES = 4
TIMES = frozenset(("createdAt", "updatedAt"))
"""What a table keeps of each record by itself."""
PREFERENCES: Mapping[str, Json] = {"theme": "light", "notifications": True, "language": ""}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider says of whoever signed in; "" for what it does not say.

    `token` names the token, `expires` is when it ends, in seconds since 1970.
    """

    user_id: str
    token: str
    expires: int
    provider: str = ""
    email: str = field(default="", repr=False)
    email_verified: bool = False
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    username: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """One person; `tenant_id` is the building they are at home in. Times are as stored, "" for never."""

    user_id: str
    tenant_id: str
    email: str = field(default="", repr=False)
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    role: str = "user"
    provider: str = "local"
    is_active: bool = True
    service_level: str = "basic"
    last_login_at: str = ""
    login_count: int = 0
    preferences: Mapping[str, Json] = field(default_factory=lambda: PREFERENCES)
    registration_source: str = ""
    email_verified: bool = False
    terms_accepted_at: str = ""
    username: str = field(default="", repr=False)
    created_at: str = ""
    updated_at: str = ""
    rev: int = ABSENT


@dataclass(frozen=True, slots=True)
class People:
    """The people of a table."""

    table: Table
    privacy: Privacy = OPEN

    def get(self, user_id: str) -> Person | None:
        """Return a person by `USER#{userId}` / `PROFILE`, active or not."""
        item = self.table.get(_pk(user_id), SORT)
        return self._person(item) if item else None

    def with_grants(self, user_id: str) -> tuple[Person | None, list[Grant]]:
        """Return a person, active or not, with all their grants, in one read."""
        items = list(every(self.table, 0, _pk(user_id), (SORT, f"{SORT}#GRANT#~")))
        found = [self._person(item) for item in items if item.kind == KIND]
        return next(iter(found), None), [grant_of(item) for item in items if item.kind != KIND]

    def tenant_of(self, user_id: str) -> str | None:
        """Return a person's building; None for somebody unknown or no longer active. Nothing sealed is opened."""
        item = self.table.get(_pk(user_id), SORT)
        return str(item.data["tenantId"]) if item and item.data["isActive"] else None

    def add(self, user_id: str, tenant_id: str, role: str = "", level: str = "") -> bool:
        """Make a person known, without more a user of the building's `defaultLevel`; return whether they were not.

        Their building is one of those that are listed from then on. Signing in changes none of this. Raises
        `BadRequest` for what is not an id.
        """
        checked_id("userId", user_id)
        while self.table.get(_pk(user_id), SORT) is None:
            tenant = Tenants(self.table).get(checked_id("tenantId", tenant_id))
            new = Person(user_id, tenant_id, role=role or "user", service_level=level or tenant.default_level)
            listed = [] if tenant.rev else [Tenants(self.table).write(tenant)]
            with suppress(Conflict):  # somebody made the one or the other known meanwhile
                self.table.transact([Put(self._item(new), ABSENT), *listed])
                return True
        return False

    def change(self, user_id: str, role: str = "", level: str = "") -> str:
        """Give a person another role or level, "" for the one they have, and return their building.

        Nothing sealed is opened. Raises `NotFound` for somebody unknown, `Conflict` if others change them meanwhile.
        """
        item = self.table.get(_pk(user_id), SORT)
        if item is None:
            raise NotFound(f"There is no person {user_id[:128]}.", hint=f"Add them: `footnote person add {user_id}`.")
        told = {name: value for name, value in (("role", role), ("serviceLevel", level)) if value}
        self.table.put(replace(item, data={**item.data, **told}), item.rev)
        return str(item.data["tenantId"])

    def put(self, person: Person) -> Person:
        """Write a person if nobody has since they were read, and return them; raises `Conflict` if somebody has.

        Their e-mail changes by signing in only.
        """
        return self._person(self.table.put(self._item(person), person.rev))

    def signed_in(self, claims: Claims, tenant_id: str, now: float) -> Person:
        """Return whoever the claims speak of, made or brought up to date; each token counts as one sign-in.

        Who is new is at home in `tenant_id`, and has its `defaultLevel`. Raises `Forbidden` for somebody who is no
        longer active, and for an e-mail that is another person's.
        """
        checked_id("userId", claims.user_id)
        for _ in range(TRIES):
            known, counted = self.table.get_many([(_pk(claims.user_id), SORT), _login_key(claims)])
            before = self._person(known) if known else None
            if before and not before.is_active:
                raise switched_off()
            if before and counted:
                return before
            after = _brought_up(before or self._new(claims.user_id, tenant_id, claims.provider), claims, now)
            with suppress(Conflict):  # another of their requests was faster
                login = Item(*_login_key(claims), "login", {"at": iso_time(now)}, ttl=claims.expires)
                puts = [Put(self._item(after), after.rev), Put(login, counted.rev if counted else ABSENT)]
                self.table.transact([*puts, *self._email_writes(before, after)])
                return self.get(claims.user_id) or after
        raise Conflict("This person is changed by others all the time.", hint="Try again in a moment.")

    def recent(self, tenant_id: str, limit: int, after: str | None = None) -> tuple[list[Person], str | None]:
        """Return a page of a building's people, who signed in last first, and the cursor of the next.

        By index 1: `TENANT#{tenantId}#LOGIN`, in the order of `{lastLoginAt}#{userId}`.
        """
        batch = self.table.query(
            OF_TENANT_BY_LOGIN, f"TENANT#{tenant_id}#LOGIN", newest_first=True, limit=limit, after=after
        )
        return [self._person(item) for item in batch.items], batch.cursor

    def _new(self, user_id: str, tenant_id: str, source: str = "") -> Person:
        level = Tenants(self.table).get(checked_id("tenantId", tenant_id)).default_level
        return Person(user_id, tenant_id, service_level=level, registration_source=source)

    def _email_writes(self, before: Person | None, after: Person) -> list[Put | Remove]:
        """What makes a verified e-mail theirs alone, and gives back the one they had."""
        if not (after.email and after.email_verified):
            return []
        held, had = self._emails.held(after.email), before.email if before and before.email_verified else ""
        if len(held.of(after.user_id)) < len(held.items):
            raise Forbidden(
                "The e-mail of this account belongs to another person here.",
                hint="Sign in as you did before, or ask whoever runs your building.",
            )
        changed = folded(had) not in {"", folded(after.email)}
        before_held = self._emails.held(had) if changed else held
        if had and not before_held.items and not held.items:
            raise ConfigError(
                "An e-mail that was verified here is not known any more: it was hashed under a key that is not in "
                "FOOTNOTE_PRIVACY_KEYS.",
                hint="Put it back, behind the key that seals; `footnote person seal` says when a key may go.",
            )
        old = before_held.of(after.user_id) if changed else []  # another's, where both had been given it
        return [*self._emails.claimed(after.user_id, held), *(Remove(one.pk, one.sk, one.rev) for one in old)]

    @property
    def _emails(self) -> Emails:
        return Emails(self.table, self.privacy)

    def _item(self, person: Person) -> Item:
        told = {name: value for name, value in person_data(person).items() if name not in TIMES}
        data = with_naming(told, lambda value: self.privacy.seal(str(value)))
        by_login = (f"TENANT#{person.tenant_id}#LOGIN", f"{person.last_login_at}#{person.user_id}")
        return Item(
            _pk(person.user_id), SORT, KIND, data, {OF_TENANT_BY_LOGIN: by_login} if person.last_login_at else {}
        )

    def _person(self, item: Item) -> Person:
        """A person as they are stored; a record may be older than most of its fields."""
        data: dict[str, Any] = dict(item.data)
        metadata: dict[str, Any] = data.get("metadata") or {}

        def unsealed(value: Json) -> str:
            return self.privacy.unseal(value) if value else ""

        return Person(
            user_id=data["userId"],
            tenant_id=data["tenantId"],
            email=unsealed(data.get("email")),
            first_name=unsealed(data.get("firstName")),
            last_name=unsealed(data.get("lastName")),
            role=data["role"],
            provider=data["provider"],
            is_active=data["isActive"],
            service_level=data.get("serviceLevel") or "basic",
            last_login_at=data.get("lastLoginAt") or "",
            login_count=data.get("loginCount") or 0,
            preferences={**PREFERENCES, **(data.get("preferences") or {})},
            registration_source=metadata.get("registrationSource") or "",
            email_verified=bool(metadata.get("emailVerified")),
            terms_accepted_at=metadata.get("termsAcceptedAt") or "",
            username=unsealed(metadata.get(USERNAME)),
            created_at=item.created_at,
            updated_at=item.updated_at,
            rev=item.rev,
        )


def switched_off() -> Forbidden:
    """Return what is said to somebody who is no longer active."""
    return Forbidden("This account was switched off.", hint="Ask whoever runs your building.")


def id_of(subject: str) -> str:
    """Return under which id a person is known of whom a provider speaks as this `sub`: the hash of what is no id."""
    return subject if ID.fullmatch(subject) else hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()


def person_data(person: Person) -> dict[str, Json]:
    """Return a person with the names they are stored and sent under."""
    return {
        "userId": person.user_id,
        "tenantId": person.tenant_id,
        "email": person.email,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "role": person.role,
        "provider": person.provider,
        "isActive": person.is_active,
        "serviceLevel": person.service_level,
        "createdAt": person.created_at,
        "updatedAt": person.updated_at,
        "lastLoginAt": person.last_login_at or None,
        "loginCount": person.login_count,
        "preferences": dict(person.preferences),
        "metadata": {
            "registrationSource": person.registration_source,
            "emailVerified": person.email_verified,
            "termsAcceptedAt": person.terms_accepted_at or None,
            USERNAME: person.username,
        },
    }


def _brought_up(person: Person, claims: Claims, now: float) -> Person:
    """A person as the claims say: what they leave out stays, and no unverified e-mail replaces a verified one."""
    takes_email = bool(claims.email) and (claims.email_verified or not person.email_verified)
    return replace(
        person,
        email=claims.email if takes_email else person.email,
        email_verified=claims.email_verified if takes_email else person.email_verified,
        first_name=claims.first_name or person.first_name,
        last_name=claims.last_name or person.last_name,
        provider=claims.provider or person.provider,
        username=claims.username or person.username,
        last_login_at=iso_time(now),
        login_count=person.login_count + 1,
    )


def _pk(user_id: str) -> str:
    return f"USER#{user_id}"


def _login_key(claims: Claims) -> tuple[str, str]:
    return _pk(claims.user_id), f"LOGIN#{hashlib.sha256(claims.token.encode()).hexdigest()}"
