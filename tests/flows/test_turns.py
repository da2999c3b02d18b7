"""Huge documents and small ones in one queue: nobody waits for long, nothing is done twice, and all end."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from corpus.errors import Unavailable
from corpus.keys import original_key
from corpus.model import Change, Passage, Purpose, Stages
from corpus.ports import MAX_DELIVERIES
from corpus.records.jobs import Jobs
from ingest.claim import TURN_SECONDS, Hold, Stopped
from ingest.extract import Reader
from tests.fakes import HashEmbedder
from tests.worlds import World, folder_world

if TYPE_CHECKING:
    from corpus.model import Matrix

BLOCK_SECONDS = TURN_SECONDS
HUGE = "\n\n".join(f"Pool chapter {n}. " + f"water{n} " * 300 for n in range(28))
SMALL = [f"small{n}" for n in range(8)]


@dataclass
class Slow(HashEmbedder):
    """An embedder that takes its time for each block; `works` sees what was done until then."""

    block: int = 2
    works: Callable[[], None] = field(default=lambda: None)

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, None]:
        for rows in super().embed(passages, purpose):
            self.works()
            yield rows


@pytest.fixture
def world(tmp_path: Path, reader: Reader) -> Iterator[World]:
    with folder_world(tmp_path, reader) as world:
        world.embedder = Slow(works=lambda: world.clock.sleep(BLOCK_SECONDS))
        yield world


def upload(world: World, *names: str, text: str = "") -> None:
    for name in names:
        world.put(name, text or f"The pool of {name} opens at nine.")
        world.clock.sleep(0.001)


def ready(world: World, *names: str) -> list[str]:
    return [name for name in names if world.document(name).status == "ready"]


def test_the_small_ones_answer_before_the_huge_ones(world: World) -> None:
    """A worker gives way when a document had its turn and others wait: all of those answer first; nothing is bought
    twice, no progress goes back, and however often it gave way, the huge one ends.
    """
    upload(world, "huge", "vast", text=HUGE)
    upload(world, *SMALL)
    ingestor, order, percents, stages = world.ingestor(), list[str](), [0], [Stages()]
    for _ in range(1000):
        if not ingestor.drain(world.queue):
            break
        order += [name for name in ready(world, "huge", "vast", *SMALL) if name not in order]
        if document := world.documents.get("huge"):
            job = Jobs(world.table).get("huge", document.job_id)
            percents.append(job.progress.percent if job else 0)
            stages.append(document.stages)

    assert order == [*SMALL, *order[len(SMALL) :]]
    assert sorted(order[len(SMALL) :]) == ["huge", "vast"]
    assert len(set(percents)) > MAX_DELIVERIES  # it gave way more often than a change is handed out
    assert percents == sorted(percents)
    assert all(later.text_extracted >= before.text_extracted for before, later in pairwise(stages))
    chunks = sum(live.chunk_count for name in order for live in world.document(name).live.values())
    assert world.embedder.bought == chunks
    assert world.queue.dead_letters() == 0


def test_alone_it_is_done_in_one_go(world: World) -> None:
    """A document gives way to nobody while nothing else could be handed out."""
    upload(world, "huge", text=HUGE)
    world.queue.send(Change("put", original_key("me", "later"), "1"), delay=900)
    assert world.ingestor().drain(world.queue) == 1
    assert ready(world, "huge") == ["huge"]


def test_who_keeps_nothing_goes_on(world: World) -> None:
    """A turn that kept nothing does not end: it would begin anew for ever."""
    upload(world, "huge", text=HUGE)
    upload(world, "small")
    ingestor = world.ingestor()
    ingestor._checkpoint_rows = 10**6  # nothing is kept before all is there
    world.work(ingestor)
    assert ready(world, "huge", "small") == ["huge", "small"]
    assert world.embedder.bought == sum(
        live.chunk_count for name in ("huge", "small") for live in world.document(name).live.values()
    )


def test_a_queue_that_does_not_say_what_waits(world: World) -> None:
    """A queue that is away for the moment fails nobody's work: the document goes on."""
    upload(world, "huge", text=HUGE)
    asked = []

    def away() -> bool:
        asked.append(1)
        raise Unavailable("The queue is away.")

    (delivery,) = world.queue.receive(1, 0)
    world.ingestor().apply(delivery.change, Hold(others_wait=away))
    assert ready(world, "huge") == ["huge"]
    assert asked


def test_stopping_goes_before_giving_way(world: World) -> None:
    """Ctrl-C in the middle gives the document back as ever, whoever waits."""
    upload(world, "huge", text=HUGE)
    upload(world, "small")
    with pytest.raises(Stopped):
        world.ingestor().drain(world.queue, stop=lambda: world.embedder.bought > 0)
    assert world.document("huge").status == "processing"
    world.work()
    assert ready(world, "huge", "small") == ["huge", "small"]
