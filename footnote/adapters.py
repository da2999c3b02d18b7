"""The adapters by name, each loaded when its address is opened: nowhere else is any of them known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.errors import ConfigError
from corpus.llms.quotes import Quotes
from corpus.ports import LLM, BlobStore, Embedder, PartStore, Queue, Table, VectorIndex
from footnote.settings import Settings

if TYPE_CHECKING:
    from footnote.connect import Footnote

DYNAMODB_SECONDS = 5.0
"""How long an answer of DynamoDB, which takes milliseconds, is waited for before it is asked again."""


def _folder(rest: str, parts: Footnote) -> BlobStore:
    from corpus.blobs.folder import FolderBlobs

    return FolderBlobs(Path(rest), parts.queue)


def _s3(rest: str, parts: Footnote) -> BlobStore:
    from corpus import aws
    from corpus.blobs.s3 import S3Blobs

    if not parts.settings.queue.startswith("sqs:"):
        raise ConfigError(
            f"FOOTNOTE_BLOBS=s3:{rest} announces changes to SQS, and FOOTNOTE_QUEUE={parts.settings.queue} is none.",
            hint="Set FOOTNOTE_QUEUE=sqs:URL.",
        )
    return S3Blobs(aws.client("s3"), rest, aws.linking_client)


def _blob_parts(_: str, parts: Footnote) -> PartStore:
    from corpus.blobs.parts import BlobParts

    return BlobParts(parts.blobs, parts.clock)


def _s3_parts(rest: str, _: Footnote) -> PartStore:
    from corpus import aws
    from corpus.blobs.s3_parts import S3Parts

    return S3Parts(aws.linking_client(), rest)


def _sqlite_table(rest: str, parts: Footnote) -> Table:
    from corpus.tables.sqlite import SqliteTable

    return SqliteTable(Path(rest), parts.clock)


def _dynamodb(rest: str, parts: Footnote) -> Table:
    from corpus import aws
    from corpus.tables.dynamodb import DynamoDbTable

    return DynamoDbTable(aws.client("dynamodb", attempts=1, seconds=DYNAMODB_SECONDS), rest, parts.clock)


def _sqlite_queue(rest: str, parts: Footnote) -> Queue:
    from corpus.queues.sqlite import SqliteQueue

    return SqliteQueue(Path(rest), parts.clock)


def _sqs(rest: str, _: Footnote) -> Queue:
    from corpus import aws
    from corpus.queues.sqs import SqsQueue, endpoint_of
    from lambdas.events import changes

    return SqsQueue(aws.client("sqs", endpoint=endpoint_of(rest)), rest, changes)


def _sqlite_index(rest: str, parts: Footnote) -> VectorIndex:
    from corpus.vectors.sqlite import SqliteIndex

    exact_below, cache_bytes = parts.settings.exact_below, parts.settings.cache_bytes
    return SqliteIndex(Path(rest), parts.embedder.space, exact_below=exact_below, cache_bytes=cache_bytes)


def _opensearch_index(rest: str, parts: Footnote) -> VectorIndex:
    from corpus.vectors.common import index_name
    from corpus.vectors.opensearch import OpenSearchIndex
    from corpus.vectors.opensearch.client import connected
    from corpus.vectors.opensearch.mapping import Design

    url, _, label = rest.partition("#")
    settings, space = parts.settings, parts.embedder.space
    design = Design(space, settings.engine, settings.exact_below)
    name = index_name(space, label)
    return OpenSearchIndex(connected(url, _signing_in(url, settings)), design, name=name, read_only=parts.read_only)


def _signing_in(url: str, settings: Settings) -> Any:
    """A name and a password if there are any; at AWS, whoever runs this; else nobody."""
    from corpus import aws
    from corpus.vectors.opensearch.client import signer

    if settings.index_user:
        return (settings.index_user, settings.index_password)
    return signer(*aws.credentials(), url) if aws.is_aws(url) else None


def _local(_: str, parts: Footnote) -> Embedder:
    from corpus.embedders.local import LocalEmbedder

    return LocalEmbedder(parts.settings.model_dir)


def _openai_embedder(rest: str, parts: Footnote) -> Embedder:
    from corpus.embedders.openai import OpenAIEmbedder
    from corpus.openai_api import Access

    return OpenAIEmbedder(rest, Access(parts.settings.openai_url, parts.settings.openai_key))


def _quotes(_: str, __: Footnote) -> LLM:
    return Quotes()


def _openai_model(rest: str, parts: Footnote) -> LLM:
    from corpus.llms.openai import OpenAIModel
    from corpus.openai_api import Access

    return OpenAIModel(rest, Access(parts.settings.openai_url, parts.settings.openai_key))


ADAPTERS: Mapping[str, Mapping[str, Callable[[str, Footnote], Any]]] = {
    "FOOTNOTE_BLOBS": {"folder": _folder, "s3": _s3},
    "FOOTNOTE_TABLE": {"sqlite": _sqlite_table, "dynamodb": _dynamodb},
    "FOOTNOTE_QUEUE": {"sqlite": _sqlite_queue, "sqs": _sqs},
    "FOOTNOTE_INDEX": {"sqlite": _sqlite_index, "opensearch": _opensearch_index},
    "FOOTNOTE_EMBEDDER": {"local": _local, "openai": _openai_embedder},
    "FOOTNOTE_LLM": {"quotes": _quotes, "openai": _openai_model},
}
"""By setting and the word its address begins with."""
PART_STORES: Mapping[str, Callable[[str, Footnote], PartStore]] = {"folder": _blob_parts, "s3": _s3_parts}
"""By the word that FOOTNOTE_BLOBS begins with."""


def opened(setting: str, address: str, parts: Footnote) -> Any:
    """Return the part that lies at a setting's address; raises `ConfigError` for an adapter that there is not."""
    scheme, _, rest = address.partition(":")
    open_it = ADAPTERS[setting].get(scheme)
    if open_it is None:
        raise ConfigError(f"{setting}={address}: nothing is known by the name {scheme}.")
    return open_it(rest, parts)
