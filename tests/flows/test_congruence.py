"""Both worlds, same answers: the same documents and questions over SQLite and over OpenSearch."""

from __future__ import annotations

import re
import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from corpus import words
from corpus.answers import Answer
from corpus.embedders.local import LocalEmbedder
from corpus.llms.quotes import Quotes
from corpus.model import Hit, Legs, Passage, Purpose, Space
from corpus.ports import Embedder, VectorIndex
from corpus.vectors.opensearch import OpenSearchIndex
from corpus.vectors.opensearch.client import connected
from corpus.vectors.opensearch.mapping import Design
from corpus.vectors.sqlite import SqliteIndex
from corpus.ways import Engine
from ingest.extract import Reader
from ingest.pipeline import Ingestor
from ingest.terms import NO_TERMS, Terms
from ingest.upload import Uploads
from search.answer import Answerer
from search.retrieve import DEPTH, Retriever
from tests.conftest import MODEL_DIR
from tests.fakes import Clock, MemoryBlobs, MemoryQueue, MemoryTable
from tests.services.needed import up
from tests.worlds import LIMITS, ME

if TYPE_CHECKING:
    from corpus.model import Matrix

ROOT = Path(__file__).parent.parent.parent
FILES = sorted(
    path
    for path in [*ROOT.glob("sample_docs/*.[a-z]*"), *ROOT.glob("docs/decisions/00[01]*.md"), ROOT / "LICENSE"]
    if path.is_file() and not path.name.startswith(("0016", "0018", "0019"))
)
"""The samples, and pages of ours beside them that stay as they are and ask none of these questions as an example."""
NEXT_YEARS = Terms(start="2027-01-01")
"""Of two editions that say the same, which is cited would hang on a thousandth: so one of them is in force."""
ANSWERED = (
    "How much is the fee for the party room?",
    "By how much does the monthly contribution rise?",
    "May I keep bees on my balcony?",
    "When is the pool open?",
    "How long may visitors park?",
    "Who books the lift for a move?",
)
QUESTIONS = (
    *ANSWERED,
    "What happens to a lost key?",
    "How is a query's threshold measured?",
    "Which reader opens PDFs, and how fast is it?",
    "What does an exit code of 2 mean?",
    "Wie laut darf Musik sein?",
    "ERR-404 B-17 § 12.4",
    "pool",
    "the of and",
)


@dataclass
class Remembering:
    """An embedder that embeds each passage once, so that both worlds get the very same rows in half the time."""

    inner: Embedder
    rows: dict[Passage, Matrix] = field(default_factory=dict)

    @property
    def space(self) -> Space:
        return self.inner.space

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, None]:
        fresh = [one for one in dict.fromkeys(passages) if one not in self.rows]
        if fresh:
            found = np.concatenate(list(self.inner.embed(fresh, purpose)))
            self.rows.update({one: found[n : n + 1] for n, one in enumerate(fresh)})
        for one in passages:
            yield self.rows[one]


@dataclass
class Side:
    """One of the two worlds."""

    index: VectorIndex
    retriever: Retriever
    answerer: Answerer

    def legs(self, embedder: Embedder, question: str, k: int = DEPTH) -> Legs:
        (row,) = embedder.embed([Passage("", question)], "query")
        return self.index.legs(row[0], words.asked(question).searched, k, ME.where())


def side(index: VectorIndex, embedder: Embedder, reader: Reader) -> Side:
    clock = Clock()
    queue, table = MemoryQueue(clock), MemoryTable(clock)
    blobs = MemoryBlobs(queue)
    ingestor = Ingestor(blobs, table, index, embedder, reader, clock=clock, tenant_of=lambda _: "home")
    for path in FILES:
        document_id = re.sub(r"\W", "-", path.relative_to(ROOT).as_posix())
        terms = NEXT_YEARS if path.name == "house-rules-2027.pdf" else NO_TERMS
        Uploads(blobs, table, clock).put(ME, document_id, path.name, path.read_bytes(), terms=terms)
    while ingestor.drain(queue):
        pass
    retriever = Retriever(table, index, embedder)
    return Side(index, retriever, Answerer(retriever, blobs, embedder, Quotes(), Quotes()))


@pytest.fixture(scope="module")
def embedder() -> Remembering:
    return Remembering(LocalEmbedder(MODEL_DIR))


@pytest.fixture(scope="module")
def here(embedder: Remembering, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    index = SqliteIndex(tmp_path_factory.mktemp("home") / "footnote.db", embedder.space)
    with Reader(LIMITS) as reader:
        yield side(index, embedder, reader)
    index.close()


@contextmanager
def there(engine: Engine, embedder: Remembering) -> Iterator[Side]:
    client = connected(up("opensearch").address)
    name = f"test-congruence-{uuid.uuid4().hex}"
    index = OpenSearchIndex(client, Design(embedder.space, engine, graphs=engine == "lucene"), name=name)
    index.setup()
    client.indices.put_settings(index=name, body={"index.refresh_interval": "5ms"})
    with Reader(LIMITS) as reader:
        yield side(index, embedder, reader)
    client.indices.delete(index=name)
    client.close()


@pytest.mark.service
@pytest.mark.parametrize("engine", ["lucene", "faiss"])
def test_both_worlds_answer_alike(engine: Engine, here: Side, embedder: Remembering) -> None:
    """The same chunks are nearest with the same cosines, the same match, and the same answer is given from them."""
    with there(engine, embedder) as other:
        for question in QUESTIONS:
            mine, theirs = here.legs(embedder, question), other.legs(embedder, question)
            assert nearest(mine) == pytest.approx(nearest(theirs), abs=1e-3), question
            if len(mine.matching) < DEPTH:
                assert ids(mine.matching) == ids(theirs.matching), question

            ranked = [one.retriever.search(ME, question, 10).hits for one in (here, other)]
            shared = ids(ranked[0]) & ids(ranked[1])
            assert len(shared) >= 0.9 * len(ranked[0]), question
            said = [one.answerer.ask(ME, question) for one in (here, other)]
            assert plain(said[0]) == plain(said[1]) or question not in ANSWERED, question


def nearest(legs: Legs) -> dict[str, float]:
    """The cosine of each of the nearest that is no neighbour of the last: those may trade places within 1e-3."""
    last = legs.nearest[-1].score if len(legs.nearest) == DEPTH else -2
    return {hit.chunk_id: hit.score for hit in legs.nearest if hit.score > last + 2e-3}


def ids(hits: Sequence[Hit]) -> set[str]:
    return {hit.chunk_id for hit in hits}


def plain(answer: Answer) -> Answer:
    """An answer without the versions, of which each world has its own."""
    return replace(answer, citations=tuple(replace(one, version="") for one in answer.citations))
