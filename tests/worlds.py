"""A whole corpus in memory, or in a folder, with a pipeline and a search over it, and ways to make things go wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.answers import Answer
from corpus.blobs.folder import FolderBlobs
from corpus.errors import FootnoteError
from corpus.llms.quotes import Quotes
from corpus.model import Change, Document
from corpus.ports import LLM, BlobStore, Embedder, Limits, Queue, Table, VectorIndex
from corpus.prices import LISTED, Prices
from corpus.queues.sqlite import SqliteQueue
from corpus.records.documents import Documents
from corpus.scope import Scope
from corpus.tables.sqlite import SqliteTable
from corpus.vectors.sqlite import SqliteIndex
from ingest.extract import Reader
from ingest.pipeline import Ingestor
from ingest.upload import Uploads
from search.answer import Answerer
from search.retrieve import Retriever
from tests.fakes import Clock, HashEmbedder, MemoryBlobs, MemoryIndex, MemoryQueue, MemoryTable

LIMITS = Limits(bytes=10**7, pages=100, characters=10**7, memory=2**30, seconds=30)
ME = Scope("me", "home", frozenset({"user:me", "tenant:home"}), frozenset({"search", "upload", "ask"}), 0.0)
YOU = Scope("you", "home", frozenset({"user:you", "tenant:home"}), frozenset({"search", "upload", "ask"}), 0.0)

WITHOUT_OCR: dict[str, str] = {"FOOTNOTE_OCR": "off"}
"""The settings with which no picture is read, whatever the machine has."""

STEPS = set("get put add delete keys send extend done failed get_many transact write count prune".split())  # noqa: SIM905
"""The calls that can be a worker's last."""


class Killed(BaseException):
    """The worker died here."""


@dataclass
class Fuse:
    """Counts the calls a worker makes into its ports, looks on at each, and may blow at one."""

    blow_at: int = 0
    after: bool = False
    look: Callable[[], None] = lambda: None
    steps: int = 0

    def step(self, call: Callable[[], Any]) -> Any:
        self.steps += 1
        blow = self.steps == self.blow_at
        if blow and not self.after:
            raise Killed
        try:
            result = call()
            if isinstance(result, Iterator):
                result = iter(list(result))
        finally:
            if blow:
                raise Killed
        self.look()
        return result


class Fused:
    """Any port, each call of which goes through a fuse."""

    def __init__(self, port: object, fuse: Fuse) -> None:
        self._port, self._fuse = port, fuse

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if name not in STEPS:
            return attribute
        return lambda *args, **kwargs: self._fuse.step(lambda: attribute(*args, **kwargs))


@dataclass
class World:
    clock: Clock
    queue: Queue
    blobs: BlobStore
    table: Table
    index: VectorIndex
    embedder: HashEmbedder
    reader: Reader
    closing: list[Callable[[], None]] = field(default_factory=list)
    prices: Prices = LISTED

    @property
    def documents(self) -> Documents:
        return Documents(self.table)

    @property
    def uploads(self) -> Uploads:
        return Uploads(self.blobs, self.table, self.clock)

    @property
    def retriever(self) -> Retriever:
        return Retriever(self.table, self.index, self.embedder)

    def ask(self, question: str, scope: Scope = ME, llm: LLM | None = None, as_of: str = "") -> Answer:
        return self.answerer(llm).ask(scope, question, as_of=as_of)

    def answerer(self, llm: LLM | None = None) -> Answerer:
        return Answerer(self.retriever, self.blobs, self.embedder, llm or Quotes(), Quotes())

    def ingestor(self, fuse: Fuse | None = None, embedder: Embedder | None = None) -> Ingestor:
        blobs: Any = Fused(self.blobs, fuse) if fuse else self.blobs
        table: Any = Fused(self.table, fuse) if fuse else self.table
        index: Any = Fused(self.index, fuse) if fuse else self.index
        parts = (blobs, table, index, embedder or self.embedder, self.reader)

        def tenant_of(user: str) -> str | None:
            return None if user == "stranger" else "home"

        return Ingestor(*parts, clock=self.clock, tenant_of=tenant_of, prices=self.prices, checkpoint_rows=2)

    def put(self, document_id: str, text: str, scope: Scope = ME, name: str = "") -> None:
        self.uploads.put(scope, document_id, name or f"{document_id}.txt", text.encode())

    def work(self, ingestor: Ingestor | None = None, most: int = 200) -> None:
        """Work until nothing waits, however long that takes."""
        ingestor = ingestor or self.ingestor()
        idle = 0
        for _ in range(most):
            idle = 0 if ingestor.drain(self.queue) else idle + 1
            if idle > 15:
                return
            if idle:
                self.clock.sleep(61)
        raise AssertionError("it never came to rest")

    def document(self, document_id: str) -> Document:
        found = self.documents.get(document_id)
        assert found
        return found

    def visible(self, scope: Scope = ME, question: str = "pool") -> dict[str, list[str]]:
        """What a search shows, by document, in the order of the text."""
        found: dict[str, list[tuple[int, str]]] = {}
        for hit in self.retriever.search(scope, question, 1000).hits:
            found.setdefault(hit.generation.document_id, []).append((hit.chunk_index, hit.content))
        return {name: [content for _, content in sorted(chunks)] for name, chunks in found.items()}

    def pending(self) -> list[Change]:
        """Take what waits out of the queue."""
        self.clock.sleep(61)
        found = []
        while deliveries := self.queue.receive(10, 0):
            for delivery in deliveries:
                found.append(delivery.change)
                self.queue.done(delivery)
        return found


def memory_world(reader: Reader) -> World:
    clock = Clock()
    queue, embedder = MemoryQueue(clock), HashEmbedder()
    return World(clock, queue, MemoryBlobs(queue), MemoryTable(clock), MemoryIndex(embedder.space), embedder, reader)


@contextmanager
def folder_world(folder: Path, reader: Reader, clock: Clock | None = None) -> Iterator[World]:
    clock = clock or Clock()
    path, embedder = folder / "footnote.db", HashEmbedder()
    queue = SqliteQueue(path, clock, clock.sleep)
    table, index = SqliteTable(path, clock), SqliteIndex(path, embedder.space)
    blobs = FolderBlobs(folder / "blobs", queue)
    yield World(clock, queue, blobs, table, index, embedder, reader)
    for one in (queue, table, index):
        one.close()


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What became of several threads' work that began at once: results, and errors of ours by their kind."""
    gate = threading.Barrier(count)

    def one(n: int) -> Any:
        gate.wait()
        try:
            return work(n)
        except FootnoteError as error:
            return type(error)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
