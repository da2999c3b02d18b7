from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.extract import Reader
from tests.worlds import LIMITS


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    with Reader(LIMITS) as one:
        yield one
