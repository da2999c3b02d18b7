"""What tools take and return beyond what the routes do."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from footnote.api.document_shapes import DOCUMENT_ID, DocumentStatus, PageText
from footnote.api.lists import Paging
from footnote.api.malformed import MEDIA_TYPE
from footnote.api.question_shapes import HitShape

_SPEAKS = Field(description="whether it speaks to a language model, as no document for people has to")


class ToolHit(HitShape):
    """A hit, and whether it is bait."""

    instructions: bool = _SPEAKS


class ToolHits(BaseModel):
    """The hits, best first."""

    hits: list[ToolHit]


class ReadRequest(BaseModel):
    """Which pages to read: the first without more, and on from a position if the reply before broke off there."""

    model_config = ConfigDict(extra="forbid")

    documentId: str = Field(max_length=128, examples=[DOCUMENT_ID])
    firstPage: int = Field(default=1, ge=1, description="the pageNumber of a hit or a citation")
    lastPage: int | None = Field(default=None, ge=1, description="firstPage alone without; at most 50 at a time")
    startPosition: int = Field(default=0, ge=0, description="the nextPosition of the reply before, to read on")


class ToolPage(PageText):
    """A page, or as much of it as fits, and whether that is bait."""

    instructions: bool = _SPEAKS


class ReadReply(BaseModel):
    """The pages, whose text stands in the document from `startPosition` to `endPosition`."""

    fileName: str = Field(examples=["house-rules.pdf"])
    pages: list[ToolPage]
    nextPosition: int | None = Field(description="where to read on, if not all of it fitted")


class ListRequest(Paging):
    """Which documents to list; a page may be short, and without a cursor it was the last."""

    status: DocumentStatus | None = None
    type: str = Field(default="", max_length=255, pattern=MEDIA_TYPE, description="a media type")


class ToolDocument(BaseModel):
    """What there is to know of a document before it is read."""

    documentId: str = Field(examples=[DOCUMENT_ID])
    fileName: str = Field(examples=["house-rules.pdf"])
    fileType: str = Field(examples=["application/pdf"])
    title: str = Field(examples=["House Rules"])
    language: str | None = Field(examples=["en"])
    pageCount: int = Field(examples=[4])
    status: str = Field(examples=["ready"], description="uploading, processing, ready or error")
    uploadDate: str = Field(examples=["2026-11-21T09:00:00.000Z"])
    inForceFrom: str | None = Field(examples=["2027-01-01"])
    inForceUntil: str | None
    instructions: bool = _SPEAKS


class ToolDocuments(BaseModel):
    """The documents, newest first."""

    documents: list[ToolDocument]
    cursor: str | None
