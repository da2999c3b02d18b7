"""A worker's hold on one version of a document: a lease that it renews, and the only hand that writes the outcome.

The lease lies in the job and the outcome in the document; both are written in one transaction on the `rev`s that were
read, so of two workers that believe they hold a document one finds a `Conflict`, reads again, and sees why.
"""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from corpus.errors import Conflict, FootnoteError, Unavailable
from corpus.items import Put
from corpus.keys import iso_time, seconds_until, ulid
from corpus.model import Change, Document, Reason, Stages
from corpus.ports import LEASE_SECONDS, Table
from corpus.purse import Account
from corpus.records.documents import Documents
from corpus.records.events import Event, Events, EventType
from corpus.records.jobs import Job, Jobs, JobStage, JobStatus, Progress
from corpus.records.spend import Cost
from ingest.outcomes import reached
from ingest.reasons import OVERTAKEN

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
RENEW_SECONDS = LEASE_SECONDS / 3
REPORT_SECONDS = 0.25
"""Progress within a stage is written no more often than this."""
TURN_SECONDS = 30
"""How long one document is worked on while others wait, from when a worker first keeps something of it. To take it up
again costs at most a few seconds (its bytes and what is kept of it are read, a child process is started), and a small
document behind two huge ones should not wait longer than a person does.
"""


class Stopped(Exception):
    """The worker was asked to stop; what it holds is given back, as if it had not been taken."""


class GaveWay(Stopped):
    """The document had its turn, and others wait; it is given back too, to go on behind them."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What a delivery and its worker have to say: keep it, stop if asked to, is it the last one, do others wait."""

    extend: Callable[[float], None] = lambda _: None
    stop: Callable[[], bool] = lambda: False
    last: bool = False
    others_wait: Callable[[], bool] = lambda: False


UNHELD = Hold()
"""Of a change that no queue delivered."""


class Claim:
    """One attempt at one version of a document; `before` is the document as it was found.

    `stage` is what this attempt is at: the job's progress, which never goes back, may be further.
    """

    def __init__(
        self, table: Table, clock: Callable[[], float], hold: Hold, *, before: Document, document: Document, job: Job
    ) -> None:
        self._table = table
        self._documents, self._jobs = Documents(table), Jobs(table)
        self._clock = clock
        self._hold = hold
        self._renewed = self._reported = clock()
        self._embedding: tuple[float, int] | None = None
        self._turn_begun: float | None = None
        self._kept = False
        self._events: list[Put] = []
        self._stage_begun = clock()
        self.before = before
        self.document = document
        self.job = job
        self.stage: JobStage = ""

    def keep(self, stage: JobStage = "", **amounts: int) -> None:
        """Say how far this attempt is, and go on holding the document.

        A stage that is done is told in the document's record too, whose secondary keys stay as they are.
        Raises `Stopped` if the worker is to stop, or if others wait and the document had its turn; `Conflict` if it is
        another's by now.
        """
        if self._hold.stop():
            raise Stopped
        now = self._clock()
        if self._had_its_turn(now):
            raise GaveWay
        self.stage = stage or self.stage
        before = self.job.progress
        progress = before.reached(self.stage, **amounts)
        self.job = replace(self.job, progress=progress)
        stages = reached(self.stage, self.document.stages)
        goes_on = progress.stage != before.stage or stages != self.document.stages
        if progress.stage != before.stage:
            self._note_stage(before, progress.stage, now)
        tells = goes_on or (progress != before and now - self._reported >= REPORT_SECONDS)
        renews = now - self._renewed >= RENEW_SECONDS
        if renews:
            self._hold.extend(LEASE_SECONDS)
            self._renewed = now
            self.job = replace(self.job, lease_until=iso_time(now + LEASE_SECONDS))
        if tells or renews:
            self._reported = now
            self.job = replace(self.job, progress=replace(progress, seconds_left=self._seconds_left(now)))
            if stages == self.document.stages and not self._events:
                self.job = self._jobs.put(self.job)
            else:
                self._write_both(lambda document: replace(document, stages=stages), self.job)

    def _seconds_left(self, now: float) -> int | None:
        """How long embedding goes on at the pace of this attempt; None unless it embeds, and has begun to."""
        progress = self.job.progress
        if self.stage != "embed":
            return None
        begun, first = self._embedding = self._embedding or (now, progress.embedded)
        if now <= begun or progress.embedded <= first:
            return None
        return math.ceil((progress.chunks - progress.embedded) * (now - begun) / (progress.embedded - first))

    def _had_its_turn(self, now: float) -> bool:
        """Whether it is another document's turn.

        That is only right after something was kept: so whoever goes on has nothing to do again, and comes further each
        time, however long it takes to keep anything.
        """
        kept, self._kept = self._kept, False
        if not kept or self._turn_begun is None or now - self._turn_begun < TURN_SECONDS:
            return False
        try:
            return self._hold.others_wait()
        except Unavailable:  # nobody waits the longer for it
            return False

    def advanced(self) -> None:
        """Say that something was kept, which nobody need do again: only attempts that keep nothing are counted."""
        self._kept = True
        if self._turn_begun is None:
            self._turn_begun = self._clock()
        if self.job.attempt > 1:
            self.job = self._jobs.put(replace(self.job, attempt=1))

    def named(self, recipe: str) -> None:
        """Write down which recipe the work follows."""
        if self.job.recipe != recipe:
            self.job = self._jobs.put(replace(self.job, recipe=recipe))

    def cost(self, all_of_it: Cost) -> None:
        """Write down what the job has cost until now, and add what is new of it to the document."""
        more = all_of_it.cost_micros - self.job.cost_micros
        if all_of_it.embed_tokens != self.job.embed_tokens or more:
            job = replace(self.job, embed_tokens=all_of_it.embed_tokens, cost_micros=all_of_it.cost_micros)
            self._write_both(lambda one: replace(one, cost_micros=one.cost_micros + more), job)

    @property
    def account(self) -> Account:
        """Whom the job is put down to: the owner's building, in the month in which it began."""
        job = self.job
        return Account(job.tenant_id, job.user_id, job.job_id, job.created_at[:7], job.document_id, job.version)

    def finish(self, outcome: Callable[[Document], Document], error: Reason | None = None) -> None:
        """Write the outcome of the document and the end of the job, both or neither.

        What others wrote of the document meanwhile is kept. Raises `Conflict` if it is another's by now, or gone.
        """
        self._note_stage(self.job.progress, "", self._clock(), error)
        self._write_both(outcome, self._ended(error))

    def give_back(self, reason: Reason | None, message: str = "") -> None:
        """Let go, so that another may go on at once. Without a reason the attempt does not count.

        The record says the message until the next attempt begins.
        What cannot be given back is a lease that runs out.
        """
        attempt = self.job.attempt if reason else self.job.attempt - 1
        if reason:
            self._note("error_occurred", self._clock(), self.stage, message=reason.code)
        waiting = replace(self.job, status="queued", attempt=attempt, lease_until="", error=reason or self.job.error)
        try:
            self._write_both(lambda one: replace(one, stages=replace(one.stages, error_message=message)), waiting)
        except Conflict:
            self.lost()
        except FootnoteError as error:
            log.warning("a lease could not be given back", extra={"job_id": self.job.job_id, "error": error.code})

    def lost(self) -> None:
        """Close the job of a document that became another's, unless the job did too."""
        with suppress(FootnoteError):
            self._jobs.put(self._ended(OVERTAKEN))

    def _note_stage(self, before: Progress, stage: JobStage, now: float, error: Reason | None = None) -> None:
        """Note that a stage ended, well or not, and that the next one begins; they are written with what is next."""
        if error:
            self._note("error_occurred", now, before.stage, message=error.code)
        elif before.stage:
            took = round(1000 * (now - self._stage_begun))
            self._note("stage_completed", now, before.stage, duration_ms=took, pages=before.done_pages)
        if stage:
            self._note("stage_started", now, stage)
        self._stage_begun = now

    def _note(self, event_type: EventType, now: float, stage: str, **told: Any) -> None:
        event_id = f"{len(self._events)}-{ulid(now)}"  # in order, if they happen in one millisecond
        event = Event(event_id, self.job.job_id, iso_time(now), event_type, stage, **told)
        self._events.append(Events(self._table).write(self.document.document_id, event))

    def _ended(self, error: Reason | None) -> Job:
        status: JobStatus = "failed" if error else "completed"
        return replace(self.job, status=status, error=error, lease_until="", ended_at=iso_time(self._clock()))

    def _write_both(self, outcome: Callable[[Document], Document], job: Job) -> None:
        while True:
            try:
                records = [self._documents.write(outcome(self.document)), self._jobs.write(job)]
                self._table.transact([*records, *self._events])
            except Conflict:
                now = self._documents.get(self.document.document_id)
                mine = now and not now.deleted_at and (now.job_id, now.version) == (job.job_id, job.version)
                if not now or not mine or now.rev == self.document.rev:
                    raise
                self.document = now
            else:
                self.document = replace(outcome(self.document), rev=self.document.rev + 1)
                self.job = replace(job, rev=job.rev + 1)
                self._events.clear()
                return


def claim(table: Table, clock: Callable[[], float], hold: Hold, change: Change, document: Document) -> Claim:
    """Take a document on: its status, its newest accepted version and its job, in one transaction.

    A job of this version that was left unfinished is taken up again, and its attempts go on counting; one of an older
    version is closed. Raises `Unavailable` while another holds this version or clears away after it, `Conflict` if
    another was faster.
    """
    now = clock()
    documents, jobs = Documents(table), Jobs(table)
    old = jobs.get(document.document_id, document.job_id)
    writes: list[Put] = []
    same = old is not None and old.version == change.version
    if old and same and old.lease_until > iso_time(now):
        raise Unavailable("Another worker has this document.", retry_after=seconds_until(old.lease_until, now))
    goes_on = False
    if old and same and old.unfinished:
        goes_on = old.attempt == 0  # it was given back, and that was no attempt
        job = replace(old, attempt=old.attempt + 1, progress=replace(old.progress, seconds_left=None))
    else:
        ids = (document.document_id, document.user_id, document.tenant_id)
        job = Job(ulid(now), *ids, version=change.version, created_at=iso_time(now))
        if old and old.unfinished:
            closed = replace(old, status="failed", error=OVERTAKEN, lease_until="", ended_at=iso_time(now))
            writes.append(jobs.write(closed))
        elif old and same:
            writes.append(jobs.write(old))  # of two, who clears away after it and who begins anew, one is faster
    job = replace(job, status="processing", lease_owner=uuid.uuid4().hex, lease_until=iso_time(now + LEASE_SECONDS))
    accepted = replace(
        document,
        status="processing",
        stages=replace(document.stages, error_message="") if goes_on else Stages(),
        reason=None,
        version=change.version,
        upload_date=document.upload_date if document.version == change.version else iso_time(now),
        job_id=job.job_id,
    )
    if not old or old.job_id != job.job_id:
        created = Event(ulid(now), job.job_id, iso_time(now), "job_created")
        writes.append(Events(table).write(document.document_id, created))
    table.transact([documents.write(accepted), jobs.write(job), *writes])
    accepted, job = replace(accepted, rev=document.rev + 1), replace(job, rev=job.rev + 1)
    return Claim(table, clock, hold, before=document, document=accepted, job=job)
