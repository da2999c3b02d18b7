"""The best hits put in order once more: by how their words stand together, what is above them, and whose they are.

A fused ranking knows how rare a word is and how often a chunk has it, but not that two words of the question stand side
by side in it, nor which of many alike documents the question names. Only the best hits are looked at, since each costs
the cutting of its text into words; the weights were chosen on labelled sets (docs/decisions/0017).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from corpus import words
from corpus.model import Document, Hit
from corpus.words import Asked
from search.copies import copies_apart

DEPTH = 40
"""How many hits are put in order; those behind stay as they are, and are worth less."""
TOGETHER, ABOVE, DOCUMENT = 2.0, 0.5, 3.0
"""What is worth as much as so many deviations of a leg, if all that was asked is there."""
NEAR = 20
"""Words that are further apart do not stand together."""
KEPT = 4_096
"""Texts whose words are kept, each with about 5 KB for a whole chunk."""
LONG = 5_000
"""Words of a document whose beginning says what it is; a short one's is its content, and was counted as that."""

_Held = Collection[int]
"""Which words of a question a text holds, by their place in the question."""


def reranked(asked: Asked, hits: Sequence[Hit], documents: Mapping[str, Document]) -> list[Hit]:
    """Return the hits, best first, with their scores raised by what is found; a copy of a text comes behind all others.

    Scores rise by at most the sum of the weights, and never fall but for a copy's. `documents` are the hits' records.
    """
    best, rest = hits[:DEPTH], hits[DEPTH:]
    forms = {form: place for place, word in enumerate(asked.words) for form in word}
    texts = [words_kept(hit.content, hit.language) for hit in best]
    together = _together(texts, forms)
    above = _shares([_held(_heading(hit), hit.language, forms) for hit in best], len(asked.words), unheld=True)
    named = _named(best, documents, forms)
    raised = [
        hit._replace(score=hit.score + TOGETHER * near + ABOVE * head + DOCUMENT * named[hit.generation.document_id])
        for hit, near, head in zip(best, together, above, strict=True)
    ]
    kept, copies = copies_apart(asked, _ordered(raised))
    least = min((hit.score for hit in (*kept, *rest)), default=0.0)
    return [*_ordered(kept), *rest, *_ordered([hit._replace(score=min(hit.score, least)) for hit in copies])]


def _ordered(hits: Sequence[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.generation.document_id, hit.chunk_index))


def _together(texts: Sequence[Sequence[str]], forms: Mapping[str, int]) -> list[float]:
    """How near to one another each text has the neighbours of the question: 1 if each pair stands as it was asked."""
    places = [_places(text, forms) for text in texts]
    weights = words.rarity(sorted(set(forms.values())), places)
    pairs = {(a, b): min(weights[a], weights[b]) for a, b in pairwise(weights)}
    total = math.fsum(pairs.values()) or 1.0
    return [
        math.fsum(weight * _nearness(held[a], held[b]) for (a, b), weight in pairs.items() if a in held and b in held)
        / total
        for held in places
    ]


def _places(text: Sequence[str], forms: Mapping[str, int]) -> dict[int, list[int]]:
    """Where in a text each word of the question stands."""
    found: dict[int, list[int]] = {}
    for place in [place for place, word in enumerate(text) if word in forms]:
        found.setdefault(forms[text[place]], []).append(place)
    return found


def _nearness(first: Sequence[int], second: Sequence[int]) -> float:
    """1 if somewhere the second word comes right behind the first; else the less, the further the nearest two are."""
    behind = set(second)
    if any(place + 1 in behind for place in first):
        return 1.0
    merged = sorted([(place, 0) for place in first] + [(place, 1) for place in second])
    nearest = min((b - a for (a, one), (b, other) in pairwise(merged) if one != other), default=NEAR)
    return 1 / max(nearest, 1.5) if nearest < NEAR else 0.0


def _named(hits: Sequence[Hit], documents: Mapping[str, Document], forms: Mapping[str, int]) -> dict[str, float]:
    """How much of what tells the hits' documents apart each says of itself: in its name, its title, its beginning.

    A word that none of them says tells nothing; one that all of them say tells little.
    """
    asked_of = {hit.generation.document_id: documents[hit.generation.document_id] for hit in hits}
    said = [
        _held(f"{words.file_words(one.file_name)}\n{one.title}\n{one.preview}", one.language, forms)
        for one in asked_of.values()
    ]
    shares = _shares(said, 1 + max(forms.values(), default=-1), unheld=False)
    sizes = (min(1.0, one.word_count / LONG) for one in asked_of.values())
    return {name: share * size for name, share, size in zip(asked_of, shares, sizes, strict=True)}


def _shares(held: Sequence[_Held], count: int, *, unheld: bool) -> list[float]:
    """The share of the question's idf mass that each text holds; with `unheld`, words that none holds count too."""
    weights = words.rarity(range(count), held)
    counted = set(range(count)) if unheld else {place for one in held for place in one}
    total = math.fsum(weights[place] for place in counted) or 1.0
    return [math.fsum(weights[place] for place in one) / total for one in held]


def _held(text: str, language: str, forms: Mapping[str, int]) -> frozenset[int]:
    return frozenset(forms[word] for word in words_kept(text, language) if word in forms)


@lru_cache(maxsize=KEPT)
def words_kept(text: str, language: str) -> tuple[str, ...]:
    """Return the words that find a text: kept, because one question after another finds the same texts."""
    return tuple(words.indexed(text, language))


def _heading(hit: Hit) -> str:
    """What stands above a hit: the words of the file's name, title, headings, and its table's columns."""
    return "\n".join((words.file_words(hit.file_name), words.heading_line(hit.title, [hit.section]), hit.header))
