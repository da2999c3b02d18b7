"""The graphs of the index in SQLite: when they serve, what they leave out, and that they keep nobody waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpus.model import GenerationId, Legs
from corpus.scope import Where
from corpus.vectors.sqlite import SqliteIndex
from corpus.ways import Way
from tests.contracts.adapters import SPACE
from tests.contracts.test_index import ME, generation, legs, unit

SIZE = 60


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteIndex]:
    index = SqliteIndex(tmp_path / "footnote.db", SPACE, exact_below=50)
    yield index
    index.close()


def fill(index: SqliteIndex, start: int, end: int, reader: str = "user:me") -> None:
    for n in range(start, end):
        index.write(generation(f"d{n}", seed=1000 + 10 * n, readers=(reader,)))


def files(index: SqliteIndex) -> list[str]:
    return sorted(path.name for path in index._nearest.graphs._folder.glob("*.usearch*"))


def tended(index: SqliteIndex) -> SqliteIndex:
    index.tend(lambda: False)
    return index


def exactly(index: SqliteIndex, seed: int, where: Where = ME, k: int = 10) -> list[tuple[int, float]]:
    with index._database.read() as connection:
        return index._nearest.find(connection, unit(seed), k, where, exact=True)[0]


def test_a_graph_serves_many_chunks(index: SqliteIndex) -> None:
    """Up to the threshold every chunk is compared; above it the graph chooses, and finds what comparing finds."""
    fill(index, 0, 12)
    assert legs(tended(index)).way == Way(exact=48)
    assert files(index) == []
    fill(index, 12, SIZE)
    assert legs(index).way == Way(exact=4 * SIZE)

    assert legs(tended(index)).way == Way(graph=4 * SIZE)

    for seed in range(40):
        found = legs(index, seed=seed)
        assert [hit.score for hit in found.nearest] == [score for _, score in exactly(index, seed)]


def test_what_is_newer_is_compared(index: SqliteIndex) -> None:
    """A chunk written after the graph is found at once, beside the graph's, and the graph takes in a long tail."""
    fill(index, 0, SIZE)
    tended(index)
    index.write(replace(generation("new"), vectors=np.stack([unit(0)] * 4)))

    found = legs(index)

    assert (found.way, {hit.generation.document_id for hit in found.nearest[:4]}) == (Way(4 * SIZE, 4), {"new"})
    assert legs(tended(index)).way == Way(4 * SIZE, 4)
    fill(index, SIZE, SIZE + 10)
    assert legs(tended(index)).way == Way(4 * SIZE + 44, 0)
    assert {hit.generation.document_id for hit in legs(index).nearest[:4]} == {"new"}
    assert len(files(index)) == 1


def test_what_is_gone_is_left_out(index: SqliteIndex) -> None:
    """A removed chunk is never found, a stale graph is not used, and is built anew."""
    fill(index, 0, SIZE)
    tended(index)
    for n in range(6):
        assert f"d{n}" in {hit.generation.document_id for hit in legs(index, seed=1000 + 10 * n).nearest}
        index.prune(f"d{n}", None, "9")
        assert f"d{n}" not in {hit.generation.document_id for hit in legs(index, seed=1000 + 10 * n).nearest}
    found = legs(index, seed=1000)
    assert (found.way, len(found.nearest)) == (Way(graph=4 * SIZE), 10)
    assert not {hit.generation.document_id for hit in found.nearest} & {f"d{n}" for n in range(6)}

    index.prune("d6", None, "9")

    assert legs(index).way == Way(exact=4 * (SIZE - 7))
    assert [(one.kind, one.chunks, one.covered, one.fresh) for one in index.graphs()] == [("user", 212, 240, False)]
    assert legs(tended(index)).way == Way(graph=4 * (SIZE - 7))
    assert [(one.covered, one.fresh) for one in index.graphs()] == [(212, True)]
    for n in range(7, SIZE):
        index.prune(f"d{n}", None, "9")
    tended(index)
    assert (legs(index).nearest, files(index), index.graphs()) == ((), [], [])


def test_a_search_that_the_graph_leaves_short_compares(index: SqliteIndex) -> None:
    """What is left out, or a filter, never costs hits that there are: then every chunk that passes is compared."""
    fill(index, 0, SIZE)
    tended(index)
    near = index.legs(unit(0), (), 60, ME).nearest
    out = frozenset(hit.generation for hit in near[:40])

    found = index.legs(unit(0), (), 60, ME.leaving_out(out))

    assert (found.way, len(found.nearest)) == (Way(exact=4 * (SIZE - len(out))), 60)


def test_a_graph_is_a_reader_s_own(index: SqliteIndex) -> None:
    """Each reader's graph holds what that reader sees, and a chunk that two of the asker's readers see counts once."""
    fill(index, 0, 30)
    fill(index, 30, 60, "user:you")
    for n in range(60, 90):
        index.write(generation(f"d{n}", seed=1000 + 10 * n, readers=("user:me", "tenant:home")))
    tended(index)
    both = replace(ME, principals=frozenset({"user:me", "tenant:home"}))

    found = legs(index, where=both, k=30)

    assert len(files(index)) == 3
    assert found.way == Way(graph=240 + 120)
    assert len({hit.chunk_id for hit in found.nearest}) == 30
    assert not {hit.generation.document_id for hit in found.nearest} & {f"d{n}" for n in range(30, 60)}


def test_a_file_of_another_reader_leads_nowhere(index: SqliteIndex) -> None:
    """Whatever lies in a graph's file, a search finds only what the asker may read."""
    fill(index, 0, 20)
    fill(index, 20, 40, "user:you")
    tended(index)
    with index._database.write() as connection:
        files = dict(connection.execute("SELECT principal, file FROM graph").fetchall())
        connection.execute("UPDATE graph SET file = ? WHERE principal = 'user:me'", (files["user:you"],))

    found = legs(index, k=100)

    assert {hit.generation.document_id for hit in found.nearest} == {f"d{n}" for n in range(20)}


@pytest.mark.parametrize("left", [None, b"", b"usearch"])
def test_a_lost_file_costs_time_only(index: SqliteIndex, tmp_path: Path, left: bytes | None) -> None:
    """With a graph's file gone or damaged every chunk is compared, until the graph is built again."""
    fill(index, 0, SIZE)
    tended(index)
    for path in index._nearest.graphs._folder.glob("*.usearch"):
        path.unlink()  # not written over: this process has it mapped
        if left is not None:
            path.write_bytes(left)
    again = SqliteIndex(tmp_path / "footnote.db", SPACE, exact_below=50)

    assert legs(again).way == Way(exact=4 * SIZE)
    assert legs(tended(again)).way == Way(graph=4 * SIZE)
    again.close()


def test_readers_do_not_wait(index: SqliteIndex, tmp_path: Path) -> None:
    """While graphs are built, and chunks written, a reader goes on finding all there is."""
    fill(index, 0, SIZE)
    other, found = SqliteIndex(tmp_path / "footnote.db", SPACE, exact_below=50), list[Legs]()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            found.append(legs(other, k=1000, words=()))

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(3):
        fill(index, SIZE + 10 * n, SIZE + 10 * n + 10)
        tended(index)
    index.prune("d3", GenerationId("d3", "1", "r1"), "1")
    done.set()
    reader.join()

    sizes = [len(one.nearest) for one in found]
    assert sizes == sorted(sizes)
    assert set(sizes) <= set(range(4 * SIZE, 4 * (SIZE + 30) + 1, 4))
    other.close()


def test_building_stops_when_told(index: SqliteIndex) -> None:
    """A worker that is told to stop leaves nothing half done, and one that finds another at work leaves it alone."""
    fill(index, 0, SIZE)
    index.tend(lambda: True)
    assert files(index) == []
    assert [one.fresh for one in index.graphs()] == [False]
