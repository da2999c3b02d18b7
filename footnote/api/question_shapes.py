"""What goes in and comes out of questions over HTTP."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from corpus.ways import EVERYTHING, Filter
from footnote.api.document_shapes import DOCUMENT_ID
from footnote.api.malformed import MEDIA_TYPE, Day


class FilterShape(BaseModel):
    """What to look through. Of several values of one kind any will do, and every kind given must fit."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"tags": ["rules"], "since": "2026-01-01"}]}
    )

    documentIds: list[Annotated[str, Field(max_length=128)]] = Field(default=[], max_length=100)
    tags: list[Annotated[str, Field(max_length=100)]] = Field(default=[], max_length=20)
    types: list[Annotated[str, Field(max_length=255, pattern=MEDIA_TYPE)]] = Field(
        default=[], max_length=20, description="media types"
    )
    since: Day | None = Field(default=None, description="ingested on this day or later, in UTC")
    until: Day | None = Field(default=None, description="ingested before this day, in UTC")

    @property
    def only(self) -> Filter:
        """The filter that a search takes."""
        return Filter(
            document_ids=frozenset(self.documentIds),
            tags=frozenset(self.tags),
            types=frozenset(self.types),
            since=f"{self.since}T00:00:00.000Z" if self.since else "",
            until=f"{self.until}T00:00:00.000Z" if self.until else "",
        )


class Question(BaseModel):
    """What is asked."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "When does the pool open?"}]}
    )

    question: str = Field(min_length=1, max_length=4000, pattern=r"\S")
    asOf: Day | None = Field(default=None, description="another day than today: only documents in force on it answer")
    filter: FilterShape | None = Field(default=None, description="what to look through, of what the asker may see")

    @property
    def day(self) -> str:
        """The day that was asked for; "" if none was."""
        return self.asOf.isoformat() if self.asOf else ""

    @property
    def only(self) -> Filter:
        """What is to be looked through."""
        return self.filter.only if self.filter else EVERYTHING


class SearchRequest(Question):
    """What to look for, and how many hits to return."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "When does the pool open?", "k": 5}]}
    )

    k: int = Field(default=10, ge=1, le=100)


class HitShape(BaseModel):
    """A chunk that fits, and where it stands: `content` is the stored text between the positions."""

    chunkId: str = Field(examples=["b1d9d2a4-9d0f-5c1e-8f37-2f6f3c9be001"])
    documentId: str = Field(examples=[DOCUMENT_ID])
    fileName: str = Field(examples=["house-rules.pdf"])
    pageNumber: int = Field(examples=[3])
    section: str = Field(examples=["House Rules › Pool"])
    startPosition: int
    endPosition: int
    score: float = Field(examples=[1.42])
    tableHeader: str = Field(
        examples=[""], description="the columns of its rows, where their header stands in an earlier chunk"
    )
    content: str = Field(examples=["The pool opens at nine in the morning."])


class SearchReply(BaseModel):
    """The hits, best first."""

    hits: list[HitShape]


class CitationShape(BaseModel):
    """Where a sentence comes from: `quote` stands in that version's text between the positions, on that page."""

    number: int = Field(examples=[1])
    documentId: str = Field(examples=[DOCUMENT_ID])
    version: str = Field(examples=["00000000000000000001"])
    fileName: str = Field(examples=["house-rules.pdf"])
    pageNumber: int = Field(examples=[3])
    pageLabel: str = Field(examples=["iii"])
    section: str = Field(examples=["House Rules › Pool"])
    startPosition: int
    endPosition: int
    quote: str = Field(examples=["The pool opens at nine in the morning."])
    inForceFrom: str | None = Field(examples=["2027-01-01"])
    inForceUntil: str | None = Field(examples=[None])
    available: bool = Field(description="false once you may not read it any more: nothing else is told of it then")


class AnswerReply(BaseModel):
    """An answer; `[n]` in its text points at the citation of that number."""

    type: str = Field(examples=["grounded"], description="grounded, partial, conflict or not_found")
    text: str = Field(examples=["The pool opens at nine in the morning. [1]"])
    citations: list[CitationShape]
    notes: list[str] = Field(examples=[[]])
    asOf: str | None = Field(examples=["2027-01-31"], description="the day that was asked for, if one was")
    contact: dict[str, str] | None = Field(
        description="whom to turn to, where something was not answered",
        examples=[{"name": "Caretaker", "phone": "0187"}],
    )
