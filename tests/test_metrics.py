from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footnote.evaluation import metrics
from footnote.evaluation.compare import paired

NAMES = st.sampled_from("abcdefghij")
PLACES = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(1, 20)).map(lambda x: (x[0], x[1], x[1] + x[2])),
    min_size=1,
    max_size=6,
)


def test_a_ranking_by_hand() -> None:
    """Grades 2 and 1 at ranks 3 and 1 give what pen and paper give."""
    scores = metrics.ranking({"a": 2, "b": 1, "c": 0}, ["b", "x", "a", "b"])

    assert scores["ndcg@1"] == 0.5
    assert scores["ndcg@5"] == pytest.approx((1 + 2 / 2) / (2 + 1 / math.log2(3)))
    assert (scores["recall@1"], scores["recall@3"], scores["hit@1"], scores["mrr@10"]) == (0.5, 1, 1, 1)
    assert metrics.ranking({"a": 1}, ["x"] * 3 + ["y", "a"])["mrr@10"] == pytest.approx(1 / 3)
    assert set(metrics.ranking({"a": 1}, []).values()) == {0.0}


@given(st.dictionaries(NAMES, st.integers(1, 3), min_size=1), st.lists(NAMES))
def test_no_ranking_is_better_than_the_ideal_one(grades: dict[str, int], ranked: list[str]) -> None:
    """Every measure lies between 0 and 1, and the order of the grades has the highest nDCG."""
    scores = metrics.ranking(grades, ranked)
    ideal = metrics.ranking(grades, sorted(grades, key=lambda name: -grades[name]))

    assert all(0 <= score <= 1 + 1e-12 for score in scores.values())
    assert all(ideal[f"ndcg@{k}"] == pytest.approx(1) for k in metrics.CUTS)
    assert (ideal["hit@1"], ideal["mrr@10"]) == (1, 1)


@given(st.dictionaries(NAMES, st.integers(1, 3), min_size=1), st.lists(NAMES, unique=True, min_size=2), st.data())
def test_a_better_document_further_up_does_no_harm(
    grades: dict[str, int], ranked: list[str], data: st.DataObject
) -> None:
    """Exchanging two neighbours so that the better one comes first lowers nothing."""
    at = data.draw(st.integers(0, len(ranked) - 2))
    better = list(ranked)
    better[at : at + 2] = sorted(better[at : at + 2], key=lambda name: -grades.get(name, 0))

    before, after = metrics.ranking(grades, ranked), metrics.ranking(grades, better)
    assert all(after[f"ndcg@{k}"] >= before[f"ndcg@{k}"] - 1e-12 for k in metrics.CUTS)


def test_characters_by_hand() -> None:
    """Two hits that overlap count once, and a hit in another document costs precision."""
    wanted = [("a", 10, 20), ("a", 15, 30), ("b", 0, 10)]
    scores = metrics.characters(wanted, [("a", 0, 15), ("a", 10, 20), ("c", 0, 70)])

    assert scores["char_recall@1"] == pytest.approx(5 / 30)
    assert scores["char_precision@1"] == pytest.approx(5 / 15)
    assert scores["iou@1"] == pytest.approx(5 / 40)
    assert scores["char_recall@3"] == pytest.approx(10 / 30)
    assert scores["char_precision@3"] == pytest.approx(10 / 90)
    assert scores["iou@3"] == pytest.approx(10 / 110)
    assert scores["char_mrr@10"] == 1
    assert metrics.characters(wanted, [("c", 0, 9), ("a", 30, 40), ("b", 9, 12)])["char_mrr@10"] == pytest.approx(1 / 3)


@given(PLACES, PLACES)
def test_characters_are_counted_as_sets(wanted: list[metrics.Place], found: list[metrics.Place]) -> None:
    """Recall, precision and IoU are those of the sets of characters, and what is wanted finds itself."""

    def signs(places: list[metrics.Place]) -> set[tuple[str, int]]:
        return {(name, at) for name, start, end in places for at in range(start, end)}

    scores = metrics.characters(wanted, found)
    for k in metrics.CUTS:
        gold, shown = signs(wanted), signs(found[:k])
        assert scores[f"char_recall@{k}"] == pytest.approx(len(gold & shown) / len(gold))
        assert scores[f"char_precision@{k}"] == pytest.approx(len(gold & shown) / len(shown))
        assert scores[f"iou@{k}"] == pytest.approx(len(gold & shown) / len(gold | shown))
    assert metrics.characters(wanted, wanted)["iou@10"] == 1


def test_pages_by_hand() -> None:
    """A page is right only in its own document, and its best place counts."""
    scores = metrics.pages([("a", 2), ("a", 3)], [("b", 2), ("a", 2), ("a", 2), ("a", 3)])

    assert (scores["page_hit@1"], scores["page_recall@3"], scores["page_mrr@10"]) == (0, 1, 0.5)
    assert scores["page_ndcg@3"] == pytest.approx((1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3)))
    assert metrics.at_cuts("quote_recall", [2, None])["quote_recall@3"] == 0.5


@pytest.mark.parametrize(
    ("answers", "text", "expected"),
    [
        (["80.00"], "Party room, per evening 80.00 on booking [1]", True),
        (["8"], "It opens at 18:00.", False),
        (["8:00"], "It opens at 18:00.", False),
        (["mill  LANE", "Quay"], "beside the yard\ngate on Mill\nLane.", True),
        (["5 euros"], "It costs 5 [1] euros.", True),
        (["梅雨"], "この梅雨は長い。", True),
        (["1922年"], "彼は1922年に生まれた。", True),
        (["922年"], "彼は1922年に生まれた。", False),
        (["JR"], "京都のJR線", True),
        (["ﬁre"], "In case of FIRE", True),
        (["§ 12"], "as in § 12, and § 3", True),
        (["no"], "The notice is north.", False),
    ],
)
def test_an_answer_holds_words_as_they_are(answers: list[str], text: str, expected: bool) -> None:
    """Case, blanks, forms of signs and footnote marks do not matter; the ends of words do, where words have ends."""
    assert metrics.contains(answers, text) is expected


def test_word_recall_by_hand() -> None:
    """Words count once, whatever their order, and where no blanks part words each sign is one."""
    assert metrics.word_recall("The pool, the POOL opens", "the pool is closed [1]") == pytest.approx(2 / 3)
    assert metrics.word_recall("梅雨前線", "前線") == 0.5


def test_auroc_by_hand() -> None:
    """Equal ones count by half."""
    assert metrics.auroc([3, 2], [1, 2]) == pytest.approx((1 + 1 + 1 + 0.5) / 4)


@given(st.lists(st.integers(-9, 9), min_size=1), st.lists(st.integers(-9, 9), min_size=1))
def test_auroc_is_the_share_of_pairs(above: list[int], below: list[int]) -> None:
    """It is what counting every pair gives."""
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in above for b in below]
    assert metrics.auroc(above, below) == pytest.approx(sum(pairs) / len(pairs))


def test_a_paired_test_knows_chance_from_change() -> None:
    """Twenty questions that all got worse are no chance, ten for and ten against are, and no difference is none."""
    low, high, p = paired(np.full(20, -0.1), [1])
    assert (low + high) / 2 == pytest.approx(-0.1)
    assert p < 0.001
    assert paired(np.array([0.1, -0.1] * 10), [1])[2] == 1
    assert paired(np.zeros(5), [1]) == (0, 0, 1)


def test_a_paired_test_is_exact_enough() -> None:
    """Of four questions that got worse alike, two of sixteen draws are as extreme: p is 1/8."""
    assert paired(np.array([-0.2, -0.2, -0.2, -0.2, 0.0]), [1])[2] == pytest.approx(1 / 8, abs=0.01)


@given(st.lists(st.floats(-1, 1).map(lambda x: round(x, 3)), min_size=2, max_size=12))
def test_turning_two_runs_round_turns_the_difference(values: list[float]) -> None:
    """The other way round, the same is as significant."""
    one, other = paired(np.array(values), [7]), paired(-np.array(values), [7])
    assert one[2] == other[2]
    assert one[0] == pytest.approx(-other[1], abs=1e-9)
