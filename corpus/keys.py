"""Keys, ids and times as they are stored: one builder and one parser, so that no two places disagree.

`documents/{userId}/{documentId}/original` holds an upload as it came and is the only kind of key whose changes are
announced. Everything derived from it lies under `processed/`, so nothing the pipeline writes can start the pipeline.
"""

from __future__ import annotations

import re
import secrets
import uuid
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import NamedTuple

from corpus.errors import BadRequest

_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NAMESPACE = uuid.UUID("6f2f1d6e-2f5c-5c0b-9d0a-1f6d3c3b7a51")
ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
A_DAY = 24 * 3600
"""Seconds."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ORIGINAL = re.compile(rf"documents/({ID.pattern})/({ID.pattern})/original")
_KEY = re.compile(
    r"(?!.*(?:^|/)\.{1,2}(?:/|$))(?:documents|processed|temp-uploads|exports)(?:/[A-Za-z0-9._+-]{1,200}){1,6}"
)


class Original(NamedTuple):
    """Whose document an original's key speaks of."""

    user_id: str
    document_id: str


def checked_id(name: str, value: str) -> str:
    """Return `value` if it can be part of a key; raise `BadRequest` naming `name` if it cannot."""
    if ID.fullmatch(value):
        return value
    raise BadRequest(
        f"{name} {value[:130]!r} is not an id.", hint="Ids are 1 to 128 of the characters A-Z a-z 0-9 _ -."
    )


def checked_key(key: str) -> str:
    """Return `key` if a blob may bear it; raise `BadRequest` if it could step outside its store."""
    if _KEY.fullmatch(key):
        return key
    raise BadRequest(f"{key[:200]!r} is not a blob's key.")


def original_key(user_id: str, document_id: str) -> str:
    """Return the key of a document's upload; raises `BadRequest` for what is not an id."""
    return f"documents/{checked_id('userId', user_id)}/{checked_id('documentId', document_id)}/original"


def parse_original(key: str) -> Original | None:
    """Return whose original `key` names, or None when it names anything else."""
    found = _ORIGINAL.fullmatch(key)
    return Original(*found.groups()) if found else None


def processed_prefix(user_id: str, document_id: str, version: str = "", recipe: str = "") -> str:
    """Return the folder of what was derived from a document, from one version of it, or by one recipe.

    Ends in `/`; raises `BadRequest` for what is not an id.
    """
    parts = [checked_id("userId", user_id), checked_id("documentId", document_id)]
    parts += [checked_id(name, part) for name, part in (("version", version), ("recipe", recipe)) if part]
    return "processed/" + "/".join(parts) + "/"


def chunk_id(document_id: str, version: str, recipe: str, index: int) -> str:
    """Return the name of a chunk: the same for the same place in the same generation, wherever it is made."""
    return str(uuid.uuid5(NAMESPACE, f"{document_id}/{version}/{recipe}/{index}"))


def change_id(key: str, version: str) -> str:
    """Return the name of a change: the same each time it is delivered."""
    return str(uuid.uuid5(NAMESPACE, f"{key}\n{version}"))


def path_document_id(user_id: str, path: str) -> str:
    """Return the id of the document that a person keeps at an absolute path."""
    return str(uuid.uuid5(NAMESPACE, f"{user_id}\n{path}"))


def ulid(now: float) -> str:
    """Return a new id of 26 characters that sorts by time (ULID: 48 bits of milliseconds, 80 random ones)."""
    number = int(now * 1000) << 80 | secrets.randbits(80)
    return "".join(_BASE32[number >> shift & 31] for shift in range(125, -1, -5))


def iso_time(now: float) -> str:
    """Return a time in seconds as it is stored: ISO 8601, UTC, milliseconds, of one width. It sorts."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_day(now: float) -> str:
    """Return the day of a time in seconds, in UTC, as an ISO date."""
    return iso_time(now)[:10]


def iso_month(now: float) -> str:
    """Return the month of a time in seconds, in UTC, like "2026-11"."""
    return iso_time(now)[:7]


def checked_day(name: str, value: str) -> str:
    """Return `value` if it is an ISO date; raise `BadRequest` naming `name` if it is none."""
    with suppress(ValueError):
        if _DAY.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    raise BadRequest(f"{name} {value[:30]!r} is no date.", hint="Dates are written like 2027-01-31.")


def checked_time(name: str, value: str) -> str:
    """Return an ISO 8601 time as it is stored, a day alone as its first moment in UTC, "" as it is.

    Raises `BadRequest` naming `name` for what is none, or says no offset from UTC.
    """
    if not value:
        return ""
    with suppress(ValueError, OverflowError, OSError):
        found = datetime.fromisoformat(f"{value}T00:00:00+00:00" if _DAY.fullmatch(value) else value.upper())
        if found.tzinfo:
            return iso_time(found.timestamp())
    raise BadRequest(f"{name} {value[:40]!r} is no time.", hint="Times are written like 2027-01-31T16:00:00Z.")


def seconds_until(iso: str, now: float) -> float:
    """Return how long it is from `now` to a stored time, at least a second."""
    return max(1.0, datetime.fromisoformat(iso).timestamp() - now)
