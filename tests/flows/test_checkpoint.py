"""Vectors that were bought are bought: what is kept on the way, and what a worker that comes later has to buy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from corpus.errors import Unavailable
from corpus.model import Passage, Purpose
from ingest.chunk import chunk
from ingest.claim import Stopped
from ingest.extractors import text as extractor
from tests.fakes import HashEmbedder
from tests.provider import Provider
from tests.worlds import LIMITS, Killed, World, folder_world

if TYPE_CHECKING:
    from corpus.model import Matrix
    from ingest.extract import Reader

TEXT = "\n\n".join(f"Pool paragraph {n}. " + f"water{n} " * 200 for n in range(13))
CHUNKS = len(chunk(extractor.extract(TEXT.encode(), LIMITS)))


@dataclass
class Dying(HashEmbedder):
    """Dies, or fails, when it is asked for one more block than it has lives."""

    lives: int = 0
    error: BaseException = field(default_factory=Killed)
    block: int = 2

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, None]:
        for n, block in enumerate(super().embed(passages, purpose)):
            if n == self.lives and purpose == "document":
                raise self.error
            yield block


def checkpoints(world: World) -> list[str]:
    return [key for key in world.blobs.keys("processed/") if "/checkpoints/" in key]


@pytest.mark.parametrize("lives", range(CHUNKS // 2 + 1))
@pytest.mark.parametrize("error", [Killed(), Unavailable("away")], ids=["killed", "away"])
def test_at_most_one_sub_batch_is_bought_twice(world: World, lives: int, error: BaseException) -> None:
    """Whichever sub-batch a worker dies at, the next buys what is missing, and no trace of it is left."""
    world.put("d1", TEXT)
    dying = Dying(lives=lives, error=error)
    if isinstance(error, Killed):
        with pytest.raises(Killed):
            world.work(world.ingestor(embedder=dying))
    else:
        world.ingestor(embedder=dying).drain(world.queue)
    assert len(checkpoints(world)) == lives

    world.work()

    assert world.embedder.bought == CHUNKS - 2 * lives
    assert len(world.visible()["d1"]) == CHUNKS
    assert checkpoints(world) == []


def test_a_damaged_checkpoint_is_bought_anew(world: World) -> None:
    """A checkpoint that cannot be understood is removed, and only what it held is bought again."""
    world.put("d1", TEXT)
    with pytest.raises(Killed):
        world.work(world.ingestor(embedder=Dying(lives=3)))
    first, *_ = checkpoints(world)
    world.blobs.put(first, b"PK\x03\x04 torn", {})

    world.work()

    assert world.embedder.bought == CHUNKS - 4
    assert world.document("d1").status == "ready"
    assert checkpoints(world) == []


def test_checkpoints_of_two_workers(world: World) -> None:
    """Two workers on one generation keep theirs under numbers of their own, and what both bought is used."""
    world.put("d1", TEXT)
    for lives in (2, 3):
        with pytest.raises(Killed):
            world.work(world.ingestor(embedder=Dying(lives=lives)))
        world.clock.sleep(61)

    assert [Path(key).name for key in checkpoints(world)] == [f"embed-v{n}.npz" for n in range(1, 6)]
    world.work()
    assert world.embedder.bought == CHUNKS - 10


@dataclass
class Waiting(HashEmbedder):
    """Waits for its service for minutes before each block, with signs of life, and lets others look on meanwhile."""

    wait: Callable[[], None] = lambda: None
    closed: bool = False

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, None]:
        try:
            for block in super().embed(passages, purpose):
                for _ in range(8):
                    self.wait()
                    yield block[:0]
                yield block
        finally:
            self.closed = True


def test_a_worker_that_waits_keeps_its_document(world: World) -> None:
    """While a service lets it wait for longer than a lease, a worker goes on holding its document and its delivery."""
    world.put("d1", TEXT)

    def wait() -> None:
        world.clock.sleep(25)
        assert world.queue.receive(1, 0) == []

    assert world.ingestor(embedder=Waiting(wait=wait)).drain(world.queue) == 1
    assert world.document("d1").status == "ready"


def test_a_worker_that_waits_can_be_stopped(world: World) -> None:
    """A worker that is asked to stop while its service lets it wait stops, and the embedder stops with it."""
    world.put("d1", TEXT)
    stopped = list[bool]()
    embedder = Waiting(wait=lambda: stopped.append(True))

    with pytest.raises(Stopped) as caught:
        world.ingestor(embedder=embedder).drain(world.queue, stop=lambda: len(stopped) > 3)
    assert embedder.closed
    assert caught.value.__traceback__


DRIVER = """
import sys
from pathlib import Path
from corpus.embedders.openai import OpenAIEmbedder
from corpus.openai_api import Access
from ingest.extract import Reader
from ingest.pipeline import Ingestor
from tests.fakes import Clock
from tests.worlds import LIMITS, folder_world

with Reader(LIMITS) as reader, folder_world(Path(sys.argv[1]), reader, Clock(float(sys.argv[3]))) as world:
    embedder = OpenAIEmbedder("text-embedding-3-small", Access(sys.argv[2]))
    index = type(world.index)(Path(sys.argv[1]) / "openai.db", embedder.space)
    parts = world.blobs, world.table, index, embedder, reader
    Ingestor(*parts, clock=world.clock, tenant_of=lambda _: "home").drain(world.queue)
    embedder.close()
    print(world.document("d1").status)
"""


@pytest.mark.service
def test_killed_in_the_middle_of_buying(reader: Reader, tmp_path: Path) -> None:
    """Killed -9 between two sub-batches or in one, a worker's successor sends at most one sub-batch again."""
    words = "\n\n".join(f"Pool paragraph {n}. " + f"water{n} " * 200 for n in range(900))
    chunks = len(chunk(extractor.extract(words.encode(), LIMITS)))
    sub_batch = 256
    with folder_world(tmp_path, reader) as world:
        world.put("d1", words)

    with Provider(latency=0.2) as provider:

        def worker(now: float) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", DRIVER, str(tmp_path), provider.url, str(now)]
            root = Path(__file__).parent.parent.parent
            return subprocess.Popen(command, cwd=root, text=True, stdout=subprocess.PIPE)

        first = worker(1_790_000_000)
        until = time.monotonic() + 30
        while provider.texts <= 2 * sub_batch and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGKILL)
        first.communicate()
        paid = provider.texts
        second = worker(1_790_000_100)
        said, _ = second.communicate(timeout=60)

    assert paid > 2 * sub_batch
    assert said.split() == ["ready"]
    assert chunks > 3 * sub_batch
    assert provider.texts <= chunks + sub_batch
