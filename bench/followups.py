"""How well rules understand follow-ups, against the questions that a person wrote out, in both halves of a set.

python -m bench.followups [--set sample_docs] [--documents DIR] [--home DIR] [--seen] [--each]

The set `product-docs` is about documents that do not lie here: `--documents` names their folder, which has them as
lines of `corpus.jsonl.gz`. With `--home` what was ingested stays. The rules were written with every other pair in
sight, beginning with the first; the others were kept unseen, and `--seen` leaves them so.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from footnote.evaluation.run import measure, settings_in
from footnote.evaluation.runs import QuestionRun
from footnote.evaluation.sets import LabelledSet, Question, read_set
from footnote.settings import Settings
from search.followups import by_rules

_T = TypeVar("_T")
AS_OF = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
WAYS = ("standalone", "rewritten", "as it is")
PAIRS = Path("tests/followups")
CUTS = (1, 5)


@dataclass(frozen=True, slots=True)
class Pair:
    """A follow-up, what is said to precede it, and what it means."""

    id: str
    kind: str
    after: tuple[str, str]
    question: str
    standalone: str

    @property
    def rewritten(self) -> str:
        """What the rules make of it."""
        return by_rules(self.question, [self.after])


def read_pairs(path: Path) -> list[Pair]:
    """Return the pairs of a file, in order."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [Pair(r["id"], r["kind"], (r["after"][0], r["said"]), r["question"], r["standalone"]) for r in rows]


def halves(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Return the pairs that the rules were written by, and those kept from whoever wrote them."""
    return {"seen": list(pairs[::2]), "unseen": list(pairs[1::2])}


def asked(labelled: LabelledSet, pairs: Sequence[Pair]) -> LabelledSet:
    """Return the set with each question asked in all ways."""
    by_id = {one.id: one for one in labelled.questions}

    def ways(pair: Pair) -> Iterator[Question]:
        for way, text in zip(WAYS, (pair.standalone, pair.rewritten, pair.question), strict=True):
            yield replace(by_id[pair.id], id=f"{pair.id}/{way}", text=text)

    return replace(labelled, questions=tuple(one for pair in pairs for one in ways(pair)))


def share(runs: dict[str, QuestionRun], pairs: Sequence[Pair], way: str, measured: str) -> float:
    """Return the mean of a measure over pairs, in percent."""
    found = [runs[f"{one.id}/{way}"].scores.get(measured, 0.0) for one in pairs]
    return 100 * sum(found) / len(found)


def quiet(_: str, items: Sequence[_T], /) -> Iterator[_T]:
    """Go through things and show nothing."""
    return iter(items)


def main(arguments: Sequence[str] | None = None) -> None:
    given = parsed(arguments)
    path = PAIRS / f"{given.set}.jsonl"
    shown = halves(read_pairs(path))
    if given.seen:
        shown.pop("unseen")
    documents = given.documents or Path(given.set)
    labelled = asked(read_set(path, documents), [one for half in shown.values() for one in half])
    with tempfile.TemporaryDirectory(prefix="footnote-followups-") as passing:
        ours = Settings.from_env()
        settings = settings_in(given.home or Path(passing), replace(ours, ocr=replace(ours.ocr, engine="off")))
        run = measure(settings, labelled, (), AS_OF, time.perf_counter, quiet)
    runs = {one.id: one for one in run.questions}
    what = "quote" if any("quote_recall@1" in one.scores for one in run.questions) else "document"
    measures = [f"{'quote_recall' if what == 'quote' else 'hit'}@{cut}" for cut in CUTS]
    print(f"Labels that stand nowhere: {run.unplaced or 'none'}\n")
    print(f"| half | pairs | asked as | {what} in the first hit | among five | answer cites it |")
    print("|---|---|---|---|---|---|")
    for name, half in shown.items():
        for way in WAYS:
            found = [share(runs, half, way, one) for one in (*measures, "right")]
            print(f"| {name} | {len(half)} | {way} | {' | '.join(f'{one:.1f} %' for one in found)} |")
    for name, half in shown.items():
        kept = [one for one in half if one.kind == "change"]
        same = sum(one.rewritten == one.standalone for one in kept)
        print(f"\nTopic changes, {name}: {same} of {len(kept)} stay as they are.")
    for pair in (one for half in shown.values() for one in half if given.each):
        told = ("/".join(f"{runs[f'{pair.id}/{way}'].scores[one]:.0f}" for way in WAYS) for one in (*measures, "right"))
        print(f"{' '.join(told)} {pair.id}: {pair.after[0]} + {pair.question} = {pair.rewritten}")


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.followups", description=__doc__.splitlines()[0])
    parser.add_argument("--set", default="sample_docs", choices=sorted(one.stem for one in PAIRS.glob("*.jsonl")))
    parser.add_argument("--documents", type=Path, help="the folder of the set's documents; one of its name without")
    parser.add_argument("--home", type=Path, help="where what was ingested stays")
    parser.add_argument("--seen", action="store_true", help="measure the seen half only")
    parser.add_argument("--each", action="store_true", help="show each pair")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
