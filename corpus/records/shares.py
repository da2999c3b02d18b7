"""What is shared with whom by name, as records: read for each question, written with the document that says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from corpus.items import Item, Put, Remove
from corpus.model import Document
from corpus.ports import Table

KIND = "shared"


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of a table, by `USER#{readerId}` / `SHARED#{documentId}`."""

    table: Table

    def of(self, user_id: str) -> Iterator[str]:
        """Yield the ids of the documents that are shared with a person; whether they may be read, the record says."""
        cursor: str | None = None
        while True:
            batch = self.table.query(0, f"USER#{user_id}", ("SHARED#", "SHARED#~"), after=cursor)
            yield from (str(item.data["documentId"]) for item in batch.items)
            cursor = batch.cursor
            if cursor is None:
                return

    def changes(self, before: Document, after: Document) -> Iterator[Put | Remove]:
        """Yield what makes the records say what the document says now."""
        was, now = set(before.access.shared_with), set(after.access.shared_with)
        for reader in sorted(now ^ was):
            key = (f"USER#{reader}", f"SHARED#{after.document_id}")
            found = self.table.get(*key)
            if reader in now:
                data = {"documentId": after.document_id, "ownerId": after.user_id, "sharedBy": after.user_id}
                yield Put(Item(*key, KIND, data), found.rev if found else 0)
            elif found:
                yield Remove(*key, found.rev)
