"""The embedder that needs no key and no service: MiniLM beside hashed words, 1536 dimensions.

A vector is `l2norm([sqrt(.7) · MiniLM(384), sqrt(.3) · hashed words(1152)])`, so the cosine of two is .7 times the
cosine of their meaning plus .3 times that of their words.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from corpus import words
from corpus.embedders.local import hashed, minilm, weights
from corpus.embedders.local.hashed import HashedWords
from corpus.embedders.local.minilm import MiniLM
from corpus.embedders.local.wordpiece import WordPiece
from corpus.model import Passage, Purpose, Space

if TYPE_CHECKING:
    from corpus.model import Matrix

MEANING_SHARE = 0.7
BLOCK = 16
"""Passages embedded between two reports of progress: about a second's work."""


class LocalEmbedder:
    """An `Embedder` over the model's files in a folder; raises `ConfigError` if they are not there.

    Questions take turns: each has all cores, and many at once would only take them from one another. Documents wait for
    no turn, nor does a question wait for a document's.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        tensors, vocabulary = weights.load(folder)
        self._minilm = MiniLM(tensors, WordPiece(vocabulary), threads or available_cores())
        self._hashed = HashedWords(vocabulary)
        self._turn = threading.Lock()

    @property
    def space(self) -> Space:
        return SPACE

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, None]:
        for start in range(0, len(passages), BLOCK):
            block = passages[start : start + BLOCK]
            with self._turn if purpose == "query" else nullcontext():
                meaning = self._minilm.rows([(one.prefix, one.body) for one in block])
            shared = self._hashed.rows([f"{one.prefix}\n{one.body}" for one in block])
            parts = [meaning * np.float32(MEANING_SHARE**0.5), shared * np.float32((1 - MEANING_SHARE) ** 0.5)]
            yield minilm.unit(np.concatenate(parts, axis=1))


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


SPACE = Space(f"local/minilm-l6-v2+{words.NAME}+{hashed.NAME}", minilm.DIMENSIONS + hashed.DIMENSIONS)
