from __future__ import annotations

from collections.abc import Iterator

import pytest

from corpus.model import Extracted, Page
from ingest.chunk import chunk
from ingest.extract import Reader
from tests.worlds import LIMITS


@pytest.fixture(scope="session", autouse=True)
def vocabulary() -> None:
    """What takes a second when it is first used is no part of any example."""
    chunk(Extracted("warm " * 300, (Page(1, "", 0, 1500),)), 100)


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    with Reader(LIMITS) as one:
        yield one
