"""What holds for the fusion of any two lists."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.model import GenerationId, Hit, Legs
from search.fuse import fuse, normalised


def hit(name: str, score: float, *, created_at: str = "", content: str = "") -> Hit:
    document, _, index = name.partition("#")
    return Hit(
        chunk_id=name,
        generation=GenerationId(document, "1", "r"),
        chunk_index=int(index or 0),
        start=0,
        end=1,
        content=content,
        page=1,
        end_page=1,
        file_name="",
        title="",
        section="",
        created_at=created_at,
        score=score,
    )


def ranked(near: dict[str, float], match: dict[str, float]) -> list[tuple[str, float]]:
    legs = Legs(tuple(hit(n, s) for n, s in near.items()), tuple(hit(n, s) for n, s in match.items()))
    return [(one.chunk_id, round(one.score, 6)) for one in fuse(legs)]


scores = st.dictionaries(
    st.sampled_from([f"{d}#{n}" for d in "abc" for n in range(4)]), st.floats(-10, 10).map(lambda x: round(x, 3))
)


def test_z_scores() -> None:
    """Three hits or more count by their z-scores; who is missing from a leg counts as its least."""
    near = {"a#0": 3.0, "b#0": 2.0, "c#0": 1.0}
    match = {"b#0": 30.0, "d#0": 20.0, "e#0": 10.0}
    z = (3 / 2) ** 0.5

    assert ranked(near, match) == [
        ("b#0", round(0.5 * z, 6)),
        ("a#0", 0.0),
        ("d#0", round(-0.5 * z, 6)),
        ("c#0", round(-z, 6)),
        ("e#0", round(-z, 6)),
    ]


def test_short_lists_are_stretched() -> None:
    """Two hits are stretched from 0 to 1, one is 1, and who is missing counts as 0."""
    assert ranked({"a#0": 0.9, "b#0": 0.3}, {}) == [("a#0", 0.5), ("b#0", 0.0)]
    assert ranked({"a#0": 0.9}, {"b#0": 7.0}) == [("a#0", 0.5), ("b#0", 0.5)]


def test_flat_lists_are_stretched() -> None:
    """Where scores hardly differ they are stretched, and where they are equal each is 1."""
    assert ranked({"a#0": 2.0, "b#0": 2.0, "c#0": 2.0}, {}) == [("a#0", 0.5), ("b#0", 0.5), ("c#0", 0.5)]
    flat = {"a#0": 1.0, "b#0": 1.0 + 1e-9, "c#0": 1.0}
    assert normalised(flat) == ({"a#0": 0.0, "b#0": 1.0, "c#0": 0.0}, 0.0)
    assert normalised({"a#0": 1.0, "b#0": 1.1, "c#0": 1.2})[1] < -1


def test_words_that_are_much_more_decided_count_for_more() -> None:
    """Where the best match stands out nearly twice as far as the nearest does, words count for .75 and not for half."""
    near = {f"a#{n}": float(n) for n in range(10)}
    match = {"b#0": 100.0, **{f"b#{n}": 1.0 for n in range(1, 10)}}
    stands_out, nearest = 3.0, 4.5 / (8.25**0.5)
    weight = 0.5 + 0.3 * (stands_out / nearest - 1.5) / 0.5

    assert ranked(near, match)[0] == ("b#0", round(weight * stands_out - (1 - weight) * nearest, 6))
    assert ranked(near, {name: -score for name, score in near.items()})[0][0] == "a#0"


def test_empty_lists() -> None:
    """Nothing and nothing is nothing."""
    assert ranked({}, {}) == []
    assert normalised({}) == ({}, 0.0)


def test_ties_go_by_document_and_place() -> None:
    """Equal scores are ranked by document and then by the chunk's place in it, as numbers."""
    names = ["b#0", "a#10", "a#2", "c#0"]
    assert [name for name, _ in ranked(dict.fromkeys(names, 1.0), {})] == ["a#2", "a#10", "b#0", "c#0"]


def test_of_two_copies_the_newer_stays() -> None:
    """Of two copies of a chunk, as a crash may leave, the newer one is kept, whichever leg found it."""
    old, new = (
        hit("a#0", 1.0, created_at="2026-01-01", content="old"),
        hit("a#0", 0.5, created_at="2026-02-01", content="new"),
    )

    for legs in (Legs((old, new), ()), Legs((new, old), ()), Legs((old,), (new,)), Legs((new,), (old,))):
        assert [one.content for one in fuse(legs)] == ["new"]


@given(scores, scores)
def test_every_hit_is_ranked_once(near: dict[str, float], match: dict[str, float]) -> None:
    """The fused list holds each chunk of either leg once, best first."""
    found = ranked(near, match)

    assert sorted(name for name, _ in found) == sorted({*near, *match})
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


@given(scores, scores, st.floats(0.5, 100).map(lambda x: round(x, 2)))
def test_a_legs_scale_does_not_matter(near: dict[str, float], match: dict[str, float], factor: float) -> None:
    """Multiplying a leg's scores changes no fused score but by rounding."""
    scaled = {name: score * factor for name, score in match.items()}
    before, after = dict(ranked(near, match)), dict(ranked(near, scaled))

    assert before == pytest.approx(after, abs=1e-3)


@given(scores, scores)
def test_the_order_of_arrival_does_not_matter(near: dict[str, float], match: dict[str, float]) -> None:
    """Shuffled lists give the same ranking."""
    legs = Legs(tuple(hit(n, s) for n, s in near.items()), tuple(hit(n, s) for n, s in match.items()))

    assert fuse(replace(legs, nearest=legs.nearest[::-1])) == fuse(legs)


@given(scores)
def test_one_leg_alone_keeps_its_order(near: dict[str, float]) -> None:
    """Where only one leg found anything, its ranking is the ranking."""
    found = [near[name] for name, _ in ranked(near, {})]

    assert found == sorted(found, reverse=True)
