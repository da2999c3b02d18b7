"""Two buildings with people, stays and papers of all kinds of access, made at random; and who may read what, said anew.

`City.may_read` is the oracle: it says the rules once more, in other words, and shares no code with the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from random import Random
from typing import get_args

import numpy as np

from corpus.keys import iso_time
from corpus.model import Access, Chunk, Document, Generation, GenerationId, Hit, Live, Passage
from corpus.ports import Table, VectorIndex
from corpus.records.documents import Documents
from corpus.records.grants import Grant, Role, principals
from corpus.records.shares import Shares
from corpus.scope import Scope
from search.retrieve import Retriever
from tests.fakes import HashEmbedder

PEOPLE = tuple(f"p{n}" for n in range(12))
BUILDINGS = ("linden", "elm")
UNITS = ("1", "2", "3")
ROLES: tuple[Role, ...] = get_args(Role)
WORDS = "pool lift garden key noise party bicycle cellar heating window roof garage".split()  # noqa: SIM905
HORIZON = 1_000
WRITERS = 32


def some_grant(random: Random, number: int) -> Grant:
    start = random.randrange(HORIZON)
    until = iso_time(start + random.randrange(1, HORIZON)) if random.random() < 0.7 else ""
    unit = random.choice(("", *UNITS))
    who, where = random.choice(PEOPLE), random.choice(BUILDINGS)
    return Grant(f"g{number}", who, where, random.choice(ROLES), iso_time(start), until, unit)


def some_access(random: Random) -> Access:
    shared = random.sample(PEOPLE, random.choice((0, 0, 0, 1, 2)))
    audiences = [*(f"unit:{one}" for one in UNITS), *(f"role:{one}" for one in ROLES)]
    open_to = random.sample(audiences, random.choice((0, 0, 1, 2)))
    return Access(random.random() < 0.2, tuple(shared), tuple(open_to))


@dataclass
class City:
    """The papers as they are in a table and an index, with what the oracle knows of them."""

    table: Table
    index: VectorIndex
    grants: Sequence[Grant] = ()
    documents: dict[str, Document] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.embedder = HashEmbedder(self.index.space)
        self.retriever = Retriever(self.table, self.index, self.embedder)

    def put(self, random: Random, *names: str) -> None:
        """Put papers in: records, whom they are shared with, and chunks, side by side, as writing may have to wait."""
        papers = [self._paper(random, name) for name in names]
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(self.index.write, [generation for _, generation in papers]))
        for document, _ in papers:
            self._write(document, replace(document, access=Access()))

    def _paper(self, random: Random, name: str, chunks: int = 2) -> tuple[Document, Generation]:
        texts = [f"{name} {' '.join(random.choices(WORDS, k=6))}" for _ in range(chunks)]
        document = Document(
            name,
            random.choice(PEOPLE),
            random.choice(BUILDINGS),
            file_name=f"{name}.txt",
            status="ready",
            access=some_access(random),
            live={self.index.name: Live("1", "r", chunks)},
        )
        generation = Generation(
            id=GenerationId(name, "1", "r"),
            user_id=document.user_id,
            tenant_id=document.tenant_id,
            readers=document.readers,
            file_name=document.file_name,
            file_type="text/plain",
            tags=(),
            title="",
            created_at=iso_time(0),
            chunks=tuple(Chunk(n, 100 * n, 100 * n + len(text), text, 1, 1, (), 7) for n, text in enumerate(texts)),
            vectors=np.concatenate(list(self.embedder.embed([Passage("", text) for text in texts], "document"))),
        )
        return document, generation

    def change(self, random: Random, name: str) -> None:
        """Change who may read a paper, or remove it, without touching its chunks."""
        before = self.documents[name]
        gone = random.random() < 0.3
        self._write(replace(before, access=some_access(random), deleted_at=iso_time(1) if gone else ""), before)

    def there(self) -> list[str]:
        """The papers that were not removed."""
        return [name for name, one in self.documents.items() if not one.deleted_at]

    def _write(self, document: Document, before: Document) -> None:
        self.table.transact([Documents(self.table).write(document), *Shares(self.table).changes(before, document, 0)])
        self.documents[document.document_id] = replace(document, rev=document.rev + 1)

    def search(self, person: str, building: str, now: float, question: str, k: int) -> tuple[Hit, ...]:
        """What a person finds in a building at a time."""
        found = principals(person, building, self.grants, now)
        return self.retriever.search(Scope(person, building, found, frozenset({"search"}), now), question, k).hits

    def may_read(self, person: str, building: str, now: float, name: str) -> bool:
        """The oracle."""
        paper = self.documents[name]
        if paper.deleted_at or paper.tenant_id != building:
            return False
        if paper.user_id == person or person in paper.access.shared_with:
            return True
        moment = iso_time(now)
        stays = [
            one
            for one in self.grants
            if (one.user_id, one.tenant_id) == (person, building)
            and one.start <= moment
            and (one.until == "" or moment < one.until)
        ]
        if paper.access.is_public and any(one.role in {"resident", "staff", "admin"} for one in stays):
            return True
        return any(
            audience in {f"unit:{one.unit_id}", f"role:{one.role}"}
            for one in stays
            for audience in paper.access.audience
        )

    def foreign(self, person: str, building: str, now: float, hits: Iterable[Hit]) -> list[Hit]:
        """Those of the hits that the person may not see."""
        return [hit for hit in hits if not self.may_read(person, building, now, hit.generation.document_id)]
