"""Everything wired: from the settings to stores, pipeline, search and answers. Nothing is opened before it is used."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Self

from corpus.allowance import Allowance
from corpus.answers import Answer
from corpus.errors import Conflict
from corpus.keys import iso_month, ulid
from corpus.llms.quotes import Quotes
from corpus.model import Change, Document, Extracted, Stages
from corpus.ports import LLM, BlobStore, Embedder, PartStore, Queue, Table, VectorIndex
from corpus.principals import LOCAL_TENANT, LOCAL_USER, tenant_principal, user_principal
from corpus.purse import Account, Purse
from corpus.records.api_keys import ApiKeys
from corpus.records.conversations import Conversations
from corpus.records.documents import Documents
from corpus.records.grants import Grants
from corpus.records.jobs import Jobs
from corpus.records.levels import ACTIONS
from corpus.records.people import People
from corpus.records.personas import Personas
from corpus.records.privacy import OPEN, Privacy
from corpus.records.recall import Recalls
from corpus.records.tenants import KnownTenants, Tenants
from corpus.records.trails import Trails
from corpus.records.uploads import PartedUploads
from corpus.scope import UNLIMITED, Scope
from corpus.texts import answering
from corpus.ways import EVERYTHING, Filter
from footnote.adapters import PART_STORES, opened
from footnote.settings import Settings
from ingest import editions
from ingest.terms import NO_TERMS, Terms
from ingest.upload import Uploads
from ingest.upload_parts import UploadsInParts
from search.answer import Answerer, Answering
from search.converse import Converser, in_language
from search.meter import RecallMeter
from search.retrieve import Found, Retriever

if TYPE_CHECKING:
    from footnote.identity import Verifier
    from ingest.extract import Reader
    from ingest.pipeline import Ingestor

LOCAL_ACTIONS = frozenset({*ACTIONS, "admin", "operate"})


class Offered(NamedTuple):
    """What was offered, as its record is before anything is done with the bytes; unchanged if nothing is to be done."""

    document: Document
    sha256: str
    unchanged: bool


class Footnote:
    """Everything wired: stores, pipeline and search over the parts that the settings name.

    Its parts open when they are first used; closing it lets go of all of them.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time, *, read_only: bool = False) -> None:
        self.settings = settings
        self.clock = clock
        self.read_only = read_only

    @cached_property
    def queue(self) -> Queue:
        """Where changes wait."""
        queue: Queue = opened("FOOTNOTE_QUEUE", self.settings.queue, self)
        return queue

    @cached_property
    def blobs(self) -> BlobStore:
        """Where uploads and what is derived from them lie."""
        blobs: BlobStore = opened("FOOTNOTE_BLOBS", self.settings.blobs, self)
        return blobs

    @cached_property
    def part_store(self) -> PartStore:
        """Where large uploads come in parts; the same place."""
        scheme, _, rest = self.settings.blobs.partition(":")
        return PART_STORES[scheme](rest, self)

    @cached_property
    def table(self) -> Table:
        """Where records lie."""
        table: Table = opened("FOOTNOTE_TABLE", self.settings.table, self)
        return table

    @cached_property
    def embedder(self) -> Embedder:
        """What turns text into vectors."""
        embedder: Embedder = opened("FOOTNOTE_EMBEDDER", self.settings.embedder, self)
        return embedder

    @cached_property
    def index(self) -> VectorIndex:
        """Where chunks lie, of the embedder's space."""
        index: VectorIndex = opened("FOOTNOTE_INDEX", self.settings.index, self)
        return index

    @cached_property
    def llm(self) -> LLM:
        """What writes answers."""
        llm: LLM = opened("FOOTNOTE_LLM", self.settings.llm, self)
        return llm

    @cached_property
    def reader(self) -> Reader:
        """What reads documents, in a child process."""
        from ingest.extract import Reader  # noqa: PLC0415 -- here and below: who only asks questions imports less
        from ingest.ocr import Budget, found  # noqa: PLC0415

        ocr = self.settings.ocr
        engine = found(ocr.engine, ocr.languages) if ocr.engine not in {"", "off"} else None
        return Reader(self.settings.limits, engine, Budget(ocr.pages, 60 * ocr.minutes))

    @property
    def documents(self) -> Documents:
        """The records of documents."""
        return Documents(self.table)

    @property
    def jobs(self) -> Jobs:
        """The records of jobs."""
        return Jobs(self.table)

    @property
    def uploads(self) -> Uploads:
        """Puts documents in and takes them out."""
        return Uploads(self.blobs, self.table, self.clock)

    @property
    def uploads_in_parts(self) -> UploadsInParts:
        """Takes documents that are too large for one request."""
        limit = self.settings.limits.bytes
        return UploadsInParts(self.uploads, self.part_store, PartedUploads(self.table), self.clock, limit)

    @cached_property
    def ingestor(self) -> Ingestor:
        """The pipeline."""
        from ingest.pipeline import Ingestor  # noqa: PLC0415

        parts = (self.blobs, self.table, self.index, self.embedder, self.reader)
        return Ingestor(*parts, clock=self.clock, tenant_of=self._tenant_of, prices=self.settings.prices)

    def retriever(self, purse: Purse) -> Retriever:
        """Hybrid search, paid for out of a purse."""
        return Retriever(self.table, self.index, purse.embedder(self.embedder), self.recall_meter.look)

    def purse(self, scope: Scope) -> Purse:
        """What pays for one question of this asker's: their building."""
        now = self.clock()
        account = Account(scope.tenant_id, scope.user_id, ulid(now), iso_month(now))
        return Purse(self.table, self.settings.prices, self.clock, account)

    @cached_property
    def recall_meter(self) -> RecallMeter:
        """What measures how much of what it should find a search finds."""
        return RecallMeter(self.index, self.recalls, self.settings.recall_sample, self.clock, random.random)

    @property
    def recalls(self) -> Recalls:
        """The records of what was measured."""
        return Recalls(self.table, self.index.name)

    @cached_property
    def verifier(self) -> Verifier | None:
        """What verifies tokens; None without an identity provider."""
        from footnote.identity import Verifier  # noqa: PLC0415

        return Verifier(self.settings.identity, self.clock) if self.settings.identity.issuer else None

    @property
    def api_keys(self) -> ApiKeys:
        """The records of API keys."""
        return ApiKeys(self.table)

    @property
    def grants(self) -> Grants:
        """The records of who may be in which building."""
        return Grants(self.table)

    @cached_property
    def tenants(self) -> KnownTenants:
        """What holds in each building, as it was at most a minute ago."""
        return KnownTenants(Tenants(self.table), self.clock)

    @property
    def trails(self) -> Trails:
        """The records of who read what, and who changed whose rights."""
        return Trails(self.table, self.tenants.get)

    @property
    def allowance(self) -> Allowance:
        """What decides what an asker may do, and how much of it."""
        return Allowance(self.table, self.clock)

    @property
    def people(self) -> People:
        """The records of people."""
        return People(self.table, self._privacy)

    @cached_property
    def _privacy(self) -> Privacy:
        if not self.settings.privacy_keys:
            return OPEN
        from footnote.privacy import sealed  # noqa: PLC0415

        return sealed(self.settings.privacy_keys)

    def _tenant_of(self, user_id: str) -> str | None:
        """Into a folder only this machine's own people put documents; into a bucket anybody might."""
        if self.settings.blobs.startswith("folder:"):
            return LOCAL_TENANT
        return self.people.tenant_of(user_id)

    def search(self, scope: Scope, question: str, k: int = 10, *, only: Filter = EVERYTHING, as_of: str = "") -> Found:
        """Return the k best chunks that the asker may see and that pass the filter.

        They are of documents in force: now, or on the day `as_of`.
        """
        with self.allowance.asking(scope, "search"):
            return self.retriever(self.purse(scope)).search(scope, question, k, only=only, as_of=as_of)

    def ask(self, scope: Scope, question: str, *, only: Filter = EVERYTHING, as_of: str = "") -> Answer:
        """Return an answer whose every sentence can be opened, or one that says that nothing was found.

        It rests on documents that pass the filter and are in force: now, or on the day `as_of`.
        """
        with self.allowance.asking(scope, "ask"):
            return self._answerer(scope, in_language(scope.language)).ask(scope, question, only=only, as_of=as_of)

    def stream(self, scope: Scope, question: str, *, only: Filter = EVERYTHING, as_of: str = "") -> Answering:
        """Yield the sentences of the same answer as each is verified, None while none is, and last the answer."""
        self.allowance.allow(scope, "stream")
        with self.allowance.asking(scope, "ask"):
            answerer = self._answerer(scope, in_language(scope.language))
            yield from answerer.stream(scope, question, only=only, as_of=as_of)

    def _answerer(self, scope: Scope, manner: str) -> Answerer:
        purse = self.purse(scope)
        llm = purse.llm(self.llm, "answer")
        return Answerer(self.retriever(purse), self.blobs, self.embedder, llm, Quotes(), manner)

    @property
    def personas(self) -> Personas:
        """The records of personas."""
        return Personas(self.table)

    @property
    def conversations(self) -> Conversations:
        """The records of conversations."""
        return Conversations(self.table, self.tenants.get)

    @property
    def converser(self) -> Converser:
        """Holds conversations."""

        def answer(scope: Scope, question: str, manner: str) -> Answering:
            return self._answerer(scope, manner).stream(scope, question)

        def rewriter(scope: Scope) -> LLM:
            return self.purse(scope).llm(self.llm, "rewrite")

        return Converser(self.conversations, self.personas, rewriter, self.allowance, answer, self.clock, ulid)

    def offer(self, scope: Scope, document_id: str, file_name: str, data: bytes, terms: Terms = NO_TERMS) -> Offered:
        """Put the bytes unless they are those of the record, and write what is said of the document.

        Raises as `ingest.upload.Uploads.put`.
        """
        known, sha256 = self.documents.get(document_id), hashlib.sha256(data).hexdigest()
        there = known is not None and not known.deleted_at and known.is_of(scope)
        if known is None or not there or known.checksum_sha256 != sha256:
            return Offered(self.uploads.put(scope, document_id, file_name, data, terms=terms), sha256, unchanged=False)
        document = editions.amend(self.table, scope, document_id, terms)
        unchanged = self.ingestor.settled(document)
        if not unchanged:  # the bytes are there, and something is still to be done with them
            self.queue.send(Change("put", document.key, document.version))
        return Offered(document, sha256, unchanged)

    def amend(self, scope: Scope, document_id: str, terms: Terms) -> Document:
        """Write what the asker says of their document, have its chunks bear it, and return it.

        Raises as `ingest.editions.amend`.
        """
        document = editions.amend(self.table, scope, document_id, terms)
        live = document.live.get(self.index.name)
        if live and live.marks != document.marks:
            self.queue.send(Change("put", document.key, document.version))
        return document

    def retry(self, scope: Scope, document_id: str) -> Document:
        """Have a document that is in error, or what was made of it damaged, worked on once more, and return it.

        Raises `NotFound` if it is not the asker's, `Forbidden` if they may upload nothing: it may have to be paid for
        again; `Conflict` if it is not in error, and nothing of it damaged.
        """
        document = editions.mine(self.documents, scope, document_id)
        self.allowance.allow(scope, "upload")
        if document.status == "ready" and self.damaged(document):  # it goes on answering meanwhile
            self.queue.send(Change("put", document.key, document.version))
            return document
        if document.status != "error":
            raise Conflict(f"The document is {document.status}, and not in error.", hint="There is nothing to retry.")
        waiting = self.documents.put(replace(document, status="uploading", reason=None, stages=Stages()))
        self.queue.send(Change("put", waiting.key, waiting.version))
        return waiting

    def text(self, document: Document) -> Extracted | None:
        """Return the text that answers of a document, with its pages; None while nothing does.

        Raises `TextLost` if it is gone or damaged.
        """
        live = document.live_in(self.index.name)
        return answering(self.blobs, document.user_id, live) if live else None

    def damaged(self, document: Document) -> bool:
        """Whether a file that was made of what answers of a document is gone or damaged; all of them are read."""
        from ingest.derived import damaged  # noqa: PLC0415 -- few ask for it, and it imports numpy

        return bool(damaged(self.blobs, document, self.index.name))

    def local_scope(self, user_id: str = LOCAL_USER) -> Scope:
        """Return the scope of a person of this machine."""
        principals = frozenset({user_principal(user_id), tenant_principal(LOCAL_TENANT)})
        return Scope(user_id, LOCAL_TENANT, principals, LOCAL_ACTIONS, self.clock(), UNLIMITED)

    def close(self) -> None:
        """Let go of every part that was opened, the youngest first: it may still use the others."""
        for part in reversed(list(vars(self).values())):
            close = getattr(part, "close", None)
            if close:
                close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(settings: Settings, *, read_only: bool = False) -> Footnote:
    """Return everything wired as the settings say; to be used in a `with`.

    With `read_only`, an index in OpenSearch refuses whatever would change it.
    """
    return Footnote(settings, read_only=read_only)
