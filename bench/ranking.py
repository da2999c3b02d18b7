"""How long the ranking of a search's best hits takes, when their texts were found before, and when they were not.

    footnote eval SET --home HOME
    python -m bench.ranking HOME/SET SET/queries.jsonl

The first fills a home with a labelled set; the questions are those of the set. Times are of the processor.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from bench.timing import HEAD, machine, row
from corpus.model import Document, Hit
from corpus.words import Asked
from footnote.connect import connect
from footnote.evaluation.run import USER
from footnote.settings import Settings
from search import rerank, retrieve

QUESTIONS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("queries", type=Path)
    given = parser.parse_args()
    with given.queries.open(encoding="utf-8") as lines:
        questions = [str(json.loads(line)["text"]) for line in islice(lines, QUESTIONS)]
    taken: list[float] = []

    def timed(asked: Asked, hits: Sequence[Hit], documents: Mapping[str, Document]) -> list[Hit]:
        begun = time.thread_time()
        ranked = rerank.reranked(asked, hits, documents)
        taken.append(1000 * (time.thread_time() - begun))
        return ranked

    vars(retrieve)["reranked"] = timed
    with connect(Settings.from_env({"FOOTNOTE_OCR": "off"}, home=given.home)) as footnote:
        scope = footnote.local_scope(USER)

        def median(before: Callable[[], object]) -> float:
            taken.clear()
            for question in questions:
                before()
                footnote.search(scope, question)
            return statistics.median(taken)

        never = median(rerank.words_kept.cache_clear)
        rerank.words_kept.cache_clear()
        first, again = median(int), median(int)
    print(f"\n## Ranking 40 hits of {given.home.name} ({machine()})\n\n{HEAD}")
    print(row("texts that nobody found before, p50 ms", never, None))
    print(row(f"{len(questions)} questions for the first time, p50 ms", first, None))
    print(row("the same questions again, p50 ms", again, None))


if __name__ == "__main__":
    main()
