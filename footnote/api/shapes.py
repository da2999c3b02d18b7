"""What goes in and comes out over HTTP, with the names of the data model and an example of each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from corpus.ways import EVERYTHING, Filter
from footnote.api.malformed import MEDIA_TYPE, Day
from ingest.terms import Terms

DOCUMENT_ID = "3f0c1f5e-6a35-4c53-9a0f-0a9c6a5a4c11"
DocumentStatus = Literal["uploading", "processing", "ready", "error"]
METADATA = {"title": "House Rules", "tags": [], "language": "en", "pageCount": 4, "wordCount": 1013}
CONTENT = {"preview": "House Rules of Linden Court", "keywords": ["caretaker", "rules", "apartment"]}


SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
Checksum = Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$", description="SHA-256 of the bytes, in hex")]


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


class UploadRequest(BaseModel):
    """A file that is to come in parts; `fileType` is its media type, if its sender knows."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"fileName": "minutes.pdf", "fileSize": 12582912, "checksumSHA256": SHA256}]},
    )

    fileName: str = Field(min_length=1, max_length=1000)
    fileSize: int = Field(ge=1)
    fileType: str = Field(default="", max_length=255)
    checksumSHA256: Checksum


class PartRequest(BaseModel):
    """A part that is to come: the first is number 1, and all but the last have `partSize` bytes."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"number": 1, "size": 8388608, "checksumSHA256": SHA256}]}
    )

    number: int = Field(ge=1)
    size: int = Field(ge=1)
    checksumSHA256: Checksum


class UploadReply(BaseModel):
    """An upload in `parts` parts of `partSize` bytes, and the numbers of those that are there."""

    uploadId: str = Field(examples=["01KD0000000000000000000000"])
    documentId: str = Field(examples=[DOCUMENT_ID])
    state: str = Field(examples=["open"], description="open, completing or completed")
    fileName: str = Field(examples=["minutes.pdf"])
    fileSize: int = Field(examples=[12582912])
    partSize: int = Field(examples=[8388608])
    parts: int = Field(examples=[2])
    doneParts: list[int] = Field(examples=[[1]])
    expiresAt: str = Field(examples=["2026-11-22T09:00:00.000Z"])


class PartReply(BaseModel):
    """Where to put a part, and with which headers; other bytes than were told of are refused there."""

    uploadUrl: str = Field(examples=["https://footnote.example.org/v1/uploads/01KD0000000000000000000000/parts/1"])
    method: str = Field(examples=["PUT"])
    headers: dict[str, str] = Field(examples=[{}])
    expiresAt: str = Field(examples=["2026-11-21T10:00:00.000Z"])


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


class Health(BaseModel):
    """Whether the service can answer."""

    status: str = Field(examples=["ok"])
    version: str = Field(examples=["0.1.0"])
