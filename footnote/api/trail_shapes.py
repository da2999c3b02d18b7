"""What comes out over HTTP of the trails."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class AccessShape(BaseModel):
    """That somebody read or searched."""

    eventId: str = Field(examples=["01KD0000000000000000000000"])
    timestamp: str = Field(examples=["2026-11-21T09:00:00.000Z"])
    userId: str = Field(examples=["8c0d7f2e"])
    tenantId: str = Field(examples=["home"])
    action: str = Field(examples=["ask"], description="read, list, search or ask")
    documentIds: list[str] = Field(examples=[["3f0c1f5e-6a35-4c53-9a0f-0a9c6a5a4c11"]], description="at most 100")
    outcome: str = Field(examples=["ok"], description="ok, left, or the code of the problem")
    requestId: str = Field(examples=["01KD0000000000000000000000"])


class AccessReply(BaseModel):
    """A page of accesses, newest first; without a cursor it was the last."""

    accesses: list[AccessShape]
    cursor: str | None = Field(examples=[None])


class AuditShape(BaseModel):
    """That somebody changed something."""

    eventId: str = Field(examples=["01KD0000000000000000000000"])
    timestamp: str = Field(examples=["2026-11-21T09:00:00.000Z"])
    actor: str = Field(examples=["8c0d7f2e"])
    action: str = Field(examples=["grant"])
    target: str = Field(examples=["5b1e9d20"])
    outcome: str = Field(examples=["ok"])
    details: dict[str, Any] = Field(examples=[{"role": "guest"}])


class AuditReply(BaseModel):
    """A page of changes, newest first; without a cursor it was the last."""

    entries: list[AuditShape]
    cursor: str | None = Field(examples=[None])
