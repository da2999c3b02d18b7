"""Documents with pages that are pictures: their text at once, their pictures when there is time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.model import Document
from corpus.texts import stored
from ingest.extract import Reader
from ingest.ocr import BUDGET, Budget, Tesseract, found
from ingest.pipeline import PicturesWait
from ingest.replay import replay
from tests.pdfs import PICTURE, pdf
from tests.scans import TESSERACT, needs_tesseract, scan, stand_in
from tests.sighted import FLAW, SEEN, SightedReader
from tests.worlds import LIMITS, ME, World, memory_world

TWO = f"The pool opens at nine.\f{SEEN}The pool closes at ten."
RULES = "The pool opens at nine.\nGuests sign in at the desk.\nNo dogs in the garden."


def put(world: World, data: bytes, document_id: str = "d1", name: str = "a.pdf") -> None:
    world.uploads.put(ME, document_id, name, data)


def answers(world: World) -> str:
    return " ".join(" ".join(texts) for texts in world.visible().values())


def test_text_answers_before_pictures_are_read() -> None:
    """The pages of text answer at once, the gap in the ledger; then the pictures are read, and there is none."""
    world = memory_world(SightedReader())
    world.put("d1", TWO)

    world.ingestor().drain(world.queue)

    first = world.document("d1")
    assert (first.status, first.coverage.images, first.coverage.recognised) == ("ready", ("2",), ())
    assert answers(world) == "The pool opens at nine."
    assert world.ingestor().unseen(first)
    assert not world.ingestor().settled(first)

    world.ingestor().drain(world.queue)

    second = world.document("d1")
    assert (second.status, second.coverage.images, second.coverage.recognised) == ("ready", (), ("2",))
    assert "The pool closes at ten." in answers(world)
    assert world.ingestor().settled(second)
    assert world.ingestor().drain(world.queue) == 0
    assert len({key.split("/")[4] for key in world.blobs.keys("processed/")}) == 1


def test_pictures_come_after_all_text_that_waits() -> None:
    """A document that came later is read before the pictures of an earlier one."""
    reader = SightedReader()
    world = memory_world(reader)
    world.put("d1", TWO)
    world.put("d2", "The roof is green.")
    world.clock.sleep(1)

    world.work()

    assert reader.reads == [False, False, True]


def test_the_text_answers_while_its_pictures_are_read() -> None:
    """While the pictures are read, and when that never ends well, the pages of text go on answering."""
    world = memory_world(SightedReader())
    world.put("d1", f"The pool opens at nine.\f{SEEN}{FLAW}")

    world.work()

    document = world.document("d1")
    assert (document.status, document.reason, document.coverage.flags) == ("ready", None, ("ocr-failed",))
    assert answers(world) == "The pool opens at nine."
    assert world.ingestor().settled(document)


def test_what_was_looked_at_in_vain_is_restored() -> None:
    """Chunks that an index lost of a document whose pictures cannot be read come back, and that is all."""
    reader = SightedReader()
    world = memory_world(reader)
    world.put("d1", f"The pool opens at nine.\f{SEEN}{FLAW}")
    world.work()
    world.index.prune("d1", None, "~")

    for _, change in list(replay(world.table, "home")):
        world.queue.send(change)
    world.work()

    assert answers(world) == "The pool opens at nine."
    assert world.ingestor().settled(world.document("d1"))
    assert reader.reads == [False, True, True]


def test_a_document_of_pictures_is_read_at_once() -> None:
    """A document all of whose pages are pictures is never in error on its way."""
    world = memory_world(SightedReader())
    world.put("d1", f"{SEEN}The pool is a picture.\f{SEEN}So is the roof.")

    assert world.ingestor().drain(world.queue) == 1

    document = world.document("d1")
    assert (document.status, document.coverage.recognised) == ("ready", ("1-2",))
    assert world.ingestor().drain(world.queue) == 0


def test_without_recognition_nothing_waits() -> None:
    """Where nothing recognises text, pictures stay gaps, a document of pictures is refused, and both are settled."""
    reader = SightedReader(engine="")
    world = memory_world(reader)
    world.put("d1", TWO)
    world.put("d2", f"{SEEN}The pool is a picture.")

    world.work()

    assert world.document("d1").coverage.images == ("2",)
    assert (reason := world.document("d2").reason)
    assert (reason.code, "footnote doctor" in reason.hint) == ("no_text", True)
    assert reader.reads == [False, False]
    assert all(world.ingestor().settled(world.document(name)) for name in ("d1", "d2"))


@pytest.mark.parametrize("before", ["", "eyes-1"])
def test_another_engine_is_another_recipe(before: str) -> None:
    """An engine that comes later, or is another by now, reads the pictures on a reindex; until then the old answers."""
    reader = SightedReader(engine=before)
    world = memory_world(reader)
    world.put("d1", TWO)
    world.put("d2", f"{SEEN}The pool is a picture.")
    world.work()
    was = answers(world)
    reader.engine, reader.reads = "eyes-2", []

    assert not any(world.ingestor().settled(world.document(name)) for name in ("d1", "d2"))
    assert answers(world) == was
    for _, change in list(replay(world.table, "home")):
        world.queue.send(change)
    world.work()

    assert all(part in answers(world) for part in ("closes at ten", "The pool is a picture"))
    assert all(world.ingestor().settled(world.document(name)) for name in ("d1", "d2"))
    assert False not in reader.reads[:1]


def test_only_what_is_new_is_embedded() -> None:
    """The second pass buys vectors for chunks that changed, and for no other."""
    world = memory_world(SightedReader())
    text = "\n\n".join(f"Pool chapter {n}. " + f"water{n} " * 280 for n in range(4))
    world.put("d1", f"{text}\f{SEEN}The pool closes at ten.")
    world.ingestor().drain(world.queue)
    first = world.document("d1").live[world.index.name].chunk_count
    bought = world.embedder.bought

    world.ingestor().drain(world.queue)

    assert first > 3
    assert world.embedder.bought - bought <= 2


def test_a_change_whose_pictures_wait_is_no_failure() -> None:
    """`apply` says that the pictures wait, and that is nobody's failed attempt."""
    world = memory_world(SightedReader())
    world.put("d1", TWO)
    (change,) = world.pending()

    with pytest.raises(PicturesWait):
        world.ingestor().apply(change)
    world.ingestor().apply(change)

    assert world.ingestor().settled(world.document("d1"))


@contextmanager
def seeing(engine: Tesseract, budget: Budget = BUDGET) -> Iterator[World]:
    with closing(Reader(LIMITS, engine, budget)) as reader:
        yield memory_world(reader)


def engine(tmp_path: Path, words: str = "The sauna opens at six") -> Tesseract:
    return Tesseract(stand_in(tmp_path, words), "0", ("eng",))


def ledger(world: World, document: Document) -> list[tuple[str, str, int]]:
    live = document.live_in(world.index.name)
    assert live
    text = stored(world.blobs, "me", live)
    assert text
    return [(page.problem, page.method, page.confidence) for page in text.pages]


def test_the_ledger_tells_what_was_recognised(tmp_path: Path) -> None:
    """A page that was recognised says so, and how sure its reader was."""
    with seeing(engine(tmp_path)) as world:
        put(world, pdf(["The lift takes eight persons.", PICTURE]))
        world.work()

        assert ledger(world, world.document("d1")) == [("", "text", 100), ("", "ocr", 91)]
        assert "The sauna opens at six" in answers(world)


def test_pages_beyond_the_cap_stay_pictures(tmp_path: Path) -> None:
    """No more pages are recognised than allowed; the others stay gaps, which is said."""
    with seeing(engine(tmp_path), Budget(pages=2)) as world:
        put(world, pdf([PICTURE, "The lift takes eight persons.", PICTURE, PICTURE, PICTURE]))
        world.work()

        coverage = world.document("d1").coverage
        assert (coverage.recognised, coverage.images, coverage.flags) == (("1", "3"), ("4-5",), ("ocr-capped",))
        assert world.ingestor().settled(world.document("d1"))


def test_an_engine_that_finds_nothing_leaves_gaps(tmp_path: Path) -> None:
    """Pictures on which nothing is found were looked at, stay gaps, and are settled."""
    with seeing(replace(engine(tmp_path, ""), version="9")) as world:
        put(world, pdf(["The lift takes eight persons.", PICTURE]))
        put(world, pdf([PICTURE, PICTURE]), "d2")
        world.work()

        assert ledger(world, world.document("d1"))[1] == ("image", "ocr", 0)
        reason = world.document("d2").reason
        assert reason
        assert "Not even text recognition" in reason.hint
        assert all(world.ingestor().settled(world.document(name)) for name in ("d1", "d2"))


@needs_tesseract
def test_a_scanned_pdf_answers() -> None:
    """A PDF from a scanner is found by its words, and an answer quotes its page."""
    with seeing(found(TESSERACT, ["eng"])) as world:
        put(world, scan([RULES, ""]))
        world.work()

        document = world.document("d1")
        assert (document.status, document.coverage.recognised, document.coverage.empty) == ("ready", ("1",), ("2",))
        answer = world.ask("Where do guests sign in?")
        assert answer.type == "grounded"
        assert answer.citations[0].page == 1
