from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from corpus.allowance import Allowance, midnight
from corpus.errors import FootnoteError, Forbidden, NotFound, QuotaExceeded, Unavailable
from corpus.keys import iso_time
from corpus.model import Document
from corpus.records.documents import Documents
from corpus.records.levels import ACTIONS, DEFAULTS, Levels
from corpus.records.recount import QUIET_SECONDS
from corpus.records.usage import KEPT_SECONDS, Usage, Used
from corpus.scope import ENDED, UNLIMITED, Scope
from tests.fakes import Clock, MemoryTable

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
ANN = Scope("ann", "linden", frozenset({"user:ann"}), frozenset({*ACTIONS, "admin"}), NOON, "basic")


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def allowance(clock: Clock) -> Allowance:
    return Allowance(MemoryTable(clock), clock)


@pytest.fixture
def limited(allowance: Allowance) -> Callable[..., None]:
    def limit(**limits: Any) -> None:
        levels = Levels(allowance.table)
        levels.put(replace(levels.get("basic"), **limits))

    return limit


def ask(allowance: Allowance, scope: Scope = ANN) -> None:
    with allowance.asking(scope, "ask"):
        pass


def keep(allowance: Allowance, name: str, size: int, error: FootnoteError | None = None) -> None:
    with allowance.uploading(ANN, name, size):
        if error:
            raise error


def used(allowance: Allowance) -> Used:
    return Usage(allowance.table).of("ann", allowance.clock())


def test_asks_of_a_day(allowance: Allowance, clock: Clock, limited: Callable[..., None]) -> None:
    """So many asks a day and no more; the refusal names limit and time, and at midnight in UTC they begin anew."""
    limited(max_asks_per_day=2)
    ask(allowance)
    ask(allowance)
    with pytest.raises(QuotaExceeded, match=r"basic allows 2 questions a day \(maxAsksPerDay\)") as refused:
        ask(allowance)
    assert (refused.value.counter, refused.value.retry_after) == ("asks", 12 * 3600)
    assert "from 2026-11-22T00:00:00.000Z on" in refused.value.hint
    with allowance.asking(ANN, "search"):  # searches are counted, and have no limit
        pass
    assert used(allowance) == Used(asks=2, searches=1)

    clock.now = NOON + 12 * 3600 - 0.5
    with pytest.raises(QuotaExceeded) as refused:
        ask(allowance)
    assert refused.value.retry_after == 0.5
    clock.sleep(0.5)
    ask(allowance)
    assert used(allowance) == Used(asks=1)


def test_the_days_are_kept_for_a_while(allowance: Allowance, clock: Clock) -> None:
    """What was asked on a day is known for forty days."""
    ask(allowance)
    clock.sleep(KEPT_SECONDS - 1)
    assert allowance.table.get("USER#ann", "USAGE#2026-11-21")
    clock.sleep(1)
    assert allowance.table.get("USER#ann", "USAGE#2026-11-21") is None


@pytest.mark.parametrize(("now", "then"), [(0, 86_400), (86_399.999, 86_400), (86_400, 172_800), (NOON, NOON + 43_200)])
def test_midnight(now: float, then: float) -> None:
    """The next day begins at the next multiple of a day, in UTC."""
    assert midnight(now) == then


def test_an_ask_that_fails_is_given_back(allowance: Allowance, clock: Clock) -> None:
    """An ask that comes to nothing counts nothing, even if it failed after midnight."""

    def fail() -> None:
        with allowance.asking(ANN, "ask"):
            assert used(allowance).asks == 1
            clock.sleep(13 * 3600)
            raise Unavailable("later")

    with pytest.raises(Unavailable):
        fail()
    assert used(allowance).asks == 0
    clock.now = NOON
    assert used(allowance).asks == 0


@pytest.mark.parametrize("ended", ENDED)
def test_an_ask_whose_right_ends_counts(allowance: Allowance, ended: type[FootnoteError]) -> None:
    """An ask that is refused while it is answered counts: who takes their own key back cannot read for nothing."""
    with pytest.raises(ended), allowance.asking(ANN, "ask"):
        raise ended("no more")
    assert used(allowance).asks == 1


def test_documents_and_bytes(allowance: Allowance, limited: Callable[..., None]) -> None:
    """Documents and bytes have limits of their own, each refusal says which, and what is refused is not counted."""
    limited(max_documents=2, max_bytes=100)
    keep(allowance, "d1", 60)
    with pytest.raises(QuotaExceeded, match=r"100 bytes of documents \(maxBytes\)") as refused:
        keep(allowance, "d2", 41)
    assert (refused.value.counter, refused.value.retry_after) == ("bytes", None)
    keep(allowance, "d2", 40)
    with pytest.raises(QuotaExceeded, match=r"2 documents \(maxDocuments\)") as refused:
        keep(allowance, "d3", 0)
    assert refused.value.counter == "documents"
    assert used(allowance) == Used(documents=2, bytes=100)


def test_room_that_a_crash_took(allowance: Allowance, clock: Clock, limited: Callable[..., None]) -> None:
    """What was counted of an upload that never came about is given back when it is missed after a quarter hour."""
    limited(max_documents=1, max_bytes=100)
    allowance.table.add("USER#ann", "USAGE#TOTAL", {"documents": 1, "bytes": 80}, {})
    for _ in range(2):
        with pytest.raises(QuotaExceeded):
            keep(allowance, "d1", 30)
        with pytest.raises(QuotaExceeded):
            allowance.expect(ANN, 30)
        clock.sleep(QUIET_SECONDS / 2 - 1)
    clock.sleep(2)
    allowance.expect(ANN, 30)
    keep(allowance, "d1", 30)
    assert Usage(allowance.table).of("ann", clock()) == Used(documents=1, bytes=30)


def test_documents_that_never_came_about(allowance: Allowance, clock: Clock, limited: Callable[..., None]) -> None:
    """What is counted of documents that there are not, or no longer, is given back when it is missed after a while."""
    limited(max_documents=4)
    documents = Documents(allowance.table)
    documents.put(Document("d1", "ann", "linden"))
    documents.put(Document("d2", "ann", "linden", deleted_at=iso_time(clock())))
    documents.put(Document("d3", "bob", "linden"))
    for name in ("d1", "d2", "d3"):
        keep(allowance, name, 10)
    with pytest.raises(Unavailable):  # the table went away before there was a record
        keep(allowance, "d4", 10, Unavailable("later"))
    with pytest.raises(QuotaExceeded):
        keep(allowance, "d5", 10)
    clock.sleep(QUIET_SECONDS + 1)
    keep(allowance, "d5", 10)
    assert Usage(allowance.table).of("ann", clock()) == Used(documents=2, bytes=20)


def test_a_document_counts_its_newest_bytes(allowance: Allowance, limited: Callable[..., None]) -> None:
    """A document that is uploaded anew counts once, with its newest bytes; one that is removed gives them back once."""
    limited(max_documents=1, max_bytes=100)
    for size in (60, 60, 100, 10):
        keep(allowance, "d1", size)
        assert used(allowance) == Used(documents=1, bytes=size)
    for _ in range(2):
        allowance.removed("ann", "d1")
        assert used(allowance) == Used()
    keep(allowance, "d2", 100)


def test_a_level_that_was_lowered(allowance: Allowance, limited: Callable[..., None]) -> None:
    """Whoever keeps more than their level allows by now may make it less, and not more."""
    keep(allowance, "d1", 60)
    keep(allowance, "d2", 60)
    limited(max_documents=1, max_bytes=50)
    keep(allowance, "d1", 55)
    with pytest.raises(QuotaExceeded):
        keep(allowance, "d1", 56)
    allowance.removed("ann", "d2")
    assert used(allowance) == Used(documents=1, bytes=55)


def test_an_upload_that_is_refused_is_not_counted(allowance: Allowance) -> None:
    """What is refused meanwhile counts what it did before; what may have happened is counted."""
    with pytest.raises(NotFound):
        keep(allowance, "d1", 60, NotFound("another's"))
    assert used(allowance) == Used()
    keep(allowance, "d1", 60)
    with pytest.raises(NotFound):
        keep(allowance, "d1", 99, NotFound("another's"))
    assert used(allowance) == Used(documents=1, bytes=60)
    with pytest.raises(Unavailable):
        keep(allowance, "d1", 99, Unavailable("did it arrive?"))
    assert used(allowance) == Used(documents=1, bytes=99)


def test_a_file_is_refused_before_it_is_sent(allowance: Allowance, limited: Callable[..., None]) -> None:
    """Whether there is room for one more document can be known without counting it."""
    limited(max_documents=2, max_bytes=100)
    keep(allowance, "d1", 60)
    allowance.expect(ANN, 40)
    for size, counter in ((41, "bytes"), (10**9, "bytes")):
        with pytest.raises(QuotaExceeded) as refused:
            allowance.expect(ANN, size)
        assert refused.value.counter == counter
    keep(allowance, "d2", 0)
    with pytest.raises(QuotaExceeded) as refused:
        allowance.expect(ANN, 1)
    assert refused.value.counter == "documents"
    assert used(allowance) == Used(documents=2, bytes=60)


def test_actions(allowance: Allowance, limited: Callable[..., None]) -> None:
    """An action needs both the level and what the asker signed in with; nothing of what is forbidden is counted."""
    limited(allowed_actions=frozenset({"search"}))
    refused: list[Callable[[], None]] = [
        lambda: ask(allowance),
        lambda: keep(allowance, "d1", 1),
        lambda: allowance.expect(ANN, 1),
    ]
    for act in refused:
        with pytest.raises(Forbidden, match="The service level basic does not allow"):
            act()
    with allowance.asking(ANN, "search"):
        pass
    narrow = replace(ANN, allowed_actions=frozenset({"ask"}))
    with (
        pytest.raises(Forbidden, match="What you signed in with does not allow 'search'"),
        allowance.asking(narrow, "search"),
    ):
        pass
    with pytest.raises(Forbidden, match="That is for administrators") as caught:
        allowance.allow(narrow, "admin")
    assert caught.value.hint.startswith("Ask one of them")
    assert allowance.allow(ANN, "admin").name == "basic"
    assert used(allowance) == Used(searches=1)


def test_a_person_of_an_unknown_level_may_do_nothing(allowance: Allowance) -> None:
    """A level that there is not allows nothing; who is given none has the least there is."""
    with pytest.raises(Forbidden, match="no service level 'gold'"):
        ask(allowance, replace(ANN, service_level="gold"))
    unsaid = Scope("ann", "linden", frozenset({"user:ann"}), frozenset(ACTIONS), NOON)
    assert allowance.level(unsaid) == DEFAULTS["basic"]


def test_whoever_owns_the_machine_has_no_limits(allowance: Allowance, limited: Callable[..., None]) -> None:
    """Of the owner of a machine nothing is counted and nothing refused, and no record is written."""
    limited(max_documents=0, max_bytes=0, max_asks_per_day=0, allowed_actions=frozenset())
    owner = replace(ANN, service_level=UNLIMITED)
    ask(allowance, owner)
    with allowance.uploading(owner, "d1", 10**12):
        pass
    allowance.expect(owner, 10**12)
    allowance.removed("ann", "d1")
    assert used(allowance) == Used()
    assert not allowance.table.query(0, "USER#ann").items
