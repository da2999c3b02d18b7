from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from corpus.model import Passage, Purpose
from corpus.ports import Embedder
from corpus.prices import is_paid

if TYPE_CHECKING:
    from corpus.model import Matrix

PASSAGES = [
    Passage("House Rules › Pool", "The pool opens at nine and closes at eight."),
    Passage("", "Visitors may park for two nights."),
    Passage("House Rules", ""),
    Passage("", ""),
    Passage("Minutes", "lift " * 3000),
    Passage("", "東京都の条例 and \x00 \ud800 <|endoftext|> [SEP] 🏢"),
    Passage("x" * 500, "y" * 5000),
]


def rows(embedder: Embedder, passages: list[Passage], purpose: Purpose = "document") -> Matrix:
    return np.concatenate(list(embedder.embed(passages, purpose)))


def test_space(embedder: Embedder) -> None:
    """What makes its vectors comparable; the same for as long as they are."""
    assert embedder.space == embedder.space
    assert embedder.space.name
    assert embedder.space.dimensions == rows(embedder, PASSAGES[:1]).shape[1]


def test_rows(embedder: Embedder) -> None:
    """Yield blocks of rows as they are done: one row for each passage, in order, of unit length."""
    found = rows(embedder, PASSAGES * 3)

    assert found.shape == (3 * len(PASSAGES), embedder.space.dimensions)
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-3)
    assert found[: len(PASSAGES)] == pytest.approx(found[len(PASSAGES) : 2 * len(PASSAGES)], abs=1e-5)
    assert list(embedder.embed([], "document")) == []


def test_neighbours_do_not_matter(embedder: Embedder) -> None:
    """The same passage gets the same row, within 1e-5, whatever stands beside it."""
    together = rows(embedder, PASSAGES)

    for n, passage in enumerate(PASSAGES):
        assert rows(embedder, [passage])[0] == pytest.approx(together[n], abs=1e-5)


def test_any_length(embedder: Embedder) -> None:
    """A passage of any length, empty ones too, gets a row."""
    found = rows(embedder, [Passage("", "word " * n) for n in (0, 1, 100, 127, 128, 129, 1000)])

    assert len(found) == 7
    assert np.isfinite(found).all()


def test_a_sign_of_life(embedder: Embedder) -> None:
    """Documents may yield blocks without a row besides: they say that the work goes on; a query yields one block."""
    (block,) = embedder.embed(PASSAGES[:1], "query")
    blocks = list(embedder.embed(PASSAGES, "document"))

    assert block.shape == (1, embedder.space.dimensions)
    assert all(one.shape[1:] == (embedder.space.dimensions,) for one in blocks)
    assert sum(map(len, blocks)) == len(PASSAGES)


def test_stopping_in_the_middle(embedder: Embedder) -> None:
    """Closing it in the middle ends the work, and leaves nothing running."""
    before = {one.name for one in threading.enumerate()}
    blocks = embedder.embed(PASSAGES * 100, "document")
    next(blocks)
    blocks.close()

    assert not {name for name in {one.name for one in threading.enumerate()} - before if name.startswith("embed")}
    assert len(rows(embedder, PASSAGES)) == len(PASSAGES)


def test_what_is_paid_for(embedder: Embedder) -> None:
    """Where somebody is to be paid, it returns the tokens that were embedded."""
    blocks, told = embedder.embed(PASSAGES, "document"), None
    try:
        while True:
            next(blocks)
    except StopIteration as ended:
        told = ended.value

    assert (told is not None) == is_paid(embedder.space.name)
    assert told is None or (told.embedded > len(PASSAGES) and not told.written)


def test_near_texts_are_near(embedder: Embedder) -> None:
    """A question is nearer to the passage that answers it than to the others."""
    texts = ["The pool opens at nine.", "Visitors may park for two nights.", "The lift was repaired in March."]
    question = rows(embedder, [Passage("", "When does the pool open?")], "query")[0]

    assert int(np.argmax(rows(embedder, [Passage("", text) for text in texts]) @ question)) == 0
