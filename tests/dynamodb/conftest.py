from __future__ import annotations

from collections.abc import Iterator

import pytest

from corpus.tables.dynamodb import DynamoDbTable
from tests.dynamodb.meddling import Opened
from tests.services.aws import dynamodb


@pytest.fixture
def opened() -> Iterator[Opened]:
    with dynamodb() as (client, name):
        yield Opened(client, name)


@pytest.fixture
def table(opened: Opened) -> DynamoDbTable:
    return opened.table
