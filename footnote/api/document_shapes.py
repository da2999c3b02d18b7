"""What goes in and comes out of documents over HTTP, with the names of the data model and an example of each."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from footnote.api.malformed import Day
from ingest.terms import Terms

DOCUMENT_ID = "3f0c1f5e-6a35-4c53-9a0f-0a9c6a5a4c11"
DocumentStatus = Literal["uploading", "processing", "ready", "error"]
METADATA = {"title": "House Rules", "tags": [], "language": "en", "pageCount": 4, "wordCount": 1013}
CONTENT = {"preview": "House Rules of Linden Court", "keywords": ["caretaker", "rules", "apartment"]}


class DocumentShape(BaseModel):
    """A document's record; docs/api.md says what its fields mean."""

    model_config = ConfigDict(extra="allow")

    documentId: str = Field(examples=[DOCUMENT_ID])
    fileName: str = Field(examples=["house-rules.pdf"])
    fileType: str = Field(examples=["application/pdf"])
    fileSize: int = Field(examples=[48211])
    status: str = Field(examples=["ready"], description="uploading, processing, ready or error")
    uploadDate: str = Field(examples=["2026-11-21T09:00:00.000Z"])
    version: str = Field(examples=["00000000000000000001"])
    metadata: dict[str, Any] = Field(examples=[METADATA])
    searchableContent: dict[str, Any] = Field(examples=[CONTENT])
    coverage: dict[str, Any] = Field(
        examples=[{"pages": 4, "readable": 4, "empty": [], "images": [], "garbage": [], "flags": []}]
    )
    reason: dict[str, Any] | None = Field(examples=[None])
    inForceFrom: str | None = Field(examples=["2027-01-01"])
    inForceUntil: str | None = Field(examples=[None])
    supersedes: str | None = Field(examples=[None], description="the document whose place it takes")
    supersededBy: list[str] = Field(examples=[[]])
    costMicros: int = Field(
        examples=[1250], description="what its embeddings cost, all versions, in millionths of a dollar"
    )


class AccessChange(BaseModel):
    """Who but its owner may read a document; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    isPublic: bool | None = Field(default=None, description="everyone in the building")
    sharedWith: list[str] | None = Field(default=None, description="people, by id", examples=[["ann"]])
    audience: list[str] | None = Field(default=None, examples=[["unit:12", "role:staff"]])


class Amendment(BaseModel):
    """What is to be said of a document; what is left out stays as it is, null takes it back."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"title": "House Rules", "inForceFrom": "2027-01-01"}]}
    )

    title: str | None = None
    description: str | None = None
    tags: list[str] | None = Field(default=None, examples=[["rules"]])
    access: AccessChange | None = None
    inForceFrom: Day | None = None
    inForceUntil: Day | None = None
    supersedes: str | None = Field(default=None, max_length=128)

    def terms(self) -> Terms:
        """Return what is said of it, a null as what takes it back; raises `BadRequest` for what makes no sense."""
        given, access = self.model_fields_set, self.access or AccessChange()

        def text(name: str) -> str | None:
            return str(getattr(self, name) or "") if name in given else None

        return Terms(
            start=text("inForceFrom"),
            until=text("inForceUntil"),
            supersedes=text("supersedes"),
            title=text("title"),
            description=text("description"),
            tags=tuple(self.tags or ()) if "tags" in given else None,
            is_public=access.isPublic,
            shared_with=None if access.sharedWith is None else tuple(access.sharedWith),
            audience=None if access.audience is None else tuple(access.audience),
        )


class PageShape(BaseModel):
    """One line of a document's page ledger: how a page was read, how surely in percent, and what kept it from being."""

    pageNumber: int = Field(examples=[3])
    pageLabel: str = Field(examples=["iii"])
    characters: int = Field(examples=[1874])
    method: str = Field(examples=["text"], description="text, ocr, or empty for a page nobody could read")
    confidence: int = Field(examples=[100])
    problem: str = Field(
        examples=[""], description="empty, image, garbage or failed; empty text for a page that was read"
    )


class PagesReply(BaseModel):
    """The pages of the version that answers."""

    pages: list[PageShape]


class PageText(PageShape):
    """A page with its stored text."""

    documentId: str = Field(examples=[DOCUMENT_ID])
    startPosition: int
    endPosition: int
    text: str = Field(examples=["The pool opens at nine in the morning."])


class EventShape(BaseModel):
    """Something that happened in a job: `durationMs` is of a stage that was completed."""

    eventId: str = Field(examples=["0-01KD0000000000000000000000"])
    jobId: str = Field(examples=["01KD0000000000000000000000"])
    timestamp: str = Field(examples=["2026-11-21T09:00:00.000Z"])
    eventType: str = Field(
        examples=["stage_completed"], description="job_created, stage_started, stage_completed or error_occurred"
    )
    stage: str = Field(examples=["embed"])
    durationMs: int
    details: dict[str, Any] = Field(examples=[{"message": "", "pagesProcessed": 4}])


class EventsReply(BaseModel):
    """A page of events, newest first; without a cursor it was the last."""

    events: list[EventShape]
    cursor: str | None = Field(examples=[None])


class ProgressShape(BaseModel):
    """How far a document that is worked on is. Nothing of it goes back, and `percent` is 99 until it is `ready`."""

    stage: str = Field(examples=["embed"], description="extract, chunk, embed or index; empty before")
    donePages: int
    totalPages: int = Field(examples=[2000], description="0 while nobody knows")
    chunks: int
    embedded: int
    percent: int = Field(examples=[57])
    secondsLeft: int | None = Field(description="while chunks are embedded, as soon as the pace is known")
    attempt: int
    error: dict[str, Any] | None = Field(examples=[None], description="why the attempt before failed, if it did")


class DocumentWithProgress(DocumentShape):
    """A document's record, and how far it is while it is worked on."""

    progress: ProgressShape | None


class SharedShape(BaseModel):
    """Whose document it is, and who shared it when."""

    ownerId: str = Field(examples=["8c0d7f2e"])
    sharedAt: str | None = Field(examples=["2026-11-21T09:00:00.000Z"])
    sharedBy: str = Field(examples=["8c0d7f2e"])


class ListedDocument(DocumentShape):
    """A document's record; of one that is shared with the asker, by whom."""

    shared: SharedShape | None = None


class DocumentsReply(BaseModel):
    """A page of documents; without a cursor it was the last."""

    documents: list[ListedDocument]
    cursor: str | None = Field(examples=[None])
