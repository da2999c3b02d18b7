"""The measures, as pure functions of what is labelled and what was found; each is 0 at worst and 1 at best.

Gains are linear and discounts log2(rank + 1), as in trec_eval and BEIR. The measures over characters are those of
Chroma's "Evaluating Chunking Strategies for Retrieval" (Smith and Troynikov, 2024), cut off at k hits.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

Scores: TypeAlias = dict[str, float]
Place: TypeAlias = tuple[str, int, int]
"""A document's name, and the start and end of some characters in it."""
PagePlace: TypeAlias = tuple[str, int]
"""A document's name, and a page of it, counted from 1."""
Intervals: TypeAlias = list[tuple[int, int]]

CUTS = (1, 3, 5, 10)
_MARKS = re.compile(r"\s*\[\d+\]")
_ONE_BY_ONE = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Thai, Lao, Chinese, Japanese and Korean, whose words no blanks part."""
_WORD = re.compile(rf"[{_ONE_BY_ONE}]|[^\W_{_ONE_BY_ONE}]+")


def ranking(grades: Mapping[str, int], ranked: Sequence[str]) -> Scores:
    """Score a ranking of ids, best first; only the best place of each counts. At least one grade is above 0."""
    wanted = {name for name, grade in grades.items() if grade > 0}
    order = list(dict.fromkeys(ranked))
    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
    scores: Scores = {}
    for k in CUTS:
        found = len(wanted.intersection(order[:k]))
        scores[f"ndcg@{k}"] = _dcg([max(grades.get(name, 0), 0) for name in order[:k]]) / _dcg(ideal[:k])
        scores[f"recall@{k}"] = found / len(wanted)
        scores[f"hit@{k}"] = float(found > 0)
    scores["mrr@10"] = _reciprocal([name in wanted for name in order[:10]])
    return scores


def characters(wanted: Sequence[Place], found: Sequence[Place]) -> Scores:
    """Score the characters of the first k hits together against those wanted: recall, precision, and IoU.

    A character counts once, however often it was wanted or found.
    """
    gold = _by_document(wanted)
    size = sum(map(_length, gold.values()))
    scores: Scores = {}
    for k in CUTS:
        shown = _by_document(found[:k])
        common = sum(_common(gold[name], shown[name]) for name in gold.keys() & shown.keys())
        all_shown = sum(map(_length, shown.values()))
        scores[f"char_recall@{k}"] = common / size
        scores[f"char_precision@{k}"] = common / all_shown if all_shown else 0.0
        scores[f"iou@{k}"] = common / (size + all_shown - common)
    touches = [_common(gold.get(name, []), [(start, end)]) > 0 for name, start, end in found[:10]]
    return {**scores, "char_mrr@10": _reciprocal(touches)}


def pages(wanted: Iterable[PagePlace], found: Iterable[PagePlace]) -> Scores:
    """Score a ranking of pages, best first; only the best place of each counts."""
    scores = ranking(dict.fromkeys(_page_ids(wanted), 1), _page_ids(found))
    return {f"page_{name}": score for name, score in scores.items()}


def at_cuts(name: str, ranks: Sequence[int | None]) -> Scores:
    """Return which share of things has been met by rank k, where each was met at a rank from 1, or never."""
    return {f"{name}@{k}": sum(rank is not None and rank <= k for rank in ranks) / len(ranks) for k in CUTS}


def contains(answers: Sequence[str], text: str) -> bool:
    """Whether a text holds one of the answers, but for case, blanks and footnote marks, and not inside of a word."""
    where = plain(_MARKS.sub("", text))
    return any(re.search(_bounded(plain(one)), where) for one in answers)


def word_recall(gold: str, text: str) -> float:
    """Return which share of the different words of `gold` a text holds, but for case."""
    words = set(_WORD.findall(plain(gold)))
    return len(words.intersection(_WORD.findall(plain(_MARKS.sub("", text))))) / len(words) if words else 0.0


def auroc(above: Sequence[float], below: Sequence[float]) -> float:
    """Return how often one of `above` is greater than one of `below`, equal ones by half; .5 is chance.

    This is the Mann-Whitney statistic, and the area under the curve of whoever tells them apart by a threshold.
    """
    low = np.sort(np.asarray(below, float))
    less, not_greater = np.searchsorted(low, above, "left"), np.searchsorted(low, above, "right")
    return float((less + not_greater).sum() / (2 * len(above) * len(below)))


def plain(text: str) -> str:
    """Return a text in one case, with single blanks, and signs in one form (NFKC)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _page_ids(places: Iterable[PagePlace]) -> list[str]:
    return [f"{name}\0{page}" for name, page in places]


def _dcg(gains: Sequence[int]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


def _reciprocal(right: Sequence[bool]) -> float:
    return 1 / (right.index(True) + 1) if True in right else 0.0


def _bounded(words: str) -> str:
    """A pattern for words that do not go on at either end; where no blanks part words, ends say nothing."""
    letter = rf"[^\W_{_ONE_BY_ONE}]"
    first, last = (bool(re.fullmatch(letter, sign)) for sign in (words[:1], words[-1:]))
    return (f"(?<!{letter})" if first else "") + re.escape(words) + (f"(?!{letter})" if last else "")


def _by_document(places: Iterable[Place]) -> dict[str, Intervals]:
    """The characters of each document, as intervals that are in order and do not touch."""
    united: dict[str, Intervals] = {}
    for name, start, end in sorted(places):
        known = united.setdefault(name, [])
        if known and start <= known[-1][1]:
            known[-1] = (known[-1][0], max(known[-1][1], end))
        else:
            known.append((start, end))
    return united


def _length(intervals: Intervals) -> int:
    return sum(end - start for start, end in intervals)


def _common(one: Intervals, other: Intervals) -> int:
    return sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in one for b in other)
