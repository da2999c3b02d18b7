"""What no longer answers is cleared away: chunks and derived files of older versions, and documents that are gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from corpus.errors import BlobMissing, Conflict, TooLarge
from corpus.keys import Original, iso_time, processed_prefix
from corpus.model import Change, Document
from corpus.ports import BlobStore, Table, VectorIndex
from corpus.records.documents import Documents
from corpus.records.jobs import Jobs
from ingest.editions import removal


@dataclass(frozen=True, slots=True)
class Clearing:
    """Clears away after documents, in these stores."""

    blobs: BlobStore
    table: Table
    index: VectorIndex
    clock: Callable[[], float]

    def forget(self, change: Change, whose: Original, document: Document | None) -> None:
        """Remove a document whose blob is gone; a blob that is there means that the removal is old news."""
        try:
            self.blobs.get(change.key, 0)
        except TooLarge:
            return self.prune(whose, change.version)
        except BlobMissing:
            pass
        else:
            return self.prune(whose, change.version)
        if document and document.version <= change.version:
            awaited = document.status == "uploading" and not document.deleted_at  # its next bytes are on their way
            gone = document if awaited else replace(document, deleted_at=document.deleted_at or iso_time(self.clock()))
            gone = replace(gone, version=change.version)
            if gone != document:
                documents = Documents(self.table)
                self.table.transact(removal(documents, gone) if gone.deleted_at else [documents.write(gone)])
        return self.prune(whose, change.version)

    def prune(self, whose: Original, upto: str) -> None:
        """Clear away what no longer answers, up to this version, unless a worker is at it: its own ending will.

        Raises `Conflict` if the record was written meanwhile: what was cleared away may be what answers now.
        """
        documents = Documents(self.table)
        document = documents.get(whose.document_id)
        job = Jobs(self.table).get(whose.document_id, document.job_id) if document else None
        if job and job.unfinished:
            return
        self.index.prune(whose.document_id, document.live_in(self.index.name) if document else None, upto)
        kept = {(live.version, live.recipe) for live in document.live.values()} if document else set()
        prefix = processed_prefix(*whose)
        for key in self.blobs.keys(prefix):
            version, made_by = key.removeprefix(prefix).split("/")[:2]
            if version <= upto and (version, made_by) not in kept:
                self.blobs.delete(key)
        now = documents.get(whose.document_id)
        if (now.rev if now else 0) != (document.rev if document else 0):
            raise Conflict("The document was written while it was cleared up.")
