"""Jobs as records: one for each version of a document that a worker takes on, with its lease, attempts and progress."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from corpus.items import Item, Put
from corpus.keys import A_DAY
from corpus.model import Json, Reason
from corpus.ports import Table
from corpus.records.documents import reason_data
from corpus.records.every import every

KIND = "job"
KEPT_SECONDS = 30 * A_DAY
LEASES, BY_STATUS, BY_MONTH = 1, 2, 3
LEASE_PARTITIONS = 8
JobStatus = Literal["queued", "processing", "completed", "failed"]
JobStage = Literal["", "extract", "chunk", "embed", "index"]
STAGES: tuple[JobStage, ...] = ("", "extract", "chunk", "embed", "index")
READ_PERCENT, EMBEDDED_PERCENT = 20, 95
"""Where people see a job whose pages are read, and one whose chunks have vectors."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: the stage it is in, its pages, and how many of its chunks have vectors.

    `seconds_left` is for embedding, which is nearly all of the time; None while nobody can tell.
    """

    stage: JobStage = ""
    done_pages: int = 0
    total_pages: int = 0
    chunks: int = 0
    embedded: int = 0
    seconds_left: int | None = None

    def reached(
        self, stage: JobStage = "", *, done_pages: int = 0, total_pages: int = 0, chunks: int = 0, embedded: int = 0
    ) -> Progress:
        """Return how far the job is now that somebody has come so far with it: nothing in it ever goes back.

        What another worker did and lost was done; a total stays what it was first said to be.
        """
        pages, all_chunks = self.total_pages or total_pages, self.chunks or chunks
        return Progress(
            max(self.stage, stage, key=STAGES.index),
            min(max(self.done_pages, done_pages), pages),
            pages,
            all_chunks,
            min(max(self.embedded, embedded), all_chunks),
            self.seconds_left,
        )

    @property
    def percent(self) -> int:
        """How far it is in whole percent: 99 at most, for only a document that is `ready` is done."""
        if self.stage == "extract":
            return READ_PERCENT * self.done_pages // max(self.total_pages, 1)
        if self.stage == "embed":
            return READ_PERCENT + (EMBEDDED_PERCENT - READ_PERCENT) * self.embedded // max(self.chunks, 1)
        return {"": 0, "chunk": READ_PERCENT, "index": 99}[self.stage]


@dataclass(frozen=True, slots=True)
class Job:
    """One worker's task. It is somebody's while `lease_until`, an ISO time, is not past.

    A job that ended is leased once more by whoever clears away what no longer answers.

    `cost_micros`, in millionths of a dollar, is what its `embed_tokens` cost.
    """

    job_id: str
    document_id: str
    user_id: str
    tenant_id: str
    version: str
    created_at: str
    status: JobStatus = "processing"
    recipe: str = ""
    attempt: int = 1
    lease_owner: str = ""
    lease_until: str = ""
    progress: Progress = Progress()
    embed_tokens: int = 0
    cost_micros: int = 0
    error: Reason | None = None
    ended_at: str = ""
    rev: int = 0

    @property
    def unfinished(self) -> bool:
        """Whether anything is still to be done."""
        return self.status in {"queued", "processing"}

    @property
    def clearing(self) -> bool:
        """Whether somebody clears away what no longer answers, or began to and died."""
        return not self.unfinished and bool(self.lease_until)


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of a table."""

    table: Table

    def get(self, document_id: str, job_id: str) -> Job | None:
        """Return a job by `DOCUMENT#{documentId}` / `JOB#{jobId}`; None without an id."""
        item = self.table.get(f"DOCUMENT#{document_id}", f"JOB#{job_id}") if job_id else None
        return _job(item) if item else None

    def stale(self, before: str) -> Iterator[Job]:
        """Yield unfinished and clearing jobs whose lease ended, or that were given back, before an ISO time.

        By index 1, `LEASE#{0–7}` up to `{leaseUntil}#{jobId}`; a job that was given back has no lease, so its last
        write counts.
        """
        for number in range(LEASE_PARTITIONS):
            for item in every(self.table, LEASES, f"LEASE#{number}", ("", before)):
                job = _job(item)
                if (job.lease_until or item.updated_at) < before:
                    yield job

    def put(self, job: Job) -> Job:
        """Write the job if nobody has since it was read, and return it; raises `Conflict` if somebody has."""
        return _job(self.table.put(_item(job), job.rev))

    def write(self, job: Job) -> Put:
        """Return the same as part of a transaction."""
        return Put(_item(job), job.rev)


def _item(job: Job) -> Item:
    keys = {
        BY_STATUS: (f"TENANT#{job.tenant_id}#JOB", f"{job.status}#{job.created_at}#{job.job_id}"),
        BY_MONTH: (f"TENANT#{job.tenant_id}#MONTH#{job.created_at[:7]}", f"{job.created_at}#{job.job_id}"),
    }
    if job.unfinished or job.clearing:
        partition = zlib.crc32(job.job_id.encode()) % LEASE_PARTITIONS
        keys[LEASES] = (f"LEASE#{partition}", f"{job.lease_until}#{job.job_id}")
    return Item(
        pk=f"DOCUMENT#{job.document_id}",
        sk=f"JOB#{job.job_id}",
        kind=KIND,
        keys=keys,
        ttl=int(datetime.fromisoformat(job.ended_at).timestamp()) + KEPT_SECONDS if job.ended_at else None,
        data={
            "jobId": job.job_id,
            "documentId": job.document_id,
            "userId": job.user_id,
            "tenantId": job.tenant_id,
            "action": "ingest",
            "status": job.status,
            "version": job.version,
            "recipe": job.recipe,
            "attempt": job.attempt,
            "leaseOwner": job.lease_owner,
            "leaseUntil": job.lease_until,
            "progress": progress_data(job.progress),
            "tokenUsage": {"total": job.embed_tokens, "byStage": {"embed": job.embed_tokens}},
            "costMicros": job.cost_micros,
            "error": reason_data(job.error) if job.error else None,
            "createdAt": job.created_at,
            "endedAt": job.ended_at,
        },
    )


def progress_data(progress: Progress) -> dict[str, Json]:
    """Return progress with the names it is stored and sent under."""
    return {
        "stage": progress.stage,
        "donePages": progress.done_pages,
        "totalPages": progress.total_pages,
        "chunks": progress.chunks,
        "embedded": progress.embedded,
        "secondsLeft": progress.seconds_left,
    }


def _job(item: Item) -> Job:
    data: dict[str, Any] = dict(item.data)
    progress = data["progress"]
    return Job(
        job_id=data["jobId"],
        document_id=data["documentId"],
        user_id=data["userId"],
        tenant_id=data["tenantId"],
        version=data["version"],
        created_at=data["createdAt"],
        status=data["status"],
        recipe=data["recipe"],
        attempt=data["attempt"],
        lease_owner=data["leaseOwner"],
        lease_until=data["leaseUntil"],
        progress=Progress(*map(progress.get, PROGRESS_NAMES)),
        embed_tokens=data.get("tokenUsage", {}).get("total", 0),  # older records say nothing of it
        cost_micros=data.get("costMicros", 0),
        error=Reason(**data["error"]) if data["error"] else None,
        ended_at=data["endedAt"],
        rev=item.rev,
    )


PROGRESS_NAMES = ("stage", "donePages", "totalPages", "chunks", "embedded", "secondsLeft")
