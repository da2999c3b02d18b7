"""What no longer answers is cleared away: chunks and derived files of older versions, and documents that are gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from corpus.errors import BlobMissing, Conflict, TooLarge
from corpus.keys import Original, iso_time, processed_prefix
from corpus.model import Change, Document
from corpus.ports import LEASE_SECONDS, BlobStore, Table, VectorIndex
from corpus.records.documents import Documents
from corpus.records.jobs import Job, Jobs
from ingest.claim import RENEW_SECONDS
from ingest.editions import bury


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
            if gone != document and not gone.deleted_at:
                Documents(self.table).put(gone)
            while gone.deleted_at and (gone != document or gone.access.shared_with):  # whom the door left, too
                gone = document = bury(self.table, gone)
        return self.prune(whose, change.version)

    def prune(self, whose: Original, upto: str) -> None:
        """Clear away what no longer answers, up to this version, unless a worker is at it: its own ending will.

        A generation of the newest version may yet become the one that answers, so meanwhile nobody takes that version
        on. Raises `Conflict` if somebody has, later than a lease is long: what was cleared away may be what answers
        now. Whoever dies before that is known leaves the lease, and the sweep has the document looked at again.
        """
        documents, jobs = Documents(self.table), Jobs(self.table)
        before = documents.get(whose.document_id)
        job = jobs.get(whose.document_id, before.job_id) if before else None
        if job and (job.unfinished or (job.clearing and job.lease_until > iso_time(self.clock()))):
            return
        newest = before and before.version <= upto and not before.deleted_at
        lease = _Lease(jobs, job, self.clock) if job and newest else None
        if lease and _answering(documents.get(whose.document_id)) != _answering(before):
            lease.end()
            raise Conflict("The document was written before it was cleared up.")
        self._clear(whose, before, upto, lease.renew if lease else lambda: None)
        if lease:
            lease.end()
        if _answering(documents.get(whose.document_id)) != _answering(before):
            raise Conflict("The document was written while it was cleared up.")

    def _clear(self, whose: Original, document: Document | None, upto: str, renew: Callable[[], None]) -> None:
        """Remove all chunks and derived files up to a version but those of the generations that answer."""
        renew()
        self.index.prune(whose.document_id, document.live_in(self.index.name) if document else None, upto)
        kept = {(live.version, live.recipe) for live in document.live.values()} if document else set()
        prefix = processed_prefix(*whose)
        for key in self.blobs.keys(prefix):
            version, made_by = key.removeprefix(prefix).split("/")[:2]
            if version <= upto and (version, made_by) not in kept:
                renew()
                self.blobs.delete(key)


class _Lease:
    """Keeps others from taking on the version of a job that ended, for as long as it is renewed.

    Whoever takes it on later writes that job too, so that this one finds a `Conflict`.
    """

    def __init__(self, jobs: Jobs, job: Job, clock: Callable[[], float]) -> None:
        self._jobs, self._clock = jobs, clock
        self._renewed = clock()
        self._job = self._until(job, self._renewed + LEASE_SECONDS)

    def renew(self) -> None:
        """Go on holding it. Raises `Conflict` if that took too long, and somebody has the version."""
        now = self._clock()
        if now - self._renewed >= RENEW_SECONDS:
            self._job, self._renewed = self._until(self._job, now + LEASE_SECONDS), now

    def end(self) -> None:
        """Hold it no longer. Raises `Conflict`, and leaves it to the sweep, if somebody has the version."""
        self._jobs.put(replace(self._job, lease_until=""))

    def _until(self, job: Job, then: float) -> Job:
        return self._jobs.put(replace(job, lease_until=iso_time(then)))


def _answering(document: Document | None) -> object:
    """What of a record says which generations answer, and who works on it."""
    return document and (document.version, document.job_id, document.live, document.deleted_at)
