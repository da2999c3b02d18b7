"""Jobs that nobody holds any more: a worker died, at work or clearing away, or its change went to the dead letters.

What is still wanted is asked for again; what is not is closed. Sweeping twice, or while workers work, does no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from corpus.errors import Conflict
from corpus.keys import iso_time
from corpus.model import Change
from corpus.ports import LEASE_SECONDS, MAX_DELAY_SECONDS, Queue, Table
from corpus.records.documents import Documents
from corpus.records.jobs import Jobs
from ingest.reasons import OVERTAKEN

log = logging.getLogger(__name__)

GRACE_SECONDS = MAX_DELAY_SECONDS + LEASE_SECONDS
"""Longer than a change can wait in the queue of its own accord: what is older than this, nobody will come for."""


@dataclass(frozen=True, slots=True)
class Swept:
    """How many jobs were asked for again, and how many were closed."""

    resent: int = 0
    closed: int = 0


def sweep(table: Table, queue: Queue, clock: Callable[[], float]) -> Swept:
    """Send the change of every job that was left, or close the job if its document has gone on without it."""
    documents, jobs = Documents(table), Jobs(table)
    resent = closed = 0
    now = clock()
    for job in list(jobs.stale(iso_time(now - GRACE_SECONDS))):
        document = documents.get(job.document_id)
        wanted = document and not document.deleted_at and (job.clearing or document.job_id == job.job_id)
        if document and wanted:
            queue.send(Change("put", document.key, document.version))
            resent += 1
        if job.clearing:  # all that is to be looked at is the document
            ended = replace(job, lease_until="")
        elif not wanted:
            ended = replace(job, status="failed", error=OVERTAKEN, lease_until="", ended_at=iso_time(now))
        else:
            continue
        with suppress(Conflict):  # its worker was only slow
            jobs.put(ended)
            closed += not wanted
    if resent or closed:
        log.info("left jobs were swept", extra={"resent": resent, "closed": closed})
    return Swept(resent, closed)
