from __future__ import annotations

import pytest

from corpus.model import Hit, Passage
from corpus.words import tokens
from tests.docx import HIDDEN, VISIBLE, everywhere
from tests.worlds import ME, World


def matching(world: World, word: str) -> tuple[Hit, ...]:
    """What has the word, as the index finds it."""
    (vector,) = next(world.embedder.embed([Passage("", word)], "query"))
    return world.index.legs(vector, tokens(word), 10, ME.where()).matching


@pytest.mark.parametrize("strict", [False, True])
def test_every_visible_word_of_a_docx_is_found(world: World, *, strict: bool) -> None:
    """What a reader sees anywhere in a Word document is found by a search for it; what no reader sees is not stored."""
    world.put("other", "\n\n".join(f"Paragraph {n} about the pool, the garden and the lift." for n in range(50)))
    world.uploads.put(ME, "d1", "rules.docx", everywhere(strict=strict))
    world.work()

    assert world.document("d1").status == "ready"
    assert set(world.document("d1").coverage.flags) == {"comments-left-out", "embedded-documents-left-out"}
    for word in VISIBLE:
        assert [word in hit.content for hit in matching(world, word)] == [True], word
        assert word in "".join(hit.content for hit in world.retriever.search(ME, word, 10).hits)
    for word in HIDDEN:
        assert matching(world, word) == ()
