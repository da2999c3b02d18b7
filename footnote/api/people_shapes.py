"""What goes in and comes out over HTTP of people, keys and grants."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from corpus.keys import A_DAY
from corpus.records.api_keys import KeyTerms
from corpus.records.grants import Role
from corpus.records.levels import LevelName
from footnote.api.malformed import LANGUAGE, Moment

Action = Annotated[str, Field(pattern=r"^[A-Za-z]{1,30}$")]


class PersonShape(BaseModel):
    """A person's record."""

    userId: str = Field(examples=["8c0d7f2e"])
    tenantId: str = Field(examples=["home"], description="the building they are at home in")
    email: str = Field(examples=["ann@example.org"])
    firstName: str = Field(examples=["Ann"])
    lastName: str = Field(examples=["Okafor"])
    role: str = Field(examples=["user"], description="user, staff or admin")
    provider: str = Field(examples=["oidc"])
    isActive: bool
    serviceLevel: str = Field(examples=["basic"])
    createdAt: str = Field(examples=["2026-11-21T09:00:00.000Z"])
    updatedAt: str = Field(examples=["2026-11-21T09:00:00.000Z"])
    lastLoginAt: str | None = Field(examples=["2026-11-21T09:00:00.000Z"])
    loginCount: int
    preferences: dict[str, Any] = Field(examples=[{"language": "de"}])
    metadata: dict[str, Any] = Field(examples=[{}])


class Me(PersonShape):
    """Who is asking."""

    building: str = Field(examples=["home"], description="the one that was asked in")
    principals: list[str] = Field(examples=[["role:resident", "tenant:home", "unit:12", "user:8c0d7f2e"]])
    actions: list[str] = Field(examples=[["ask", "search", "upload"]])


class Preferences(BaseModel):
    """What a person likes; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    theme: Literal["light", "dark"] | None = None
    notifications: bool | None = None
    language: str | None = Field(default=None, pattern=LANGUAGE, examples=["de"])


class MeChange(BaseModel):
    """What to change of oneself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"preferences": {"language": "de"}}]})

    preferences: Preferences | None = None


class PersonChange(BaseModel):
    """What to change of a person; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"isActive": False}]})

    isActive: bool | None = None
    role: Literal["user", "staff", "admin"] | None = None
    serviceLevel: LevelName | None = None


class PeopleReply(BaseModel):
    """A page of people; without a cursor it was the last."""

    people: list[PersonShape]
    cursor: str | None = Field(examples=[None])


class KeyRequest(BaseModel):
    """What an API key is for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "lobby screen", "allowedActions": ["ask"], "days": 90}]},
    )

    name: str = Field(min_length=1, max_length=100)
    allowedActions: list[Action] = Field(min_length=1, max_length=20)
    days: int = Field(default=0, ge=0, le=3650, description="for how long it holds; 0 until it is taken back")

    def terms(self) -> KeyTerms:
        """Return it as the records take it."""
        return KeyTerms(self.name, frozenset(self.allowedActions), self.days * A_DAY)


class KeyShape(BaseModel):
    """What is known of an API key."""

    keyId: str = Field(examples=["01KD0000000000000000000000"])
    name: str = Field(examples=["lobby screen"])
    allowedActions: list[str] = Field(examples=[["ask"]])
    tenantId: str = Field(examples=["home"])
    createdAt: str = Field(examples=["2026-11-21T09:00:00.000Z"])
    expiresAt: str | None = Field(examples=[None])
    lastUsedAt: str | None = Field(examples=[None], description="noted once an hour")
    revokedAt: str | None = Field(examples=[None])


class MadeKey(KeyShape):
    """An API key that was made: shown this once."""

    key: str = Field(examples=["fn_…"])


class KeysReply(BaseModel):
    """A page of keys, newest first; without a cursor it was the last."""

    keys: list[KeyShape]
    cursor: str | None = Field(examples=[None])


class GrantRequest(BaseModel):
    """Who may be in the building, as what, from when until when; without times from now on, and for good."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "userId": "8c0d7f2e",
                    "role": "guest",
                    "unitId": "12",
                    "from": "2027-07-03T14:00:00Z",
                    "until": "2027-07-10T10:00:00Z",
                }
            ]
        },
    )

    userId: str = Field(max_length=128)
    role: Role
    unitId: str | None = Field(default=None, max_length=128)
    start: Moment | None = Field(default=None, alias="from", description="a day alone is its first moment, in UTC")
    until: Moment | None = Field(default=None, description="the first moment at which it counts no more")


class GrantShape(BaseModel):
    """A grant."""

    grantId: str = Field(examples=["01KD0000000000000000000000"])
    userId: str = Field(examples=["8c0d7f2e"])
    tenantId: str = Field(examples=["home"])
    role: str = Field(examples=["guest"], description="resident, guest, staff or admin")
    unitId: str | None = Field(examples=["12"])
    start: str = Field(alias="from", examples=["2026-11-21T09:00:00.000Z"])
    until: str | None = Field(examples=[None])
    grantedBy: str = Field(examples=["5b1e9d20"])


class GrantsReply(BaseModel):
    """A page of grants, those that end last first; without a cursor it was the last."""

    grants: list[GrantShape]
    cursor: str | None = Field(examples=[None])


class GrantsImport(BaseModel):
    """Grants in CSV."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"csv": "userId,role,unitId,from,until\n8c0d7f2e,guest,12,2027-07-03,2027-07-10\n"}]
        },
    )

    csv: str = Field(max_length=2_000_000, description="the first line names userId, role, unitId, from, until")


class ImportReply(BaseModel):
    """How many lines there were, and how many grants are new."""

    lines: int
    granted: int
