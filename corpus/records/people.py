"""People as records: who may own documents, and in which building they are at home.

Signing in makes and updates them later; until then `footnote person add` does.
"""

from __future__ import annotations

from dataclasses import dataclass

from corpus.errors import Conflict
from corpus.items import ABSENT, Item
from corpus.keys import checked_id
from corpus.model import Json
from corpus.ports import Table

KIND = "person"
SORT = "PROFILE"


@dataclass(frozen=True, slots=True)
class People:
    """The people of a table."""

    table: Table

    def tenant_of(self, user_id: str) -> str | None:
        """Return a person's building by `USER#{userId}` / `PROFILE`; None for somebody unknown or no longer active."""
        item = self.table.get(_pk(user_id), SORT)
        return str(item.data["tenantId"]) if item and item.data["isActive"] else None

    def add(self, user_id: str, tenant_id: str) -> bool:
        """Make a person known; return whether they were not. Raises `BadRequest` for what is not an id."""
        checked_id("userId", user_id)
        checked_id("tenantId", tenant_id)
        data: dict[str, Json] = {
            "userId": user_id,
            "tenantId": tenant_id,
            "provider": "local",
            "role": "user",
            "isActive": True,
        }
        try:
            self.table.put(Item(_pk(user_id), SORT, KIND, data), ABSENT)
        except Conflict:
            return False
        return True


def _pk(user_id: str) -> str:
    return f"USER#{user_id}"
