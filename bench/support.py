"""The thresholds below which nothing is answered, from a run over the questions of `product-docs`.

    footnote eval DATA/product-docs --out RUN.json
    python -m bench.support RUN.json [--write]

Each is the 5 % quantile over questions that can be answered: one in twenty of them is declined. What it lets through of
other sets' questions is what `footnote eval --foreign` says.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from footnote.evaluation import runs
from search.support import THRESHOLDS

QUANTILE = 0.05


def main() -> None:
    one = runs.read(Path(sys.argv[1])).sets["product-docs"]
    supports, coverages = [
        round(float(np.quantile(values, QUANTILE)), 3)
        for values in (one.answerable(), [each.signals["coverage"] for each in one.questions])
    ]
    print(f"Thresholds of `{one.space}`: support {supports:.3f}; coverage alone {coverages:.3f}.\n")
    if "--write" in sys.argv:
        known = json.loads(THRESHOLDS.read_text("utf-8"))
        known["support"][one.space] = supports
        known["coverage"]["any"] = coverages
        THRESHOLDS.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
