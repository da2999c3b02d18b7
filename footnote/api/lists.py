"""What a list may be asked in its query: which page, and what is to be on it. Anything else is refused, not ignored."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from corpus.records.documents import Listing
from footnote.api.document_shapes import DocumentStatus
from footnote.api.malformed import MEDIA_TYPE, MONTH, Day


class Paging(BaseModel):
    """A page of a list: at most `limit` of it, and on from where the page before ended."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=1000, description="The cursor of the page before.")


class DocumentsQuery(Paging):
    """Which documents to list."""

    status: DocumentStatus | None = Field(default=None, description="Only those in this state.")
    type: str = Field(default="", max_length=255, pattern=MEDIA_TYPE, description="Only those of this media type.")
    since: Day | None = Field(default=None, description="Only those uploaded on this day or later, in UTC.")
    until: Day | None = Field(default=None, description="Only those uploaded before this day, in UTC.")
    shared: bool = Field(default=False, description="Those shared with you by name, instead of your own.")

    def wanted(self) -> Listing:
        """Return it as the records take it."""
        since, until = (one.isoformat() if one else "" for one in (self.since, self.until))
        return Listing(self.status or "", self.type, since, until or "~")


class DayQuery(Paging):
    """Of which day a list is."""

    day: Day | None = Field(default=None, description="The day, in UTC; today without.")


class MonthQuery(BaseModel):
    """Of which month something is."""

    model_config = ConfigDict(extra="forbid")

    month: str = Field(default="", pattern=MONTH, description="The month, in UTC; this one without.")


class MonthsQuery(MonthQuery, Paging):
    """Of which month a list is."""


Page = Annotated[Paging, Query()]
