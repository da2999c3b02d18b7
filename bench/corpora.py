"""Labelled sets, uploaded through the product's own path into a fresh home."""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpus.keys import path_document_id
from corpus.model import Scope
from footnote.connect import Footnote, connect
from footnote.settings import Settings


def data_folder() -> Path:
    """Where the labelled sets lie: the first argument."""
    if len(sys.argv) < 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("Name the folder of the labelled sets (docs/benchmarks.md says which): make bench DATA=folder")
    return Path(sys.argv[1])


def jsonl(path: Path) -> list[dict[str, Any]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


@contextmanager
def ingested(rows: dict[str, bytes], user: str = "bench") -> Iterator[tuple[Footnote, Scope, dict[str, str]]]:
    """Open a fresh home with these files in it, by name; yields it with its asker and the names by documentId."""
    with tempfile.TemporaryDirectory() as home, connect(Settings.from_env(home=Path(home))) as footnote:
        scope = footnote.local_scope(user)
        names = {}
        for name, data in rows.items():
            document_id = path_document_id(user, name)
            names[document_id] = name
            footnote.uploads.put(scope, document_id, name, data)
        while footnote.ingestor.drain(footnote.queue):
            pass
        yield footnote, scope, names


def ranked_set(folder: Path) -> dict[str, bytes]:
    """A set of rows as files: the title in the first line, then the text."""
    rows = jsonl(folder / "corpus.jsonl.gz")
    return {f"{n:05}.txt": f"{row.get('title') or ''}\n{row['text']}".encode() for n, row in enumerate(rows)}
