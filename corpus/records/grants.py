"""Who may be in which building, as what, from when until when: records that count by the clock, and by nothing else."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast, get_args

from corpus.errors import BadRequest, Conflict
from corpus.items import ABSENT, Item
from corpus.keys import A_DAY, NAMESPACE, checked_id, checked_time, iso_time
from corpus.model import Json
from corpus.ports import Table
from corpus.principals import role_principal, tenant_principal, unit_principal, user_principal
from corpus.records.every import every

KIND = "grant"
Role = Literal["resident", "guest", "staff", "admin"]
OF_TENANT = 1
FOREVER = "9999-12-31T00:00:00.000Z"
"""Stands in keys for a grant that has no end."""
EVER = "1970-01-01T00:00:00.000Z"
COLUMNS = ("userId", "role", "unitId", "from", "until")
MOST_ROWS = 10_000
KEPT_SECONDS = 90 * A_DAY


@dataclass(frozen=True, slots=True)
class Grant:
    """A person's place in a building. It counts while `start <= now < until`, ISO times; "" has no end.

    Raises `BadRequest` for a role that there is not, or an end before the beginning.
    """

    grant_id: str
    user_id: str
    tenant_id: str
    role: Role
    start: str
    until: str = ""
    unit_id: str = ""
    granted_by: str = ""
    rev: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        for name, value in (("grantId", self.grant_id), ("userId", self.user_id), ("tenantId", self.tenant_id)):
            checked_id(name, value)
        if self.unit_id:
            checked_id("unitId", self.unit_id)
        if self.role not in get_args(Role):
            raise BadRequest(f"{self.role!r} is no role.", hint=f"Roles are {', '.join(get_args(Role))}.")
        if self.until and self.until <= self.start:
            raise BadRequest(f"The grant would end at {self.until}, before it begins.", hint="Check the two times.")

    def counts(self, now: float) -> bool:
        """Whether it holds at a time in seconds."""
        return self.start <= iso_time(now) < (self.until or FOREVER)


def principals(user_id: str, tenant_id: str, grants: Iterable[Grant], now: float) -> frozenset[str]:
    """Return who a person is in a building at a time: themselves, and by the grants that count, units and roles.

    A guest is not everyone in the building: only residents, staff and administrators are.
    """
    held = [one for one in grants if one.tenant_id == tenant_id and one.user_id == user_id and one.counts(now)]
    units = {unit_principal(one.unit_id) for one in held if one.unit_id}
    roles = {role_principal(one.role) for one in held}
    everyone = {tenant_principal(tenant_id)} if any(one.role != "guest" for one in held) else set()
    return frozenset({user_principal(user_id)} | units | roles | everyone)


@dataclass(frozen=True, slots=True)
class Grants:
    """The grants of a table, by `USER#{userId}` / `PROFILE#GRANT#{tenantId}#{grantId}`."""

    table: Table

    def of_person(self, user_id: str) -> list[Grant]:
        """Return a person's grants, those that do not count too."""
        span = ("PROFILE#GRANT#", "PROFILE#GRANT#~")
        return [grant_of(item) for item in every(self.table, 0, f"USER#{user_id}", span)]

    def of_tenant(self, tenant_id: str, limit: int, after: str | None = None) -> tuple[list[Grant], str | None]:
        """Return a page of a building's grants, those that end last first, and the cursor of the next.

        By index 1: `TENANT#{tenantId}#GRANT`, in the order of `{until}#{grantId}`.
        """
        partition = f"TENANT#{tenant_id}#GRANT"
        batch = self.table.query(OF_TENANT, partition, newest_first=True, limit=limit, after=after)
        return [grant_of(item) for item in batch.items], batch.cursor

    def get(self, user_id: str, tenant_id: str, grant_id: str) -> Grant | None:
        """Return a grant; None if there is none."""
        item = self.table.get(f"USER#{user_id}", f"PROFILE#GRANT#{tenant_id}#{grant_id}")
        return grant_of(item) if item else None

    def put(self, grant: Grant) -> Grant:
        """Write a grant; raises `Conflict` if it was written since it was read."""
        return grant_of(self.table.put(_item(grant), grant.rev or ABSENT))

    def put_all(self, grants: Iterable[Grant]) -> int:
        """Write those that are not there yet, and return how many these were."""
        written = 0
        for one in grants:
            with suppress(Conflict):  # it is there already
                self.put(one)
                written += 1
        return written

    def remove(self, grant: Grant) -> None:
        """Remove a grant; it counts no more from that moment."""
        self.table.delete(*_key(grant), grant.rev)


def from_csv(text: str, tenant_id: str, granted_by: str) -> list[Grant]:
    """Return the grants of a CSV file with the columns userId, role, unitId, from, until; the first line names them.

    Between them stand commas, or semicolons, as some spreadsheets write them. Times are ISO 8601; a day alone is its
    first moment, in UTC. The same line gives the same grant each time. Raises `BadRequest` that names the line.
    """
    told = text.removeprefix("\ufeff")
    parted = ";" if ";" in next(iter(told.splitlines()), "") else ","
    reader = csv.DictReader(io.StringIO(told, newline=None), delimiter=parted)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise BadRequest(f"Line {reader.line_num + 1} cannot be read: {error}.") from error
    if sorted(reader.fieldnames or ()) != sorted(COLUMNS):
        raise BadRequest(f"The first line has to name {', '.join(COLUMNS)}.", hint="One grant a line, in any order.")
    found = []
    for number, row in rows:
        if number > MOST_ROWS or None in row or None in row.values():
            raise BadRequest(f"Line {number} has not {len(COLUMNS)} values, or is beyond {MOST_ROWS:,} lines.")
        values = {name: value.strip() for name, value in row.items()}
        name = "\n".join((tenant_id, *(values[column] for column in COLUMNS)))
        try:
            start, until = (checked_time(column, values[column]) for column in ("from", "until"))
            found.append(
                Grant(
                    str(uuid.uuid5(NAMESPACE, name)),
                    values["userId"],
                    tenant_id,
                    cast("Role", values["role"]),
                    start or EVER,
                    until,
                    values["unitId"],
                    granted_by,
                )
            )
        except BadRequest as error:
            raise BadRequest(f"Line {number}: {error.message}", hint=error.hint) from error
    return found


def _key(grant: Grant) -> tuple[str, str]:
    return f"USER#{grant.user_id}", f"PROFILE#GRANT#{grant.tenant_id}#{grant.grant_id}"


def _item(grant: Grant) -> Item:
    until = grant.until or FOREVER
    ttl = int(datetime.fromisoformat(grant.until).timestamp()) + KEPT_SECONDS if grant.until else None
    keys = {OF_TENANT: (f"TENANT#{grant.tenant_id}#GRANT", f"{until}#{grant.grant_id}")}
    return Item(*_key(grant), KIND, grant_data(grant), keys, ttl=ttl)


def grant_data(grant: Grant) -> dict[str, Json]:
    """Return a grant with the names it is stored and sent under."""
    return {
        "grantId": grant.grant_id,
        "userId": grant.user_id,
        "tenantId": grant.tenant_id,
        "role": grant.role,
        "unitId": grant.unit_id or None,
        "from": grant.start,
        "until": grant.until or None,
        "grantedBy": grant.granted_by,
    }


def grant_of(item: Item) -> Grant:
    """Return the grant of a record."""
    data: dict[str, Any] = dict(item.data)
    return Grant(
        grant_id=data["grantId"],
        user_id=data["userId"],
        tenant_id=data["tenantId"],
        role=data["role"],
        start=data["from"],
        until=data["until"] or "",
        unit_id=data["unitId"] or "",
        granted_by=data["grantedBy"],
        rev=item.rev,
    )
