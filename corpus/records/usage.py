"""What each person uses, as counters: documents and bytes kept, and by day in UTC questions asked and searched.

Beside the totals lies what each document is counted as. That record is written on its `rev`, so of two that change it
one goes again, and nothing is counted twice: a document that is uploaded anew counts its newest bytes, and one that is
removed gives back what it was counted as. What is added is counted before it is written down, what is taken away after:
whoever dies between leaves a person with less room than they have, never with more. When that room is missed, the total
is counted anew, of the documents that there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from corpus.errors import Conflict, QuotaExceeded, Unavailable
from corpus.items import ABSENT, Item
from corpus.keys import A_DAY, checked_id, iso_day
from corpus.ports import Table
from corpus.records.documents import Documents
from corpus.records.recount import recount

KIND = "usage"
TOTAL = "USAGE#TOTAL"
DOCUMENT = "USAGE#DOCUMENT#"
KEPT_SECONDS = 40 * A_DAY
TRIES = 20


@dataclass(frozen=True, slots=True)
class Used:
    """What a person uses: documents and bytes now, asks and searches on one day."""

    documents: int = 0
    bytes: int = 0
    asks: int = 0
    searches: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of a table: `USER#{userId}` / `USAGE#TOTAL`, `USAGE#{yyyy-mm-dd}`, `USAGE#DOCUMENT#{documentId}`."""

    table: Table

    def of(self, user_id: str, now: float) -> Used:
        """Return what a person keeps, and what they asked today."""
        total, day = self.table.get_many([(_pk(user_id), TOTAL), (_pk(user_id), _day(now))])
        kept, asked = (one.counters if one else {} for one in (total, day))
        return Used(kept.get("documents", 0), kept.get("bytes", 0), asked.get("asks", 0), asked.get("searches", 0))

    def count(self, user_id: str, counter: str, amount: int, cap: Mapping[str, int], now: float) -> None:
        """Add to a counter of the day. Raises `QuotaExceeded`, counting nothing, if it would pass its cap."""
        self.table.add(_pk(user_id), _day(now), {counter: amount}, cap, int(now) + KEPT_SECONDS)

    def counted(self, user_id: str, document_id: str) -> int | None:
        """Return how many bytes a document is counted as; None if it is not counted."""
        found = self.table.get(*_document_key(user_id, document_id))
        return int(str(found.data["bytes"])) if found else None

    def keep(self, user_id: str, document_id: str, size: int | None, cap: Mapping[str, int], now: float) -> int | None:
        """Count a document as so many bytes, or as none that is kept with None; return what it was counted as before.

        A counter that goes down is not held to its cap: it may have been lowered below what is kept. Raises
        `QuotaExceeded`, counting nothing, if one that goes up would pass it.
        """
        pk, sk = _document_key(user_id, document_id)
        for _ in range(TRIES):
            found = self.table.get(pk, sk)
            before = int(str(found.data["bytes"])) if found else None
            if before == size:
                return before
            amounts = {
                "documents": int(size is not None) - int(found is not None),
                "bytes": (size or 0) - (before or 0),
            }
            grows = max(amounts.values()) > 0
            if grows:
                self._grow(user_id, amounts, cap, now)
            try:
                if size is not None:
                    self.table.put(Item(pk, sk, KIND, {"bytes": size}), found.rev if found else ABSENT)
                elif found:
                    self.table.delete(pk, sk, found.rev)
            except Conflict:  # somebody else counted it meanwhile: look again
                if grows:
                    self._add(user_id, {name: -amount for name, amount in amounts.items()}, {})
                continue
            if not grows:
                self._add(user_id, amounts, {})
            return before
        raise Unavailable("The document changes all the time.", retry_after=5)

    def recount(self, user_id: str, now: float) -> bool:
        """Set what a person keeps to what their documents are counted as, and return whether that is less.

        A document that never came about, or that went without their doing, is counted no longer.
        """

        def counted() -> dict[str, int]:
            sizes = [int(str(item.data["bytes"])) for item in self._kept(user_id)]
            return {"documents": len(sizes), "bytes": sum(sizes)}

        return recount(self.table, _pk(user_id), TOTAL, counted, now)

    def _kept(self, user_id: str) -> Iterator[Item]:
        """The records of the documents that are there; those of others are removed."""
        pk, cursor = _pk(user_id), None
        while True:
            batch = self.table.query(0, pk, (DOCUMENT, f"{DOCUMENT}~"), after=cursor)
            there = Documents(self.table).get_many([item.sk.removeprefix(DOCUMENT) for item in batch.items])
            for item in batch.items:
                document = there.get(item.sk.removeprefix(DOCUMENT))
                if document and document.user_id == user_id and not document.deleted_at:
                    yield item
                else:
                    with suppress(Conflict):  # it is counted just now
                        self.table.delete(item.pk, item.sk, item.rev)
            cursor = batch.cursor
            if cursor is None:
                return

    def _grow(self, user_id: str, amounts: Mapping[str, int], cap: Mapping[str, int], now: float) -> None:
        held_to = {name: most for name, most in cap.items() if amounts.get(name, 0) > 0}
        try:
            self._add(user_id, amounts, held_to)
        except QuotaExceeded:
            if not self.recount(user_id, now):
                raise
            self._add(user_id, amounts, held_to)

    def _add(self, user_id: str, amounts: Mapping[str, int], cap: Mapping[str, int]) -> None:
        self.table.add(_pk(user_id), TOTAL, amounts, cap)


def _pk(user_id: str) -> str:
    return f"USER#{checked_id('userId', user_id)}"


def _day(now: float) -> str:
    return f"USAGE#{iso_day(now)}"


def _document_key(user_id: str, document_id: str) -> tuple[str, str]:
    return _pk(user_id), f"{DOCUMENT}{checked_id('documentId', document_id)}"
