"""The corpus as its own source of changes: to reindex is to say again what the records say."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.model import Change, Document
from corpus.ports import Table
from corpus.records.documents import Documents


def replay(table: Table, tenant_id: str) -> Iterator[tuple[Document, Change]]:
    """Yield each document of a building that was ever uploaded, with the change that brings it to where it should be.

    Applying them costs nothing where nothing changed, restores what an index lost from derived files, and makes
    everything anew that another recipe would make otherwise.
    """
    for document in Documents(table).of_tenant(tenant_id):
        if document.version:
            yield document, Change("put", document.key, document.version)
