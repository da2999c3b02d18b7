"""Documents that count from one day to another, and editions that take one another's place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from corpus.errors import BadRequest, NotFound
from corpus.force import Force
from corpus.model import Chunk, Document, Generation, GenerationId, Live, Passage
from ingest.editions import MOST_BACK, MOST_NEWER, amend
from ingest.replay import replay
from ingest.terms import Terms
from search.retrieve import DEPTH
from tests.worlds import ME, YOU, Fuse, World

OLD = "The pool opens at nine in the morning."
NEW = "The pool opens at eight in the morning."
TODAY = "1970-01-01"
"""The day of the scope that asks."""


def said(world: World, day: str = "") -> list[str]:
    """The documents that are quoted."""
    found = world.retriever.search(ME, "When does the pool open?", 20, as_of=day)
    return sorted({hit.generation.document_id for hit in found.hits})


def terms(
    world: World, name: str, start: str | None = None, until: str | None = None, older: str | None = None
) -> Document:
    return amend(world.table, ME, name, Terms(start, until, older))


@pytest.fixture
def editions(world: World) -> World:
    """Two editions of the rules: the second counts from 1980, and takes the place of the first."""
    world.put("old", OLD)
    world.put("new", NEW)
    world.work()
    terms(world, "new", "1980-01-01", older="old")
    return world


@pytest.mark.parametrize(
    ("day", "shown"),
    [("1999-12-31", []), ("2000-01-01", ["d1"]), ("2000-06-30", ["d1"]), ("2000-07-01", []), ("", [])],
)
def test_a_document_counts_from_its_first_day_to_its_last(world: World, day: str, shown: list[str]) -> None:
    """A document is found on its first day, on its last and between, and on no other."""
    world.put("d1", OLD)
    world.work()
    terms(world, "d1", "2000-01-01", "2000-06-30")

    assert said(world, day) == shown


def test_the_newer_edition_hides_the_older_from_its_first_day(editions: World) -> None:
    """Until the newer edition is in force the older one answers, from then on the newer alone."""
    assert (said(editions), said(editions, "1979-12-31")) == (["old"], ["old"])
    assert said(editions, "1980-01-01") == ["new"]
    assert editions.document("old").force == Force(superseded_by=("new",))


def test_an_answer_says_as_of_when(editions: World) -> None:
    """An answer for another day names that day, and a citation the days of its document."""
    now, then = editions.ask("When does the pool open?"), editions.ask("When does the pool open?", as_of="1985-05-05")

    assert (now.as_of, now.citations[0].document_id, now.citations[0].in_force_from) == ("", "old", "")
    assert (then.as_of, then.citations[0].document_id, then.citations[0].in_force_from) == (
        "1985-05-05",
        "new",
        "1980-01-01",
    )


def test_an_older_edition_answers_again_when_the_newer_goes(editions: World) -> None:
    """The older edition is hidden only while the newer is there and answers."""
    editions.uploads.remove(ME, "new")
    assert said(editions, "1985-01-01") == ["old"]

    editions.work()
    editions.put("new", NEW)
    editions.work()
    assert said(editions, "1985-01-01") == ["new", "old"]  # it is another document now, of which nothing was said


def test_an_edition_that_cannot_be_read_hides_nothing(editions: World) -> None:
    """A newer edition that turns out to be unreadable leaves the older one in its place."""
    editions.uploads.put(ME, "new", "new.pdf", b"%PDF-1.7 and nothing else")
    editions.work()

    assert editions.document("new").status == "error"
    assert said(editions, "1985-01-01") == ["old"]


@pytest.mark.parametrize("blob_only", [False, True])
def test_an_edition_in_the_middle_goes(world: World, *, blob_only: bool) -> None:
    """When the middle one of three editions goes, however it goes, the last takes the place of the first."""
    for name in ("one", "two", "three"):
        world.put(name, f"{OLD} Edition {name}.")
    world.work()
    terms(world, "two", older="one")
    terms(world, "three", older="two")
    assert said(world) == ["three"]

    if blob_only:
        world.blobs.delete(world.document("two").key)
    else:
        world.uploads.remove(ME, "two")
    world.work()

    assert said(world) == ["three"]
    assert world.document("three").force.supersedes == "one"
    world.uploads.remove(ME, "three")
    assert said(world) == ["one"]


def test_what_was_said_can_be_taken_back(editions: World) -> None:
    """Editions that were joined can be parted, or joined to others, and both sides know."""
    editions.put("other", "The pool opens at ten.")
    editions.work()
    terms(editions, "new", "", older="other")
    assert (said(editions), editions.document("old").force, editions.document("other").force.superseded_by) == (
        ["new", "old"],
        Force(),
        ("new",),
    )

    terms(editions, "new", older="")
    assert said(editions) == ["new", "old", "other"]
    assert editions.document("other").force == Force()


def test_circles_are_refused(world: World) -> None:
    """No document supersedes itself, directly or through others."""
    for name in ("one", "two", "three"):
        world.put(name, OLD)
    terms(world, "two", older="one")
    terms(world, "three", older="two")

    for name, older in (("one", "one"), ("one", "two"), ("one", "three")):
        with pytest.raises(BadRequest):
            terms(world, name, older=older)
    assert world.document("one").force == Force(superseded_by=("two",))


def test_a_row_of_editions_has_an_end(world: World) -> None:
    """More editions in a row than a transaction holds are refused, and what was said stays."""
    for n in range(MOST_BACK + 2):
        world.put(f"d{n}", OLD)
    for n in range(1, MOST_BACK + 1):
        terms(world, f"d{n}", older=f"d{n - 1}")

    with pytest.raises(BadRequest, match="editions"):
        terms(world, f"d{MOST_BACK + 1}", older=f"d{MOST_BACK}")


def test_dates_that_contradict_each_other(world: World) -> None:
    """A last day before the first, and what is no date, are refused."""
    world.put("d1", OLD)
    terms(world, "d1", "2000-01-01")

    for wrong in (("", "1999-12-31"), ("2000-02-30", ""), ("soon", ""), ("2000-1-1", ""), ("20000101", "")):
        with pytest.raises(BadRequest):
            terms(world, "d1", wrong[0] or None, wrong[1] or None)
    assert world.document("d1").force == Force(start="2000-01-01")


def test_others_documents_are_unknown(world: World) -> None:
    """To amend or to supersede another's document fails as it does for one that is not there."""
    world.put("mine", OLD)
    world.put("yours", NEW, scope=YOU)
    world.work()

    messages = set()
    for name in ("yours", "none"):
        for whose, terms_of_it in ((name, Terms(start="2000-01-01")), ("mine", Terms(supersedes=name))):
            with pytest.raises(NotFound) as caught:
                amend(world.table, ME, whose, terms_of_it)
            messages.add((caught.value.message.replace(name, "*"), caught.value.hint))
    assert len(messages) == 1
    assert world.document("yours").force == Force()


def test_others_cannot_hide_a_document(editions: World) -> None:
    """A record that claims to supersede another's document hides nothing."""
    editions.put("trick", NEW, scope=YOU)
    editions.work()
    trick, old = editions.document("trick"), editions.document("old")
    editions.documents.put(replace(trick, force=Force(supersedes="old")))
    editions.documents.put(replace(old, force=Force(superseded_by=("trick",))))

    assert said(editions) == ["old"]


def test_dates_change_and_nothing_is_made_anew(editions: World) -> None:
    """Other dates touch neither chunks nor vectors, and outlive a reindex and a new version."""
    bought = editions.embedder.bought
    terms(editions, "new", "1990-01-01", "1999-12-31")
    for _, change in replay(editions.table, "home"):
        editions.ingestor().apply(change)
    assert editions.embedder.bought == bought

    editions.put("new", NEW + " Bring towels.")
    editions.work()
    assert editions.document("new").force == Force("1990-01-01", "1999-12-31", "old")
    assert said(editions, "1995-01-01") == ["new"]


def test_dates_that_come_while_a_worker_is_at_it(world: World) -> None:
    """What is said of a document while it is worked on stays."""
    world.put("old", OLD)
    world.put("d1", NEW)
    once = list[str]()

    def look() -> None:
        if world.document("d1").status == "processing" and not once:
            once.append("")
            terms(world, "d1", "1960-01-01", older="old")

    world.work(world.ingestor(Fuse(look=look)))
    assert once
    assert world.document("d1").force == Force("1960-01-01", "", "old")
    assert said(world) == ["d1"]


def test_many_older_editions_do_not_crowd_out_the_one_in_force(world: World) -> None:
    """However many editions are out of force, and however well they fit, the one in force is found."""
    world.put("d0", "The pool.")
    world.work()
    (rows,) = world.embedder.embed([Passage("", "pool")], "query")
    for n in range(1, 3 * DEPTH):
        text, name = "pool pool pool", GenerationId(f"d{n}", "1", "r")
        chunks = (Chunk(0, 0, len(text), text, 1, 1, (), 3),)
        world.index.write(Generation(name, "me", "home", ("user:me",), "f", "t", (), "", "", chunks, rows))
        live = {world.index.name: Live("1", "r", 1)}
        world.documents.put(Document(f"d{n}", "me", "home", version="1", live=live, force=Force(until="1960-01-01")))

    assert said(world) == ["d0"]


@pytest.mark.parametrize("blob_only", [False, True])
def test_editions_that_crowd_keep_no_document(world: World, *, blob_only: bool) -> None:
    """A document goes also where the one behind it is left with more newer editions than anybody may name."""
    for name in ("oldest", "old", "other"):
        world.put(name, OLD)
    for name in ("old", "other"):
        terms(world, name, older="oldest")
    for n in range(MOST_NEWER):
        world.put(f"new{n}", NEW)
        terms(world, f"new{n}", older="old")
    world.work()
    if blob_only:
        world.blobs.delete(world.document("old").key)
    else:
        world.uploads.remove(ME, "old")
    world.work()

    assert world.document("old").deleted_at
    names = world.document("oldest").force.superseded_by
    assert set(names) == {"other", *(f"new{n}" for n in range(MOST_NEWER))}
    world.put("more", NEW)
    with pytest.raises(BadRequest, match="supersede one and the same"):
        terms(world, "more", older="oldest")
    terms(world, "new0", older="")
    assert "new0" not in world.document("oldest").force.superseded_by
