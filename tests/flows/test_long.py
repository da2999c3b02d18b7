"""Long documents: what is kept of them on the way, and what people see of how far they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.model import Change, Extracted
from corpus.raw_pages import PART_PAGES, Part
from corpus.records.jobs import STAGES, Job, Jobs, JobStage, Progress
from footnote.render import far
from ingest.claim import MAX_ATTEMPTS, Hold, Stopped
from ingest.extract import WHOLE, Reader, Reading
from tests.pdfs import pdf
from tests.worlds import LIMITS, ME, Fuse, Killed, World, memory_world

PAGES = 150
BOOK = pdf(
    [f"Page {number} says of the pool:\n" + f"water{number} " * 20 for number in range(PAGES)],
    title="Rules",
    outline=[("says of", 0, 2)],
)


class Counting(Reader):
    """A reader that counts how often each page was read."""

    def __init__(self) -> None:
        super().__init__(replace(LIMITS, pages=PAGES))
        self.times = Counter[int]()

    def read(self, data: bytes, media_type: str, how: Reading = WHOLE) -> Extracted:
        def told(part: Part) -> None:
            self.times.update(range(part.begin, part.end))
            how.keep(part)

        return super().read(data, media_type, replace(how, keep=told))


@dataclass
class Book:
    """A world with a long document that waits to be read, and all that anybody could see of its progress."""

    world: World
    reader: Counting
    change: Change
    seen: list[Job] = field(default_factory=list)

    def look(self) -> None:
        document = self.world.documents.get("d1")
        job = Jobs(self.world.table).get("d1", document.job_id) if document else None
        if job:
            self.seen.append(job)

    def check(self) -> None:
        """Nothing that was seen went back."""
        assert len({job.job_id for job in self.seen}) == 1
        for before, after in zip(self.seen, self.seen[1:], strict=False):
            assert went_on(before.progress, after.progress), (before, after)

    def finish(self) -> None:
        self.world.clock.sleep(61)
        self.world.ingestor(Fuse(look=self.look)).apply(self.change)
        assert self.world.document("d1").status == "ready"
        assert "d1" in self.world.visible()
        assert not list(self.parts())

    def parts(self) -> Iterator[str]:
        return (Path(key).name for key in self.world.blobs.keys("processed/") if "/checkpoints/extract" in key)


def went_on(before: Progress, after: Progress) -> bool:
    """Whether nothing of a job's progress went back."""
    amounts = ("done_pages", "total_pages", "chunks", "embedded", "percent")
    stages = STAGES.index(before.stage) <= STAGES.index(after.stage)
    return stages and all(getattr(before, name) <= getattr(after, name) for name in amounts)


@pytest.fixture(scope="module")
def counting() -> Iterator[Counting]:
    with Counting() as one:
        yield one


def book(reader: Counting, data: bytes = BOOK) -> Book:
    reader.times.clear()
    world = memory_world(reader)
    world.uploads.put(ME, "d1", "rules.pdf", data)
    (change,) = world.pending()
    return Book(world, reader, change)


@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_reading_goes_on(counting: Counting, after: bool) -> None:
    """Killed at any call into a port, a worker's successor reads one part again at most; no progress goes back."""
    step, died = 0, True
    while died:
        step += 1
        one = book(counting)
        try:
            one.world.ingestor(Fuse(step, after, one.look)).apply(one.change)
            died = False
        except Killed:
            one.finish()
        one.check()
        assert sorted(counting.times) == list(range(PAGES))
        assert sum(counting.times.values()) <= PAGES + PART_PAGES, step
    assert step > 30


@dataclass
class Stop:
    """Says once that it is time to stop: when it is asked for the time `at`."""

    at: int
    asked: int = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked == self.at


def test_stopped_anywhere_reading_goes_on(counting: Counting) -> None:
    """Stopped wherever a worker asks whether to go on, its successor reads one part again at most."""
    at, stopped = 0, True
    while stopped:
        at += 1
        one = book(counting)
        try:
            one.world.ingestor(Fuse(look=one.look)).apply(one.change, Hold(stop=Stop(at)))
            stopped = False
        except Stopped:
            one.finish()
        one.check()
        assert sum(counting.times.values()) <= PAGES + PART_PAGES
    assert at > 10


def test_what_is_kept_on_the_way(counting: Counting) -> None:
    """Parts are kept by the number of their first page; one that is damaged is read again, with those behind it."""
    one = book(counting)
    with pytest.raises(Stopped):
        one.world.ingestor().apply(one.change, Hold(stop=lambda: len(list(one.parts())) == 3))
    assert list(one.parts()) == ["extract-v1.json", "extract-v129.json", "extract-v65.json"]

    damaged = next(key for key in one.world.blobs.keys("processed/") if key.endswith("extract-v65.json"))
    one.world.blobs.put(damaged, b'{"begin": 64', {})
    one.finish()
    assert [counting.times[page] for page in (0, 63, 64, 149)] == [1, 1, 2, 2]


def test_a_short_document_is_not_kept_in_parts(counting: Counting) -> None:
    """A PDF of one part costs no blob more than any other document."""
    one = book(counting, pdf(["The pool opens at nine.", "And closes at eight."]))
    puts = list[list[str]]()
    one.world.ingestor(Fuse(look=lambda: puts.append(list(one.parts())))).apply(one.change)

    assert puts
    assert not any(puts)
    assert one.world.document("d1").status == "ready"


def test_slices_are_no_attempts(counting: Counting) -> None:
    """However often a worker is killed, if it kept something before, a document is not given up."""
    one = book(counting)

    def files() -> int:
        return len(list(one.world.blobs.keys("processed/")))

    def killed(before: int) -> bool:
        """Whether a worker died three calls after it kept something."""
        fresh = 0

        def look() -> None:
            nonlocal fresh
            one.look()
            fresh += files() > before
            if fresh > 3:
                raise Killed

        try:
            one.world.ingestor(Fuse(look=look)).apply(one.change)
        except Killed:
            one.world.clock.sleep(61)
            return True
        return False

    deaths = 0
    while killed(files()):
        deaths += 1
    assert one.world.document("d1").status == "ready"
    assert deaths > MAX_ATTEMPTS
    one.check()
    assert sum(counting.times.values()) == PAGES


def test_how_long_embedding_goes_on(counting: Counting) -> None:
    """While chunks are embedded the job says how long that will go on at the pace of this attempt, and only then."""
    one = book(counting)

    def look() -> None:
        one.world.clock.sleep(1)
        one.look()

    one.world.ingestor(Fuse(look=look)).apply(one.change)
    told = [job.progress for job in one.seen if job.progress.seconds_left is not None]
    assert {progress.stage for progress in told} == {"embed"}
    assert told[0].seconds_left
    assert [progress.seconds_left for progress in told if progress.embedded == progress.chunks][-1:] == [0]
    assert far(replace(told[0], embedded=4, chunks=1234, seconds_left=150)) == "4 of 1,234 chunks, about 2 min left"
    assert far(replace(told[0], embedded=4, chunks=9, seconds_left=50)) == "4 of 9 chunks, about 50 s left"
    assert far(Progress("extract", 64, 150)) == "64 of 150 pages"
    assert far(Progress("index", 150, 150)) == ""


stages: st.SearchStrategy[JobStage] = st.sampled_from(STAGES)
amount = st.integers(0, 9)
reports = st.fixed_dictionaries({"done_pages": amount, "total_pages": amount, "chunks": amount, "embedded": amount})


@given(told=st.lists(st.tuples(stages, reports)))
def test_progress_never_goes_back(told: list[tuple[JobStage, dict[str, int]]]) -> None:
    """Whatever workers say, nothing of a job's progress goes back, nor beyond its total, nor beyond 99 percent."""
    progress = Progress()
    for stage, amounts in told:
        after = progress.reached(stage, **amounts)
        assert went_on(progress, after)
        assert after.done_pages <= after.total_pages
        assert after.embedded <= after.chunks
        assert 0 <= after.percent < 100
        progress = after
