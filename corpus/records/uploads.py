"""Uploads in parts as records: what was announced, which parts were told of, and whether they are one document yet.

A record lasts a day; after that nobody knows the upload any more, and its store clears its parts away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from corpus.errors import NotFound
from corpus.items import Item
from corpus.keys import A_DAY
from corpus.model import Json
from corpus.ports import Table
from corpus.records.every import every
from corpus.uploads import BegunUpload, UploadPart

KIND = "upload"
SORT = "UPLOAD"
KEPT_SECONDS = A_DAY
OF_USER = 1
UploadState = Literal["open", "completing", "completed"]


@dataclass(frozen=True, slots=True)
class PartedUpload:
    """A file on its way in parts of `part_size` bytes, the last one with what is left.

    `told` has the SHA-256 of each part that was told of, by number; `begun` is how its store knows it.
    """

    upload_id: str
    user_id: str
    tenant_id: str
    document_id: str
    file_name: str
    declared: str
    file_size: int
    checksum_sha256: str
    part_size: int
    begun: BegunUpload
    created_at: str
    state: UploadState = "open"
    told: Mapping[int, str] = field(default_factory=dict)
    rev: int = 0

    @property
    def count(self) -> int:
        """How many parts it has."""
        return -(-self.file_size // self.part_size)

    @property
    def expires(self) -> int:
        """Until when it is known, in seconds."""
        return int(datetime.fromisoformat(self.created_at).timestamp()) + KEPT_SECONDS

    def size_of(self, number: int) -> int:
        """Return how many bytes a part has."""
        return min(self.part_size, self.file_size - (number - 1) * self.part_size)

    def part(self, number: int) -> UploadPart:
        """Return a part that was told of."""
        return UploadPart(number, self.size_of(number), self.told[number])


@dataclass(frozen=True, slots=True)
class PartedUploads:
    """The uploads of a table, by `UPLOAD#{uploadId}` / `UPLOAD`.

    Those that are not completed are in index 1: `USER#{userId}#UPLOAD`, by `{uploadTimestamp}#{uploadId}`.
    """

    table: Table

    def get(self, upload_id: str) -> PartedUpload | None:
        """Return an upload, unless it expired."""
        item = self.table.get(_pk(upload_id), SORT)
        return _upload(item) if item else None

    def unfinished(self, user_id: str, most: int) -> list[PartedUpload]:
        """Return a person's uploads that are not completed, the oldest first, and no more than so many of them."""
        return [_upload(item) for item in islice(every(self.table, OF_USER, f"USER#{user_id}#UPLOAD"), most)]

    def put(self, upload: PartedUpload) -> PartedUpload:
        """Write the upload if nobody has since it was read, and return it; raises `Conflict` if somebody has."""
        return _upload(self.table.put(_item(upload), upload.rev))

    def delete(self, upload: PartedUpload) -> None:
        """Forget the upload; raises `Conflict` if somebody wrote it since it was read."""
        self.table.delete(_pk(upload.upload_id), SORT, upload.rev)


def unknown_upload(upload_id: str) -> NotFound:
    """Return what is said of an upload that is not there, has expired, or is not the asker's."""
    return NotFound(f"There is no upload {upload_id}.", hint="An upload is known for a day; begin another.")


def _pk(upload_id: str) -> str:
    return f"UPLOAD#{upload_id}"


def _item(upload: PartedUpload) -> Item:
    data: dict[str, Json] = {
        "uploadId": upload.upload_id,
        "userId": upload.user_id,
        "tenantId": upload.tenant_id,
        "documentId": upload.document_id,
        "fileName": upload.file_name,
        "fileType": upload.declared,
        "fileSize": upload.file_size,
        "uploadTimestamp": upload.created_at,
        "checksumSHA256": upload.checksum_sha256,
        "partSize": upload.part_size,
        "s3Key": upload.begun.key,
        "storeName": upload.begun.name,
        "state": upload.state,
        "parts": [{"number": number, "checksumSHA256": sha256} for number, sha256 in upload.told.items()],
    }
    dated = f"{upload.created_at}#{upload.upload_id}"
    keys = {OF_USER: (f"USER#{upload.user_id}#UPLOAD", dated)} if upload.state != "completed" else {}
    return Item(_pk(upload.upload_id), SORT, KIND, data, keys, ttl=upload.expires)


def _upload(item: Item) -> PartedUpload:
    data: dict[str, Any] = dict(item.data)
    return PartedUpload(
        upload_id=data["uploadId"],
        user_id=data["userId"],
        tenant_id=data["tenantId"],
        document_id=data["documentId"],
        file_name=data["fileName"],
        declared=data["fileType"],
        file_size=data["fileSize"],
        checksum_sha256=data["checksumSHA256"],
        part_size=data["partSize"],
        begun=BegunUpload(data["s3Key"], data["storeName"]),
        created_at=data["uploadTimestamp"],
        state=data["state"],
        told={part["number"]: part["checksumSHA256"] for part in data["parts"]},
        rev=item.rev,
    )
