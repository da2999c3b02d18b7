from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import pytest

from corpus.errors import NotFound, Unavailable
from corpus.model import Change, Passage, Purpose
from corpus.ports import MAX_DELIVERIES
from corpus.records.documents import Listing
from ingest import chunk
from ingest.claim import Hold, Stopped
from ingest.clean import clean
from ingest.recipes import recipe
from ingest.replay import replay
from ingest.upload import Uploads
from tests.fakes import HashEmbedder
from tests.odd_files import ole
from tests.worlds import ME, YOU, Fuse, Fused, Killed, World

if TYPE_CHECKING:
    from corpus.model import Matrix

LONG = "\n\n".join(f"Paragraph {n} about the pool, and about nothing else. " + f"word{n} " * 200 for n in range(6))


def test_one_document(world: World) -> None:
    """An upload becomes a record that says everything, and chunks that a search finds."""
    world.put("d1", "# Rules\nThe pool opens at nine.", name="house-rules.md")
    before = world.document("d1")
    assert (before.status, before.version, before.file_name) == ("uploading", "", "house-rules.md")

    world.work()

    after = world.document("d1")
    assert (after.status, after.file_type, after.title) == ("ready", "text/markdown", "Rules")
    assert after.version
    assert (after.file_size, after.word_count, after.page_count, after.coverage.readable) == (31, 7, 1, 1)
    assert (after.live[world.index.name].chunk_count, after.reason) == (1, None)
    assert after.stages.indexed
    assert after.checksum_sha256
    assert world.visible() == {"d1": ["# Rules\nThe pool opens at nine."]}
    assert world.visible(YOU) == {}
    job = world.ingestor()._jobs.get("d1", after.job_id)
    assert job
    assert (job.status, job.attempt, job.progress.stage, job.progress.embedded, job.error) == (
        "completed",
        1,
        "index",
        1,
        None,
    )


def test_derived_files(world: World) -> None:
    """What was derived lies under the version and the recipe, and nothing of it triggers the pipeline."""
    world.put("d1", LONG)
    world.work()

    live = world.document("d1").live[world.index.name]
    prefix = f"processed/me/d1/{live.version}/{live.recipe}/"
    assert list(world.blobs.keys("processed/")) == [
        prefix + name for name in ("chunks.jsonl.gz", "embeddings.npz", "extracted-text.txt", "metadata.json")
    ]
    assert world.blobs.get(prefix + "extracted-text.txt", 10**6).data.decode() == clean(LONG)
    assert world.pending() == []


def test_the_same_bytes_cost_nothing(world: World) -> None:
    """Uploading the same bytes again embeds nothing, moves the version on and changes no answer."""
    world.put("d1", LONG)
    world.work()
    before, bought, seen = world.document("d1"), world.embedder.bought, world.visible()

    world.put("d1", LONG)
    world.work()

    after = world.document("d1")
    assert (world.embedder.bought, after.live, after.status) == (bought, before.live, "ready")
    assert after.version > before.version
    assert world.visible() == seen


def test_only_what_is_new_is_embedded(world: World) -> None:
    """After an edit only the chunks whose text changed are embedded."""
    world.put("d1", LONG)
    world.work()
    bought = world.embedder.bought

    world.put("d1", LONG.replace("Paragraph 5", "Chapter five"))
    world.work()

    assert bought >= 6
    assert 1 <= world.embedder.bought - bought <= 2
    assert any("Chapter five" in text for text in world.visible()["d1"])


def test_a_shrunk_document_loses_its_tail(world: World) -> None:
    """A new version with fewer chunks leaves none of the old ones, in the index or among the derived files."""
    world.put("d1", LONG)
    world.work()
    world.put("d1", "Only the pool is left.")
    world.work()

    assert world.visible() == {"d1": ["Only the pool is left."]}
    after = world.document("d1")
    assert {key.split("/")[3] for key in world.blobs.keys("processed/")} == {after.version}


def test_removal(world: World) -> None:
    """A removed document is forgotten by search and list at once, and physically once its change was worked on."""
    world.put("d1", "The pool opens at nine.")
    world.put("d2", "The pool closes at eight.")
    world.work()

    world.uploads.remove(ME, "d1")

    assert list(world.visible()) == ["d2"]
    assert [one.document_id for one in world.documents.listed(ME, Listing(), 10)[0]] == ["d2"]
    world.work()
    assert list(world.blobs.keys("")) == [key for key in world.blobs.keys("") if "/d2/" in key]
    assert world.document("d1").deleted_at
    with pytest.raises(NotFound):
        world.uploads.remove(ME, "d1")


def test_a_removed_document_can_come_back(world: World) -> None:
    """A document that was removed and uploaded again is a document again."""
    for _ in range(2):
        world.put("d1", "The pool opens at nine.")
        world.work()
        world.uploads.remove(ME, "d1")
    world.put("d1", "The pool opens at ten.")
    world.work()

    assert world.visible() == {"d1": ["The pool opens at ten."]}


def test_a_stale_removal_is_not_believed(world: World) -> None:
    """A removal whose key holds a blob again is old news: what answers goes on answering until the new bytes do."""
    world.put("d1", "The pool opens at nine.")
    world.work()
    world.blobs.delete("documents/me/d1/original")
    world.blobs.put("documents/me/d1/original", b"The pool opens at ten.", {})
    removed, put = sorted(world.pending(), key=lambda change: change.version)

    world.ingestor().apply(removed)
    assert world.visible() == {"d1": ["The pool opens at nine."]}
    world.ingestor().apply(put)
    assert world.visible() == {"d1": ["The pool opens at ten."]}


def test_a_removal_that_died_half_way_stays_removed(world: World) -> None:
    """A tombstone whose blob is still there is not brought to life by the change that made it, and can be finished."""
    world.put("d1", "The pool opens at nine.")
    (change,) = world.pending()
    world.ingestor().apply(change)
    with pytest.raises(Killed):
        Uploads(Fused(world.blobs, Fuse(blow_at=1)), world.table, world.clock).remove(ME, "d1")

    world.ingestor().apply(change)
    assert world.visible() == {}
    with pytest.raises(NotFound):
        world.uploads.remove(ME, "d1")
    world.work()
    assert list(world.blobs.keys("")) == []


def test_another_persons_document_cannot_be_touched(world: World) -> None:
    """Putting or removing another's document says what is said of one that does not exist."""
    world.put("d1", "The pool opens at nine.")
    world.work()

    said = []
    for name in ("d1", "nobody"):
        with pytest.raises(NotFound) as caught:
            world.uploads.remove(YOU, name)
        said.append(str(caught.value).replace(name, "X"))
    assert said[0] == said[1]
    with pytest.raises(NotFound):
        world.put("d1", "mine now", YOU)
    assert world.visible() == {"d1": ["The pool opens at nine."]}


def test_a_change_that_names_another_owner_changes_nothing(world: World) -> None:
    """A blob under another person's name for a known document leaves a failed job, and the document as it is."""
    world.put("d1", "The pool opens at nine.")
    world.work()
    before = world.document("d1")
    world.blobs.put("documents/you/d1/original", b"mine now, says the pool", {})
    world.work()

    assert world.visible() == {"d1": ["The pool opens at nine."]}
    assert world.visible(YOU) == {}
    assert world.document("d1") == before
    assert failed_jobs(world, "d1") == ["owner_mismatch"]


def test_a_blob_of_nobody_becomes_nothing(world: World) -> None:
    """A blob under the name of somebody unknown leaves one failed job, however often it is announced, and no record."""
    world.blobs.put("documents/stranger/d1/original", b"The pool opens at nine.", {})
    (change,) = world.pending()
    for _ in range(3):
        world.queue.send(change)
    world.work()

    assert world.documents.get("d1") is None
    assert failed_jobs(world, "d1", tenant_id="unknown") == ["unknown_owner"]
    assert list(world.blobs.keys("processed/")) == []


def failed_jobs(world: World, document_id: str, tenant_id: str = "home") -> list[str]:
    """The reasons of a building's failed jobs of a document."""
    items = world.table.query(2, f"TENANT#{tenant_id}#JOB", ("failed", "failed~")).items
    found = [world.ingestor()._jobs.get(document_id, item.sk.removeprefix("JOB#")) for item in items]
    return [job.error.code for job in found if job and job.error]


def test_a_blob_without_a_record_makes_one(world: World) -> None:
    """A blob put straight into the store becomes a document with the name it bears."""
    world.blobs.put("documents/me/d1/original", b"The pool opens at nine.", {"originalname": "pool.txt"})
    world.work()

    assert (world.document("d1").file_name, world.visible()) == ("pool.txt", {"d1": ["The pool opens at nine."]})


def test_what_a_sender_declares(world: World) -> None:
    """The declared type travels with the bytes and decides where nothing else does; a contradiction is recorded."""
    world.uploads.put(ME, "d1", "page", b"<h1>Pool</h1>opens at nine", "text/html; charset=utf-8")
    world.uploads.put(ME, "d2", "rules.txt", b"<!doctype html><h1>Pool</h1>opens at ten")
    world.uploads.put(ME, "d3", "scan.txt", b"\x89PNG\r\n\x1a\n", "no type at all")
    world.work()

    documents = [world.document(name) for name in ("d1", "d2", "d3")]
    assert [document.file_type for document in documents] == ["text/html", "text/html", "image/png"]
    flags = [document.coverage.flags for document in documents]
    assert flags == [(), ("type-mismatch",), ("type-mismatch",)]
    assert [document.status for document in documents] == ["ready", "ready", "error"]


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"\x00\xe9 pool", "a.txt", "unreadable"),
        (b"   ", "a.md", "no_text"),
        (b"%PDF-1.7 nothing", "a.pdf", "unreadable"),
        (b"PK\x03\x04 pool", "a.odt", "unsupported_type"),
        (ole("EncryptedPackage"), "a.docx", "encrypted"),
        (b"x" * (10**7 + 1), "a.txt", "too_large"),
    ],
)
def test_rejected(world: World, data: bytes, name: str, code: str) -> None:
    """What cannot be read gets a record with a reason, is not tried again, and its older chunks no longer answer."""
    world.put("d1", "The pool opens at nine.")
    world.work()
    world.uploads.put(ME, "d1", name, data)
    world.work()

    document = world.document("d1")
    assert document.reason
    assert (document.status, document.reason.code, document.reason.transient) == ("error", code, False)
    assert document.reason.hint
    assert document.stages.error_message
    assert (world.visible(), document.live) == ({}, {})
    assert [key for key in world.blobs.keys("processed/me/d1/") if "chunks" in key] == []
    assert world.queue.dead_letters() == 0
    world.put("d1", "The pool opens at ten.")
    world.work()
    assert (world.document("d1").reason, world.visible()) == (None, {"d1": ["The pool opens at ten."]})


class Away(HashEmbedder):
    """An embedder that is away for a while."""

    def __init__(self, times: int, error: Exception) -> None:
        super().__init__()
        self.times, self.error = times, error

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, None]:
        if self.times and purpose == "document":
            self.times -= 1
            raise self.error
        return super().embed(passages, purpose)


def test_what_is_away_is_tried_again(world: World) -> None:
    """An outage costs nothing but time: the stages that were done are not done again."""
    world.put("d1", "The pool opens at nine.")
    away = Away(2, Unavailable("not now", retry_after=100))
    world.work(world.ingestor(embedder=away))

    assert world.visible() == {"d1": ["The pool opens at nine."]}
    job = world.ingestor()._jobs.get("d1", world.document("d1").job_id)
    assert job
    assert (away.times, job.status, job.error) == (0, "completed", None)


@pytest.mark.parametrize(
    ("error", "code"), [(Unavailable("not now"), "unavailable"), (RuntimeError("a bug"), "internal")]
)
def test_three_attempts(world: World, error: Exception, code: str, caplog: pytest.LogCaptureFixture) -> None:
    """After three failed attempts the record says why, the old text goes on answering, and a replay starts anew."""
    world.put("d1", "The pool opens at nine.")
    world.work()
    world.put("d1", "The pool opens at ten.")
    broken = Away(99, error)
    with caplog.at_level(logging.CRITICAL):
        world.work(world.ingestor(embedder=broken))

    document = world.document("d1")
    assert document.reason
    assert (document.status, document.reason.code, document.reason.stage) == ("error", code, "embed")
    assert document.reason.transient
    assert broken.times == 99 - 3
    assert world.visible() == {"d1": ["The pool opens at nine."]}
    assert world.queue.dead_letters() == 0

    for _, change in replay(world.table, "home"):
        world.queue.send(change)
    world.work()
    assert world.visible() == {"d1": ["The pool opens at ten."]}


def test_a_newer_version_closes_what_an_older_one_left(world: World) -> None:
    """A job whose worker died is closed when a newer version is taken on; nothing holds a lease for ever."""
    world.put("d1", "The pool opens at nine.")
    with pytest.raises(Killed):
        world.ingestor(Fuse(blow_at=12)).apply(world.pending()[0])
    left = world.ingestor()._jobs.get("d1", world.document("d1").job_id)
    world.put("d1", "The pool opens at ten.")
    world.work()

    assert left
    closed = world.ingestor()._jobs.get("d1", left.job_id)
    assert closed
    assert closed.error
    assert (left.status, closed.status, closed.error.code) == ("processing", "failed", "overtaken")


def test_a_bug_hides_no_neighbour(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A document that trips over a bug is handed back with a traceback in the log, and its neighbours are read."""
    world.put("d1", "The pool opens at nine.")
    world.put("d2", "The pool closes at eight.")
    ingestor = world.ingestor(embedder=Away(1, RuntimeError("a bug")))
    with caplog.at_level(logging.ERROR):
        assert ingestor.drain(world.queue) + ingestor.drain(world.queue) == 2

    assert list(world.visible()) in (["d1"], ["d2"])
    assert any(record.exc_info and record.message == "a change failed" for record in caplog.records)
    assert "pool" not in caplog.text.replace("a bug", "")


def test_an_index_that_shows_late(world: World) -> None:
    """Where writes show late the job goes back and resumes, which is no failed attempt."""
    if not hasattr(world.index, "late"):
        return
    world.index.late = 5
    world.put("d1", "The pool opens at nine.")
    world.work()

    job = world.ingestor()._jobs.get("d1", world.document("d1").job_id)
    assert job
    assert (world.document("d1").status, job.attempt, world.embedder.bought) == ("ready", 1, 1)


def test_the_last_delivery_says_so(world: World) -> None:
    """A change whose last delivery fails leaves a record that says why, not one that is processed for ever."""
    world.put("d1", "The pool opens at nine.")
    ingestor = world.ingestor(embedder=Away(1, Unavailable("not now")))
    with pytest.raises(Unavailable):
        ingestor.apply(world.pending()[0], Hold(last=True))

    document = world.document("d1")
    assert document.reason
    assert (document.status, document.reason.code) == ("error", "unavailable")
    assert MAX_DELIVERIES == 10


def test_stopping_gives_back(world: World) -> None:
    """A worker that is stopped in the middle gives its document back at once, and the attempt does not count."""
    world.put("d1", LONG)
    looks = iter(range(100))
    with pytest.raises(Stopped):
        world.ingestor().drain(world.queue, stop=lambda: next(looks) >= 3)

    (delivery,) = world.queue.receive(1, 0)
    world.queue.extend(delivery, 0)
    world.ingestor().drain(world.queue)
    job = world.ingestor()._jobs.get("d1", world.document("d1").job_id)
    assert job
    assert (world.document("d1").status, job.attempt) == ("ready", 1)


def test_a_long_document_keeps_its_lease(world: World) -> None:
    """While a document is worked on for long, its lease and its delivery are renewed together."""
    world.put("d1", LONG)
    extended: list[float] = []

    class Slow(HashEmbedder):
        def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, None]:
            for block in super().embed(passages, purpose):
                world.clock.sleep(50)
                with pytest.raises(Unavailable, match="Another worker"):
                    other.apply(changes[0])
                yield block

    changes = world.pending()
    other = world.ingestor()
    ingestor = world.ingestor(embedder=Slow(block=1))
    ingestor.apply(changes[0], Hold(extend=extended.append))

    assert world.document("d1").status == "ready"
    assert set(extended) == {60}
    assert len(extended) == world.document("d1").live[world.index.name].chunk_count


def test_a_replay_changes_nothing_where_nothing_changed(world: World) -> None:
    """Replaying a corpus that is as it should be embeds nothing and writes nothing."""
    world.put("d1", LONG)
    world.put("d2", "The pool closes at eight.")
    world.uploads.put(ME, "d3", "scan.txt", b"caf\x00\xe9")
    world.work()
    bought, before = world.embedder.bought, [world.document(name) for name in ("d1", "d2", "d3")]

    found = list(replay(world.table, "home"))
    for _, change in found:
        world.ingestor().apply(change)

    assert sorted(document.document_id for document, _ in found) == ["d1", "d2", "d3"]
    assert (world.embedder.bought, [world.document(name) for name in ("d1", "d2", "d3")]) == (bought, before)


def test_a_lost_index_is_restored_from_derived_files(world: World) -> None:
    """An index that was lost is made whole by a replay, without one embedding, old versions of equal bytes included."""
    world.put("d1", LONG)
    world.put("d2", "The pool closes at eight.")
    world.work()
    world.put("d1", LONG)
    world.work()
    bought, seen = world.embedder.bought, world.visible()
    for name in ("d1", "d2"):
        world.index.prune(name, None, "9" * 40)
    assert world.visible() == {}

    for _, change in replay(world.table, "home"):
        world.ingestor().apply(change)

    assert (world.embedder.bought, world.visible()) == (bought, seen)


def test_a_damaged_derived_file_is_made_again(world: World) -> None:
    """A derived file that cannot be understood is no checkpoint: it is made again."""
    world.put("d1", LONG)
    world.work()
    seen = world.visible()
    for key in list(world.blobs.keys("processed/")):
        world.blobs.put(key, b"\x00 damaged", {})
    world.index.prune("d1", None, "9" * 40)

    for _, change in replay(world.table, "home"):
        world.ingestor().apply(change)

    assert world.visible() == seen
    assert all(b"damaged" not in world.blobs.get(key, 10**9).data for key in world.blobs.keys("processed/"))


def test_another_recipe_makes_everything_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a step changes its name, a replay makes the document anew and the older generation goes."""
    world.put("d1", LONG)
    world.work()
    old = world.document("d1").live[world.index.name]
    monkeypatch.setattr(chunk, "NAME", "chunk-2")
    recipe.cache_clear()

    for _, change in replay(world.table, "home"):
        world.ingestor().apply(change)

    new = world.document("d1").live[world.index.name]
    assert (new.version, new.recipe != old.recipe, world.document("d1").status) == (old.version, True, "ready")
    assert {key.split("/")[4] for key in world.blobs.keys("processed/")} == {new.recipe}
    recipe.cache_clear()


def test_a_change_that_is_none(world: World) -> None:
    """A change whose key names no original is no one's, and nothing happens."""
    world.ingestor().apply(Change("put", "processed/me/d1/1/r/extracted-text.txt", "1"))
    assert world.documents.get("d1") is None
