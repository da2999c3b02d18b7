"""How fast chunks are embedded, against the same graph with the same windows in bare onnxruntime.

python -m bench.embedder DATA
"""

from __future__ import annotations

import numpy as np

from bench.corpora import data_folder
from bench.extraction import LIMITS
from bench.timing import HEAD, interleaved, machine, row
from corpus.embedders.local import BLOCK, LocalEmbedder, available_cores, weights
from corpus.embedders.local.minilm import MAX_PREFIX, WINDOW, batches, session, split
from corpus.embedders.local.wordpiece import WordPiece
from corpus.model import Passage
from footnote.settings import Settings
from ingest.chunk import chunk
from ingest.derived import Context, passage
from ingest.extract import Reader

CHUNKS = 128
ROUNDS = 5


def passages(count: int) -> list[Passage]:
    """Chunks of real filings, with their prefixes."""
    found: list[Passage] = []
    with Reader(LIMITS) as reader:
        for path in sorted((data_folder() / "sec-10q-pdf" / "docs").glob("*.pdf")):
            text = reader.read(path.read_bytes(), "application/pdf")
            context = Context("u", "t", path.name, "application/pdf", (), text.title, "")
            found += [passage(one, context) for one in chunk(text)[:16]]
    return found[:count]


def main() -> None:
    folder = Settings.from_env().model_dir
    texts = passages(CHUNKS)
    tensors, vocabulary = weights.load(folder)
    wordpiece = WordPiece(vocabulary)
    embedder, bare = LocalEmbedder(folder), session(tensors, available_cores())

    windows: list[list[np.ndarray[tuple[int, int], np.dtype[np.int64]]]] = []
    for start in range(0, len(texts), BLOCK):
        ids = []
        for one in texts[start : start + BLOCK]:
            head = wordpiece.ids(one.prefix)[:MAX_PREFIX]
            parts = split(wordpiece.ids(one.body), WINDOW - 2 - len(head))
            ids += [[wordpiece.start, *head, *part, wordpiece.end] for part in parts]
        windows.append([_padded([ids[n] for n in batch]) for batch in batches([len(one) for one in ids])])

    def run_bare() -> None:
        for block in windows:
            for ids in block:
                bare.run(["vectors"], {"ids": ids, "mask": (ids > 0).astype(np.int64)})

    ways = {"product": lambda: list(embedder.embed(texts, "document")), "bare": run_bare}
    for way in ways.values():
        way()
    taken = interleaved(ways, ROUNDS)
    print(f"## Embedding: {CHUNKS} chunks of filings, {available_cores()} cores ({machine()})\n\n{HEAD}")
    print(row("local embedder, chunks/s ÷ the same graph in bare onnxruntime", taken["bare"] / taken["product"], 0.9))
    count = sum(len(ids) for block in windows for ids in block)
    seconds = taken["product"]
    print(f"\n{CHUNKS / seconds:.1f} chunks/s, {count / seconds:.0f} windows of at most {WINDOW} pieces/s.\n")


def _padded(batch: list[list[int]]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    ids = np.zeros((len(batch), max(map(len, batch))), np.int64)
    for row_number, one in enumerate(batch):
        ids[row_number, : len(one)] = one
    return ids


if __name__ == "__main__":
    main()
