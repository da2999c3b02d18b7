"""Tenants as records: what holds in a building. One that nobody wrote anything of behaves as the defaults say."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from zoneinfo import available_timezones

from corpus.errors import BadRequest
from corpus.items import ABSENT, Item, Put
from corpus.keys import checked_id
from corpus.model import Json
from corpus.ports import Table
from corpus.records.levels import DEFAULTS, MOST

KIND = "tenant"
SORT = "CONFIG"
PARTITION = "TENANT"
ALL = 1
UTC = "UTC"
MOST_DAYS = 36_500
"""The longest anything may be told to be kept: a hundred years."""
MOST_UNITS = 1_000
KNOWN_SECONDS = 60.0
MOST_KNOWN = 1_000


@dataclass(frozen=True, slots=True)
class Caps:
    """What a building may spend: millionths of a dollar a month in UTC; None is no limit."""

    cost_micros_per_month: int | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """What holds in a building; days are how long something is kept, and None for good.

    `language` is "" for none.
    """

    tenant_id: str
    name: str = ""
    units: tuple[str, ...] = ()
    language: str = ""
    time_zone: str = UTC
    default_level: str = "basic"
    conversation_days: int = 30
    access_log_days: int = 90
    audit_days: int | None = None
    caps: Caps = Caps()
    rev: int = field(default=ABSENT, compare=False)


@dataclass(frozen=True, slots=True)
class Tenants:
    """The tenants of a table, by `TENANT#{tenantId}` / `CONFIG`; those written by index 1: `TENANT` / `{tenantId}`."""

    table: Table

    def get(self, tenant_id: str) -> Tenant:
        """Return what holds in a building now."""
        item = self.table.get(_pk(tenant_id), SORT)
        return _tenant(item) if item else Tenant(tenant_id)

    def listed(self, limit: int, after: str | None = None) -> tuple[list[Tenant], str | None]:
        """Return a page of the buildings that have a record, by id, and the cursor of the next.

        So has any in which somebody was made known.
        """
        batch = self.table.query(ALL, PARTITION, limit=limit, after=after)
        return [_tenant(item) for item in batch.items], batch.cursor

    def put(self, tenant: Tenant) -> Tenant:
        """Have this hold in a building from now on, and return it.

        Raises `BadRequest` for what cannot hold, `Conflict` if it was written since it was read.
        """
        return _tenant(self.table.put(_item(_checked(tenant)), tenant.rev))

    def write(self, tenant: Tenant) -> Put:
        """Return the same as part of a transaction; raises `BadRequest` for what cannot hold."""
        return Put(_item(_checked(tenant)), tenant.rev)


class KnownTenants:
    """The tenants of a table as they were at most a minute ago, for what is asked with every request.

    What is said through this is known at once. Safe for several threads; it remembers a thousand, those used last.
    """

    def __init__(self, tenants: Tenants, clock: Callable[[], float]) -> None:
        self._tenants, self._clock = tenants, clock
        self._known: OrderedDict[str, tuple[float, Tenant]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tenant_id: str) -> Tenant:
        """Return what held in a building at most a minute ago."""
        now = self._clock()
        with self._lock:
            read, found = self._known.get(tenant_id, (float("-inf"), None))
        if found is None or not read <= now < read + KNOWN_SECONDS:
            found = self._tenants.get(tenant_id)
            self._remember(found, now)
        return found

    def put(self, tenant: Tenant) -> Tenant:
        """Have this hold from now on, and return it; raises as `Tenants.put`."""
        kept = self._tenants.put(tenant)
        self._remember(kept, self._clock())
        return kept

    def _remember(self, tenant: Tenant, now: float) -> None:
        with self._lock:
            self._known[tenant.tenant_id] = now, tenant
            self._known.move_to_end(tenant.tenant_id)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)


TenantOf: TypeAlias = Callable[[str], Tenant]
"""Says what holds in a building, by its id."""


def tenant_data(tenant: Tenant) -> dict[str, Json]:
    """Return a tenant with the names it is stored and sent under."""
    return {
        "tenantId": tenant.tenant_id,
        "name": tenant.name,
        "units": list(tenant.units),
        "language": tenant.language,
        "timeZone": tenant.time_zone,
        "defaultLevel": tenant.default_level,
        "conversationDays": tenant.conversation_days,
        "accessLogDays": tenant.access_log_days,
        "auditDays": tenant.audit_days,
        "caps": {"costMicrosPerMonth": tenant.caps.cost_micros_per_month},
    }


def tenant_from(data: Mapping[str, Any], rev: int = ABSENT) -> Tenant:
    """Return the tenant that `tenant_data` tells of."""
    return Tenant(
        tenant_id=data["tenantId"],
        name=data["name"],
        units=tuple(data["units"]),
        language=data["language"],
        time_zone=data["timeZone"],
        default_level=data["defaultLevel"],
        conversation_days=data["conversationDays"],
        access_log_days=data["accessLogDays"],
        audit_days=data["auditDays"],
        caps=Caps(data["caps"]["costMicrosPerMonth"]),
        rev=rev,
    )


def _checked(tenant: Tenant) -> Tenant:
    """A tenant that may be written. What was written is not looked at again: another machine may know fewer zones."""
    days = (tenant.conversation_days, tenant.access_log_days, tenant.audit_days)
    if any(one is not None and not 1 <= one <= MOST_DAYS for one in days):
        raise BadRequest(f"What a building keeps is kept from 1 to {MOST_DAYS:,} days.", hint="Name whole days.")
    if tenant.time_zone != UTC and tenant.time_zone not in available_timezones():
        raise BadRequest(
            f"{tenant.time_zone[:40]!r} is no time zone known here.", hint="Name one of IANA's, like Europe/Berlin."
        )
    if tenant.default_level not in DEFAULTS:
        known = ", ".join(DEFAULTS)
        raise BadRequest(f"There is no service level {tenant.default_level[:40]!r}.", hint=f"Levels are {known}.")
    cap = tenant.caps.cost_micros_per_month
    if cap is not None and not 0 <= cap <= MOST:
        raise BadRequest(f"costMicrosPerMonth is not from 0 to {MOST:,}.", hint="Null is no limit.")
    if len(set(tenant.units)) < len(tenant.units) or len(tenant.units) > MOST_UNITS:
        raise BadRequest(f"A building has at most {MOST_UNITS:,} units, each named once.", hint="Name fewer.")
    for name, value in (("tenantId", tenant.tenant_id), *(("unitId", one) for one in tenant.units)):
        checked_id(name, value)
    return tenant


def _pk(tenant_id: str) -> str:
    return f"TENANT#{tenant_id}"


def _item(tenant: Tenant) -> Item:
    return Item(_pk(tenant.tenant_id), SORT, KIND, tenant_data(tenant), {ALL: (PARTITION, tenant.tenant_id)})


def _tenant(item: Item) -> Tenant:
    return tenant_from(item.data, item.rev)
