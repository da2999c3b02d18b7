"""How fast documents are ingested, embedding aside: the whole pipeline against its bare parts and against LangChain.

    python -m bench.ingest DATA

The embedder is a fake of constant time, so that what is measured is everything else: child process, cleaning, chunking,
derived files, records, index. LangChain (PyPDFLoader and RecursiveCharacterTextSplitter by tiktoken's count) only reads
and splits; it runs in an environment of its own, which the first run makes in .venv/peers.
"""

from __future__ import annotations

import gzip
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from bench.corpora import data_folder
from bench.extraction import bare
from bench.timing import HEAD, machine, peers_python, row
from corpus.model import Passage, Purpose, Space
from footnote.adapters import ADAPTERS
from footnote.connect import Footnote, connect
from footnote.settings import Settings
from footnote.worker import Worker
from ingest import tokens

if TYPE_CHECKING:
    from corpus.model import Matrix

ROOT = Path(__file__).parent.parent
ROUNDS = 3
DIMENSIONS = 1536
BLOCK = 256
LARGE = ("unstructured__DA-619p.pdf", "unstructured__handbook-872p.docx")
VOCABULARY = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
"""What tiktoken calls cl100k_base in its cache; without it, it would download."""


class Constant:
    """An `Embedder` that takes no time: each row is one of a few that were made before."""

    def __init__(self) -> None:
        rows = np.random.default_rng(1).standard_normal((BLOCK, DIMENSIONS)).astype(np.float32)
        self._rows: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    @property
    def space(self) -> Space:
        return Space("bench/constant", DIMENSIONS)

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, None]:
        del purpose
        for at in range(0, len(passages), BLOCK):
            yield self._rows[: len(passages) - at]


def ingest(paths: Sequence[Path]) -> tuple[float, int]:
    """Ingest files into a fresh home; return the seconds from the first change on, and how many chunks answer."""
    with tempfile.TemporaryDirectory() as home, connect(Settings.from_env({}, home=Path(home))) as footnote:
        scope = footnote.local_scope()
        _warm(footnote)
        for number, path in enumerate(paths):
            footnote.uploads.put(scope, f"d{number}", path.name, path.read_bytes())
        names = [f"d{number}" for number in range(len(paths))]
        worker = Worker(footnote)
        begun = time.perf_counter()
        worker.start()
        while any(one.status != "ready" for one in footnote.documents.get_many(names).values()):
            assert not worker.error
            time.sleep(0.02)
        taken = time.perf_counter() - begun
        worker.stop()
        found = [footnote.documents.get(name) for name in names]
        return taken, sum(live.chunk_count for one in found if one for live in one.live.values())


def _warm(footnote: Footnote) -> None:
    """Start the child, load the vocabulary and the detector of languages, as a worker has before its next document."""
    footnote.uploads.put(footnote.local_scope(), "warm", "warm.txt", b"The pool opens at nine in the morning.\n" * 400)
    footnote.ingestor.drain(footnote.queue)


def parts(paths: Sequence[Path]) -> float:
    """The least that is to be done: PDFium over the pages, and one encode of each text."""
    begun = time.perf_counter()
    for path in paths:
        tokens.encoding().encode_ordinary(bare(path.read_bytes()))
    return time.perf_counter() - begun


def langchain(paths: Sequence[Path]) -> dict[str, Any]:
    """What LangChain takes for the same files."""
    with tempfile.TemporaryDirectory() as cache:
        (Path(cache) / VOCABULARY).write_bytes(gzip.decompress(tokens.VOCABULARY.read_bytes()))
        command = list(map(str, (peers_python(), "-W", "ignore", ROOT / "bench" / "peers" / "langchain.py", *paths)))
        done = subprocess.run(command, env={"TIKTOKEN_CACHE_DIR": cache}, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def alone(path: Path) -> dict[str, float]:
    """What one file takes in a process of its own: peak memory of the worker and of its child, in KiB."""
    command = [sys.executable, "-m", "bench.ingest", "--alone", str(path)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def _alone(path: Path) -> None:
    taken, chunks = ingest([path])
    own, child = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": taken, "chunks": chunks, "worker": own, "child": child}))


def memory(folder: Path) -> None:
    """Print what two large documents take, here and there."""
    print("| peak memory, MB | worker | its child | LangChain, reading and splitting |\n|---|---|---|---|")
    for name in LARGE:
        ours, theirs = alone(folder / name), langchain([folder / name])
        peer = "could not read it" if theirs["lost"] else f"{theirs['peak'] / 1024:,.0f}"
        print(f"| `{name}` | {ours['worker'] / 1024:,.0f} | {ours['child'] / 1024:,.0f} | {peer} |")
    print()


def main() -> None:
    cast("dict[str, object]", ADAPTERS["FOOTNOTE_EMBEDDER"])["local"] = lambda *_: Constant()
    if sys.argv[1:2] == ["--alone"]:
        _alone(Path(sys.argv[2]))
        return
    paths = sorted((data_folder() / "sec-10q-pdf" / "docs").glob("*.pdf"))
    ours, least, chunks = [], [], 0
    for _ in range(ROUNDS):
        taken, chunks = ingest(paths)
        ours.append(taken)
        least.append(parts(paths))
    peer = langchain(paths)
    mine = statistics.median(ours)
    both = [path for path in paths if str(path) not in peer["lost"]]
    shared = statistics.median(ingest(both)[0] for _ in range(ROUNDS))
    print(f"## Whole ingest without embedding: {len(paths)} filings ({machine()})\n\n{HEAD}")
    print(row("whole ingest ÷ (bare pypdfium2 loop + one encode)", statistics.median(least) / mine, 0.7))
    print(row("the same ÷ LangChain's reading and splitting", peer["seconds"] / shared, 12))
    print(f"\n{chunks} chunks in {mine:.1f} s; LangChain {peer['chunks']:.0f} in {peer['seconds']:.0f} s,", end=" ")
    print(f"and {len(peer['lost'])} of the files it could not read; the second row leaves them out.\n")
    memory(data_folder() / "odd-docs" / "docs")


if __name__ == "__main__":
    main()
