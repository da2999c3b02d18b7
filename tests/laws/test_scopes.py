"""Whoever asks, in whatever building and at whatever time, finds what they may read, and nothing else."""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.model import Space
from corpus.vectors.sqlite import SqliteIndex
from tests.city import BUILDINGS, HORIZON, PEOPLE, WORDS, City, some_grant
from tests.fakes import Clock, MemoryIndex, MemoryTable

SPACE = Space("fake/words", 64)


def live(city: City, random: Random, papers: int) -> None:
    city.grants = [some_grant(random, number) for number in range(random.randrange(20))]
    for number in range(papers):
        city.put(random, f"d{number}")


@pytest.mark.parametrize("stale", [False, True], ids=["as it was indexed", "changed since"])
@given(st.randoms(use_true_random=False), st.sampled_from(PEOPLE), st.sampled_from(BUILDINGS), st.integers(0, HORIZON))
def test_nobody_finds_what_they_may_not_read(stale: bool, random: Random, person: str, building: str, now: int) -> None:
    """Hits are of papers the oracle allows; all such papers are found, unless who reads them has changed since."""
    city = City(MemoryTable(Clock()), MemoryIndex(SPACE))
    live(city, random, 12)
    if stale:
        for name in random.sample(list(city.documents), 6):
            city.change(random, name)

    hits = city.search(person, building, now, random.choice(WORDS), 100)

    assert city.foreign(person, building, now, hits) == []
    allowed = {name for name in city.documents if city.may_read(person, building, now, name)}
    found = {hit.generation.document_id for hit in hits}
    assert found == allowed or stale


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_the_embedded_index_keeps_to_it(random: Random) -> None:
    """The same over SQLite, for everybody in both buildings at several times, while rights change."""
    with TemporaryDirectory() as folder:
        index = SqliteIndex(Path(folder) / "footnote.db", SPACE, exact_below=random.choice((0, 10_000)))
        city = City(MemoryTable(Clock()), index)
        live(city, random, 10)
        index.tend(lambda: False)
        for person in random.sample(PEOPLE, 4):
            for building in BUILDINGS:
                now = random.randrange(HORIZON)
                hits = city.search(person, building, now, random.choice(WORDS), 50)
                assert city.foreign(person, building, now, hits) == []
            city.change(random, random.choice(city.there()))
        index.close()
