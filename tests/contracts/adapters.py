"""Which adapters exist, by port: how to open each on a fresh folder, as often as a test likes."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from corpus.blobs.folder import FolderBlobs
from corpus.blobs.parts import BlobParts
from corpus.blobs.s3 import S3Blobs
from corpus.blobs.s3_parts import S3Parts
from corpus.embedders.local import LocalEmbedder
from corpus.embedders.openai import OpenAIEmbedder
from corpus.llms.openai import OpenAIModel
from corpus.llms.quotes import Quotes
from corpus.model import Generation, GenerationId, Space
from corpus.openai_api import Access
from corpus.ports import LLM, BlobStore, Embedder, Extractor, PagedExtractor, PartStore, Queue, Table, VectorIndex
from corpus.queues.sqlite import SqliteQueue
from corpus.queues.sqs import SqsQueue
from corpus.tables.dynamodb import DynamoDbTable
from corpus.tables.sqlite import SqliteTable
from corpus.vectors.opensearch import OpenSearchIndex
from corpus.vectors.opensearch.client import connected
from corpus.vectors.opensearch.mapping import Design
from corpus.vectors.sqlite import SqliteIndex
from corpus.ways import Engine
from ingest.extractors import csv, docx, eml, html, jsonl, markdown, pdf, pptx, text, xlsx
from lambdas.events import changes
from tests.conftest import MODEL_DIR
from tests.docx import docx as make_docx
from tests.docx import p
from tests.fakes import (
    Clock,
    HashEmbedder,
    MemoryBlobs,
    MemoryIndex,
    MemoryQueue,
    MemoryTable,
    PagedText,
    ScriptedLLM,
)
from tests.pdfs import pdf as make_pdf
from tests.provider import Provider
from tests.services import doubles
from tests.services.aws import dynamodb
from tests.services.needed import up
from tests.sheets import workbook
from tests.slides import deck

T = TypeVar("T")
SPACE = Space("test/space", 8)


@dataclass
class Place:
    """Where an adapter under test keeps its things, and the time it is there."""

    folder: Path
    clock: Clock
    fixture: Callable[[str], Any]
    """A fixture by its name, for what is started only where it is needed."""


@dataclass
class Opened(Generic[T]):
    """An adapter, and a way to open it once more as another process would."""

    it: T
    again: Callable[[], T]
    garble: Callable[[], None] = lambda: None
    """For queues: make what waits impossible to understand."""


Opener = Callable[[Place], Iterator[Opened[T]]]


def memory_blobs(place: Place) -> Iterator[tuple[Opened[BlobStore], Queue]]:
    queue = MemoryQueue(place.clock)
    blobs = MemoryBlobs(queue)
    yield Opened(blobs, lambda: blobs), queue


def memory_queue(place: Place) -> Iterator[Opened[Queue]]:
    queue = MemoryQueue(place.clock)
    yield Opened(queue, lambda: queue, queue.garble)


def memory_table(place: Place) -> Iterator[Opened[Table]]:
    table = MemoryTable(place.clock)
    yield Opened(table, lambda: table)


def memory_index(place: Place) -> Iterator[Opened[VectorIndex]]:
    del place
    index = MemoryIndex(SPACE)
    yield Opened(index, lambda: index)


def folder_blobs(place: Place) -> Iterator[tuple[Opened[BlobStore], Queue]]:
    queue = MemoryQueue(place.clock)

    def again() -> FolderBlobs:
        return FolderBlobs(place.folder / "blobs", queue, lambda: int(place.clock() * 1e9))

    yield Opened(again(), again), queue


def sqlite_queue(place: Place) -> Iterator[Opened[Queue]]:
    path, opened = place.folder / "footnote.db", list[SqliteQueue]()

    def again() -> SqliteQueue:
        opened.append(SqliteQueue(path, place.clock, place.clock.sleep))
        return opened[-1]

    def garble() -> None:
        with again()._database.write() as connection:
            connection.execute('UPDATE message SET body = \'{"kind": "put", "key": 7}\'')

    yield Opened(again(), again, garble)
    for one in opened:
        one.close()


def s3_blobs(place: Place) -> Iterator[tuple[Opened[BlobStore], Queue]]:
    with doubles.bucket(up("moto").address) as made:
        yield Opened(made.blobs, lambda: S3Blobs(made.s3, made.name, lambda: made.s3)), made.announced


def sqs_queue(place: Place) -> Iterator[Opened[Queue]]:
    with doubles.sqs_queue(place.fixture("moto_with_clock"), place.clock) as (queue, sqs, url):

        def garble() -> None:
            while found := sqs.receive_message(QueueUrl=url).get("Messages"):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=found[0]["ReceiptHandle"])
                sqs.send_message(QueueUrl=url, MessageBody='{"kind": "put", "key": 7}', DelaySeconds=1)
            place.clock.sleep(1)

        yield Opened(queue, lambda: SqsQueue(sqs, url, changes), garble)


def sqlite_table(place: Place) -> Iterator[Opened[Table]]:
    path, opened = place.folder / "footnote.db", list[SqliteTable]()

    def again() -> SqliteTable:
        opened.append(SqliteTable(path, place.clock))
        return opened[-1]

    yield Opened(again(), again)
    for one in opened:
        one.close()


def dynamodb_table(place: Place) -> Iterator[Opened[Table]]:
    place.clock.now = max(place.clock(), time.time() + 3600)  # DynamoDB Local deletes by the clock on the wall
    with dynamodb() as (client, name):
        yield Opened(DynamoDbTable(client, name, place.clock), lambda: DynamoDbTable(client, name, place.clock))


def sqlite_index(place: Place) -> Iterator[Opened[VectorIndex]]:
    path, opened = place.folder / "footnote.db", list[SqliteIndex]()

    def again() -> SqliteIndex:
        opened.append(SqliteIndex(path, SPACE))
        return opened[-1]

    yield Opened(again(), again)
    for one in opened:
        one.close()


class Graphed(SqliteIndex):
    """An index whose readers all have graphs, built anew after whatever changes them."""

    def write(self, generation: Generation) -> None:
        super().write(generation)
        self.tend(lambda: False)

    def prune(self, document_id: str, keep: GenerationId | None, upto: str) -> None:
        super().prune(document_id, keep, upto)
        self.tend(lambda: False)


def sqlite_graphs(place: Place) -> Iterator[Opened[VectorIndex]]:
    path, opened = place.folder / "footnote.db", list[SqliteIndex]()

    def again() -> SqliteIndex:
        opened.append(Graphed(path, SPACE, exact_below=1))
        return opened[-1]

    yield Opened(again(), again)
    for one in opened:
        one.close()


def opensearch_index(engine: Engine) -> Opener[VectorIndex]:
    """An index of its own for each test. Faiss without graphs: its native library is not in Maven's repository."""

    def opened(place: Place) -> Iterator[Opened[VectorIndex]]:
        del place
        client = connected(up("opensearch").address)
        design = Design(SPACE, engine, graphs=engine == "lucene")
        name = f"test-{engine}-{uuid.uuid4().hex}"
        first = OpenSearchIndex(client, design, name=name)
        first.setup()
        client.indices.put_settings(index=name, body={"index.refresh_interval": "5ms"})
        yield Opened(first, lambda: OpenSearchIndex(client, design, name=name))
        client.indices.delete(index=name)
        client.close()

    return opened


def memory_parts(place: Place) -> Iterator[tuple[PartStore, BlobStore, Queue]]:
    for opened, queue in memory_blobs(place):
        yield BlobParts(opened.it, place.clock), opened.it, queue


def folder_parts(place: Place) -> Iterator[tuple[PartStore, BlobStore, Queue]]:
    for opened, queue in folder_blobs(place):
        yield BlobParts(opened.it, place.clock), opened.it, queue


def s3_parts(place: Place) -> Iterator[tuple[PartStore, BlobStore, Queue]]:
    del place
    with doubles.bucket(up("moto").address) as made:
        yield S3Parts(made.s3, made.name), made.blobs, made.announced


PART_STORES: dict[str, Callable[[Place], Iterator[tuple[PartStore, BlobStore, Queue]]]] = {
    "memory": memory_parts,
    "folder": folder_parts,
    "s3": s3_parts,
}
BLOBS: dict[str, Callable[[Place], Iterator[tuple[Opened[BlobStore], Queue]]]] = {
    "memory": memory_blobs,
    "folder": folder_blobs,
    "s3": s3_blobs,
}
QUEUES: dict[str, Opener[Queue]] = {"memory": memory_queue, "sqlite": sqlite_queue, "sqs": sqs_queue}
INDEXES: dict[str, Opener[VectorIndex]] = {
    "memory": memory_index,
    "sqlite": sqlite_index,
    "sqlite-graphs": sqlite_graphs,
    "opensearch-lucene": opensearch_index("lucene"),
    "opensearch-faiss": opensearch_index("faiss"),
}
TABLES: dict[str, Opener[Table]] = {"memory": memory_table, "sqlite": sqlite_table, "dynamodb": dynamodb_table}


def hash_embedder() -> Iterator[Embedder]:
    yield HashEmbedder()


@lru_cache(maxsize=1)
def _local() -> LocalEmbedder:
    return LocalEmbedder(MODEL_DIR)


def local_embedder() -> Iterator[Embedder]:
    yield _local()


def openai_embedder() -> Iterator[Embedder]:
    with Provider() as provider:
        embedder = OpenAIEmbedder("text-embedding-3-small", Access(provider.url))
        yield embedder
        embedder.close()


def quotes() -> Iterator[LLM]:
    yield Quotes()


def scripted() -> Iterator[LLM]:
    yield ScriptedLLM('The pool opens at nine. [1 "the pool opens at nine"]')


def openai_model() -> Iterator[LLM]:
    with Provider() as provider:
        model = OpenAIModel("gpt-test", Access(provider.url))
        yield model
        model.close()


EMBEDDERS: dict[str, Callable[[], Iterator[Embedder]]] = {
    "hash": hash_embedder,
    "local": local_embedder,
    "openai": openai_embedder,
}
LLMS: dict[str, Callable[[], Iterator[LLM]]] = {"quotes": quotes, "scripted": scripted, "openai": openai_model}


WORDS = ("eins", "zwei", "drei")


@dataclass
class Samples:
    """Bytes for one extractor: three pages (or one, if it knows none) with a word each, damaged ones, blank ones."""

    extractor: Extractor
    words: tuple[str, ...]
    good: bytes
    damaged: tuple[bytes, ...]
    blank: bytes
    paged: bool


LONG = tuple(f"Page {number} of the rules tells of the pool." for number in range(150))


@dataclass
class LongSamples:
    """A document of 150 pages, with a title and an outline, for an extractor that reads from any page on."""

    extractor: PagedExtractor
    data: bytes


PAGED: dict[str, Callable[[], LongSamples]] = {
    "pdf": lambda: LongSamples(pdf, make_pdf(LONG, title="Rules", outline=[("tells of", 0, 3), ("the pool", 1, 140)])),
    "paged": lambda: LongSamples(PagedText(), b"PAGED" + "\f".join(LONG).encode()),
}
EXTRACTORS: dict[str, Callable[[], Samples]] = {
    "pdf": lambda: Samples(
        pdf, WORDS, make_pdf(WORDS), (b"", b"%PDF-1.4", make_pdf(WORDS)[:300]), make_pdf([""]), paged=True
    ),
    "docx": lambda: Samples(
        docx,
        WORDS,
        make_docx("".join(map(p, WORDS))),
        (b"", b"PK\x03\x04", make_docx("")[:300]),
        make_docx(p()),
        paged=False,
    ),
    "text": lambda: Samples(text, WORDS, b"eins zwei drei", (b"\xff\xfea", b"\x00\xe9\x01"), b" \n", paged=False),
    "markdown": lambda: Samples(
        markdown, WORDS, b"# eins\nzwei\n## drei", (b"\x00\xff", b"# \xe9\x00"), b"\n***\n", paged=False
    ),
    "html": lambda: Samples(
        html,
        WORDS,
        b"<title>t</title><h1>eins</h1><ul><li>zwei</ul><table><tr><th>drei<td>3</table>",
        (b"\x00\xff", b"<p>\x00\x01\xff"),
        b"<title>t</title><p> <img src=x>",
        paged=False,
    ),
    "eml": lambda: Samples(
        eml,
        WORDS,
        b"Subject: eins\n\nzwei drei",
        (b"", b"no header", b"\x00\x01\xff"),
        b"Message-ID: <1>\n\n ",
        paged=False,
    ),
    "jsonl": lambda: Samples(
        jsonl,
        WORDS,
        b'{"eins": "zwei"}\n{"eins": "drei"}',
        (b"prose", b"\x00\xff", b'{"a":'),
        b"\n \n",
        paged=False,
    ),
    "csv": lambda: Samples(
        csv, WORDS, b"eins,zwei\ndrei,4", (b"\xff\xfea", b"\xfe\xff\xd8\x00"), b",,\n;\n", paged=False
    ),
    "xlsx": lambda: Samples(
        xlsx,
        WORDS,
        workbook({"eins": [["zwei"]], "drei": [[1]]}),
        (b"", b"PK\x03\x04", workbook({"a": [["b"]]})[:-100], deck("a presentation")),
        workbook({"Sheet": []}),
        paged=False,
    ),
    "pptx": lambda: Samples(
        pptx,
        WORDS,
        deck(*WORDS),
        (b"", b"PK\x03\x04", deck("a")[:-100], workbook({"a": [["workbook"]]})),
        deck("", " "),
        paged=True,
    ),
    "paged": lambda: Samples(PagedText(), WORDS, b"PAGEDeins\fzwei\fdrei", (b"", b"GDEAP"), b"PAGED \f ", paged=True),
}
