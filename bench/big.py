"""What a long document takes: memory by pages, and a PDF of 2,000 pages in slices of time, each a process of its own.

    python -m bench.big [local]

Every other slice is killed with SIGKILL, the others are asked to stop. The embedder costs next to nothing, so that
there are many slices in little time; with `local` it is the product's own, and a slice has a minute.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.timing import HEAD, machine, row
from corpus.blobs.folder import FolderBlobs
from corpus.model import Extracted, GenerationId, Passage, Purpose, Space
from corpus.ports import LEASE_SECONDS, Embedder, Limits
from corpus.queues.sqlite import SqliteQueue
from corpus.raw_pages import PART_PAGES, Part
from corpus.records.documents import Documents
from corpus.records.jobs import Jobs, Progress
from corpus.tables.sqlite import SqliteTable
from corpus.vectors.sqlite import SqliteIndex
from footnote.settings import Settings
from ingest.claim import Stopped
from ingest.extract import WHOLE, Reader, Reading
from ingest.pipeline import Ingestor
from ingest.upload import Uploads
from tests.pdfs import pdf
from tests.worlds import ME

if TYPE_CHECKING:
    from corpus.model import Matrix

PAGES = (250, 1000, 2000)
LINES, WORDS_PER_LINE = 40, 10
SLICE_SECONDS, LOCAL_SLICE_SECONDS, WHOLE_SECONDS = 6.0, 60.0, 600.0
MEGABYTES = 512
LIMITS = Limits(memory=MEGABYTES * 2**20 // 2)
BLOCK_SECONDS = 0.1
MOST_SLICES = 10
"""So often a change is handed out."""
ROWS = 256
"""Vectors that are kept at a time."""


def book(pages: int) -> bytes:
    """A PDF of so many pages of 400 words, none like another."""
    chance = random.Random(pages)  # noqa: S311 -- varied, and the same each time
    syllables = [a + b for a in ("ba", "co", "di", "fe", "lu", "mo", "pra", "ste") for b in ("n", "r", "st", "l", "m")]
    words = ["".join(chance.choices(syllables, k=chance.randint(1, 3))) for _ in range(20_000)]

    def line() -> str:
        return " ".join(chance.choices(words, k=WORDS_PER_LINE))

    return pdf(["\n".join(line() for _ in range(LINES)) for _ in range(pages)], title="A long book")


class Home:
    """A folder with a corpus, as a process opens it whose clock is so far ahead that all leases are over."""

    def __init__(self, folder: Path, ahead: float = 0) -> None:
        path = folder / "footnote.db"
        self.log = folder / "log"
        self.clock = lambda: time.time() + ahead
        self.table, self.queue = SqliteTable(path, self.clock), SqliteQueue(path, self.clock, time.sleep)
        self.blobs = FolderBlobs(folder / "blobs", self.queue)
        self.documents, self.jobs = Documents(self.table), Jobs(self.table)

    def note(self, what: str, number: int) -> None:
        """Write a line that outlives whoever wrote it."""
        with self.log.open("a") as log:
            log.write(f"{what} {number}\n")

    def noted(self, what: str) -> Counter[int]:
        """What was written down, and how often."""
        lines = (line.split() for line in self.log.read_text().splitlines()) if self.log.exists() else ()
        return Counter(int(number) for name, number in lines if name == what)


class Cheap:
    """An embedder that takes the same little time for every block, and writes down what it was given."""

    space = Space("bench/cheap", 1536)

    def __init__(self, home: Home) -> None:
        self._home = home

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, None]:
        del purpose
        for start in range(0, len(passages), 64):
            numbers = [zlib.crc32(one.body.encode()) for one in passages[start : start + 64]]
            for number in numbers:
                self._home.note("chunk", number)
            time.sleep(BLOCK_SECONDS)
            rows = np.stack([np.random.default_rng(n).standard_normal(1536, np.float32) for n in numbers])
            yield rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Noting(Reader):
    """A reader that writes down each page as it is read."""

    def __init__(self, home: Home) -> None:
        super().__init__(LIMITS)
        self._home = home

    def read(self, data: bytes, media_type: str, how: Reading = WHOLE) -> Extracted:
        def told(part: Part) -> None:
            for page in range(part.begin, part.end):
                self._home.note("page", page)
            how.keep(part)

        return super().read(data, media_type, replace(how, keep=told))


def work(folder: Path, ahead: float, seconds: float, embedder_name: str) -> None:
    """One slice: take the document on, and stop when the time is over."""
    home = Home(folder, ahead)
    embedder: Embedder = Cheap(home)
    if embedder_name == "local":
        from corpus.embedders.local import LocalEmbedder  # noqa: PLC0415

        embedder = LocalEmbedder(Settings.from_env().model_dir)
    until = time.monotonic() + seconds
    index = SqliteIndex(folder / "footnote.db", embedder.space)
    with Noting(home) as reader:
        parts = home.blobs, home.table, index, embedder, reader
        ingestor = Ingestor(*parts, clock=home.clock, tenant_of=lambda _: "home", checkpoint_rows=ROWS)
        with suppress(Stopped):
            ingestor.drain(home.queue, stop=lambda: time.monotonic() > until)
    document = home.documents.get("d1")
    live = document.live_in(index.name) if document else None
    if live:
        home.note("found", index.count(GenerationId(*live)))


@dataclass
class Slice:
    """What was seen of a slice from outside: the peaks of both processes in MB, and how far the document was."""

    parent: int = 0
    child: int = 0
    progress: list[Progress] = field(default_factory=list)

    def look(self, home: Home, pid: int) -> None:
        self.parent = max(self.parent, peak(pid))
        self.child = max([self.child, *map(peak, children(pid))])
        document = home.documents.get("d1")
        job = home.jobs.get("d1", document.job_id) if document else None
        self.progress += [job.progress] if job else []


def peak(pid: int) -> int:
    """The most memory a process ever held, in MB; 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def children(pid: int) -> list[int]:
    """The processes that the threads of a process started."""
    try:
        return [
            int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return []


def slices(folder: Path, data: bytes, seconds: float, embedder: str) -> Iterator[Slice]:
    """Work on a document until it is done, a slice at a time; every other slice is killed when its time is over."""
    home = Home(folder)
    Uploads(home.blobs, home.table, home.clock).put(ME, "d1", "book.pdf", data)
    number = 0
    while (document := home.documents.get("d1")) and document.status in {"uploading", "processing"}:
        killed = number % 2 == 0
        given = str(WHOLE_SECONDS if killed else seconds)
        command = [
            sys.executable,
            "-m",
            "bench.big",
            "work",
            str(folder),
            str(number * 2 * LEASE_SECONDS),
            given,
            embedder,
        ]
        one, begun = Slice(), time.monotonic()
        with subprocess.Popen(command) as process:
            while process.poll() is None:
                one.look(home, process.pid)
                if killed and time.monotonic() - begun > seconds:
                    process.kill()
                time.sleep(0.02)
        one.look(home, process.pid)
        number += 1
        yield one
        if number == MOST_SLICES:
            raise SystemExit("Slices of this length are too short for this machine.")


def memory(embedder: str) -> None:
    """How much both processes hold at most, by pages."""
    print(f"## Long documents: pages of {LINES * WORDS_PER_LINE} words ({machine()})\n")
    print("| pages | PDF, MB | seconds | worker, MB | its child, MB |\n|---|---|---|---|---|")
    most = 0
    for pages in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            data, begun = book(pages), time.perf_counter()
            (one,) = slices(Path(folder), data, WHOLE_SECONDS, embedder)
            taken = time.perf_counter() - begun
            most = one.parent + one.child
        print(f"| {pages:,} | {len(data) / 2**20:.1f} | {taken:.1f} | {one.parent} | {one.child} |", flush=True)
    print(f"\n{HEAD}")
    print(row(f"most memory of both at {PAGES[-1]:,} pages, MB", most, MEGABYTES, most=True), "\n")


def sliced(embedder: str) -> None:
    """A long document in slices: how far each came, and what was done twice."""
    seconds = LOCAL_SLICE_SECONDS if embedder == "local" else SLICE_SECONDS
    seen: list[Progress] = []
    with tempfile.TemporaryDirectory() as folder:
        print(f"{PAGES[-1]:,} pages in slices of {seconds:g} s, every other ended by SIGKILL:\n")
        print("| slice | stage | pages | chunks embedded | percent | worker, MB | its child, MB |")
        print("|---|---|---|---|---|---|---|")
        for number, one in enumerate(slices(Path(folder), book(PAGES[-1]), seconds, embedder), 1):
            seen += one.progress
            far = seen[-1] if seen else Progress()
            amounts = f"{far.done_pages:,} of {far.total_pages:,} | {far.embedded:,} of {far.chunks:,} | {far.percent}"
            print(f"| {number} | {far.stage} | {amounts} | {one.parent} | {one.child} |", flush=True)
        home = Home(Path(folder))
        pages, chunks, found = home.noted("page"), home.noted("chunk"), home.noted("found")
        document = home.documents.get("d1")
    ups = ("done_pages", "chunks", "embedded", "percent")
    back = sum(getattr(a, name) > getattr(b, name) for a, b in pairwise(seen) for name in ups)
    print(
        f"\nThe document is {document.status if document else 'gone'}; a search finds {max(found, default=0):,} chunks."
    )
    print(f"\n{HEAD}")
    print(row("pages read twice ÷ slices", (pages.total() - PAGES[-1]) / number, PART_PAGES, most=True))
    if embedder != "local":
        print(row("chunks embedded twice ÷ slices", (chunks.total() - len(chunks)) / number, ROWS, most=True))
    print(row(f"looks at which progress had gone back, of {len(seen):,}", back, 0, most=True), "\n")


def main() -> None:
    if sys.argv[1:2] == ["work"]:
        folder, ahead, seconds, embedder = sys.argv[2:]
        work(Path(folder), float(ahead), float(seconds), embedder)
        return
    embedder = "local" if "local" in sys.argv[1:] else "cheap"
    if embedder == "cheap":
        memory(embedder)
    sliced(embedder)


if __name__ == "__main__":
    main()
