"""The words of a text, hashed into 1152 dimensions: what MiniLM cannot know, codes, names and rare words.

A feature is a word of `corpus.words`, a pair of neighbours, or four characters of a word; it adds its weight, with a
sign, at a place its CRC-32 decides. Weights need no statistics of any corpus: the model's vocabulary is sorted by
frequency, so the logarithm of a word's rank in it stands for its idf, and frequency within the text saturates as in
BM25.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from corpus import words
from corpus.embedders.local.minilm import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from corpus.model import Matrix

DIMENSIONS = 1152
NAME = "hashed-1"
PAIR_WEIGHT = 0.3
GRAM_WEIGHT = 0.35
GRAM = 4
SATURATION = 1.2
SPREAD = 2654435761
"""Knuth's multiplicative hash: neighbouring CRCs come to lie far apart."""


class _Features(NamedTuple):
    """Where a word's own features lie, and what they add."""

    places: NDArray[np.int64]
    weights: NDArray[np.float32]


class HashedWords:
    """Rows of hashed words, weighed by a vocabulary that is sorted by frequency."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        first = vocabulary.index("the")
        ranks: dict[str, int] = {}
        for rank, piece in enumerate(vocabulary[first:], 1):
            for word in words.tokens(piece) if piece.isalnum() else ():
                ranks.setdefault(word, rank)
        self._ranks = ranks
        self._rarest = len(vocabulary) - first + 1
        self._features = lru_cache(maxsize=200_000)(self._of_word)

    def rows(self, texts: Sequence[str]) -> Matrix:
        """Return one unit row for each text; a text without a word gets zeros."""
        found = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(found, texts, strict=True):
            tokens = words.tokens(text)
            if tokens:
                row[:] = self._row(tokens)
        return unit(found)

    def _row(self, tokens: list[str]) -> NDArray[np.float64]:
        counts = Counter(tokens)
        pairs = Counter(pairwise(tokens))
        features = [self._features(word) for word in counts]
        places = [one.places for one in features]
        weights = [one.weights * saturated(count) for one, count in zip(features, counts.values(), strict=True)]
        if pairs:
            at = [_place(f"{one} {two}") for one, two in pairs]
            places.append(np.array([abs(one) - 1 for one in at]))
            weights.append(
                np.array(
                    [
                        math.copysign(PAIR_WEIGHT * self._rarity(*pair) * saturated(count), place)
                        for place, (pair, count) in zip(at, pairs.items(), strict=True)
                    ],
                    np.float32,
                )
            )
        return np.bincount(np.concatenate(places), np.concatenate(weights), DIMENSIONS).astype(np.float64)

    def _rarity(self, *tokens: str) -> float:
        """The mean over words of log(1 + rank), which stands for the idf."""
        return sum(math.log1p(self._ranks.get(one, self._rarest)) for one in tokens) / len(tokens)

    def _of_word(self, word: str) -> _Features:
        padded = f"<{word}>"
        grams = [padded[i : i + GRAM] for i in range(max(1, len(padded) - GRAM + 1))]
        at = [_place(word), *(_place(f"#{gram}") for gram in grams)]
        shares = [1.0, *([GRAM_WEIGHT / math.sqrt(len(grams))] * len(grams))]
        rarity = self._rarity(word)
        weights = [math.copysign(share * rarity, place) for share, place in zip(shares, at, strict=True)]
        return _Features(np.array([abs(one) - 1 for one in at]), np.array(weights, np.float32))


def saturated(count: int) -> float:
    """How much a word counts that occurs `count` times: 1 for once, never above 2.2."""
    return count * (SATURATION + 1) / (count + SATURATION)


def _place(feature: str) -> int:
    """Where a feature lies, from 1, with the sign of what it adds."""
    spread = (zlib.crc32(feature.encode()) * SPREAD) & 0xFFFFFFFF
    place = (spread >> 8) % DIMENSIONS + 1
    return place if spread & 128 else -place
