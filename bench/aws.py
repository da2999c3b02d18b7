"""What events cost on AWS's parts: one event delivered many times at once, and how soon a put can be found.

    python -m bench.aws

S3 and SQS are moto, the table is DynamoDB Local, the index OpenSearch with Lucene graphs (`make services`). Vectors are
made of hashed words, so the figures are the pipeline's and the stores' own.
"""

from __future__ import annotations

import secrets
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from bench.timing import machine
from corpus.errors import Unavailable
from corpus.keys import original_key
from corpus.model import Change, GenerationId
from corpus.tables.dynamodb import DynamoDbTable
from corpus.vectors.opensearch import OpenSearchIndex
from corpus.vectors.opensearch.client import connected
from corpus.vectors.opensearch.mapping import Design
from ingest.extract import Reader
from tests.fakes import Clock, HashEmbedder
from tests.pdfs import pdf
from tests.services import doubles
from tests.services.aws import dynamodb
from tests.services.doubles import Bucket
from tests.services.needed import up
from tests.services.poller import polling
from tests.worlds import LIMITS, ME, World

DELIVERIES, AT_ONCE, ROUNDS = 20, 10, 30
TEXT = "\n\n".join(
    f"# Rule {n}\n\nParagraph {n} of the house rules. " + "The pool opens at nine. " * 60 for n in range(20)
)


class WallClock(Clock):
    """The time it is."""

    def __call__(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@contextmanager
def worlds() -> Iterator[tuple[World, Bucket]]:
    """Everything wired over the real servers."""
    client, embedder = connected(up("opensearch").address), HashEmbedder()
    name = f"bench-{secrets.token_hex(6)}"
    index = OpenSearchIndex(client, Design(embedder.space, "lucene"), name=name)
    index.setup()
    with doubles.bucket(up("moto").address) as bucket, dynamodb() as (dynamo, table), Reader(LIMITS) as reader:
        records = DynamoDbTable(dynamo, table)
        yield World(WallClock(), bucket.queue, bucket.blobs, records, index, embedder, reader), bucket
    client.indices.delete(index=name)
    client.close()


def many_deliveries(world: World, bucket: Bucket) -> str:
    """One put's event 20 times, ten at once, a newer version's among them; every worker tries until it is heard."""
    texts = (TEXT, TEXT.replace("Paragraph 7", "Chapter seven"))
    events: list[Change] = []
    for text in texts:
        world.blobs.put(original_key("me", "d1"), text.encode(), {"originalname": "rules.md"})
        bucket.poller.pump()
        while len(events) < 1 + texts.index(text):
            events += [delivery.change for delivery in world.queue.receive(10, 1)]
    older, newer = sorted(events, key=lambda change: change.version)
    deliveries = [older] * (DELIVERIES // 2) + [newer] + [older] * (DELIVERIES // 2)
    one = world.ingestor()

    def deliver(change: Change) -> None:
        while True:
            try:
                one.apply(change)
            except Unavailable:
                time.sleep(0.2)
            else:
                return

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(deliver, deliveries))
    document = world.document("d1")
    live = document.live[world.index.name]
    counted = world.index.count(GenerationId("d1", live.version, live.recipe))
    stale = world.index.count(GenerationId("d1", older.version, live.recipe))
    extra = world.embedder.bought - live.chunk_count - 1  # the one paragraph in which the versions differ
    right = live.version == newer.version and counted == live.chunk_count and not stale and extra <= 0
    return (
        f"| one event delivered {DELIVERIES} times, {AT_ONCE} at once, mixed with a newer version | "
        f"live: the newer; {counted} chunks counted of {live.chunk_count}, {stale} of the older; {max(0, extra)} "
        f"embeddings too many | one live version, exact count, 0 | {'met' if right else '**missed**'} |"
    )


def put_to_searchable(world: World, bucket: Bucket) -> list[float]:
    """Seconds from a put into the bucket until a search finds the document, with one worker."""
    stop, one, taken = threading.Event(), world.ingestor(), []

    def work() -> None:
        while not stop.is_set():
            one.drain(world.queue, wait=1)

    worker = threading.Thread(target=work)
    worker.start()
    with polling(bucket.poller):
        for n in range(ROUNDS):
            word = f"zebra{n}"
            data = pdf([f"Page {page} speaks of {word}." for page in (1, 2, 3)])
            begun = time.perf_counter()
            world.blobs.put(original_key("me", f"p{n}"), data, {"originalname": "a.pdf"})
            while not world.retriever.search(replace(ME, now=time.time()), word, 1).hits[:1] or not (
                (found := world.documents.get(f"p{n}")) and found.status == "ready"
            ):
                time.sleep(0.01)
            taken.append(time.perf_counter() - begun)
    stop.set()
    worker.join()
    return taken


def main() -> None:
    with worlds() as (world, bucket):
        print(f"## Events: S3 and SQS by moto, DynamoDB Local, OpenSearch 2.19 ({machine()})\n")
        print("| what | measured | bar | |\n|---|---|---|---|")
        print(many_deliveries(world, bucket))
        taken = put_to_searchable(world, bucket)
        p50, p95 = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
        print(f"| S3 put → searchable, 3-page PDF, {ROUNDS} times | p50 {p50:.2f} s, p95 {p95:.2f} s | report | |\n")


if __name__ == "__main__":
    main()
