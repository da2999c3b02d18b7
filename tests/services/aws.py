"""Clients of the doubles of AWS that `make services` starts, and tables of one's own in DynamoDB Local."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest

from corpus import aws
from corpus.tables.dynamodb import DynamoDbTable
from tests.services.needed import up

CREDENTIALS = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "test",  # letters and digits only, for DynamoDB Local
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
}


@cache
def client(service: str, endpoint: str, attempts: int) -> Any:
    """A client that all of a process's tests share: making one takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        return aws.client(service, endpoint=endpoint, attempts=attempts, seconds=10)


@contextmanager
def dynamodb() -> Iterator[tuple[Any, str]]:
    """A client, and the name of a table that goes when the test ends; skips the test when nobody answers."""
    it, name = client("dynamodb", _address("dynamodb"), 1), f"test-{secrets.token_hex(8)}"
    DynamoDbTable(it, name).setup()
    try:
        yield it, name
    finally:
        it.delete_table(TableName=name)


@cache
def _address(name: str) -> str:
    """The address of a server that was up when a test of this process first asked; skips the test if it is not."""
    return up(name).address
