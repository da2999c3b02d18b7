"""What every index does alike: its name, the words it is asked for, and which vectors it refuses."""

from __future__ import annotations

import re

import numpy as np

from corpus import words
from corpus.errors import BadRequest
from corpus.model import Chunk, Generation, Space


def index_name(space: Space, label: str = "") -> str:
    """Return the name of an index of a space: document-chunks-local-minilm-1536-001.

    A label keeps apart those who share a cluster: document-chunks-local-minilm-1536-staging-001.
    """
    slug = re.sub("[^a-z0-9]+", "-", f"{space} {label}".lower()).strip("-")
    return f"document-chunks-{slug}-001"


def searched_words(generation: Generation, chunk: Chunk) -> str:
    """Return the words that find a chunk, in one line: those of its title, headings and columns, then its own."""
    above = words.heading_line(generation.title, chunk.headings)
    return " ".join(words.indexed(f"{above}\n{chunk.header}\n{chunk.content}", generation.language))


def check_vectors(generation: Generation, space: Space) -> None:
    """Raise `BadRequest` unless there is a row of unit length, of the space's width, for each chunk."""
    shape = (len(generation.chunks), space.dimensions)
    if generation.vectors.shape != shape:
        raise BadRequest(f"The vectors are {generation.vectors.shape}, and the index takes {shape}.")
    squares = np.einsum("ij,ij->i", generation.vectors, generation.vectors)  # without a copy of them all
    if not np.allclose(squares, 1, atol=2e-3):
        raise BadRequest("The vectors are not of unit length.")
