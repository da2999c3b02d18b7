"""From addresses to adapters: the only place that knows adapters by name. Nothing is loaded before it is used."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from corpus.answers import Answer
from corpus.errors import ConfigError, Conflict
from corpus.llms.quotes import Quotes
from corpus.model import Change, Document, Extracted, Stages
from corpus.ports import LLM, BlobStore, Embedder, PartStore, Queue, Table, VectorIndex
from corpus.principals import tenant_principal, user_principal
from corpus.records.documents import Documents
from corpus.records.jobs import Jobs
from corpus.records.people import People
from corpus.records.recall import Recalls
from corpus.records.uploads import PartedUploads
from corpus.scope import Scope
from corpus.texts import stored
from corpus.ways import EVERYTHING, Filter
from footnote.settings import Settings
from ingest import editions
from ingest.terms import NO_TERMS, Terms
from ingest.upload import Uploads
from ingest.upload_parts import UploadsInParts
from search.answer import Answerer, Answering
from search.meter import RecallMeter
from search.retrieve import Found, Retriever

DYNAMODB_SECONDS = 5.0
"""How long an answer of DynamoDB, which takes milliseconds, is waited for before it is asked again."""
if TYPE_CHECKING:
    from ingest.extract import Reader
    from ingest.pipeline import Ingestor

LOCAL_USER = "local"
LOCAL_TENANT = "home"
LOCAL_ACTIONS = frozenset({"search", "ask", "upload", "reindex"})


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
        queue: Queue = _opened("FOOTNOTE_QUEUE", self.settings.queue, self)
        return queue

    @cached_property
    def blobs(self) -> BlobStore:
        """Where uploads and what is derived from them lie."""
        blobs: BlobStore = _opened("FOOTNOTE_BLOBS", self.settings.blobs, self)
        return blobs

    @cached_property
    def part_store(self) -> PartStore:
        """Where large uploads come in parts; the same place."""
        scheme, _, rest = self.settings.blobs.partition(":")
        return PART_STORES[scheme](rest, self)

    @cached_property
    def table(self) -> Table:
        """Where records lie."""
        table: Table = _opened("FOOTNOTE_TABLE", self.settings.table, self)
        return table

    @cached_property
    def embedder(self) -> Embedder:
        """What turns text into vectors."""
        embedder: Embedder = _opened("FOOTNOTE_EMBEDDER", self.settings.embedder, self)
        return embedder

    @cached_property
    def index(self) -> VectorIndex:
        """Where chunks lie, of the embedder's space."""
        index: VectorIndex = _opened("FOOTNOTE_INDEX", self.settings.index, self)
        return index

    @cached_property
    def llm(self) -> LLM:
        """What writes answers."""
        llm: LLM = _opened("FOOTNOTE_LLM", self.settings.llm, self)
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
        return Ingestor(*parts, clock=self.clock, tenant_of=self._tenant_of)

    @cached_property
    def retriever(self) -> Retriever:
        """Hybrid search."""
        return Retriever(self.table, self.index, self.embedder, self.meter.look)

    @cached_property
    def meter(self) -> RecallMeter:
        """What measures how much of what it should find a search finds."""
        return RecallMeter(self.index, self.recalls, self.settings.recall_sample, self.clock, random.random)

    @property
    def recalls(self) -> Recalls:
        """The records of what was measured."""
        return Recalls(self.table, self.index.name)

    @property
    def people(self) -> People:
        """The records of people."""
        return People(self.table)

    def _tenant_of(self, user_id: str) -> str | None:
        """Into a folder only this machine's own people put documents; into a bucket anybody might."""
        if self.settings.blobs.startswith("folder:"):
            return LOCAL_TENANT
        return self.people.tenant_of(user_id)

    def search(self, scope: Scope, question: str, k: int = 10, only: Filter = EVERYTHING, as_of: str = "") -> Found:
        """Return the k best chunks that the asker may see and that pass the filter.

        They are of documents in force: now, or on the day `as_of`.
        """
        return self.retriever.search(scope, question, k, only, as_of)

    def ask(self, scope: Scope, question: str, as_of: str = "", only: Filter = EVERYTHING) -> Answer:
        """Return an answer whose every sentence can be opened, or one that says that nothing was found.

        It rests on documents that pass the filter and are in force: now, or on the day `as_of`.
        """
        return self._answerer.ask(scope, question, as_of, only)

    def stream(self, scope: Scope, question: str, as_of: str = "", only: Filter = EVERYTHING) -> Answering:
        """Yield the sentences of the same answer as each is verified, None while none is, and last the answer."""
        return self._answerer.stream(scope, question, as_of, only)

    @property
    def _answerer(self) -> Answerer:
        return Answerer(self.retriever, self.blobs, self.embedder, self.llm, Quotes())

    def offer(self, scope: Scope, document_id: str, file_name: str, data: bytes, terms: Terms = NO_TERMS) -> bool:
        """Put the bytes unless they are those of the record; return whether anything is to be done for the document."""
        found = self.documents.get(document_id)
        known = found if found and not found.deleted_at else None
        if known is None or known.user_id != scope.user_id or known.checksum_sha256 != hashlib.sha256(data).hexdigest():
            self.uploads.put(scope, document_id, file_name, data, terms=terms)
        elif self.ingestor.settled(known):
            return False
        else:  # the bytes are there, and something is still to be done with them
            self.queue.send(Change("put", known.key, known.version))
        return True

    def amend(self, scope: Scope, document_id: str, terms: Terms) -> Document:
        """Write what the asker says of their document, have its chunks bear it, and return it; raises as `amend`."""
        document = editions.amend(self.table, scope, document_id, terms)
        live = document.live.get(self.index.name)
        if live and live.marks != document.marks:
            self.queue.send(Change("put", document.key, document.version))
        return document

    def retry(self, scope: Scope, document_id: str) -> Document:
        """Have a document that is in error worked on once more, and return it.

        Raises `NotFound` if it is not the asker's, `Conflict` if it is not in error.
        """
        document = editions.mine(self.documents, scope, document_id)
        if document.status != "error":
            raise Conflict(f"The document is {document.status}, and not in error.", hint="There is nothing to retry.")
        waiting = self.documents.put(replace(document, status="uploading", reason=None, stages=Stages()))
        self.queue.send(Change("put", waiting.key, waiting.version))
        return waiting

    def text(self, document: Document) -> Extracted | None:
        """Return the text that answers of a document, with its pages; None while nothing does."""
        live = document.live_in(self.index.name)
        return stored(self.blobs, document.user_id, live) if live else None

    def local_scope(self, user_id: str = LOCAL_USER) -> Scope:
        """Return the scope of a person of this machine."""
        principals = frozenset({user_principal(user_id), tenant_principal(LOCAL_TENANT)})
        return Scope(user_id, LOCAL_TENANT, principals, LOCAL_ACTIONS, self.clock())

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


def _folder(rest: str, parts: Footnote) -> BlobStore:
    from corpus.blobs.folder import FolderBlobs  # noqa: PLC0415

    return FolderBlobs(Path(rest), parts.queue)


def _s3(rest: str, parts: Footnote) -> BlobStore:
    from corpus import aws  # noqa: PLC0415
    from corpus.blobs.s3 import S3Blobs  # noqa: PLC0415

    if not parts.settings.queue.startswith("sqs:"):
        raise ConfigError(
            f"FOOTNOTE_BLOBS=s3:{rest} announces changes to SQS, and FOOTNOTE_QUEUE={parts.settings.queue} is none.",
            hint="Set FOOTNOTE_QUEUE=sqs:URL.",
        )
    return S3Blobs(aws.client("s3"), rest)


def _blob_parts(_: str, parts: Footnote) -> PartStore:
    from corpus.blobs.parts import BlobParts  # noqa: PLC0415

    return BlobParts(parts.blobs, parts.clock)


def _s3_parts(rest: str, _: Footnote) -> PartStore:
    from corpus import aws  # noqa: PLC0415
    from corpus.blobs.s3_parts import S3Parts  # noqa: PLC0415

    return S3Parts(aws.linking_client(), rest)


def _sqlite_table(rest: str, parts: Footnote) -> Table:
    from corpus.tables.sqlite import SqliteTable  # noqa: PLC0415

    return SqliteTable(Path(rest), parts.clock)


def _dynamodb(rest: str, parts: Footnote) -> Table:
    from corpus import aws  # noqa: PLC0415
    from corpus.tables.dynamodb import DynamoDbTable  # noqa: PLC0415

    return DynamoDbTable(aws.client("dynamodb", attempts=1, seconds=DYNAMODB_SECONDS), rest, parts.clock)


def _sqlite_queue(rest: str, parts: Footnote) -> Queue:
    from corpus.queues.sqlite import SqliteQueue  # noqa: PLC0415

    return SqliteQueue(Path(rest), parts.clock)


def _sqs(rest: str, _: Footnote) -> Queue:
    from corpus import aws  # noqa: PLC0415
    from corpus.queues.sqs import SqsQueue, endpoint_of  # noqa: PLC0415
    from lambdas.events import changes  # noqa: PLC0415

    return SqsQueue(aws.client("sqs", endpoint=endpoint_of(rest)), rest, changes)


def _sqlite_index(rest: str, parts: Footnote) -> VectorIndex:
    from corpus.vectors.sqlite import SqliteIndex  # noqa: PLC0415

    exact_below, cache_bytes = parts.settings.exact_below, parts.settings.cache_bytes
    return SqliteIndex(Path(rest), parts.embedder.space, exact_below=exact_below, cache_bytes=cache_bytes)


def _opensearch_index(rest: str, parts: Footnote) -> VectorIndex:
    from corpus.vectors.common import index_name  # noqa: PLC0415
    from corpus.vectors.opensearch import OpenSearchIndex  # noqa: PLC0415
    from corpus.vectors.opensearch.client import connected  # noqa: PLC0415
    from corpus.vectors.opensearch.mapping import Design  # noqa: PLC0415

    url, _, label = rest.partition("#")
    settings, space = parts.settings, parts.embedder.space
    design = Design(space, settings.engine, settings.exact_below)
    name = index_name(space, label)
    return OpenSearchIndex(connected(url, _signing_in(url, settings)), design, name=name, read_only=parts.read_only)


def _signing_in(url: str, settings: Settings) -> Any:
    """A name and a password if there are any; at AWS, whoever runs this; else nobody."""
    from corpus import aws  # noqa: PLC0415
    from corpus.vectors.opensearch.client import signer  # noqa: PLC0415

    if settings.index_user:
        return (settings.index_user, settings.index_password)
    return signer(*aws.credentials(), url) if aws.is_aws(url) else None


def _local(_: str, parts: Footnote) -> Embedder:
    from corpus.embedders.local import LocalEmbedder  # noqa: PLC0415

    return LocalEmbedder(parts.settings.model_dir)


def _openai_embedder(rest: str, parts: Footnote) -> Embedder:
    from corpus.embedders.openai import OpenAIEmbedder  # noqa: PLC0415
    from corpus.openai_api import Access  # noqa: PLC0415

    return OpenAIEmbedder(rest, Access(parts.settings.openai_url, parts.settings.openai_key))


def _quotes(_: str, __: Footnote) -> LLM:
    return Quotes()


def _openai_model(rest: str, parts: Footnote) -> LLM:
    from corpus.llms.openai import OpenAIModel  # noqa: PLC0415
    from corpus.openai_api import Access  # noqa: PLC0415

    return OpenAIModel(rest, Access(parts.settings.openai_url, parts.settings.openai_key))


ADAPTERS: Mapping[str, Mapping[str, Callable[[str, Footnote], Any]]] = {
    "FOOTNOTE_BLOBS": {"folder": _folder, "s3": _s3},
    "FOOTNOTE_TABLE": {"sqlite": _sqlite_table, "dynamodb": _dynamodb},
    "FOOTNOTE_QUEUE": {"sqlite": _sqlite_queue, "sqs": _sqs},
    "FOOTNOTE_INDEX": {"sqlite": _sqlite_index, "opensearch": _opensearch_index},
    "FOOTNOTE_EMBEDDER": {"local": _local, "openai": _openai_embedder},
    "FOOTNOTE_LLM": {"quotes": _quotes, "openai": _openai_model},
}
"""By setting and the word its address begins with."""
PART_STORES: Mapping[str, Callable[[str, Footnote], PartStore]] = {"folder": _blob_parts, "s3": _s3_parts}
"""By the word that FOOTNOTE_BLOBS begins with."""


def _opened(setting: str, address: str, parts: Footnote) -> Any:
    scheme, _, rest = address.partition(":")
    open_it = ADAPTERS[setting].get(scheme)
    if open_it is None:
        raise ConfigError(f"{setting}={address}: nothing is known by the name {scheme}.")
    return open_it(rest, parts)
