"""Measure the thresholds below which nothing is answered, and what they let through.

    python -m bench.support DATA [--write]

The threshold is the 5 % quantile of the support of the questions of `product-docs`, asked of `product-docs`: one in
twenty that could be answered is declined. The other sets' questions, asked of it, should all be.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from bench.corpora import data_folder, ingested, jsonl, ranked_set
from bench.timing import machine
from search.answer import CANDIDATES
from search.support import THRESHOLDS, Support, support

QUANTILE = 0.05
FOREIGN = ("pubmedqa", "codebase-chunks", "jsquad-ja")


def main() -> None:
    data = data_folder()
    with ingested(ranked_set(data / "product-docs")) as (footnote, scope, _):

        def measured(name: str) -> list[Support]:
            questions = [row["text"] for row in jsonl(data / name / "queries.jsonl")]
            found = [(one, footnote.search(scope, one, CANDIDATES)) for one in questions]
            return [support(one, hits.hits, hits.cosine) for one, hits in found]

        own = measured("product-docs")
        least = {
            "support": float(np.quantile([one.score for one in own], QUANTILE)),
            "coverage": float(np.quantile([one.coverage for one in own], QUANTILE)),
        }
        print(f"## Declining: `{footnote.embedder.space}`, asked of `product-docs` ({machine()})\n")
        print(f"Thresholds: support {least['support']:.3f}; coverage alone {least['coverage']:.3f}.\n")
        print("| questions of | asked | declined | declined by coverage alone | AUROC |\n|---|---|---|---|---|")
        for name in ("product-docs", *FOREIGN):
            found = own if name == "product-docs" else measured(name)
            declined = np.mean([one.score < least["support"] for one in found])
            alone = np.mean([one.coverage < least["coverage"] for one in found])
            above = "" if found is own else f"{np.mean([[a.score > b.score for b in found] for a in own]):.3f}"
            print(f"| `{name}` | {len(found)} | {declined:.1%} | {alone:.1%} | {above} |")
        print()
        if "--write" in sys.argv:
            known = json.loads(THRESHOLDS.read_text("utf-8"))
            known["support"][str(footnote.embedder.space)] = round(least["support"], 3)
            known["coverage"]["any"] = round(least["coverage"], 3)
            THRESHOLDS.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
