"""What goes in and comes out of buildings over HTTP, with the names of the data model."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from corpus.keys import ID
from corpus.records.levels import MOST, LevelName
from corpus.records.tenants import MOST_DAYS, MOST_UNITS, UTC
from footnote.api.malformed import LANGUAGE

Days = Annotated[int, Field(ge=1, le=MOST_DAYS)]
Id = Annotated[str, Field(pattern=f"^{ID.pattern}$")]


class CapsShape(BaseModel):
    """What a building may spend."""

    model_config = ConfigDict(extra="forbid")

    costMicrosPerMonth: Annotated[int, Field(ge=0, le=MOST)] | None = Field(
        description="millionths of a dollar a month, in UTC; null is no limit", examples=[20_000_000]
    )


class BuildingChange(BaseModel):
    """What holds in a building from now on; what is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Linden Court", "timeZone": "Europe/Berlin", "conversationDays": 7}]},
    )

    name: str = Field(default="", max_length=200, examples=["Linden Court"])
    units: list[Id] = Field(default=[], max_length=MOST_UNITS, examples=[["12", "13"]])
    language: str = Field(
        default="", pattern=LANGUAGE, description="of answers, for those who prefer none", examples=["de"]
    )
    timeZone: str = Field(default=UTC, max_length=64, description="an IANA name", examples=["Europe/Berlin"])
    defaultLevel: LevelName = Field(default="basic", description="of people who sign in for the first time")
    conversationDays: Days = Field(default=30, description="for how long conversations are, from the last message")
    accessLogDays: Days = Field(default=90, description="for how long it is known who read what")
    auditDays: Days | None = Field(default=None, description="for how long who changed what; null is for good")
    caps: CapsShape = CapsShape(costMicrosPerMonth=None)

    def told(self) -> dict[str, Any]:
        """Return what is to change, and nothing that was left out."""
        return self.model_dump(exclude_unset=True)


class BuildingShape(BuildingChange):
    """What holds in a building."""

    tenantId: str = Field(examples=["home"])


class BuildingsReply(BaseModel):
    """A page of buildings, by id; without a cursor it was the last."""

    buildings: list[BuildingShape]
    cursor: str | None = Field(examples=[None])
