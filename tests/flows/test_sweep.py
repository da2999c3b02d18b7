from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from corpus.keys import iso_time
from corpus.records.jobs import Jobs
from corpus.records.people import People
from ingest.sweep import GRACE_SECONDS, Swept, sweep
from tests.worlds import ME, Fuse, Killed, World


def left(world: World) -> None:
    """A document whose worker died in the middle, and whose change is gone."""
    world.put("d1", "The pool opens at nine.")
    with pytest.raises(Killed):
        world.ingestor(Fuse(blow_at=12)).apply(world.pending()[0])
    assert world.pending() == []


def test_a_left_job_is_asked_for_again(world: World) -> None:
    """A document whose worker died and whose change was lost goes on after a sweep, and not before its time."""
    left(world)
    assert sweep(world.table, world.queue, world.clock) == Swept()

    world.clock.sleep(GRACE_SECONDS + 60)
    assert sweep(world.table, world.queue, world.clock) == Swept(resent=1)
    world.work()

    assert world.visible() == {"d1": ["The pool opens at nine."]}
    world.clock.sleep(GRACE_SECONDS + 60)
    assert sweep(world.table, world.queue, world.clock) == Swept()


def test_a_job_given_back_and_never_taken_up_is_asked_for_again(world: World) -> None:
    """A job without a lease whose change went to the dead letters is swept by the time of its last write."""
    world.put("d1", "The pool opens at nine.")
    (change,) = world.pending()

    def broken() -> None:
        raise RuntimeError("a bug")

    world.embedder.meanwhile = broken
    with pytest.raises(RuntimeError):
        world.ingestor().apply(change)
    world.clock.sleep(GRACE_SECONDS + 60)

    assert sweep(world.table, world.queue, world.clock) == Swept(resent=1)


def test_the_job_of_a_removed_document_is_closed(world: World) -> None:
    """A job whose document is gone holds nothing, and is closed."""
    left(world)
    world.uploads.remove(ME, "d1")
    world.pending()
    world.clock.sleep(GRACE_SECONDS + 60)

    assert sweep(world.table, world.queue, world.clock) == Swept(closed=1)
    assert not list(Jobs(world.table).stale("9999"))


def test_what_died_clearing_away_is_looked_at_again(world: World) -> None:
    """Whoever dies clearing away leaves a lease: the document is looked at again, and then nothing is left of it."""
    world.put("d1", "The pool opens at nine.")
    (change,) = world.pending()
    world.ingestor().apply(change)
    for step in range(1, 20):
        with suppress(Killed):
            world.ingestor(Fuse(blow_at=step)).apply(change)
        if any(job.clearing for job in Jobs(world.table).stale("9999")):
            break
    world.clock.sleep(GRACE_SECONDS + 120)

    assert sweep(world.table, world.queue, world.clock) == Swept(resent=1)
    assert not list(Jobs(world.table).stale("9999"))
    world.work()
    assert world.visible() == {"d1": ["The pool opens at nine."]}
    assert not list(Jobs(world.table).stale("9999"))


def test_a_removed_document_is_not_asked_for(world: World) -> None:
    """Whoever died clearing away after a document that is removed by now leaves nothing to be looked at."""
    world.put("d1", "The pool opens at nine.")
    world.work()
    document = world.document("d1")
    jobs = Jobs(world.table)
    job = jobs.get("d1", document.job_id)
    assert job
    jobs.put(replace(job, lease_until=iso_time(world.clock() + 60)))
    world.uploads.remove(ME, "d1")
    world.pending()
    world.clock.sleep(GRACE_SECONDS + 120)

    assert sweep(world.table, world.queue, world.clock) == Swept(closed=1)
    assert not list(jobs.stale("9999"))


def test_people(world: World) -> None:
    """A person is made known once, and somebody unknown has no building."""
    people = People(world.table)
    assert people.tenant_of("ann") is None

    assert people.add("ann", "tower")
    assert not people.add("ann", "home")
    assert people.tenant_of("ann") == "tower"
