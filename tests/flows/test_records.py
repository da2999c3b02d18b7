"""What a record says: of the document it is about, and of the attempt that is being made at it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from corpus import texts
from corpus.errors import Unavailable
from corpus.items import MAX_ITEM_BYTES, Item
from corpus.model import Passage, Purpose, Stages
from corpus.records.documents import Documents, data_of
from tests.fakes import HashEmbedder
from tests.worlds import ME, Fuse, Killed, World

if TYPE_CHECKING:
    from corpus.model import Matrix

SAMPLES = Path(__file__).parent.parent.parent / "sample_docs"


@dataclass(frozen=True)
class Golden:
    """What the record of a sample says."""

    file_type: str
    title: str
    language: str
    pages: int
    words: int
    begins: str
    keywords: str
    md5: str
    sha256: str


GOLDEN = {
    "contacts.csv": Golden(
        "text/csv",
        "contacts",
        "en",
        1,
        665,
        "Area | Matter | Who | Telephone | When\nHouse | Caretaker | M",
        "days night House Heating Electricity Lifts Okafor Garage evenings Internet Water Ringwood television "
        "Harbour Plumbing Rivers Charging Garden Nowak Tallis",
        "55d704f7cf1245acac625f2122c1924e",
        "85a63d8a11a98c87638049a96de8b2e89e6c5cab872515fa735d1d7744b54bec",
    ),
    "fire-inspection-2026.pdf": Golden(
        "application/pdf",
        "Fire Safety Inspection 2026",
        "en",
        3,
        242,
        "Fire Safety Inspection 2026\n1 Inspection\nEmber Fire Safety i",
        "inspection stairwell costs extinguishers euros Lane garage roof escape routes signed Safety door April "
        "Okafor caretaker mended prams Linden cupboard",
        "3a600d17ff7f93a64a73bdd6ebecd4cf",
        "921fb115853fbcce8ebc5c0e1484894072a77aa4d911b4c95990fcf8cfe2d16f",
    ),
    "house-rules-2027.pdf": Golden(
        "application/pdf",
        "House Rules of Linden Court 2027",
        "en",
        4,
        1021,
        "House Rules of Linden Court 2027\nEdition of 1 January 2027, ",
        "caretaker days rules Linden apartment hours booked moving guests parking waste permit Bicycles owners "
        "Court issue Visitor House balconies lift",
        "703bc0fb73e6778cb640357ae7672491",
        "1565a2cff202b9a307c8df589a8dcce24c32c388b7d86b5d3067723eaaaebb26",
    ),
    "lift-contract.docx": Golden(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "Maintenance Contract for the Lifts",
        "en",
        1,
        369,
        "Linden Court Owners' Association, contract no. 2024-07\n\nMain",
        "lift days company association Tallis price month contract Linden Faults euros telephone stands emergency "
        "persons Owners December January Court notice",
        "6cc779b4f34a75f1c55dc38fafa24d61",
        "32ab70b2eb04110630a4d20a13f8c5ddabadcc53d1a02e1509ab802e863716c7",
    ),
    "website.html": Golden(
        "text/html",
        "Linden Court: for residents",
        "en",
        1,
        241,
        "Linden Court: for residents\n\nOffice Waste Notices\n\nOffice ho",
        "waste January office Linden days Notices yard collected Thursday December April Court Quay stairwell "
        "emptied bulky emergencies Harbour Sundays Pine",
        "a530efe284d5abfe1fadb0e0cb3e8b1c",
        "bdef5b1830df10c738c958f99188d665a0326fba472376d58ca48cbac527aaab",
    ),
    "house-rules.pdf": Golden(
        "application/pdf",
        "House Rules of Linden Court",
        "en",
        4,
        1013,
        "House Rules of Linden Court\nEdition of 1 April 2025, adopted",
        "caretaker days rules Linden apartment hours booked moving guests parking waste permit Bicycles owners Court "
        "issue Visitor House balconies lift",
        "9ed4171d3e97f6a0bcc1da5d32855a78",
        "789074fdcdbe7bcd85e512e37e1a820896a634d7a7e0cd6aede5a596879144dd",
    ),
    "minutes-2026-05.md": Golden(
        "text/markdown",
        "Minutes of the owners' meeting, 21 May 2026",
        "en",
        1,
        341,
        "# Minutes of the owners' meeting, 21 May 2026\n\nLinden Court ",
        "euros abstention meeting Laurent roof monthly votes accounts Haddad offers Nowak metre apartments charging "
        "reserve contribution Type shares chair square",
        "042dd1f189ca07d291ee5149ddeae909",
        "c0bb62035006ad1fbea34a31b793d1b2d89e631c696e0c9673a169a86bfb9930",
    ),
    "move-in-guide.txt": Golden(
        "text/plain",
        "WELCOME TO LINDEN COURT",
        "en",
        1,
        323,
        "WELCOME TO LINDEN COURT\nA short guide for those who move in\n",
        "caretaker days parcels mailbox water door box fuse valve heating supplier electricity apartment lift "
        "administration floor main key LINDEN Meridian",
        "7d5fc72e099c56c4225e1733eca084ee",
        "5814f35d2a9ce5e5569873eb431eef025243f384d7014bfe7bab0d56ac75da2c",
    ),
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_the_record_of_a_sample(world: World, name: str) -> None:
    """The record of a sample says what a person who has read it would say."""
    data = (SAMPLES / name).read_bytes()
    world.uploads.put(ME, "d1", name, data)
    world.work()

    found, golden = world.document("d1"), GOLDEN[name]
    assert (found.status, found.file_name, found.file_size) == ("ready", name, len(data))
    assert found.stages == Stages(True, True, True, True)
    extracted = texts.stored(world.blobs, "me", found.live_in(world.index.name) or pytest.fail("it does not answer"))
    assert extracted
    assert found.preview == extracted.text.replace("\f", "")[:500].rstrip()
    assert (
        Golden(
            found.file_type,
            found.title,
            found.language,
            found.page_count,
            found.word_count,
            found.preview[: len(golden.begins)],
            " ".join(found.keywords),
            found.checksum_md5,
            found.checksum_sha256,
        )
        == golden
    )


def test_what_can_not_be_said_is_null(world: World) -> None:
    """A field that nobody can fill is null as it is sent, and empty as it is read."""
    world.put("d1", "12 34", name=".md")
    world.work()

    found = world.document("d1")
    data = data_of(found)
    assert data["s3Bucket"] is None
    said = {"title": "md", "description": None, "tags": (), "language": None, "pageCount": 1, "wordCount": 2}
    assert data["metadata"] == said
    assert data["searchableContent"] == {"preview": "12 34", "keywords": ()}
    assert (found.language, found.bucket, found.keywords) == ("", "", ())


YOUNGER = {"searchableContent", "s3Bucket", "inForceFrom", "inForceUntil", "supersedes", "supersededBy"}


def test_a_record_older_than_its_fields(world: World) -> None:
    """A record that was written before these fields were is read as one that says nothing in them."""
    world.put("d1", "The pool opens at nine.")
    world.work()
    item = world.table.get("DOCUMENT#d1", "DOCUMENT")
    assert item
    data = {name: value for name, value in item.data.items() if name not in YOUNGER}
    metadata = item.data["metadata"]
    assert isinstance(metadata, dict)
    data["metadata"] = {name: value for name, value in metadata.items() if name != "language"}
    world.table.put(Item(item.pk, item.sk, item.kind, data, item.keys), item.rev)

    found = Documents(world.table).get("d1")

    assert found
    assert (found.status, found.language, found.preview, found.keywords) == ("ready", "", "", ())


def test_the_longest_record_fits(world: World) -> None:
    """What is said of a text leaves room in a record, however long its title, its words and its characters are."""
    text = f"# {'長' * 5000}\n\n" + " ".join(f"{'𝔘' * 39}{chr(0x10400 + n)} " * 3 for n in range(40))
    world.put("d1", text, name="x" * 250 + ".md")
    world.work()

    found = world.document("d1")
    assert len(found.keywords) == 20
    assert len(repr(data_of(found)).encode()) < MAX_ITEM_BYTES / 4


def test_what_cannot_be_read_says_nothing(world: World) -> None:
    """Once a document cannot be read any more, its record no longer says what stood in it."""
    world.put("d1", "# Rules\nThe pool opens at nine in the morning, and closes at eight.", name="a.md")
    world.work()
    assert (world.document("d1").title, world.document("d1").language) == ("Rules", "en")
    world.uploads.put(ME, "d1", "a.md", b"caf\x00\xe9")
    world.work()

    found = world.document("d1")
    assert (found.title, found.language, found.preview, found.keywords) == ("", "", "", ())
    assert (found.word_count, found.page_count, found.file_size) == (0, 0, 5)


class Looking(HashEmbedder):
    """An embedder that is away, or dies, as often as it is told."""

    def __init__(self, *errors: BaseException) -> None:
        super().__init__()
        self.errors = list(errors)

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, None]:
        if self.errors and purpose == "document":
            raise self.errors.pop(0)
        return super().embed(passages, purpose)


def test_the_flags_follow_the_attempt(world: World) -> None:
    """Whoever looks in the middle sees which stages are done; no secondary key moves before the status does."""
    world.put("d1", "The pool opens at nine.")
    seen: dict[Stages, None] = {}
    keys: dict[str, None] = {}

    def look() -> None:
        item = world.table.get("DOCUMENT#d1", "DOCUMENT")
        if item and item.data["status"] == "processing":
            seen[world.document("d1").stages] = None
            keys[repr(item.keys)] = None

    world.work(world.ingestor(Fuse(look=look)))

    assert list(seen) == [Stages(), Stages(True), Stages(True, True), Stages(True, True, True)]
    assert len(keys) == 1
    assert world.document("d1").stages == Stages(True, True, True, True)


def test_the_flags_of_a_worker_that_died(world: World) -> None:
    """What a worker had done when it died is told until the next begins, which starts from nothing."""
    world.put("d1", "The pool opens at nine.")
    with pytest.raises(Killed):
        world.ingestor(embedder=Looking(Killed())).drain(world.queue)
    assert world.document("d1").status == "processing"
    assert world.document("d1").stages == Stages(True, True)

    world.clock.sleep(61)
    with pytest.raises(Killed):
        world.ingestor(Fuse(look=lambda: _stop_at(world, attempt=2))).drain(world.queue)
    assert world.document("d1").stages == Stages()
    world.work()
    assert world.document("d1").stages == Stages(True, True, True, True)


def _stop_at(world: World, attempt: int) -> None:
    job = world.ingestor()._jobs.get("d1", world.document("d1").job_id)
    if job and job.attempt == attempt:
        raise Killed


def test_an_error_message_lasts_as_long_as_its_attempt(world: World) -> None:
    """A failed attempt says why, the next begins without it, and so does a new version of a refused document."""
    world.uploads.put(ME, "d1", "a.md", b"caf\x00\xe9")
    world.work()
    assert world.document("d1").stages.error_message
    world.put("d1", "The pool opens at nine.")
    messages: dict[str, None] = {}
    reasons = set()

    def look() -> None:
        found = world.document("d1")
        if found.status == "processing":
            messages[found.stages.error_message] = None
            reasons.add(found.reason)

    away = Looking(Unavailable("The model is away."), RuntimeError("secret"))
    ingestor = world.ingestor(Fuse(look=look), away)
    ingestor.drain(world.queue)
    assert world.document("d1").stages == Stages(True, True, error_message="The model is away.")
    world.clock.sleep(61)
    ingestor.drain(world.queue)
    assert world.document("d1").stages.error_message == "Something went wrong that should not have."
    world.work(ingestor)

    assert list(messages) == ["", "The model is away.", "Something went wrong that should not have."]
    assert reasons == {None}
    assert world.document("d1").stages == Stages(True, True, True, True)


def test_a_change_that_is_not_meant_leaves_the_reason(world: World) -> None:
    """Bytes that a newer change speaks of leave the record as it was: an error with its reason and message."""
    world.uploads.put(ME, "d1", "a.md", b"caf\x00\xe9")
    world.work()
    before = world.document("d1")
    world.uploads.put(ME, "d1", "a.md", b"The pool opens at nine.")
    (newer,) = world.pending()

    world.ingestor().apply(replace(newer, etag="another's"))

    after = world.document("d1")
    assert (after.status, after.reason, after.stages) == ("error", before.reason, before.stages)


def test_an_edited_heading_costs_what_stands_under_it(world: World) -> None:
    """The first heading, by which a document without a title is called, is embedded with what stands under it only."""
    body = "\n\n".join(f"# Part {n}\n\n" + f"word{n} " * 100 for n in range(8))
    world.put("d1", body, name="a.md")
    world.work()
    bought = world.embedder.bought
    assert world.document("d1").title == "Part 0"

    world.put("d1", body.replace("Part 0", "Part nil"), name="a.md")
    world.work()

    assert world.document("d1").title == "Part nil"
    assert 1 <= world.embedder.bought - bought <= 2 < bought
