"""The index in SQLite beyond its contract: what it keeps in memory, and older files."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.model import GenerationId, Hit
from corpus.scope import Where
from corpus.vectors.sqlite import SqliteIndex
from corpus.vectors.sqlite.nearest import _Asked, _scanned
from corpus.vectors.sqlite.rows import Slab, best_of, cosines, halved, quantised, quantised_one
from tests.contracts.adapters import SPACE
from tests.contracts.test_index import ME, generation, ids, legs, unit

AGED = """
    ALTER TABLE generation ADD COLUMN embedding BLOB NOT NULL DEFAULT x'';
    DROP TABLE block; DROP TABLE half; DROP TABLE audience; DROP TABLE graph;
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "footnote.db"


@pytest.fixture
def index(path: Path) -> Iterator[SqliteIndex]:
    index = SqliteIndex(path, SPACE)
    yield index
    index.close()


def nearest(index: SqliteIndex, where: Where = ME, k: int = 100) -> tuple[Hit, ...]:
    return index.legs(unit(0), (), k, where).nearest


@given(seed=st.integers(0, 1000), rows=st.integers(1, 60), width=st.integers(1, 200), count=st.integers(1, 50))
def test_scores_of_bytes(seed: int, rows: int, width: int, count: int) -> None:
    """A quantised row's score is its cosine within what rounding can do, and a half's within 1e-3."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(rows, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = vectors[0]
    block, scales = quantised(vectors)
    query, scale = quantised(asked[None])

    scores, places = best_of(Slab(block, scales, np.arange(rows)), query, count)

    assert len(set(places.tolist())) == len(places) == min(count, rows)
    steps = float(scales.max() + scale[0]) / 2 * width**0.5  # each part is off by half a step at most
    np.testing.assert_allclose(scores * scale[0], (vectors @ asked)[places], atol=steps + 1e-6)
    np.testing.assert_allclose(cosines(halved(vectors), asked), vectors @ asked, atol=1e-3)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), width=st.integers(1, SPACE.dimensions), spread=st.floats(0.001, 1))
def test_what_is_not_scored_again_is_no_loss(seed: int, width: int, spread: float) -> None:
    """The nearest are those of all, scored by their halves, be vectors wide or sparse, far apart or close together."""
    random = np.random.default_rng(seed)
    vectors = np.zeros((40, SPACE.dimensions), np.float32)
    vectors[:, :width] = random.normal(size=width) + spread * random.normal(size=(40, width))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    (block, scales), (query, scale) = quantised(vectors), quantised_one(vectors[0])
    asked = _Asked(query, scale, 10, 40, None)

    found = _scanned(Slab(block, scales, np.arange(40), None, halved(vectors)), asked)

    best = np.sort(cosines(halved(vectors), vectors[0]))[-10:]
    assert found.halves is not None
    np.testing.assert_array_equal(np.sort(cosines(found.halves, vectors[0]))[-10:], best)


def test_rows_that_do_not_count_are_not_found() -> None:
    """Rows that are not alive are never among the best, be they few or many."""
    vectors = np.eye(8, dtype=np.float32)
    block, scales = quantised(vectors)
    for living in ([], [3], [0, 1, 2, 5, 6, 7]):
        alive = np.isin(np.arange(8), living)
        assert sorted(best_of(Slab(block, scales, np.arange(8), alive), block[:1], 8)[1].tolist()) == living


def test_an_older_file_is_brought_up(index: SqliteIndex, path: Path) -> None:
    """A file whose generations hold float32 vectors answers as before, without anything being ingested again."""
    one, other = generation("d1", title="Pool"), generation("d2", seed=9, readers=("user:me", "tenant:home"))
    for each in (one, other, generation("empty", texts=())):
        index.write(each)
    before = index.legs(unit(3), ("pool",), 10, ME)
    index.close()
    old = sqlite3.connect(path)
    old.executescript(AGED)
    for each in (one, other):
        old.execute("UPDATE generation SET embedding = ? WHERE documentId = ?", (each.vectors.tobytes(), each.id[0]))
    old.commit()
    old.close()

    for _ in range(2):
        again = SqliteIndex(path, SPACE)
        assert again.legs(unit(3), ("pool",), 10, ME) == before
        assert again.count(one.id) == 4
        again.prune("d2", None, "9")
        again.write(other)
        again.close()


def test_other_processes_writes_are_seen_at_once(index: SqliteIndex, path: Path) -> None:
    """What another wrote, replaced or removed is in the next search, however much is in memory already."""
    other = SqliteIndex(path, SPACE)
    for n in range(6):
        other.write(generation(f"d{n}", seed=10 * n))
        assert len(nearest(index)) == 4 * (n + 1)
    other.write(generation("d1", version="2", seed=70))
    other.prune("d1", GenerationId("d1", "2", "r1"), "2")
    assert sorted({hit.generation[:2] for hit in nearest(index)}) == [
        (f"d{n}", "2" if n == 1 else "1") for n in range(6)
    ]
    for n in range(5):
        other.prune(f"d{n}", None, "9")
    assert sorted(ids(nearest(index))) == [("d5", "1", n) for n in range(4)]
    other.write(generation("d6", seed=80))
    assert {hit.generation.document_id for hit in nearest(index)} == {"d5", "d6"}
    other.close()


def test_a_search_sees_the_state_it_began_with(index: SqliteIndex) -> None:
    """Rows that a younger search has put in memory, or buried, do not reach one that began before."""
    index.write(generation("d1"))
    index.write(generation("d2", seed=9))
    with index._database.read() as earlier:
        index._nearest.find(earlier, unit(0), 10, ME)
        other = SqliteIndex(index._database.path, SPACE)
        other._nearest = index._nearest
        other.write(generation("d3", seed=20))
        assert len(nearest(other)) == 12
        assert len(index._nearest.find(earlier, unit(0), 20, ME)[0]) == 8
        other.prune("d1", None, "9")
        assert len(nearest(other)) == 8
        assert len(index._nearest.find(earlier, unit(0), 20, ME)[0]) == 8
        other.close()
    assert {hit.generation.document_id for hit in nearest(index)} == {"d2", "d3"}


def test_memory_is_bounded(path: Path) -> None:
    """An index keeps what it may, reads the rest from the file each time, and finds the same."""
    row = SPACE.dimensions + 13
    for most in (0, 3 * row, 4 * row, 9 * row, 100 * row):
        index = SqliteIndex(path, SPACE, cache_bytes=most)
        index.write(generation("mine", seed=1))
        index.write(generation("ours", seed=9, readers=("tenant:home",)))
        where = replace(ME, principals=frozenset({"user:me", "tenant:home"}))
        for _ in range(3):
            assert len(legs(index, where=where, k=100).nearest) == 8
        held = index._nearest._audiences._held.values()
        assert sum(one.bytes for one in held) <= most
        index.close()


GRAPH_AND_MODEL = """
import sys
from pathlib import Path
import numpy as np
from corpus.vectors.sqlite import hnsw
graph = hnsw.empty(16)
hnsw.add(graph, np.arange(9), np.eye(9, 16, dtype=np.int8))
import onnxruntime
print(hnsw.search(graph, np.eye(1, 16, dtype=np.int8), 1)[1].tolist())
"""


def test_a_graph_and_the_embedder_bear_with_each_other() -> None:
    """A process that has used a graph can still load the local embedder's runtime."""
    done = subprocess.run([sys.executable, "-c", GRAPH_AND_MODEL], capture_output=True, text=True, check=False)

    assert (done.stdout.strip(), done.returncode) == ("[0]", 0), done.stderr
