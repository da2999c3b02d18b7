"""The whole story of one document: from a change to chunks that answer, or to a record that says why not.

`Ingestor.apply` may be called with any change, any number of times, in any order, by any number of workers at once, and
may die at any point: the corpus ends where the newest change leaves it, and every search on the way sees the old text
or the new, never both and never neither. `tests/laws/test_order.py` tries to break this.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from corpus.errors import BlobMissing, Conflict, NoText, QuotaExceeded, Rejected, Unavailable
from corpus.keys import Original, change_id, iso_time
from corpus.model import Blob, Change, Chunk, Document, Extracted, GenerationId, Live, Reason
from corpus.ports import MAX_DELIVERIES, BlobStore, Deliveries, Embedder, Table, VectorIndex
from corpus.prices import LISTED, Prices
from corpus.purse import Purse
from corpus.raw_pages import Part
from corpus.records.documents import Documents
from corpus.records.jobs import Job, Jobs
from ingest import chunk, describe, tokens
from ingest.claim import MAX_ATTEMPTS, UNHELD, Claim, GaveWay, Hold, Stopped, claim
from ingest.clearing import Clearing
from ingest.derived import CHUNKS, EMBEDDINGS, Context, Derived, damaged, fits, generation_of, passage
from ingest.embed import embedded
from ingest.extract import Reader, Reading
from ingest.extractors import paged_of
from ingest.outcomes import Upload, advanced, as_before, failed, looked_at_in_vain, refused, switched
from ingest.reasons import CRASHED, OWNER_MISMATCH, UNKNOWN_OWNER, message_of, reason_of
from ingest.recipes import recipe

if TYPE_CHECKING:
    from corpus.model import Matrix

log = logging.getLogger(__name__)

CONFLICT_TRIES = 20
THREE_FAILED = "Three attempts failed; the reason of the last is kept."


class NotVisibleYet(Unavailable):
    """What was written is not found yet; the work is delivered again, and this was no failed attempt."""


class PicturesWait(Unavailable):
    """The pages of text answer; the pictures are read when the change is delivered again, behind all that waits."""


class Ingestor:
    """Applies changes to the corpus. Safe to share between threads, and between processes on one corpus."""

    def __init__(
        self,
        blobs: BlobStore,
        table: Table,
        index: VectorIndex,
        embedder: Embedder,
        reader: Reader,
        *,
        clock: Callable[[], float],
        tenant_of: Callable[[str], str | None],
        prices: Prices = LISTED,
        checkpoint_rows: int = 256,
    ) -> None:
        """Take the parts. `tenant_of` says in whose building a person is at home, and None for somebody unknown."""
        self._blobs, self._table, self._index, self._embedder, self._reader = blobs, table, index, embedder, reader
        self._documents, self._jobs = Documents(table), Jobs(table)
        self._clearing = Clearing(blobs, table, index, clock)
        self._clock = clock
        self._tenant_of = tenant_of
        self._prices = prices
        self._checkpoint_rows = checkpoint_rows

    def drain(self, queue: Deliveries, *, wait: float = 0, stop: Callable[[], bool] = lambda: False) -> int:
        """Apply the next change that waits, and return how many were handed out: 0 or 1.

        A change that fails is handed back, with its error in the log, and hides none of its neighbours; one that takes
        long, while others wait, is handed back to go on behind them. Raises `Stopped`, with the change handed back at
        once, when `stop` says so in the middle of one.
        """
        deliveries = queue.receive(1, wait)
        for delivery in deliveries:
            last = delivery.count >= MAX_DELIVERIES
            hold = Hold(partial(queue.extend, delivery), stop, last, queue.waiting)
            try:
                self.apply(delivery.change, hold)
            except GaveWay:
                queue.give_way(delivery)
            except (Stopped, KeyboardInterrupt):
                queue.extend(delivery, 0)
                raise
            except PicturesWait:
                queue.extend(delivery, 0)
            except Exception as error:  # a bug or an outage of one document's must not stop the others
                known = isinstance(error, Unavailable)
                where = {"key": delivery.change.key, "count": delivery.count, "error": type(error).__name__}
                log.log(logging.WARNING if known else logging.ERROR, "a change failed", exc_info=not known, extra=where)
                queue.failed(delivery, error)
            else:
                queue.done(delivery)
        return len(deliveries)

    def apply(self, change: Change, hold: Hold = UNHELD) -> None:
        """Bring the document to where this change leaves it, or find that it is there already.

        Raises `Unavailable` when it should be delivered again, `Stopped` when the worker is to stop.
        """
        for _ in range(CONFLICT_TRIES):
            try:
                self._apply(change, hold)
            except Conflict:  # somebody was faster: read again
                continue
            return
        raise Unavailable("The document changes all the time.", retry_after=5)

    def settled(self, document: Document) -> bool:
        """Whether nothing is to be done for the newest version that was accepted of a document."""
        plain, seen = self._recipes(document.file_type)
        if document.status == "error" and document.reason and not document.reason.transient:
            job = self._jobs.get(document.document_id, document.job_id)
            tried = {seen} if document.reason.code == NoText.code else {plain, seen}
            return job is not None and job.recipe in tried
        live = document.live.get(self._index.name)
        if document.status != "ready" or live is None or live.recipe not in {plain, seen} or self.unseen(document):
            return False
        return live.marks == document.marks and self._has(document, live)

    def unseen(self, document: Document) -> bool:
        """Whether a document answers with its pages of text, and its pictures are still to be read."""
        plain, seen = self._recipes(document.file_type)
        live = document.live.get(self._index.name)
        if live is None or live.recipe != plain or plain == seen:
            return False
        if document.status != "ready" or not document.coverage.images:
            return False
        job = self._jobs.get(document.document_id, document.job_id)
        return job is None or job.recipe != seen  # else they were looked at in vain

    def _has(self, document: Document, live: Live) -> bool:
        """Whether the index has all of a generation."""
        generation_id = GenerationId(document.document_id, live.version, live.recipe)
        return self._index.count(generation_id) == live.chunk_count

    def recipe(self, file_type: str, *, pictures: bool = False) -> str:
        """Return the name of all that decides what becomes of a file's bytes, and of its `pictures` if they are read.

        Where nothing reads pictures, both are the same.
        """
        return recipe(file_type, self._embedder.space, self._reader.recogniser(file_type) if pictures else "")

    def _recipes(self, file_type: str) -> tuple[str, str]:
        return self.recipe(file_type), self.recipe(file_type, pictures=True)

    def _apply(self, change: Change, hold: Hold) -> None:
        whose = change.original
        if whose is None:
            return
        found = self._documents.get(whose.document_id)
        if found and found.user_id != whose.user_id:
            self._refuse(change, whose, OWNER_MISMATCH)
            return
        if change.kind == "removed":
            self._clearing.forget(change, whose, found)
            return
        if found is None or not self._needs_nothing(found, change):
            if found is None or found.deleted_at:
                tenant_id = self._tenant_of(whose.user_id)
                if tenant_id is None:
                    self._refuse(change, whose, UNKNOWN_OWNER)
                    return
                found = Document(whose.document_id, whose.user_id, tenant_id, rev=found.rev if found else 0)
            held = claim(self._table, self._clock, hold, change, found)
            try:
                self._attempt(change, held, hold)
            except BlobMissing:  # the removal is on its way
                held.lost()
                self._clearing.forget(change, whose, self._documents.get(whose.document_id))
                return
            self._clearing.prune(whose, change.version)
            if self.unseen(held.document):
                raise PicturesWait("The pictures of a document are still to be read.", retry_after=0)
            return
        self._clearing.prune(whose, change.version)

    def _refuse(self, change: Change, whose: Original, reason: Reason) -> None:
        """Leave a failed job that says why nothing was done, one for each version, and nothing else."""
        log.error("a change was refused", extra={"key": change.key, "reason": reason.code})
        now = iso_time(self._clock())
        job_id = change_id(change.key, change.version)
        tenant_id = self._tenant_of(whose.user_id) or "unknown"
        with suppress(Conflict):  # it came before
            job = Job(job_id, whose.document_id, whose.user_id, tenant_id, change.version, now)
            self._jobs.put(replace(job, status="failed", error=reason, ended_at=now))

    def _attempt(self, change: Change, held: Claim, hold: Hold) -> None:
        """Work on a claimed document; however that ends, its job says so, and nobody waits for its lease."""
        try:
            if held.job.attempt > MAX_ATTEMPTS:
                self._give_up(held, held.job.error or CRASHED)
            else:
                self._ingest(change, held)
        except BlobMissing:
            raise
        except Conflict:
            held.lost()
            raise
        except (Stopped, KeyboardInterrupt):
            held.give_back(None)
            raise
        except Exception as error:
            reason = reason_of(error, held.stage)
            if hold.last:
                self._give_up(held, reason)
            elif isinstance(error, NotVisibleYet):
                held.give_back(None)
            else:
                held.give_back(reason, message_of(error))
            raise

    def _needs_nothing(self, document: Document, change: Change) -> bool:
        """Whether a newer version is known, or this one is settled."""
        if document.deleted_at or document.version > change.version:
            return document.version >= change.version
        if document.version != change.version or not self.settled(document):
            return False
        asked_again = not change.etag  # rarely, so that what was made of it can be read
        return not (asked_again and damaged(self._blobs, document, self._index.name))

    def _ingest(self, change: Change, held: Claim, *, pictures: bool = False) -> None:
        """Blob → text → chunks → vectors → index → live; each result is kept, and found by whoever comes next.

        `pictures` are read once the pages of text answer, or if there is none.
        """
        upload: Upload | None = None
        try:
            blob = self._blobs.get(change.key, self._reader.limits.bytes)
            if not _is_meant(blob, change, held.before):  # a newer change is on its way
                held.finish(lambda document: as_before(document, held.before))
                return
            upload = Upload.of(blob, held.document)
            pictures = pictures or self._is_their_turn(held.document, upload)
            made_by = self.recipe(upload.file_type, pictures=pictures)
            held.named(made_by)
            upload.check(blob)
            live = self._same_live(held.document, upload, made_by)
            generation_id = GenerationId(held.document.document_id, live.version if live else change.version, made_by)
            marks = held.document.marks
            derived = Derived(self._blobs, held.document.user_id, generation_id, held.advanced)
            wanting = derived.damaged() if live else ()
            if live and live.marks == marks and not wanting and self._has(held.document, live):
                held.finish(advanced)
                return
            if live and live.marks != marks and CHUNKS in wanting:  # nothing else says which title the vectors are of
                wanting = (*wanting, EMBEDDINGS)
            derived.drop(wanting)

            extracted = derived.extracted() or derived.keep_extracted(
                self._extract(blob, upload, held, derived, pictures=pictures)
            )
            del blob  # it may be large, and is not needed any more
            about = describe.description(extracted, upload.file_name)
            chunks, context = self._chunks(extracted, about, upload, held, derived)
            vectors = self._vectors(chunks, context, held, derived)
            generation = generation_of(generation_id, held.document, chunks, context, vectors)

            held.keep("index")
            self._index.write(generation)
            if self._index.count(generation_id) != len(chunks):
                raise NotVisibleYet("The index does not show all chunks yet.", retry_after=5)
            held.finish(
                lambda document: switched(document, upload, extracted, about, generation, marks, self._index.name)
            )
        except QuotaExceeded as error:  # there is money again next month, and what is live is good
            self._give_up(held, reason_of(error, held.stage), error.message)
        except Rejected as error:
            if isinstance(error, NoText) and not pictures and upload and self._reader.recogniser(upload.file_type):
                self._ingest(change, held, pictures=True)
                return
            self._reject(error, held, upload, pictures=pictures)
        log.info("a document is settled", extra={"document_id": held.document.document_id, "job_id": held.job.job_id})

    def _reject(self, error: Rejected, held: Claim, upload: Upload | None, *, pictures: bool) -> None:
        """What became unreadable must not go on answering; but if it is only its pictures, its text does."""
        reason = reason_of(error, held.stage or "extract")
        if pictures and upload and self._is_their_turn(held.document, upload):
            held.finish(looked_at_in_vain, reason)
        else:
            held.finish(lambda document: refused(document, upload, reason, error.message), reason)

    def _is_their_turn(self, document: Document, upload: Upload) -> bool:
        """Whether these bytes answer already, all but their pictures, or with them: those must not go meanwhile."""
        live = document.live.get(self._index.name)
        plain, seen = self._recipes(upload.file_type)
        if live is None or plain == seen or document.checksum_sha256 != upload.checksum_sha256:
            return False
        if live.recipe == plain:
            return bool(document.coverage.images) and self._has(document, live)
        return live.recipe == seen or bool(document.coverage.recognised)

    def _same_live(self, document: Document, upload: Upload, made_by: str) -> Live | None:
        """The live generation, if it was made of the same bytes and name by the same recipe."""
        live = document.live.get(self._index.name)
        same = (document.checksum_sha256, document.file_name) == (upload.checksum_sha256, upload.file_name)
        return live if live and live.recipe == made_by and same else None

    def _extract(self, blob: Blob, upload: Upload, held: Claim, derived: Derived, *, pictures: bool) -> Extracted:
        """Read the text, from where another worker left off; what comes in parts is kept part by part."""
        held.keep("extract")
        kept = derived.parts() if paged_of(upload.file_type) else ()

        def reached(part: Part) -> None:
            held.keep(done_pages=part.end, total_pages=part.total)

        def keep(part: Part) -> None:
            derived.keep_part(part)
            reached(part)

        for part in kept[-1:]:
            reached(part)
        return self._reader.read(blob.data, upload.file_type, Reading(held.keep, kept, keep, pictures))

    def _chunks(
        self, extracted: Extracted, about: describe.Description, upload: Upload, held: Claim, derived: Derived
    ) -> tuple[tuple[Chunk, ...], Context]:
        pages = len(extracted.pages)
        held.keep("chunk", done_pages=pages, total_pages=pages)
        kept = derived.chunks()
        if kept and not fits(kept[0], extracted):
            kept = None
        chunks, created_at = kept or (chunk.chunk(extracted), iso_time(self._clock()))
        context = Context(
            user_id=held.document.user_id,
            tenant_id=held.document.tenant_id,
            file_name=upload.file_name,
            file_type=upload.file_type,
            tags=held.document.tags,
            title=held.document.given_title or about.own_title,
            created_at=created_at,
            language=about.language,
        )
        derived.keep_chunks(chunks, context)
        return chunks, context

    def _vectors(self, chunks: tuple[Chunk, ...], context: Context, held: Claim, derived: Derived) -> Matrix:
        held.keep("embed", chunks=len(chunks))
        live_id = held.document.live_in(self._index.name)
        live = Derived(self._blobs, held.document.user_id, live_id) if live_id else None
        passages = [passage(one, context) for one in chunks]
        purse = Purse(self._table, self._prices, self._clock, held.account)
        embedder = purse.embedder(self._embedder, lambda text: len(tokens.encoded(text)))
        try:
            return embedded(
                passages, derived, live, embedder, lambda done: held.keep(embedded=done), self._checkpoint_rows
            )
        finally:
            if embedder is not self._embedder:
                held.cost(purse.spent())

    def _give_up(self, held: Claim, reason: Reason, message: str = THREE_FAILED) -> None:
        """Say that it did not work, and leave what is live alone: it may well be good."""
        held.finish(lambda document: failed(document, reason, message), reason)


def _is_meant(blob: Blob, change: Change, before: Document) -> bool:
    """Whether these are the bytes the change speaks of; a replay speaks of those that the record was made of."""
    if change.etag:
        return blob.etag == change.etag
    return before.status != "ready" or before.checksum_sha256 == hashlib.sha256(blob.data).hexdigest()
