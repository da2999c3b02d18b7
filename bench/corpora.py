"""Where the documents of the benches lie, and files of JSON lines among them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def data_folder() -> Path:
    """Where the labelled sets lie: the first argument."""
    if len(sys.argv) < 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("Name the folder of the labelled sets (docs/benchmarks.md says which): make bench DATA=folder")
    return Path(sys.argv[1])


def jsonl(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]
