"""Through what a search looks, and which way: what an asker wants of all they may see, by graphs or exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Engine = Literal["faiss", "lucene"]
"""Whose graphs a vector index has, where it may be chosen."""
CACHE_BYTES = 512 * 2**20
"""How much memory an index may spend, in each process, on what it has read before."""
EXACT_BELOW = 10_000
"""Up to how many chunks that a reader sees every one is compared; beyond, a graph chooses."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What an asker wants to look through, of what they may see: documents, tags, media types, dates.

    Of several values of one kind any will do, and every kind given must fit. `since` and `until` are times like
    `createdAt` of a chunk, "2026-03-31T00:00:00.000Z": from `since` on, and before `until`. The empty filter lets
    everything pass.
    """

    document_ids: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    since: str = ""
    until: str = ""

    def __bool__(self) -> bool:
        return bool(self.document_ids or self.tags or self.types or self.since or self.until)


EVERYTHING = Filter()


class Way(NamedTuple):
    """How the nearest chunks were found: among how many by graphs, and with how many the question was compared."""

    graph: int = 0
    exact: int = 0

    def __str__(self) -> str:
        graph, exact = f"graph of {self.graph:,} chunks", f"{self.exact:,} chunk{'' if self.exact == 1 else 's'}"
        if not self.graph:
            return f"exact over {exact}"
        return f"{graph} + {self.exact:,} exact" if self.exact else graph


@dataclass(frozen=True, slots=True)
class GraphState:
    """A set of readers that is to have a graph: of what kind, how many chunks it sees, how many the graph has."""

    kind: str
    chunks: int
    covered: int
    fresh: bool


class Exact(NamedTuple):
    """The nearest chunks of a question, best first, found by comparing all that pass, and how many these are."""

    chunk_ids: tuple[str, ...]
    compared: int
