"""Who read and searched what, and who changed whose rights: kept as records that hold no text, and are never changed.

An access is written before the reply; an entry of the audit once the change was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from corpus.items import ABSENT, Item
from corpus.keys import A_DAY, iso_day, iso_month, iso_time, ulid
from corpus.model import Json
from corpus.ports import Table
from corpus.records.every import every
from corpus.records.tenants import TenantOf
from corpus.scope import Scope

ACCESS, AUDIT = "access", "audit"
OF_USER = 1
MOST_NAMED = 100
"""Documents that one access names."""


@dataclass(frozen=True, slots=True)
class Trails:
    """The trails of a table; `tenant_of` says for how long a building keeps them."""

    table: Table
    tenant_of: TenantOf

    def accessed(
        self, scope: Scope, action: str, document_ids: Sequence[str], outcome: str, request_id: str, now: float
    ) -> None:
        """Write that the asker read or searched, under `ACCESS#{tenantId}#{day}` / `{timestamp}#{eventId}`."""
        told: dict[str, Json] = {
            "userId": scope.user_id,
            "tenantId": scope.tenant_id,
            "action": action,
            "documentIds": tuple(dict.fromkeys(document_ids))[:MOST_NAMED],
            "outcome": outcome,
            "requestId": request_id,
        }
        partition = f"ACCESS#{scope.tenant_id}#{iso_day(now)}"
        days = self.tenant_of(scope.tenant_id).access_log_days
        self._write(ACCESS, partition, f"USER#{scope.user_id}#ACCESS", told, now, days)

    def audited(
        self, actor: str, tenant_id: str, action: str, target: str, details: Mapping[str, Json], now: float
    ) -> None:
        """Write that rights, levels, accounts, personas or the building were changed, or a document was removed.

        Under `AUDIT#{tenantId}#{month}` / `{timestamp}#{eventId}`.
        """
        told: dict[str, Json] = {
            "actor": actor,
            "action": action,
            "target": target,
            "outcome": "ok",
            "details": details,
        }
        partition, days = f"AUDIT#{tenant_id}#{iso_month(now)}", self.tenant_of(tenant_id).audit_days
        self._write(AUDIT, partition, f"USER#{actor}#AUDIT", told, now, days)

    def accesses(
        self, tenant_id: str, day: str, limit: int, after: str | None = None
    ) -> tuple[list[dict[str, Json]], str | None]:
        """Return a page of what was read in a building on a day, newest first, and the cursor of the next."""
        return self._page(f"ACCESS#{tenant_id}#{day}", limit, after)

    def audits(
        self, tenant_id: str, month: str, limit: int, after: str | None = None
    ) -> tuple[list[dict[str, Json]], str | None]:
        """Return a page of what was changed in a building in a month, newest first, and the cursor of the next."""
        return self._page(f"AUDIT#{tenant_id}#{month}", limit, after)

    def buildings_of(self, actor: str) -> set[str]:
        """Return the ids of the buildings in whose audit stands anything that somebody did."""
        entries = every(self.table, OF_USER, f"USER#{actor}#AUDIT")
        return {item.pk.split("#")[1] for item in entries}

    def _page(self, partition: str, limit: int, after: str | None) -> tuple[list[dict[str, Json]], str | None]:
        batch = self.table.query(0, partition, newest_first=True, limit=limit, after=after)
        return [dict(item.data) for item in batch.items], batch.cursor

    def _write(
        self, kind: str, partition: str, of_user: str, told: Mapping[str, Json], now: float, days: int | None
    ) -> None:
        event_id, timestamp = ulid(now), iso_time(now)
        sort = f"{timestamp}#{event_id}"
        ttl = None if days is None else int(now) + days * A_DAY
        data = {"eventId": event_id, "timestamp": timestamp, **told}
        self.table.put(Item(partition, sort, kind, data, {OF_USER: (of_user, sort)}, ttl=ttl), ABSENT)
