"""Recall, speed and load of the index in OpenSearch, on a node of `make services`.

    python -m bench.opensearch [--chunks 100000]

Real HNSW graphs by the Lucene engine; Faiss's native library is not in Maven's repository. The data are made: unit
vectors of 1,536 dimensions in 2,000 clusters, owned by 1,000 people whose shares follow Zipf's law.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.timing import HEAD, interleaved, machine, row
from corpus.model import Chunk, Generation, GenerationId, Space
from corpus.scope import Where
from corpus.vectors.opensearch import OpenSearchIndex, _fetched, _nearest, _visible, _write
from corpus.vectors.opensearch.bulk import bodies
from corpus.vectors.opensearch.client import connected
from corpus.vectors.opensearch.mapping import Design
from tests.services.servers import OPENSEARCH, SERVERS

Rows = NDArray[np.float32]
DIMENSIONS, CLUSTERS, SUBSPACE, OWNERS, K = 1536, 2_000, 128, 1_000, 10
SHARES = (0.1, 0.01, 0.001, 0.0001)
QUERIES = 50
A_DOCUMENT = 250
WORKERS = 8
DESIGN = Design(Space("bench/made", DIMENSIONS), "lucene")


@dataclass(frozen=True)
class Corpus:
    rows: Rows
    owners: NDArray[np.int64]

    def of(self, owner: int) -> NDArray[np.int64]:
        return np.flatnonzero(self.owners == owner)

    def nearest_to(self, share: float) -> int:
        """The owner whose part of the corpus is nearest to this share."""
        sizes = np.bincount(self.owners, minlength=OWNERS)
        return int(np.argmin(np.abs(np.log(np.maximum(sizes, 1) / len(self.rows)) - np.log(share))))

    def documents(self, owners: NDArray[np.int64]) -> Iterator[Generation]:
        for owner in owners:
            mine = self.of(int(owner))
            for start in range(0, len(mine), A_DOCUMENT):
                yield generation(int(owner), start, mine[start : start + A_DOCUMENT], self.rows)


def corpus(count: int) -> Corpus:
    random = np.random.default_rng(0)
    shares = 1 / np.arange(1, OWNERS + 1)
    sizes = np.maximum(1, (count * shares / shares.sum()).astype(int))
    sizes[0] += count - sizes.sum()
    owners = random.permutation(np.repeat(np.arange(OWNERS), sizes))
    plane = random.normal(size=(SUBSPACE, DIMENSIONS)).astype(np.float32) / np.sqrt(DIMENSIONS)
    centres = random.normal(size=(CLUSTERS, SUBSPACE)).astype(np.float32) @ plane / np.sqrt(SUBSPACE) * 3
    centres += 0.35 * unit(random.normal(size=(1, DIMENSIONS)).astype(np.float32))
    noise = random.normal(size=(len(owners), DIMENSIONS)).astype(np.float32) * (0.6 / np.sqrt(DIMENSIONS))
    return Corpus(unit(centres[random.integers(CLUSTERS, size=len(owners))] + noise), owners)


def unit(rows: Rows) -> Rows:
    long: Rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return long.astype(np.float32)


def generation(owner: int, start: int, mine: NDArray[np.int64], rows: Rows) -> Generation:
    chunks = tuple(
        Chunk(n, n * 40, n * 40 + 12, f"chunk {place:06}", 1, 1, (), 4) for n, place in enumerate(mine.tolist())
    )
    user = f"u{owner}"
    place = GenerationId(f"{user}-{start}", "1", "r")
    readers = (f"user:{user}",)
    created = "2026-01-01T00:00:00.000Z"
    return Generation(place, user, "home", readers, "a.pdf", "application/pdf", (), "", created, chunks, rows[mine])


def queries(made: Corpus, owner: int) -> Rows:
    """Noisy copies of the owner's own chunks."""
    random = np.random.default_rng(owner)
    chosen = made.rows[random.choice(made.of(owner), QUERIES)]
    return unit(chosen + random.normal(size=chosen.shape).astype(np.float32) * (0.36 / np.sqrt(DIMENSIONS)))


def truth(made: Corpus, owner: int, asked: Rows) -> list[set[str]]:
    mine = made.of(owner)
    best = np.argsort(-(made.rows[mine] @ asked.T), axis=0)[:K]
    return [{f"chunk {mine[place]:06}" for place in best[:, n]} for n in range(len(asked))]


Search = Callable[[Rows, Where], list[str]]


def raw(client: Any, index: OpenSearchIndex, change: Callable[[dict[str, Any], Where], object]) -> Search:
    """The client's own search with our query, changed."""

    def search(vector: Rows, where: Where) -> list[str]:
        body = {**_fetched(2), **_nearest(vector, K, _visible(where))}
        change(body, where)
        hits = client.search(index=index.name, body=body)["hits"]["hits"]
        return [hit["fields"]["content"][0] for hit in hits]

    return search


def post_filtered(body: dict[str, Any], where: Where) -> None:
    """The mistake that is often made: twice as many of everybody's, and then the filter."""
    nearest = body["query"]["knn"]["embedding"]
    del nearest["filter"]
    nearest["k"] = 2 * K
    body["query"] = {"bool": {"must": [body["query"]], "filter": [_visible(where)]}}


def recalls(made: Corpus, index: OpenSearchIndex, client: Any) -> None:
    def ours(vector: Rows, where: Where) -> list[str]:
        return [hit.content for hit in index.legs(vector, (), K, where).nearest]

    ways: dict[str, Search] = {
        "product": ours,
        "without `ef_search`": raw(
            client, index, lambda body, _: body["query"]["knn"]["embedding"].pop("method_parameters")
        ),
        "filter after the search": raw(client, index, post_filtered),
    }
    print(f"\n| owner's share | chunks | {' | '.join(f'{way}: recall@10, short' for way in ways)} | bar | |")
    print("|---" * (len(ways) + 4) + "|")
    for share in SHARES:
        owner = made.nearest_to(share)
        asked, size = queries(made, owner), len(made.of(owner))
        wanted, where = truth(made, owner, asked), Where("home", frozenset({f"user:u{owner}"}))
        cells, first = [], 0.0
        for way in ways.values():
            found = [way(vector, where) for vector in asked]
            scores = [len(wanted[n] & set(one)) / len(wanted[n]) for n, one in enumerate(found)]
            short = sum(len(one) < min(K, size) for one in found)
            cells.append(f"{np.mean(scores):.3f}, {short} of {QUERIES}")
            first = first or float(np.mean(scores)) - (1 if short else 0)
        met = "met" if first >= 0.98 else "**missed**"
        print(f"| {size / len(made.rows):.2%} | {size:,} | {' | '.join(cells)} | ≥ 0.98, 0 short | {met} |")


def latency(made: Corpus, index: OpenSearchIndex, client: Any) -> None:
    owner = made.nearest_to(0.01)
    where, asked = Where("home", frozenset({f"user:u{owner}"})), queries(made, owner)
    search = raw(client, index, lambda *_: None)
    ours, theirs = list[float](), list[float]()
    for vector in (*asked, *asked, *asked, *asked):
        for way, taken in ((lambda v: index.legs(v, (), K, where), ours), (lambda v: search(v, where), theirs)):
            begun = time.perf_counter()
            way(vector)
            taken.append(time.perf_counter() - begun)
    ratio = statistics.median(ours) / statistics.median(theirs)
    verdict = "met" if ratio <= 1.1 else "**missed**"
    print(f"| `nearest` ÷ the same raw client query, p50 | {ratio:.2f} | ≤ 1.1 | {verdict} |")
    print(f"\np50 {statistics.median(ours) * 1000:.1f} ms, raw {statistics.median(theirs) * 1000:.1f} ms.")


def load(made: Corpus, client: Any) -> float:
    """How fast chunks are written, against the same bodies sent as they are."""
    documents = list(made.documents(np.arange(8, 40)))[:12]
    ready = [list(bodies(_write(one, chunk) for chunk in one.chunks)) for one in documents]
    names = iter([f"bench-load-{uuid.uuid4().hex}" for _ in range(12)])

    def ours() -> None:
        index = OpenSearchIndex(client, DESIGN, name=next(names))
        index.setup()
        for one in documents:
            index.write(one)
        client.indices.delete(index=index.name)

    def theirs() -> None:
        index = OpenSearchIndex(client, DESIGN, name=next(names))
        index.setup()
        for groups in ready:
            for group in groups:
                client.transport.perform_request(
                    "POST",
                    f"/{index.name}/_bulk",
                    params={"refresh": "wait_for"} if len(groups) == 1 else {},
                    body=b"".join(group),
                    headers={"content-type": "application/x-ndjson"},
                )
            if len(groups) > 1:
                client.indices.refresh(index=index.name)
        client.indices.delete(index=index.name)

    taken = interleaved({"ours": ours, "raw": theirs}, 5)
    return taken["raw"] / taken["ours"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--chunks", type=int, default=100_000)
    count = parser.parse_known_args()[0].chunks
    if not next(one for one in SERVERS if one.name == "opensearch").answers():
        sys.exit("OpenSearch does not run: make services starts it.")
    client, made = connected(OPENSEARCH), corpus(count)
    index = OpenSearchIndex(client, DESIGN, name=f"bench-{uuid.uuid4().hex}")
    index.setup()
    try:
        ratio = load(made, client)
        begun = time.perf_counter()
        with ThreadPoolExecutor(WORKERS) as pool:
            deque(pool.map(index.write, made.documents(np.arange(OWNERS))), maxlen=0)
        rate = len(made.rows) / (time.perf_counter() - begun)
        print(f"## OpenSearch 2.19, Lucene graphs: {len(made.rows):,} × {DIMENSIONS} ({machine()})\n\n{HEAD}")
        print(row("bulk load ÷ raw bulk of the same bodies", ratio, 0.9))
        latency(made, index, client)
        print(f"Loading: {rate:,.0f} chunks/s by {WORKERS} workers, each document until a search sees it.")
        recalls(made, index, client)
    finally:
        client.indices.delete(index=index.name)


if __name__ == "__main__":
    main()
