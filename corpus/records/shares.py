"""What is shared with whom by name, as records: read for each question, written with the document that says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from corpus.items import Item, Put, Remove
from corpus.keys import iso_time
from corpus.model import Document, Json
from corpus.ports import Table
from corpus.records.documents import Documents, Listing
from corpus.records.every import every, filled
from corpus.scope import Scope

KIND = "shared"
SPAN = ("SHARED#", "SHARED#~")


class Shared(NamedTuple):
    """A document that is shared with somebody, by whom and since when; `at` is "" in records that are older."""

    document: Document
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of a table, by `USER#{readerId}` / `SHARED#{documentId}`."""

    table: Table

    def of(self, user_id: str) -> Iterator[str]:
        """Return the ids of the documents that are shared with a person; whether they may be read, the record says."""
        return (str(item.data["documentId"]) for item in every(self.table, 0, f"USER#{user_id}", SPAN))

    def listed(
        self, scope: Scope, wanted: Listing, limit: int, after: str | None = None
    ) -> tuple[list[Shared], str | None]:
        """Return a page of the documents shared with the asker that are wanted, by id, and the cursor of the next.

        Each document's own record decides whether it still is. A page may be short, or even empty.
        """

        def held(items: Sequence[Item]) -> Iterator[Shared]:
            return (one for one in self._documents(items) if _holds(one.document, scope, wanted))

        return filled(partial(self.table.query, 0, f"USER#{scope.user_id}", SPAN), held, limit, after)

    def _documents(self, items: Sequence[Item]) -> Iterator[Shared]:
        there = Documents(self.table).get_many([str(item.data["documentId"]) for item in items])
        for item in items:
            if document := there.get(str(item.data["documentId"])):
                yield Shared(document, str(item.data["sharedBy"]), str(item.data.get("sharedAt") or ""))

    def changes(self, before: Document, after: Document, now: float) -> Iterator[Put | Remove]:
        """Yield what makes the records say what the document says now."""
        was, now_with = set(before.access.shared_with), set(after.access.shared_with)
        data: dict[str, Json] = {
            "documentId": after.document_id,
            "ownerId": after.user_id,
            "sharedAt": iso_time(now),
            "sharedBy": after.user_id,  # nobody else may
        }
        for reader, key, found in self._known(after.document_id, sorted(now_with ^ was)):
            if reader in now_with:
                yield Put(Item(*key, KIND, data), found.rev if found else 0)
            elif found:
                yield Remove(*key, found.rev)

    def taken_back(self, document_id: str, readers: Iterable[str]) -> Iterator[Remove]:
        """Yield what takes a document from those of its readers who have it."""
        return (Remove(*key, found.rev) for _, key, found in self._known(document_id, readers) if found)

    def _known(self, document_id: str, readers: Iterable[str]) -> Iterator[tuple[str, tuple[str, str], Item | None]]:
        keys = {reader: (f"USER#{reader}", f"SHARED#{document_id}") for reader in readers}
        return zip(keys, keys.values(), self.table.get_many([*keys.values()]), strict=True)


def shared_data(shared: Shared) -> dict[str, Json]:
    """Return since when a document is shared and by whom, with the names it is stored and sent under."""
    return {"ownerId": shared.document.user_id, "sharedAt": shared.at or None, "sharedBy": shared.by}


def _holds(document: Document, scope: Scope, wanted: Listing) -> bool:
    """Whether a document is still shared with the asker, and one of those they want."""
    within = wanted.since <= document.upload_date < wanted.until
    return document.admits(scope) and scope.user_id in document.access.shared_with and within and wanted.fits(document)
