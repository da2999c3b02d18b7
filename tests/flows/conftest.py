"""One world in memory and one in a folder; what holds in one holds in the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.extract import Reader
from tests.worlds import LIMITS, World, folder_world, memory_world


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    with Reader(LIMITS) as one:
        yield one


@pytest.fixture(params=["memory", "folder"])
def world(request: pytest.FixtureRequest, reader: Reader, tmp_path: Path) -> Iterator[World]:
    if request.param == "memory":
        yield memory_world(reader)
    else:
        with folder_world(tmp_path, reader) as one:
            yield one
