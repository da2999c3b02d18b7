"""People as records: who they are, in which building they are at home, when they signed in, and whose an e-mail is.

The provider's claims make and update them; `footnote person add` makes those who never sign in. A verified e-mail is
one person's: a record under its hash is written in the same transaction. No e-mail is ever part of a key, an error or a
log.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
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
from corpus.records.tenants import Tenants

KIND = "person"
SORT = "PROFILE"
EMAIL = "EMAIL"
OF_TENANT_BY_LOGIN = 1
TRIES = 4
TIMES = frozenset(("createdAt", "updatedAt"))
"""What a table keeps of each record by itself."""
NAMING = ("email", "firstName", "lastName")
USERNAME = "cognitoUsername"
"""What of a record, and of its `metadata`, names the person."""
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


def _as_it_is(value: Json) -> str:
    """Return a text that lies open; raises `ConfigError` for one that was sealed."""
    if not isinstance(value, str):
        raise ConfigError(
            "A person's record is sealed, and FOOTNOTE_PRIVACY_KEYS is not set.",
            hint="Set the keys it was sealed with.",
        )
    return value


@dataclass(frozen=True, slots=True)
class Privacy:
    """How what names a person lies in a record: under which keys e-mails are hashed, and how text is sealed.

    The first of the `hashing` keys is written with, the others are those of older records. What is sealed is no text,
    and no text can pass for it. On one machine the file is the person's own, and what names them lies there as it is.
    """

    hashing: tuple[bytes, ...] = field(default=(b"",), repr=False)
    seal: Callable[[str], Json] = str
    unseal: Callable[[Json], str] = _as_it_is


OPEN = Privacy()


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

    def of_email(self, email: str) -> Person | None:
        """Return the person whose verified e-mail this is, by `EMAIL#{hmac of it in lower case}` / `EMAIL`."""
        held = [item for item in self._holding(email) if item]
        return self.get(str(held[0].data["userId"])) if held else None

    def add(self, user_id: str, tenant_id: str, role: str = "", level: str = "") -> bool:
        """Make a person known, without more a user of the building's `defaultLevel`; return whether they were not.

        Signing in changes none of this. Raises `BadRequest` for what is not an id.
        """
        checked_id("userId", user_id)
        new = self._new(user_id, tenant_id)
        try:
            self.put(replace(new, role=role or new.role, service_level=level or new.service_level))
        except Conflict:
            return False
        return True

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
        held, had = self._holding(after.email), before.email if before and before.email_verified else ""
        known = [item for item in held if item]
        if any(item.data["userId"] != after.user_id for item in known):
            raise Forbidden(
                "The e-mail of this account belongs to another person here.",
                hint="Sign in as you did before, or ask whoever runs your building.",
            )
        old = [item for item in self._holding(had) if item] if _folded(had) not in {"", _folded(after.email)} else []
        if had and not (old or known):
            raise ConfigError(
                "An e-mail that was verified here is not known any more: they were hashed under another key.",
                hint="New keys go in front of FOOTNOTE_PRIVACY_KEYS; the last one stays what it was.",
            )
        key = self._email_keys(after.email)[0]
        writes: list[Put | Remove] = [Remove(item.pk, EMAIL, item.rev) for item in (*known, *old) if item.pk != key]
        if not held[0]:
            writes.append(Put(Item(key, EMAIL, "email", {"userId": after.user_id}), ABSENT))
        return writes

    def _holding(self, email: str) -> Sequence[Item | None]:
        """The records that say whose an e-mail is, by each key it may have been hashed under."""
        return self.table.get_many([(key, EMAIL) for key in self._email_keys(email)])

    def _email_keys(self, email: str) -> list[str]:
        told = _folded(email).encode()
        return [f"EMAIL#{hmac.new(key, told, hashlib.sha256).hexdigest()}" for key in self.privacy.hashing]

    def _item(self, person: Person) -> Item:
        def sealed(value: Json) -> Json:
            return self.privacy.seal(value) if isinstance(value, str) and value else value

        data = {name: value for name, value in person_data(person).items() if name not in TIMES}
        data |= {name: sealed(data[name]) for name in NAMING}
        metadata: Any = data["metadata"]
        data["metadata"] = {**metadata, USERNAME: sealed(metadata[USERNAME])}
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


def _folded(email: str) -> str:
    return email.strip().lower()


def _pk(user_id: str) -> str:
    return f"USER#{user_id}"


def _login_key(claims: Claims) -> tuple[str, str]:
    return _pk(claims.user_id), f"LOGIN#{hashlib.sha256(claims.token.encode()).hexdigest()}"
