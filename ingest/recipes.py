"""Recipes: all that decides what becomes of a file's bytes, by one short name."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from corpus import words
from corpus.model import Space
from ingest import chunk, clean, describe, tokens
from ingest.extractors import extractor_of


@lru_cache(maxsize=64)
def recipe(file_type: str, space: Space, recogniser: str = "") -> str:
    """Return the first 12 hex digits of the SHA-256 of the names of all steps a file of this type goes through.

    `recogniser` is what reads its pictures too, if they are read.
    """
    extractor = extractor_of(file_type)
    read_by = (extractor.NAME if extractor else "none") + (f"+{recogniser}" if recogniser else "")
    names = (read_by, clean.NAME, describe.NAME, chunk.NAME, tokens.NAME, words.NAME, str(space))
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
