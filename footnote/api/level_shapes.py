"""What goes in and comes out of service levels and usage, with the names of the data model."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from corpus.records.levels import MOST, Action, LevelName, Priority

Limit = Annotated[int | None, Field(ge=0, le=MOST, description="null is no limit")]


class LevelChange(BaseModel):
    """All that a level allows, from now on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "allowedActions": ["search", "ask", "upload"],
                    "maxDocuments": 100,
                    "maxBytes": 1073741824,
                    "maxAsksPerDay": 50,
                    "supportPriority": "standard",
                }
            ]
        },
    )

    allowedActions: list[Action] = Field(max_length=20)
    maxDocuments: Limit
    maxBytes: Limit
    maxAsksPerDay: Limit
    supportPriority: Priority = "standard"


class LevelShape(LevelChange):
    """A level: what it allows, and how much of it."""

    level: LevelName


class LevelsReply(BaseModel):
    """The levels there are."""

    levels: list[LevelShape]


class UsageReply(BaseModel):
    """What the asker keeps, and what they asked today, beside the limits of their level; null is no limit."""

    level: str = Field(examples=["basic"], description="unlimited for whoever owns the machine: nothing is counted")
    documents: int = Field(examples=[12])
    maxDocuments: int | None = Field(examples=[100])
    bytes: int = Field(examples=[48211733])
    maxBytes: int | None = Field(examples=[1073741824])
    asks: int = Field(examples=[7], description="since midnight in UTC")
    maxAsksPerDay: int | None = Field(examples=[50])
    searches: int = Field(examples=[31], description="since midnight in UTC")
    resetsAt: str = Field(examples=["2026-11-22T00:00:00.000Z"], description="when asks and searches begin anew")


class CostShape(BaseModel):
    """What models cost: millionths of a dollar, and tokens of text embedded, read and written."""

    costMicros: int = Field(examples=[41230])
    embedTokens: int = Field(examples=[1250000])
    inputTokens: int = Field(examples=[84000])
    outputTokens: int = Field(examples=[2100])


class DayCostShape(CostShape):
    """What models cost on a day, in UTC."""

    day: str = Field(examples=["2026-11-21"])


class SpendReply(CostShape):
    """What models cost a building in a month; what is set aside for calls that have not ended yet counts too."""

    month: str = Field(examples=["2026-11"])
    costMicrosPerMonth: int | None = Field(examples=[25000000], description="the cap; null is no limit")
    days: list[DayCostShape] = Field(description="of calls that have ended")
