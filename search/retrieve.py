"""From a question to the chunks that may answer it: embed, look in both legs, fuse, let the records decide, rank."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from corpus import words
from corpus.keys import iso_day
from corpus.model import Document, GenerationId, Hit, Legs, Passage
from corpus.ports import Embedder, Table, VectorIndex
from corpus.records.documents import Documents
from corpus.records.shares import Shares
from corpus.scope import Scope, Where
from corpus.ways import EVERYTHING, Filter, Way
from search.fuse import fuse
from search.rerank import DEPTH as RERANKED
from search.rerank import reranked

if TYPE_CHECKING:
    from corpus.model import Vector

DEPTH = 100
"""Hits each leg is asked for; the fused ranking is made of these."""
GUARD_BATCH = 25
REPEATS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first, with the records that admitted them, and the cosine of the nearest chunk that was admitted.

    `counted` are all hits of both lists: for statistics only, as no record was asked about them.
    `way` says how the index found the nearest, where it knows.
    """

    hits: tuple[Hit, ...] = ()
    documents: Mapping[str, Document] = field(default_factory=dict)
    cosine: float = 0.0
    counted: tuple[Hit, ...] = ()
    way: Way | None = None


class Retriever:
    """Hybrid search over one index."""

    def __init__(
        self,
        table: Table,
        index: VectorIndex,
        embedder: Embedder,
        look: Callable[[Vector, Where, Legs], None] = lambda *_: None,
    ) -> None:
        """`look` is shown every question with what the index found."""
        self._documents, self._shares = Documents(table), Shares(table)
        self._index = index
        self._embedder = embedder
        self._look = look

    def search(self, scope: Scope, question: str, k: int, *, only: Filter = EVERYTHING, as_of: str = "") -> Found:
        """Return the k best chunks that the asker may see and that pass the filter, of documents in force now.

        With `as_of`, an ISO date, of those in force on that day. A hit is kept only if its document, read by key, is
        live in the hit's generation, admits the asker, and is in force. If that leaves fewer than k, the search runs
        again without what was dropped, at most four times: old chunks of a document that is being replaced, or its
        many older editions, may fill the lists. Raises what `Scope.expect_still` does: an embedder, and a model that
        wrote before this, take their time.
        """
        day = as_of or iso_day(scope.now)
        (rows,) = self._embedder.embed([Passage("", question)], "query")
        scope.expect_still()
        asked = words.asked(question)
        where = scope.where(frozenset(self._shares.of(scope.user_id)), only)
        found = Found()
        for _ in range(1 + REPEATS):
            legs = self._index.legs(rows[0], asked.searched, DEPTH, where)
            self._look(rows[0], where, legs)
            cosines = {hit.chunk_id: hit.score for hit in legs.nearest}
            found, dropped = self._guard(scope, day, only, fuse(legs), cosines, max(k, RERANKED))
            found = replace(found, way=legs.way)
            if len(found.hits) >= k or not dropped:
                break
            where = where.leaving_out(dropped)
        return replace(found, hits=tuple(reranked(asked, found.hits, found.documents)[:k]))

    def _guard(
        self, scope: Scope, day: str, only: Filter, ranked: Sequence[Hit], cosines: Mapping[str, float], k: int
    ) -> tuple[Found, frozenset[GenerationId]]:
        """The first k hits that the records allow, and the generations of those they did not."""
        documents: dict[str, Document] = {}
        kept: list[Hit] = []
        dropped: set[GenerationId] = set()
        for start in range(0, len(ranked), GUARD_BATCH):
            batch = ranked[start : start + GUARD_BATCH]
            asked = dict.fromkeys(hit.generation.document_id for hit in batch)
            self._read(documents, asked)
            self._read(
                documents, (one for name in asked if name in documents for one in documents[name].force.superseded_by)
            )
            for generation in {hit.generation for hit in batch}:
                document = documents.get(generation.document_id)
                if not (
                    document
                    and document.admits(scope)
                    and document.live_in(self._index.name) == generation
                    and self._in_force(document, day, documents)
                    and not (only.tags and only.tags.isdisjoint(document.tags))
                ):
                    dropped.add(generation)
            kept += (
                hit._replace(language=documents[hit.generation.document_id].language)
                for hit in batch
                if hit.generation not in dropped
            )
            if len(kept) >= k:
                break
        best = max((cosines[hit.chunk_id] for hit in kept if hit.chunk_id in cosines), default=0.0)
        return Found(tuple(kept[:k]), documents, best, tuple(ranked)), frozenset(dropped)

    def may_read(self, scope: Scope, document_ids: Collection[str]) -> bool:
        """Whether the asker may read each of these at this moment, whatever was found before.

        Raises what `Scope.expect_still` does.
        """
        scope.expect_still()
        return self._documents.admitting(scope, document_ids) == set(document_ids)

    def _read(self, documents: dict[str, Document], names: Iterable[str]) -> None:
        """Read the records that are not known yet."""
        documents.update(self._documents.get_many([name for name in dict.fromkeys(names) if name not in documents]))

    def _in_force(self, document: Document, day: str, documents: Mapping[str, Document]) -> bool:
        """Whether a document counts on a day: within its own dates, and until a newer edition comes into force."""
        newer = (documents[name] for name in document.force.superseded_by if name in documents)
        return document.force.covers(day) and not any(
            one.is_replacing(document) and one.force.start <= day and one.live_in(self._index.name) for one in newer
        )
