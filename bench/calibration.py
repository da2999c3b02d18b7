"""Measure what support a question needs to be answered, and how many foreign ones are declined then.

    python -m bench.calibration DATA [HOMES] [--write]

Each set is ingested into a home of its own, below HOMES if that is named, where it is found again the next time. Each
is asked its own questions, which can be answered, and those of every other set, which cannot; `sample_docs`, in its own
home, those of `bench/sample_questions.jsonl`, which say which. A logistic function of the signals is fitted to all; its
threshold is the highest at which no text set loses more than one in twenty of its own. With `--write` it becomes the
product's.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from bench.corpora import data_folder, jsonl
from bench.timing import machine
from corpus.keys import path_document_id
from corpus.records.documents import Listing
from footnote.connect import connect
from footnote.evaluation.sets import LabelledSet, read_set
from footnote.settings import Settings
from search.answer import CANDIDATES
from search.support import ANY, THRESHOLDS, Support, support

TEXT_SETS = ("product-docs", "codebase-chunks", "pubmedqa", "jsquad-ja", "chunking-spans")
ALL_SETS = (*TEXT_SETS, "sec-10q-pdf")
SAMPLES, FOREIGN = "sample_docs", "foreign"
SAMPLES_SHARE = 0.3
"""What the few questions of the samples weigh, against 1 for a set's own."""
MOST_LOST = 0.05
QUESTIONS = 100
ROOT = Path(__file__).parent.parent
SIGNALS: tuple[str, ...] = Support.__slots__
RIDGE = 1e-3
Asked = Mapping[tuple[str, str], list[Support]]
Weights = dict[str, float]


def main() -> None:
    data = data_folder()
    write = "--write" in sys.argv
    named = [one for one in sys.argv[2:] if not one.startswith("--")]
    with tempfile.TemporaryDirectory() as scratch:
        homes = Path(named[0]) if named else Path(scratch)
        asked: dict[tuple[str, str], list[Support]] = {}
        space = ""
        for name in (*ALL_SETS, SAMPLES):
            space, found = measured(data, name, homes / name)
            asked |= found
    learnt = {space: fitted(asked, SIGNALS), ANY: fitted(asked, tuple(one for one in SIGNALS if one != "cosine"))}
    for name, weights in learnt.items():
        report(name, weights, asked)
    if write:
        THRESHOLDS.write_text(json.dumps(learnt, indent=1) + "\n", "utf-8")


def measured(data: Path, name: str, home: Path) -> tuple[str, dict[tuple[str, str], list[Support]]]:
    """Return the space, and the support that every set's questions have in one set, by (asked set, questions' set)."""
    found: dict[tuple[str, str], list[Support]] = {}
    with connect(Settings.from_env({"FOOTNOTE_OCR": "off"}, home=home)) as footnote:
        scope = footnote.local_scope("bench")
        if not footnote.documents.listed(scope, Listing(), 1)[0]:
            for file, text in files(data, name).items():
                footnote.uploads.put(scope, path_document_id("bench", file), file, text)
            while footnote.ingestor.drain(footnote.queue):
                pass
        for other in (SAMPLES, FOREIGN) if name == SAMPLES else ALL_SETS:
            hits = [(one, footnote.search(scope, one, CANDIDATES)) for one in questions(data, other)]
            found[name, other] = [support(one, hit.hits, hit.cosine, hit.counted) for one, hit in hits]
        return str(footnote.embedder.space), found


def files(data: Path, name: str) -> Mapping[str, bytes]:
    """The documents of a set, by name."""
    if name == SAMPLES:
        return {path.name: path.read_bytes() for path in sorted((ROOT / SAMPLES).glob("[!.]*"))}
    return labelled(data / name).files


@lru_cache(maxsize=1)
def labelled(path: Path) -> LabelledSet:
    return read_set(path)


def questions(data: Path, name: str) -> list[str]:
    """A sample of a set's questions, the same each time."""
    if name in {SAMPLES, FOREIGN}:
        rows = jsonl(ROOT / "bench" / "sample_questions.jsonl")
        return [str(row["text"]) for row in rows if row["answerable"] == (name == SAMPLES)]
    found = [one.text for one in labelled(data / name).questions]
    random.Random(7).shuffle(found)  # noqa: S311 -- a sample, and no secret
    return found[:QUESTIONS]


def fitted(asked: Asked, signals: tuple[str, ...]) -> Weights:
    """Return a logistic function of some signals, 0 where the text set that loses most loses what it may.

    By Newton's method. A set's own questions and all foreign ones together weigh the same.
    """
    pairs = [*itertools.product(TEXT_SETS, TEXT_SETS), (SAMPLES, SAMPLES), (SAMPLES, FOREIGN)]
    rows = np.vstack([_rows(asked[pair], signals) for pair in pairs])
    own = np.concatenate([np.full(len(asked[pair]), float(pair[0] == pair[1])) for pair in pairs])
    weight = np.concatenate([np.full(len(asked[pair]), 100 * _share(pair) / len(asked[pair])) for pair in pairs])
    sides, beta = np.column_stack([rows, np.ones(len(rows))]), np.zeros(len(signals) + 1)
    for _ in range(60):
        chance = 1 / (1 + np.exp(-sides @ beta))
        slope = sides.T @ (weight * (chance - own)) + RIDGE * beta
        bend = (sides * (weight * chance * (1 - chance) + 1e-9)[:, None]).T @ sides + RIDGE * np.eye(len(beta))
        beta -= np.linalg.solve(bend, slope)
    least = min(np.quantile(_rows(asked[name, name], signals) @ beta[:-1], MOST_LOST) for name in TEXT_SETS)
    found = dict.fromkeys(SIGNALS, 0.0) | dict(zip(signals, map(float, beta[:-1]), strict=True))
    return {name: round(one, 4) for name, one in (found | {"bias": -float(least)}).items()}


def _share(pair: tuple[str, str]) -> float:
    """What the questions of a pair weigh together."""
    if SAMPLES in pair:
        return SAMPLES_SHARE
    return 1.0 if pair[0] == pair[1] else 1 / (len(TEXT_SETS) - 1)


def _rows(found: list[Support], signals: tuple[str, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([[getattr(one, name) for name in signals] for one in found])


def report(name: str, weights: Weights, asked: Asked) -> None:
    """Print how many questions of each set are declined by each, and the curve between lost and declined."""

    def scores(pair: tuple[str, str]) -> list[float]:
        return [weights["bias"] + sum(weights[one] * getattr(found, one) for one in SIGNALS) for found in asked[pair]]

    print(f"\n## Declining: `{name}` ({machine()})\n\n{weights}\n")
    print("| asked of | " + " | ".join(ALL_SETS) + " |\n" + "|---" * (len(ALL_SETS) + 1) + "|")
    for corpus in ALL_SETS:
        cells = [np.mean(np.array(scores((corpus, other))) < 0) for other in ALL_SETS]
        told = [
            f"*lost {cell:.1%}*" if other == corpus else f"{cell:.1%}"
            for cell, other in zip(cells, ALL_SETS, strict=True)
        ]
        print(f"| `{corpus}` | " + " | ".join(told) + " |")
    lost, declined = (np.mean(np.array(scores((SAMPLES, one))) < 0) for one in (SAMPLES, FOREIGN))
    print(f"\n`sample_docs`: lost {lost:.1%}, foreign questions declined {declined:.1%}.")
    own = np.concatenate([scores((one, one)) for one in TEXT_SETS])
    foreign = np.concatenate([scores(pair) for pair in itertools.permutations(TEXT_SETS, 2)])
    print("\n| lost, of all text sets | declined |\n|---|---|")
    for share in (0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15):
        print(f"| {share:.0%} | {np.mean(foreign < np.quantile(own, share)):.1%} |")


if __name__ == "__main__":
    main()
