from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.scope import Scope
from footnote.connect import Footnote, connect
from footnote.settings import Settings

ROOMS = ("party room", "guest flat", "workshop", "bicycle cellar", "roof terrace", "sauna", "laundry", "meeting room")
THINGS = (
    "per evening",
    "per day",
    "per week",
    "per month",
    "deposit",
    "cleaning",
    "late return",
    "lost key",
    "heating",
)
ROWS = [(f"{room.capitalize()}, {thing}", room, thing) for room in ROOMS for thing in THINGS]
ROWS += [(f"Storage space {n}", f"storage space {n}", "rent") for n in range(1, 129)]
FEES = {name: f"{12 + 7 * number % 480}.{number % 20 * 5:02}" for number, (name, _, _) in enumerate(ROWS)}


@pytest.fixture(scope="module")
def fees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Footnote, Scope]]:
    """A list of 200 fees among other documents, ingested as they would be."""
    rows = "\n".join(f"| {name} | {fee} | on booking |" for name, fee in FEES.items())
    table = f"# Fees of the house\n\nAll amounts are in euros.\n\n| Item | Amount due | When |\n|---|---|---|\n{rows}\n"
    with connect(Settings.from_env({}, home=tmp_path_factory.mktemp("home"))) as footnote:
        scope = footnote.local_scope("me")
        footnote.uploads.put(scope, "fees", "fees.md", table.encode())
        for path in (Path(__file__).parent.parent.parent / "sample_docs").glob("[a-z]*.*"):
            footnote.uploads.put(scope, path.stem, path.name, path.read_bytes())
        while footnote.ingestor.drain(footnote.queue):
            pass
        yield footnote, scope


def test_a_row_is_found(fees: tuple[Footnote, Scope]) -> None:
    """A question about one row of a table of 200 finds that row among the first three hits, with the table's header.

    Four of the 200 come fourth: their numbers are also the cents of many amounts.
    """
    footnote, scope = fees
    lost = []
    for name, room, thing in ROWS:
        hits = footnote.search(scope, f"What is the amount due for {room}, {thing}?", 3).hits
        found = [hit for hit in hits if f"| {name} | {FEES[name]} |" in hit.content]
        assert all("Amount due" in hit.header + hit.content for hit in found)
        if not found:
            lost.append(name)

    assert len(lost) <= 4
    assert all(name.startswith("Storage space") for name in lost)


def test_an_answer_quotes_the_row(fees: tuple[Footnote, Scope]) -> None:
    """An answer from a table is the row that was asked for, whole."""
    footnote, scope = fees

    answer = footnote.ask(scope, "What is the amount due for a lost key of the sauna?")

    assert f"| Sauna, lost key | {FEES['Sauna, lost key']} | on booking |" in [one.quote for one in answer.citations]
