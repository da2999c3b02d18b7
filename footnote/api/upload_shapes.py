"""What goes in and comes out of uploads in parts over HTTP."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from footnote.api.document_shapes import DOCUMENT_ID

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
Checksum = Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$", description="SHA-256 of the bytes, in hex")]


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
