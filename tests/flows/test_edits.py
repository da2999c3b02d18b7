from __future__ import annotations

import random

import pytest

from tests.pdfs import pdf
from tests.worlds import ME, World

FILLER = "The house pool garden lift stairs cellar owner guest week month fee rule quiet door key water roof wall"


def paragraph(rnd: random.Random) -> str:
    return " ".join(rnd.choices(FILLER.split(), k=rnd.randint(20, 90))).capitalize() + "."


@pytest.mark.parametrize("kind", ["txt", "pdf"])
def test_a_small_edit_costs_little(world: World, kind: str) -> None:
    """Editing one paragraph of a long document changes and embeds at most five chunks, and mostly one or two."""
    rnd = random.Random(7)  # noqa: S311 -- no secret
    pieces = [paragraph(rnd) for _ in range(300 if kind == "txt" else 45)]
    pages = [[paragraph(rnd) for _ in range(8)] for _ in range(40)]

    def made() -> bytes:
        return "\n\n".join(pieces).encode() if kind == "txt" else pdf(["\n".join(lines) for lines in pages])

    world.uploads.put(ME, "d1", f"long.{kind}", made())
    world.work()
    assert world.document("d1").live[world.index.name].chunk_count > 25
    costs = []
    for _ in range(9):
        if kind == "txt":
            pieces[rnd.randrange(len(pieces))] = paragraph(rnd)
        else:
            rnd.choice(pages)[rnd.randrange(8)] = paragraph(rnd)[:80]
        before = world.embedder.bought
        world.uploads.put(ME, "d1", f"long.{kind}", made())
        world.work()
        costs.append(world.embedder.bought - before)

    assert world.document("d1").status == "ready"
    assert max(costs) <= 5
    assert sorted(costs)[len(costs) // 2] <= 3
    assert min(costs) >= 1
