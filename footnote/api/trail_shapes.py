"""What comes out over HTTP of the trails."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class AccessShape(BaseModel):
    """That somebody read or searched."""

    eventId: str
    timestamp: str = Field(examples=["2026-11-21T09:00:00.000Z"])
    userId: str
    tenantId: str
    action: str = Field(description="read, list, search or ask")
    documentIds: list[str] = Field(description="at most 100")
    outcome: str = Field(description="ok, or the code of the problem")
    requestId: str


class AccessReply(BaseModel):
    """A page of accesses, newest first; without a cursor it was the last."""

    accesses: list[AccessShape]
    cursor: str | None


class AuditShape(BaseModel):
    """That somebody changed something."""

    eventId: str
    timestamp: str
    actor: str
    action: str = Field(examples=["grant"])
    target: str
    outcome: str
    details: dict[str, Any]


class AuditReply(BaseModel):
    """A page of changes, newest first; without a cursor it was the last."""

    entries: list[AuditShape]
    cursor: str | None
