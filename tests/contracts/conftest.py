"""One fixture a port, run once for every adapter of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from corpus.ports import LLM, BlobStore, Embedder, PartStore, Queue, Table, VectorIndex
from tests.contracts import adapters
from tests.contracts.adapters import LongSamples, Opened, Place, Samples
from tests.fakes import Clock
from tests.services import doubles

REMOTE = ("dynamodb", "openai", "opensearch", "s3", "sqs")
"""What the names of adapters begin with that need a server."""


def marked(names: Iterable[str]) -> list[object]:
    """The names, those that need a server marked so."""
    return [pytest.param(name, marks=pytest.mark.service) if name.startswith(REMOTE) else name for name in names]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(tmp_path: Path, clock: Clock, request: pytest.FixtureRequest) -> Place:
    return Place(tmp_path, clock, request.getfixturevalue)


@pytest.fixture(scope="session")
def moto_with_clock() -> Iterator[str]:
    with doubles.moto_with_clock() as address:
        yield address


@pytest.fixture(params=marked(adapters.BLOBS))
def store(request: pytest.FixtureRequest, place: Place) -> Iterator[tuple[Opened[BlobStore], Queue]]:
    yield from adapters.BLOBS[request.param](place)


@pytest.fixture
def blobs(store: tuple[Opened[BlobStore], Queue]) -> BlobStore:
    return store[0].it


@pytest.fixture
def announced(store: tuple[Opened[BlobStore], Queue]) -> Queue:
    return store[1]


@pytest.fixture(params=marked(adapters.PART_STORES))
def part_store(request: pytest.FixtureRequest, place: Place) -> Iterator[tuple[PartStore, BlobStore, Queue]]:
    """A store of uploads in parts, the blobs they become, and where those are announced."""
    yield from adapters.PART_STORES[request.param](place)


@pytest.fixture(params=marked(adapters.QUEUES))
def opened_queue(request: pytest.FixtureRequest, place: Place) -> Iterator[Opened[Queue]]:
    yield from adapters.QUEUES[request.param](place)


@pytest.fixture
def queue(opened_queue: Opened[Queue]) -> Queue:
    return opened_queue.it


@pytest.fixture(params=marked(adapters.TABLES))
def opened_table(request: pytest.FixtureRequest, place: Place) -> Iterator[Opened[Table]]:
    yield from adapters.TABLES[request.param](place)


@pytest.fixture
def table(opened_table: Opened[Table]) -> Table:
    return opened_table.it


@pytest.fixture(params=marked(adapters.INDEXES))
def opened_index(request: pytest.FixtureRequest, place: Place) -> Iterator[Opened[VectorIndex]]:
    yield from adapters.INDEXES[request.param](place)


@pytest.fixture
def index(opened_index: Opened[VectorIndex]) -> VectorIndex:
    return opened_index.it


@pytest.fixture(params=marked(adapters.EMBEDDERS))
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    yield from adapters.EMBEDDERS[request.param]()


@pytest.fixture(params=adapters.EXTRACTORS)
def samples(request: pytest.FixtureRequest) -> Samples:
    return adapters.EXTRACTORS[request.param]()


@pytest.fixture(params=adapters.PAGED)
def long_samples(request: pytest.FixtureRequest) -> LongSamples:
    return adapters.PAGED[request.param]()


@pytest.fixture(params=marked(adapters.LLMS))
def llm(request: pytest.FixtureRequest) -> Iterator[LLM]:
    yield from adapters.LLMS[request.param]()
