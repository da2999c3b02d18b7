"""The index in SQLite against other engines that run inside a process, within what one owner may see.

    python -m bench.engines [--chunks 100000] [--million] [--alone]

The data are made: 1,536 dimensions, 2,000 clusters in 96 latent ones of uneven weight, an offset a document, owners
whose shares follow Zipf's law. Each engine has a process of its own; a question goes to each in turn. A search returns
ten chunks with their text. `--million` gives one owner that many chunks, which takes a long while; `--alone` asks no
other engine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.peers.vectors import A_DOCUMENT, ENGINES, K, text
from bench.timing import HEAD, machine, peers_python, row
from corpus.model import Chunk, Generation, GenerationId, Legs, Space
from corpus.scope import Where
from corpus.vectors.sqlite import SqliteIndex

Rows = NDArray[np.float32]
DIMENSIONS, LATENT, CLUSTERS, OWNERS, QUERIES = 1536, 96, 2_000, 1_000, 100
SPACE = Space("bench/made", DIMENSIONS)
SIZES = {"small": (10, 100), "medium": (300, 3_000), "largest": (3_001, 10**9)}
BARS = {"small": 1.0, "medium": 0.4, "largest": 0.2}
SECONDS = 10.0
EXACTLY, BY_GRAPH = 10**9, 9
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Maker:
    """Makes vectors: clusters in a few dimensions, spread over many."""

    random: np.random.Generator
    centres: Rows
    plane: Rows
    offset: Rows

    def document(self, topic: int, size: int) -> Rows:
        own = self.random.normal(size=(1, LATENT)) * 0.4
        latent = self.centres[topic] + own + self.random.normal(size=(size, LATENT)) * 0.5
        noise = self.random.normal(size=(size, DIMENSIONS)) * 0.02
        return unit(latent @ self.plane + self.offset + noise)

    def near(self, rows: Rows) -> Rows:
        return unit(rows + self.random.normal(size=rows.shape) * (0.8 / np.sqrt(DIMENSIONS)))


def unit(rows: NDArray[Any]) -> Rows:
    long: Rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return long


def maker() -> Maker:
    random = np.random.default_rng(0)
    centres = random.normal(size=(CLUSTERS, LATENT)) * np.linspace(2, 0.3, LATENT)
    plane = random.normal(size=(LATENT, DIMENSIONS)) / np.sqrt(DIMENSIONS)
    offset = 0.3 * unit(random.normal(size=(1, DIMENSIONS)))
    return Maker(random, centres.astype(np.float32), plane.astype(np.float32), offset)


def corpus(made: Maker, chunks: int) -> tuple[Rows, NDArray[np.int64]]:
    """Rows, and the owner of each, document by document."""
    shares = 1 / np.arange(1, OWNERS + 1) ** 1.1
    sizes = np.maximum(10, (chunks * shares / shares.sum()).astype(int))
    rows, owners = [], []
    for owner, size in enumerate(sizes):
        topics = made.random.integers(CLUSTERS, size=max(1, size // 200))
        for start in range(0, size, A_DOCUMENT):
            rows.append(made.document(int(made.random.choice(topics)), min(A_DOCUMENT, size - start)))
            owners.append(np.full(len(rows[-1]), owner))
    return np.concatenate(rows), np.concatenate(owners)


def generation(name: str, owner: int, first: int, rows: Rows) -> Generation:
    chunks = tuple(Chunk(n, n * 40, n * 40 + 40, text(first + n), 1, 1, (), 110) for n in range(len(rows)))
    user, at = f"u{owner}", "2026-01-01T00:00:00.000Z"
    place = GenerationId(name, "1", "r")
    return Generation(place, user, "home", (f"user:{user}",), "a.pdf", "application/pdf", (), "", at, chunks, rows)


def where(owner: int) -> Where:
    return Where("home", frozenset({f"user:u{owner}"}))


class Ours:
    """Our index in this process, with a threshold from which on graphs choose."""

    def __init__(self, path: Path, exact_below: int) -> None:
        self.index = SqliteIndex(path, SPACE, exact_below=exact_below)

    def load(self, rows: Rows, owners: NDArray[np.int64]) -> float:
        begun = time.perf_counter()
        for start, end in documents(owners):
            owner = int(owners[start])
            self.index.write(generation(f"d{start}", owner, start, rows[start:end]))
        return time.perf_counter() - begun

    def search(self, owner: int, vector: Rows) -> tuple[list[int], float]:
        begun = time.perf_counter()
        found = self.index.legs(vector, (), K, where(owner)).nearest
        taken = time.perf_counter() - begun
        return [int(hit.content.split()[1]) for hit in found], taken


class Peer:
    """Another engine, in a process of its own."""

    def __init__(self, name: str, folder: Path, data: Path) -> None:
        folder.mkdir(exist_ok=True)
        script = str(ROOT / "bench" / "peers" / "vectors.py")
        self.name, self.folder, self._again = name, folder, [str(peers_python()), script, name, str(folder), str(data)]
        self._child = subprocess.Popen(
            self._again, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.loaded = float(self.line()["loaded"])

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        self.send(question)
        return self.line()

    def send(self, question: dict[str, Any]) -> None:
        assert self._child.stdin
        print(json.dumps(question), file=self._child.stdin, flush=True)

    def line(self) -> dict[str, Any]:
        assert self._child.stdout
        found: dict[str, Any] = json.loads(self._child.stdout.readline())
        return found

    def close(self) -> None:
        self._child.terminate()
        self._child.wait()


def documents(owners: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Where each document begins and ends among the rows."""
    cuts = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(owners)]
    for begin, end in pairwise(cuts):
        yield from ((start, min(start + A_DOCUMENT, end)) for start in range(begin, end, A_DOCUMENT))


@dataclass
class Asked:
    """Questions of owners of one size, and the ids of what is nearest."""

    owners: list[int]
    vectors: Rows
    truth: list[set[int]]


def questions(made: Maker, rows: Rows, owners: NDArray[np.int64]) -> dict[str, Asked]:
    counts, found = np.bincount(owners), dict[str, Asked]()
    for size, (least, most) in SIZES.items():
        among = [0] if size == "largest" else np.flatnonzero((counts >= least) & (counts <= most)).tolist()
        chosen = [int(made.random.choice(among)) for _ in range(QUERIES)]
        picked = [int(made.random.choice(np.flatnonzero(owners == owner))) for owner in chosen]
        vectors, truth = made.near(rows[picked]), []
        for owner, vector in zip(chosen, vectors, strict=True):
            mine = np.flatnonzero(owners == owner)
            truth.append(set(mine[np.argsort(-(rows[mine] @ vector))[:K]].tolist()))
        found[size] = Asked(chosen, vectors, truth)
    return found


def recall(found: list[int], truth: set[int]) -> float:
    return len(truth & set(found)) / len(truth)


def compare(asked: dict[str, Asked], ours: dict[str, Ours], peers: list[Peer]) -> None:
    """Each question to every engine in turn, twice; the first time warms them up."""
    print(f"| within one owner, p50 ms (recall@{K}) | {' | '.join((*ours, *(peer.name for peer in peers)))} |")
    print("|---" * (1 + len(ours) + len(peers)) + "|")
    ratios, at = dict[str, float](), 0
    for size, one in asked.items():
        taken: dict[str, list[float]] = {name: [] for name in (*ours, *(peer.name for peer in peers))}
        right: dict[str, list[float]] = {name: [] for name in taken}
        for turn in range(-len(one.owners), len(one.owners)):
            n = turn % len(one.owners)
            answers = {name: engine.search(one.owners[n], one.vectors[n]) for name, engine in ours.items()}
            for peer in peers:
                answer = peer.ask({"owner": one.owners[n], "query": at + n})
                answers[peer.name] = (answer["ids"], answer["seconds"])
            for name, (ids, seconds) in answers.items() if turn >= 0 else ():
                taken[name].append(seconds)
                right[name].append(recall(ids, one.truth[n]))
        at += len(one.owners)
        p50 = {name: statistics.median(values) * 1000 for name, values in taken.items()}
        cells = (f"{p50[name]:.3f} ({statistics.mean(right[name]):.4f})" for name in taken)
        print(f"| {size} | {' | '.join(cells)} |", flush=True)
        several = [p50[peer.name] for peer in peers if peer.name != "qdrant-edge"]
        if several:
            ratios[size] = p50["by graphs" if size == "largest" else "exactly"] / min(several)
    print(f"\n{HEAD}")
    for size, ratio in ratios.items():
        way = "by its graph, as by default" if size == "largest" else "exactly, as by default"
        print(row(f"{size}, {way}: p50 ÷ the fastest that serves several processes", ratio, BARS[size], most=True))


def while_written(path: Path, asked: Asked, lance: Peer, data: Path) -> None:
    """The largest owner's questions while another process writes documents of theirs."""
    ours = Ours(path, EXACTLY)
    command = [sys.executable, "-m", "bench.engines", "--writer", str(path), "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        taken = list[float]()
        while child.poll() is None:
            taken.append(ours.search(0, asked.vectors[len(taken) % QUERIES])[1])
        assert child.stdout
        written = int(child.stdout.read())
    writer = Peer(lance.name, lance.folder, data)
    writer.send({"write": 0, "seconds": SECONDS})
    begun, theirs = time.perf_counter(), list[float]()
    while time.perf_counter() - begun < SECONDS:
        theirs.append(lance.ask({"owner": 0, "query": 2 * QUERIES + len(theirs) % QUERIES})["seconds"])
    their_written = writer.line()["written"]
    writer.close()
    ratio = statistics.median(taken) / statistics.median(theirs)
    print(row(f"largest while another process writes: p50 ÷ {lance.name}", ratio, 0.1, most=True))
    for name, values, count in (("ours", taken, written), (lance.name, theirs, their_written)):
        p50, p99 = statistics.median(values) * 1000, float(np.quantile(values, 0.99)) * 1000
        print(f"\n{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {count / SECONDS:.0f} documents/s written")


def write(path: Path, data: Path) -> None:
    """Write documents of the largest owner for a while, as another process; print how many."""
    rows, index = np.load(data / "rows.npy", mmap_mode="r"), SqliteIndex(path, SPACE)
    made = [generation(f"new{n}", 0, 10**6, np.asarray(rows[n * 35 : n * 35 + 35])) for n in range(100)]
    until, written = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < until:
        one = made[written % len(made)]
        index.write(generation(f"new{written}", 0, 10**6 + written * A_DOCUMENT, one.vectors))
        written += 1
    print(written)


def million(folder: Path, made: Maker, chunks: int) -> None:
    """One owner with very many chunks: what it takes, and whether the graph finds what comparing finds."""
    index = SqliteIndex(folder / "million.db", SPACE)
    best, number, begun = np.zeros((QUERIES, 0)), np.zeros((QUERIES, 0), np.int64), time.perf_counter()
    asked = made.near(np.concatenate([made.document(n, 1) for n in range(QUERIES)]))
    for first in range(0, chunks, 250):
        rows = made.document(first // 250 % CLUSTERS, 250)
        index.write(generation(f"m{first}", 0, first, rows))
        best = np.concatenate([best, asked @ rows.T], axis=1)
        number = np.concatenate([number, np.tile(np.arange(first, first + 250), (QUERIES, 1))], axis=1)
        kept = np.argsort(-best, axis=1)[:, :K]
        best, number = np.take_along_axis(best, kept, 1), np.take_along_axis(number, kept, 1)
    loaded, begun = time.perf_counter() - begun, time.perf_counter()
    index.tend(lambda: False)
    built = time.perf_counter() - begun
    taken, right, found = list[float](), list[float](), Legs((), ())
    for n in (*range(QUERIES), *range(QUERIES)):
        begun = time.perf_counter()
        found = index.legs(asked[n], (), K, where(0))
        taken.append(time.perf_counter() - begun)
        right.append(recall([int(hit.content.split()[1]) for hit in found.nearest], set(number[n].tolist())))
    disk = {path.name: path.stat().st_size / 2**20 for path in sorted(folder.rglob("million*")) if path.is_file()}
    graphs = sum(path.stat().st_size for path in folder.rglob("*.usearch")) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"\nOne owner with {chunks:,} chunks ({found.way}): p50 {statistics.median(taken[QUERIES:]) * 1000:.2f} ms, ")
    print(f"recall@{K} {statistics.mean(right):.4f}; written in {loaded:.0f} s, graph built in {built:.0f} s; ")
    print(f"{disk['million.db']:,.0f} MB and {graphs:,.0f} MB on disk; {peak:,.0f} MB of memory at most.")
    index.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--chunks", type=int, default=100_000)
    for option in ("--million", "--alone"):
        parser.add_argument(option, action="store_true")
    for option in ("--writer", "--data"):
        parser.add_argument(option, type=Path)
    given = parser.parse_known_args()[0]
    if given.writer:
        write(given.writer, given.data)
        return
    folder, made = Path(tempfile.mkdtemp(prefix="footnote-engines-")), maker()
    try:
        if given.million:
            million(folder, made, given.chunks if given.chunks != 100_000 else 1_000_000)
        else:
            bench(folder, made, given.chunks, alone=given.alone)
    finally:
        shutil.rmtree(folder)


def bench(folder: Path, made: Maker, chunks: int, *, alone: bool) -> None:
    rows, owners = corpus(made, chunks)
    asked = questions(made, rows, owners)
    for name, values in (("rows", rows), ("owners", owners)):
        np.save(folder / f"{name}.npy", values)
    np.save(folder / "queries.npy", np.concatenate([one.vectors for one in asked.values()]))
    print(f"## Vectors in one process: {len(rows):,} × {DIMENSIONS}, {OWNERS:,} owners ({machine()})\n")
    ours = {"exactly": Ours(folder / "footnote.db", EXACTLY), "by graphs": Ours(folder / "footnote.db", BY_GRAPH)}
    loading = {"ours": ours["exactly"].load(rows, owners)}
    begun = time.perf_counter()
    ours["by graphs"].index.tend(lambda: False)
    graphs = time.perf_counter() - begun
    peers = [] if alone else [Peer(name, folder / name.replace(" ", "-"), folder) for name in ENGINES]
    loading.update({peer.name: peer.loaded for peer in peers})
    compare(asked, ours, peers)
    if peers:
        lance = next(peer for peer in peers if peer.name == "LanceDB")
        while_written(folder / "footnote.db", asked["largest"], lance, folder)
    rates = ", ".join(f"{name} {len(rows) / seconds:,.0f}" for name, seconds in loading.items())
    print(f"\nLoading, chunks/s: {rates}; all graphs {graphs:.0f} s on {os.cpu_count()} processors.\n")
    for peer in peers:
        peer.close()


if __name__ == "__main__":
    main()
