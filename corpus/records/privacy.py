"""How what names a person lies in their record, and whose an e-mail is: a record under its hash.

No e-mail is ever part of a key, an error or a log. While keys rotate, a verified e-mail is held under each of them, so
that processes which have but one in common still cannot give it to two people.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from corpus.errors import ConfigError
from corpus.items import ABSENT, Item, Put, Remove
from corpus.model import Json
from corpus.ports import Table

EMAIL = "EMAIL"
KIND = "email"
NAMING = ("email", "firstName", "lastName")
USERNAME = "cognitoUsername"
"""What of a record, and of its `metadata`, names the person."""


def _as_it_is(value: Json) -> str:
    """Return a text that lies open; raises `ConfigError` for one that was sealed."""
    if not isinstance(value, str):
        raise ConfigError(
            "A person's record is sealed, and FOOTNOTE_PRIVACY_KEYS is not set.",
            hint="Set the keys it was sealed with.",
        )
    return value


def _is_open(value: Json) -> bool:
    return isinstance(value, str)


@dataclass(frozen=True, slots=True)
class Privacy:
    """How what names a person lies in a record: under which keys e-mails are hashed, and how text is sealed.

    An e-mail is held under each of the `hashing` keys, the newest first; under the `earlier` ones it is looked for, and
    taken away. `is_newest` says of what lies in a record whether `seal` would seal it alike. What is sealed is no text,
    and no text can pass for it. On one machine the file is the person's own, and what names them lies there as it is.
    """

    hashing: tuple[bytes, ...] = field(default=(b"",), repr=False)
    earlier: tuple[bytes, ...] = field(default=(), repr=False)
    seal: Callable[[str], Json] = str
    unseal: Callable[[Json], str] = _as_it_is
    is_newest: Callable[[Json], bool] = _is_open


OPEN = Privacy()


def naming(data: Mapping[str, Json]) -> Iterator[Json]:
    """Yield what of a record's data names the person, unless it is empty."""
    metadata: Any = data.get("metadata") or {}
    yield from filter(None, (*(data.get(name) for name in NAMING), metadata.get(USERNAME)))


def with_naming(data: Mapping[str, Json], turned: Callable[[Json], Json]) -> dict[str, Json]:
    """Return a record's data with each value that `naming` yields as `turned` makes it."""
    metadata: Any = data.get("metadata") or {}
    told = {name: turned(value) for name in NAMING if (value := data.get(name))}
    username = {USERNAME: turned(metadata[USERNAME])} if metadata.get(USERNAME) else {}
    return {**data, **told, **({"metadata": {**metadata, **username}} if username else {})}


@dataclass(frozen=True, slots=True)
class Held:
    """The records that say whose an e-mail is, by the key each lies under or would: the newest first."""

    under: tuple[tuple[str, Item | None], ...] = ()

    @property
    def items(self) -> list[Item]:
        """Those that are there."""
        return [item for _, item in self.under if item]

    def of(self, user_id: str) -> list[Item]:
        """Those that say it is this person's."""
        return [item for item in self.items if item.data["userId"] == user_id]


@dataclass(frozen=True, slots=True)
class Emails:
    """Whose each verified e-mail is, by `EMAIL#{hmac of it in lower case}` / `EMAIL`."""

    table: Table
    privacy: Privacy

    def held(self, email: str) -> Held:
        """Return the records that say whose an e-mail is, by each key it may have been hashed under."""
        keys = self._keys(email, (*self.privacy.hashing, *self.privacy.earlier))
        return Held(tuple(zip(keys, self.table.get_many([(key, EMAIL) for key in keys]), strict=True)))

    def claimed(self, user_id: str, held: Held) -> list[Put | Remove]:
        """Return what makes a person sign in with an e-mail that nobody else has, unless they do already.

        It is held under every key then, but under none of the earlier ones.
        """
        count = len(self.privacy.hashing)
        (_, newest), *_ = held.under
        free = [] if newest else [key for key, item in held.under[:count] if item is None]
        return [
            *(_put(key, user_id) for key in free),
            *(_remove(item) for _, item in held.under[count:] if item),
        ]

    def moved(self, user_id: str, held: Held) -> list[Put | Remove]:
        """Return what has the newest key alone say that an e-mail is this person's, unless it is another's."""
        (key, newest), *_ = held.under
        mine = held.of(user_id)
        free = newest is None and len(mine) == len(held.items)
        return [*([_put(key, user_id)] if free else []), *(_remove(item) for item in mine if item is not newest)]

    def _keys(self, email: str, hashing: tuple[bytes, ...]) -> list[str]:
        told = folded(email).encode()
        return [f"EMAIL#{hmac.new(key, told, hashlib.sha256).hexdigest()}" for key in hashing]


def folded(email: str) -> str:
    """Return an e-mail as it is compared."""
    return email.strip().lower()


def _put(key: str, user_id: str) -> Put:
    return Put(Item(key, EMAIL, KIND, {"userId": user_id}), ABSENT)


def _remove(item: Item) -> Remove:
    return Remove(item.pk, EMAIL, item.rev)
