"""Whatever happens to changes on their way, the corpus ends where the newest of them leaves it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from corpus.errors import NotFound, Unavailable
from corpus.keys import original_key
from corpus.model import Change
from corpus.ports import LEASE_SECONDS
from corpus.records.jobs import LEASE_PARTITIONS, LEASES, Jobs, Progress
from corpus.tables.dynamodb import DynamoDbTable
from ingest.chunk import chunk
from ingest.claim import TURN_SECONDS, GaveWay, Hold
from ingest.extract import Reader
from ingest.extractors import text as extractor
from ingest.pipeline import Ingestor
from ingest.replay import replay
from ingest.sweep import GRACE_SECONDS, sweep
from tests.fakes import MemoryIndex
from tests.services.aws import dynamodb
from tests.sighted import FLAW, SEEN, SightedReader
from tests.worlds import LIMITS, ME, Fuse, Killed, World, folder_world, memory_world

NAMES = ("d1", "d2")
TEXTS = (
    "The pool opens at nine.",
    "The pool opens at ten.",
    "\n\n".join(f"Pool paragraph {n}. " + f"water{n} " * 200 for n in range(3)),
    "\n\n".join(f"Pool chapter {n}. " + f"water{n} " * 200 for n in range(2)),
    "   ",
)
CHUNKS = {text: [one.content for one in chunk(extractor.extract(text.encode(), LIMITS))] for text in TEXTS[:4]}
CHUNKS[TEXTS[4]] = []
SIGHTS = (
    "The pool opens at nine.",
    f"The pool opens at nine.\f{SEEN}The pool closes at ten.",
    f"{SEEN}All of the pool is a picture.",
    f"The pool is deep.\f{SEEN}{FLAW}",
    f"{SEEN}{FLAW}",
)
"""Documents with pages that are pictures; of those with a flaw, the pictures can never be read."""
LAST_SEEN = {
    SIGHTS[0]: [SIGHTS[0]],
    SIGHTS[1]: ["The pool opens at nine.\n\fThe pool closes at ten."],
    SIGHTS[2]: ["All of the pool is a picture."],
    SIGHTS[3]: ["The pool is deep."],
    SIGHTS[4]: [],
}
FIRST_SEEN = {**LAST_SEEN, SIGHTS[1]: ["The pool opens at nine."]}
"""What answers before the pictures are read."""
CHUNKS |= LAST_SEEN


@dataclass(frozen=True)
class Put:
    """An upload; straight into the store, it comes without a record."""

    name: str
    text: str
    straight: bool = False


@dataclass(frozen=True)
class Drop:
    name: str
    straight: bool = False


@dataclass(frozen=True)
class Wait:
    seconds: int


@dataclass(frozen=True)
class Deliver:
    """A change is handed to a worker, which dies at a step, finds its index torn or late, is overtaken at a step, or
    gives way to others as soon as it kept anything.
    """

    which: int
    again: bool = False
    die_at: int = 0
    die_after: bool = False
    tear: int | None = None
    silently: bool = False
    late: int = 0
    other_recipe: bool = False
    gives_way: bool = False
    overtaken_at: int = 0
    meanwhile: tuple[Doing, ...] = ()


Doing = Put | Drop | Wait | Deliver
names, texts = st.sampled_from(NAMES), st.sampled_from(TEXTS)
steps = st.one_of(st.just(0), st.integers(1, 40))


def simple(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Doing]:
    return st.one_of(
        st.builds(Put, names, texts, st.booleans()),
        st.builds(Drop, names, st.booleans()),
        st.builds(Wait, st.sampled_from((1, 61))),
    )


def delivery(meanwhile: st.SearchStrategy[tuple[Doing, ...]]) -> st.SearchStrategy[Deliver]:
    return st.builds(
        Deliver,
        which=st.integers(0, 9),
        again=st.booleans(),
        die_at=steps,
        die_after=st.booleans(),
        tear=st.one_of(st.none(), st.integers(0, 2)),
        silently=st.booleans(),
        late=st.integers(0, 2),
        other_recipe=st.booleans(),
        gives_way=st.booleans(),
        overtaken_at=st.integers(1, 40),
        meanwhile=meanwhile,
    )


def histories_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[Doing]]:
    inner = st.lists(st.one_of(simple(texts), delivery(st.just(()))), max_size=3).map(tuple)
    return st.lists(st.one_of(simple(texts), delivery(inner)), max_size=12)


histories = histories_of(texts)


class OtherRecipe(Ingestor):
    """A worker of another release."""

    def recipe(self, file_type: str, *, pictures: bool = False) -> str:
        return super().recipe(file_type, pictures=pictures)[::-1]


def amounts(progress: Progress) -> dict[str, int]:
    names = ("done_pages", "total_pages", "chunks", "embedded")
    return {name: getattr(progress, name) for name in names}


@dataclass
class Player:
    """Plays a history, and remembers what should be left of each document."""

    world: World
    pending: list[Change] = field(default_factory=list)
    expected: dict[str, list[str]] = field(default_factory=dict)
    progress: dict[str, Progress] = field(default_factory=dict)

    def play(self, doing: Doing) -> None:
        if isinstance(doing, Put):
            if doing.straight:
                self.world.blobs.put(original_key("me", doing.name), doing.text.encode(), {"originalname": doing.name})
            else:
                self.world.put(doing.name, doing.text, name=doing.name)
            self.expected[doing.name] = CHUNKS[doing.text]
        elif isinstance(doing, Drop):
            self._drop(doing)
        elif isinstance(doing, Wait):
            self.world.clock.sleep(doing.seconds)
        elif self.pending:
            self._deliver(doing, self.pending[doing.which % len(self.pending)])
        self._collect()

    def _drop(self, doing: Drop) -> None:
        if doing.straight:
            self.world.blobs.delete(original_key("me", doing.name))
        else:
            with suppress(NotFound):
                self.world.uploads.remove(ME, doing.name)
        if doing.name in self.expected and not list(self.world.blobs.keys(original_key("me", doing.name))):
            self.expected[doing.name] = []

    def _collect(self) -> None:
        """Take what is to be delivered out of the queue: from here on the history decides on order and number."""
        while deliveries := self.world.queue.receive(10, 0):
            for one in deliveries:
                self.pending.append(one.change)
                self.world.queue.done(one)

    def _deliver(self, doing: Deliver, change: Change) -> None:
        index = self.world.index
        if isinstance(index, MemoryIndex):
            index.tear, index.silently, index.late = doing.tear, doing.silently, doing.late

        hold = Hold(others_wait=lambda: doing.gives_way)

        def look() -> None:
            self._watch(change)
            self.world.clock.sleep(hold.others_wait() * TURN_SECONDS / 2)
            if fuse.steps == doing.overtaken_at:
                for one in doing.meanwhile:
                    self.play(one)

        fuse = Fuse(doing.die_at, doing.die_after, look)
        ingestor = self.world.ingestor(fuse)
        if doing.other_recipe:
            ingestor.__class__ = OtherRecipe
        with suppress(Unavailable, Killed, GaveWay):
            ingestor.apply(change, hold)
            if not doing.again and change in self.pending:
                self.pending.remove(change)
        if isinstance(index, MemoryIndex):
            index.tear, index.late = None, 0

    def _watch(self, change: Change) -> None:
        """See how far the document's job is: it never goes back, whoever works on it."""
        document = self.world.documents.get(change.original.document_id if change.original else "")
        job = Jobs(self.world.table).get(document.document_id, document.job_id) if document else None
        if job:
            before = self.progress.get(job.job_id, Progress())
            assert before.reached(job.progress.stage, **amounts(job.progress)) == replace(
                job.progress, seconds_left=None
            )
            assert before.percent <= job.progress.percent
            self.progress[job.job_id] = replace(job.progress, seconds_left=None)

    def settle(self) -> None:
        """Deliver what is left until everything was taken, then replay what is there."""
        for _ in range(100):
            self._collect()
            if not self.pending:
                break
            for change in list(self.pending):
                with suppress(Unavailable):
                    self.world.ingestor().apply(change)
                    self.pending.remove(change)
            self.world.clock.sleep(120)
        assert not self.pending

    def replay(self) -> None:
        self.world.clock.sleep(61)  # whoever died last may have left a lease, and no change
        self.pending += [change for _, change in replay(self.world.table, "home")]
        self.settle()

    def sweep(self) -> None:
        self.world.clock.sleep(GRACE_SECONDS + LEASE_SECONDS + 1)
        sweep(self.world.table, self.world.queue, self.world.clock)
        self.settle()

    def check_after_all(self) -> None:
        """Once all changes are taken what is seen is right, but for what somebody died at while clearing away.

        The sweep mends that; a replay mends what died too often, and the recipes.
        """
        self.settle()
        left = {job.document_id for job in Jobs(self.world.table).stale("9999") if job.clearing}
        self.check_seen(left)
        self.sweep()
        self.check_seen()
        self.replay()
        self.check()

    def check_seen(self, left: Collection[str] = ()) -> None:
        """What is seen is right, but for these documents and those that died too often."""
        gave_up = {name for name in self.expected if (r := self.world.document(name).reason) and r.transient}
        expected = {name: chunks for name, chunks in self.expected.items() if chunks}
        visible = self.world.visible()
        for name in self.expected.keys() - gave_up - {*left}:
            assert visible.get(name) == expected.get(name)

    def check(self) -> None:
        world = self.world
        expected = {name: chunks for name, chunks in self.expected.items() if chunks}
        assert world.visible() == expected
        for name in self.expected:
            document = world.document(name)
            assert document.deleted_at or document.status in {"ready", "error"}
            live = document.live_in(world.index.name)
            assert (live is not None) == (name in expected)
            kept = {tuple(key.split("/")[3:5]) for key in world.blobs.keys(f"processed/me/{name}/")}
            if live:
                assert live.recipe in {
                    world.ingestor().recipe(document.file_type, pictures=one) for one in (False, True)
                }
                assert world.ingestor().settled(document)
                assert kept == {(live.version, live.recipe)}
            elif document.deleted_at:
                assert kept == set()
        if isinstance(world.index, MemoryIndex):
            lives = {world.document(name).live_in(world.index.name) for name in self.expected}
            assert {row.generation.id for row in world.index.rows.values()} <= lives


@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=histories)
def test_any_history_ends_in_the_same_corpus(reader: Reader, history: list[Doing]) -> None:
    """Any order, duplicate, torn write, death or overlap of changes ends in the same corpus."""
    player = Player(memory_world(reader))
    for doing in history:
        player.play(doing)
    player.check_after_all()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=histories)
def test_so_it_does_in_a_folder(reader: Reader, history: list[Doing]) -> None:
    """The same holds for the adapters of one machine."""
    with tempfile.TemporaryDirectory() as folder, folder_world(Path(folder), reader) as world:
        player = Player(world)
        for doing in history:
            player.play(doing)
        player.check_after_all()


@pytest.mark.service
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=histories)
def test_so_it_does_with_records_in_dynamodb(reader: Reader, history: list[Doing]) -> None:
    """The same holds when the records lie in DynamoDB."""
    world = memory_world(reader)
    world.clock.now = max(world.clock(), time.time() + 3600)  # DynamoDB Local deletes by the clock on the wall
    with dynamodb() as (client, name):
        world.table = DynamoDbTable(client, name, world.clock)
        player = Player(world)
        for doing in history:
            player.play(doing)
        player.check_after_all()


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example(  # a replay brings the text of a document that another release tried in vain, and then its pictures
    history=[
        Put("d1", SIGHTS[3]),
        Deliver(0, other_recipe=True, overtaken_at=1, meanwhile=(Deliver(0, other_recipe=True, overtaken_at=1),)),
    ]
)
@given(history=histories_of(st.sampled_from(SIGHTS)))
def test_so_it_does_with_pictures(history: list[Doing]) -> None:
    """The same holds for documents with pages that are pictures, and pictures that cannot be read."""
    player = Player(memory_world(SightedReader()))
    for doing in history:
        player.play(doing)
    player.check_after_all()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("new", SIGHTS[1:])
def test_a_worker_that_dies_at_pictures_leaves_a_final_document(new: str, after: bool) -> None:
    """Killed anywhere in the first pass or the second, others bring a document to its end; something always answers."""
    step = 0
    died = True
    while died:
        step += 1
        player = Player(memory_world(SightedReader()))
        player.play(Put("d1", SIGHTS[0]))
        player.settle()
        player.play(Put("d1", new))
        (change,) = player.pending
        fuse = Fuse(blow_at=step, after=after)
        try:
            with suppress(Unavailable):
                player.world.ingestor(fuse).apply(change)
            player.world.ingestor(fuse).apply(change)
            died = False
        except Killed:
            seen = player.world.visible().get("d1", [])
            assert seen in (LAST_SEEN[SIGHTS[0]], FIRST_SEEN[new], LAST_SEEN[new])
        player.world.clock.sleep(61)
        player.settle()
        player.check()
    assert step > 20


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_anywhere_leaves_a_final_document(reader: Reader, after: bool) -> None:
    """Killed before or after any call into a port, one more worker brings the document to its end."""
    step = 0
    died = True
    while died:
        step += 1
        player = Player(memory_world(reader))
        player.play(Put("d1", TEXTS[2]))
        player.settle()
        player.play(Put("d1", TEXTS[3]))
        (change,) = player.pending
        try:
            player.world.ingestor(Fuse(blow_at=step, after=after)).apply(change)
            died = False
        except Killed:
            assert player.world.visible()["d1"] in (CHUNKS[TEXTS[2]], CHUNKS[TEXTS[3]])
        player.world.clock.sleep(61)
        player.world.ingestor().apply(change)
        assert player.world.document("d1").status == "ready"
        player.pending.clear()
        player.check()
    assert step > 20


OVERTAKINGS: dict[str, tuple[Doing, ...]] = {
    "newer": (Put("d1", TEXTS[0]), Deliver(-1)),
    "newer and older": (Put("d1", TEXTS[0]), Deliver(-1), Deliver(0)),
    "removed": (Drop("d1"), Deliver(-1)),
    "removed and back": (Drop("d1"), Put("d1", TEXTS[0]), Deliver(-1), Deliver(-1)),
    "the same, late": (Wait(61), Deliver(0)),
    "the same, late, by another recipe": (Wait(61), Deliver(0, other_recipe=True)),
    "the same by another recipe": (Deliver(0, other_recipe=True),),
}


@pytest.mark.parametrize("overtaking", OVERTAKINGS)
def test_a_worker_overtaken_anywhere_harms_nothing(reader: Reader, overtaking: str) -> None:
    """Overtaken at any step by another worker, from claim to end, a worker leaves what the newest change calls for."""
    reached = 0
    for step in range(1, 45):
        player = Player(memory_world(reader))
        player.play(Put("d1", TEXTS[2]))
        player.settle()
        player.play(Put("d1", TEXTS[3]))
        player.play(Deliver(0, again=True, overtaken_at=step, meanwhile=OVERTAKINGS[overtaking]))
        for change in player.pending:
            with suppress(Unavailable):
                player.world.ingestor().apply(change)
        player.world.clock.sleep(61)
        for change in player.pending:
            player.world.ingestor().apply(change)
        assert player.world.visible() == {name: one for name, one in player.expected.items() if one}, step
        player.replay()
        player.check()
        player.sweep()  # what was overtaken while it cleared away, later than a lease is long, left its lease
        table = player.world.table
        assert [item for n in range(LEASE_PARTITIONS) for item in table.query(LEASES, f"LEASE#{n}").items] == []
        reached = step
    assert reached == 44


@pytest.mark.parametrize("stalled", [(), (Wait(61),)])
def test_a_worker_overtaken_while_it_clears_away_harms_nothing(stalled: tuple[Doing, ...]) -> None:
    """Another may read the pictures at any step of the first pass, and that one die at any step behind it.

    Once the text answers, a search at any step sees it, with its pictures or without.
    """

    def seen_while_overtaken(player: Player, change: Change, step: int, dies: int) -> list[list[str]]:
        seen: list[list[str]] = []

        def look() -> None:
            for one in (*stalled, Deliver(0)) if fuse.steps == step else ():
                player.play(one)
            seen.append(player.world.visible().get("d1", []))

        fuse = Fuse(dies, look=look)
        with suppress(Unavailable, Killed):
            player.world.ingestor(fuse).apply(change)
        return list(dropwhile(lambda one: not one, seen))

    answers = (FIRST_SEEN[SIGHTS[1]], LAST_SEEN[SIGHTS[1]])
    for step in range(1, 45):
        for dies in range(step + 1, step + 12):
            player = Player(memory_world(SightedReader()))
            player.play(Put("d1", SIGHTS[1]))
            assert all(one in answers for one in seen_while_overtaken(player, player.pending[0], step, dies))
            player.check_after_all()


def test_a_stale_removal_spares_what_is_being_written(reader: Reader) -> None:
    """A removal that is old news, coming at any step of another's work, leaves the old text or the new."""
    for step in range(1, 45):
        player = Player(memory_world(reader))
        player.play(Put("d1", TEXTS[0]))
        player.settle()
        player.play(Put("d1", TEXTS[2]))
        stale = (Drop("d1", straight=True), Put("d1", TEXTS[3], straight=True), Deliver(1))
        player.play(Deliver(0, overtaken_at=step, meanwhile=stale))
        assert player.world.visible()["d1"] in (CHUNKS[TEXTS[0]], CHUNKS[TEXTS[2]]), step


def test_three_deaths_are_an_error(reader: Reader) -> None:
    """A document whose worker dies three times and keeps nothing is in error, says so, and its old text answers."""
    player = Player(memory_world(reader))
    player.play(Put("d1", TEXTS[0]))
    player.settle()
    player.play(Put("d1", TEXTS[1]))
    (change,) = player.pending
    for _ in range(3):
        with pytest.raises(Killed):
            player.world.ingestor(Fuse(blow_at=6)).apply(change)
        player.world.clock.sleep(61)
    player.world.ingestor().apply(change)

    document = player.world.document("d1")
    assert document.reason
    assert (document.status, document.reason.code, document.reason.transient) == ("error", "crashed", True)
    assert player.world.visible() == {"d1": CHUNKS[TEXTS[0]]}


replacements = st.tuples(texts.filter(str.strip), texts.filter(str.strip), st.integers(0, 40), st.booleans())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(replacement=replacements)
def test_a_search_sees_the_old_text_or_the_new(reader: Reader, replacement: tuple[str, str, int, bool]) -> None:
    """At every step of a replacement, its death and repair included, a search sees all of the old text or the new."""
    old, new, die_at, after = replacement
    world = memory_world(reader)
    player = Player(world)
    player.play(Put("d1", old))
    player.play(Put("d2", TEXTS[0]))
    player.settle()
    player.play(Put("d1", new))
    (change,) = player.pending
    seen: list[list[str]] = []

    def look() -> None:
        found = world.visible()
        assert found["d2"] == CHUNKS[TEXTS[0]]
        seen.append(found["d1"])

    with suppress(Killed):
        world.ingestor(Fuse(die_at, after, look)).apply(change)
    world.clock.sleep(61)
    world.ingestor(Fuse(look=look)).apply(change)

    assert all(one in (CHUNKS[old], CHUNKS[new]) for one in seen)
    assert seen == sorted(seen, key=lambda one: one == CHUNKS[new])
    assert seen[-1] == CHUNKS[new]


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_a_search_is_overtaken(reader: Reader, kind: str, tmp_path: Path) -> None:
    """A search that is overtaken by a whole replacement between its two looks finds the new text."""

    def overtaken(world: World) -> None:
        player = Player(world)
        player.play(Put("d1", TEXTS[2]))
        player.settle()
        whole = world.index.legs

        def legs(*arguments: object) -> object:
            found = whole(*arguments)  # type: ignore[arg-type]
            world.index.legs = whole  # type: ignore[method-assign]
            player.play(Put("d1", TEXTS[3]))
            player.settle()
            return found

        world.index.legs = legs  # type: ignore[method-assign, assignment]
        assert world.visible() == {"d1": CHUNKS[TEXTS[3]]}

    if kind == "memory":
        overtaken(memory_world(reader))
    else:
        with folder_world(tmp_path, reader) as world:
            overtaken(world)
