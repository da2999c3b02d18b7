"""Documents as records: what became of each upload, by id, by owner, by building.

The one mapping between `Document` and the names of the data model. A deleted document leaves a tombstone for 30 days,
which is longer than any message waits in a queue and its dead letters, so that a late change cannot bring it back. It
names only readers whose own record of the share is still to go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from corpus.errors import NotFound
from corpus.force import Force
from corpus.items import Item, Put
from corpus.keys import A_DAY, ID
from corpus.model import Access, Coverage, Document, Json, Live, Reason, Stages
from corpus.ports import Table
from corpus.records.every import every, filled
from corpus.scope import Scope

RANGES = ("empty", "images", "garbage", "flags", "recognised")
KIND = "document"
SORT = "DOCUMENT"
TOMBSTONE_SECONDS = 30 * A_DAY
OF_USER, OF_TENANT_BY_STATUS, OF_TENANT_BY_TYPE = 1, 2, 3


class Listing(NamedTuple):
    """Which documents a list is to hold: in a state, of a media type, uploaded from a day on and before another."""

    status: str = ""
    file_type: str = ""
    since: str = ""
    until: str = "~"

    def fits(self, document: Document) -> bool:
        """Whether a document, uploaded within the days, is wanted."""
        return self.status in {"", document.status} and self.file_type in {"", document.file_type}


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of a table."""

    table: Table

    def get(self, document_id: str) -> Document | None:
        """Return the document, or the tombstone it left, by `DOCUMENT#{documentId}` / `DOCUMENT`."""
        item = self.table.get(_pk(document_id), SORT)
        return _document(item) if item else None

    def get_many(self, document_ids: Sequence[str]) -> dict[str, Document]:
        """Return those that are there, by id, by the keys of `get`."""
        items = self.table.get_many([(_pk(one), SORT) for one in document_ids])
        found = [_document(item) for item in items if item]
        return {document.document_id: document for document in found}

    def readable(self, scope: Scope, document_id: str) -> Document:
        """Return a document that the asker may read; raises `NotFound` for any other, just as if it were not there."""
        found = self.get(document_id) if ID.fullmatch(document_id) else None
        if found is None or not found.admits(scope):
            raise unknown(document_id)
        return found

    def admitting(self, scope: Scope, document_ids: Collection[str]) -> set[str]:
        """Return which of these documents the asker may read now."""
        found = self.get_many(sorted(document_ids)) if document_ids else {}
        return {name for name, document in found.items() if document.admits(scope)}

    def put(self, document: Document) -> Document:
        """Write the document if nobody has since it was read, and return it; raises `Conflict` if somebody has."""
        return _document(self.table.put(_item(document), document.rev))

    def write(self, document: Document) -> Put:
        """Return the same as part of a transaction."""
        return Put(_item(document), document.rev)

    def listed(
        self, scope: Scope, wanted: Listing, limit: int, after: str | None = None
    ) -> tuple[list[Document], str | None]:
        """Return a page of those of the asker's documents that are wanted, newest first, and the cursor of the next.

        By index 1: `USER#{userId}#DOCUMENT`, in the order of `{uploadDate}#{documentId}`, within the days. What is
        theirs in another building is not among them. A page may be short, or even empty.
        """
        partition, span = f"USER#{scope.user_id}#DOCUMENT", (wanted.since, wanted.until)

        def fitting(items: Sequence[Item]) -> Iterator[Document]:
            return (one for one in map(_document, items) if one.tenant_id == scope.tenant_id and wanted.fits(one))

        return filled(partial(self.table.query, OF_USER, partition, span, newest_first=True), fitting, limit, after)

    def of_tenant(self, tenant_id: str) -> Iterator[Document]:
        """Return all of a building's documents.

        By index 3: `TENANT#{tenantId}#TYPE`, in the order of `{fileType}#{uploadDate}#{documentId}`, keys that stay put
        while documents are worked on.
        """
        return map(_document, every(self.table, OF_TENANT_BY_TYPE, f"TENANT#{tenant_id}#TYPE"))


def unknown(document_id: str) -> NotFound:
    """Return what is said of a document that is not there, or not the asker's."""
    return NotFound(f"There is no document {document_id}.", hint="List your documents to see their ids.")


def _pk(document_id: str) -> str:
    return f"DOCUMENT#{document_id}"


def _item(document: Document) -> Item:
    pk = _pk(document.document_id)
    if document.deleted_at:
        ttl = int(datetime.fromisoformat(document.deleted_at).timestamp()) + TOMBSTONE_SECONDS
        return Item(pk, SORT, KIND, _tombstone_data(document), ttl=ttl)
    dated = f"{document.upload_date}#{document.document_id}"
    keys = {
        OF_USER: (f"USER#{document.user_id}#DOCUMENT", dated),
        OF_TENANT_BY_STATUS: (f"TENANT#{document.tenant_id}#DOCUMENT", f"{document.status}#{dated}"),
        OF_TENANT_BY_TYPE: (f"TENANT#{document.tenant_id}#TYPE", f"{document.file_type}#{dated}"),
    }
    return Item(pk, SORT, KIND, data_of(document), keys)


def _tombstone_data(document: Document) -> dict[str, Json]:
    return {
        "documentId": document.document_id,
        "userId": document.user_id,
        "version": document.version,
        "deletedAt": document.deleted_at,
        **({"sharedWith": document.access.shared_with} if document.access.shared_with else {}),
    }


def data_of(document: Document) -> dict[str, Json]:
    """Return the document with the names it is stored and sent under."""
    stages, access = document.stages, document.access
    return {
        "documentId": document.document_id,
        "userId": document.user_id,
        "tenantId": document.tenant_id,
        "fileName": document.file_name,
        "fileType": document.file_type,
        "fileSize": document.file_size,
        "s3Key": document.key,
        "s3Bucket": document.bucket or None,
        "uploadDate": document.upload_date,
        "status": document.status,
        "processingStatus": {
            "textExtracted": stages.text_extracted,
            "chunksCreated": stages.chunks_created,
            "vectorsGenerated": stages.vectors_generated,
            "indexed": stages.indexed,
            "errorMessage": stages.error_message,
        },
        "metadata": {
            "title": document.title or None,
            **({"readTitle": document.read_title} if document.given_title else {}),
            "description": document.description or None,
            "tags": document.tags,
            "language": document.language or None,
            "pageCount": document.page_count,
            "wordCount": document.word_count,
        },
        "searchableContent": {"preview": document.preview, "keywords": document.keywords},
        "access": {
            "isPublic": access.is_public,
            "sharedWith": access.shared_with,
            "audience": access.audience,
        },
        "inForceFrom": document.force.start or None,
        "inForceUntil": document.force.until or None,
        "supersedes": document.force.supersedes or None,
        "supersededBy": document.force.superseded_by,
        "version": document.version,
        "live": {
            name: {"version": live.version, "recipe": live.recipe, "chunkCount": live.chunk_count, "marks": live.marks}
            for name, live in document.live.items()
        },
        "jobId": document.job_id,
        "checksumMD5": document.checksum_md5,
        "checksumSHA256": document.checksum_sha256,
        "coverage": _coverage_data(document.coverage),
        "reason": reason_data(document.reason) if document.reason else None,
        "costMicros": document.cost_micros,
    }


def _coverage_data(coverage: Coverage) -> dict[str, Json]:
    return {
        "pages": coverage.pages,
        "readable": coverage.readable,
        "empty": coverage.empty,
        "images": coverage.images,
        "garbage": coverage.garbage,
        "flags": coverage.flags,
        "recognised": coverage.recognised,
    }


def reason_data(reason: Reason) -> dict[str, Json]:
    """Return a reason with the names it is stored and sent under."""
    return {
        "code": reason.code,
        "stage": reason.stage,
        "page": reason.page,
        "transient": reason.transient,
        "hint": reason.hint,
    }


def _document(item: Item) -> Document:
    data: dict[str, Any] = dict(item.data)
    if data.get("deletedAt"):
        return Document(
            document_id=data["documentId"],
            user_id=data["userId"],
            tenant_id="",
            version=data["version"],
            access=Access(shared_with=tuple(data.get("sharedWith", ()))),
            deleted_at=data["deletedAt"],
            rev=item.rev,
        )
    stages, metadata, access, coverage = (data[name] for name in ("processingStatus", "metadata", "access", "coverage"))
    content = data.get("searchableContent", {"preview": "", "keywords": ()})  # a record may be older than these
    return Document(
        document_id=data["documentId"],
        user_id=data["userId"],
        tenant_id=data["tenantId"],
        file_name=data["fileName"],
        file_type=data["fileType"],
        file_size=data["fileSize"],
        bucket=data.get("s3Bucket") or "",
        upload_date=data["uploadDate"],
        status=data["status"],
        stages=Stages(*(stages[name] for name in STAGE_NAMES)),
        title=metadata["title"] or "",
        read_title=metadata.get("readTitle", metadata["title"]) or "",
        description=metadata.get("description") or "",
        tags=tuple(metadata["tags"]),
        language=metadata.get("language") or "",
        page_count=metadata["pageCount"],
        word_count=metadata["wordCount"],
        preview=content["preview"],
        keywords=tuple(content["keywords"]),
        access=Access(access["isPublic"], tuple(access["sharedWith"]), tuple(access["audience"])),
        force=_force(data),
        version=data["version"],
        live={name: _live(one) for name, one in data["live"].items()},
        job_id=data["jobId"],
        checksum_md5=data["checksumMD5"],
        checksum_sha256=data["checksumSHA256"],
        coverage=Coverage(
            coverage["pages"],
            coverage["readable"],
            *(tuple(coverage.get(name, ())) for name in RANGES),  # older records lack some
        ),
        reason=Reason(**data["reason"]) if data["reason"] else None,
        cost_micros=data.get("costMicros", 0),
        updated_at=item.updated_at,
        rev=item.rev,
    )


def _live(one: dict[str, Any]) -> Live:
    return Live(one["version"], one["recipe"], one["chunkCount"], one.get("marks", ""))


def _force(data: dict[str, Any]) -> Force:
    """Since when and until when a record says it counts; older records say nothing of it."""
    start, until, supersedes = (data.get(name) or "" for name in ("inForceFrom", "inForceUntil", "supersedes"))
    return Force(start, until, supersedes, tuple(data.get("supersededBy", ())))


STAGE_NAMES = ("textExtracted", "chunksCreated", "vectorsGenerated", "indexed", "errorMessage")
