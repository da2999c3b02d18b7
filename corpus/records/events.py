"""What happened in a document's jobs, as records: for seven days, and without a word of any text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from corpus.items import ABSENT, Item, Put
from corpus.keys import A_DAY
from corpus.model import Json
from corpus.ports import Table

KIND = "event"
KEPT_SECONDS = 7 * A_DAY
EventType = Literal["job_created", "stage_started", "stage_completed", "error_occurred"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: `duration_ms` is of the stage that was completed, `message` of an error."""

    event_id: str
    job_id: str
    timestamp: str
    event_type: EventType
    stage: str = ""
    duration_ms: int = 0
    pages: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Events:
    """The events of a table, by `DOCUMENT#{documentId}` / `EVENT#{jobId}#{timestamp}#{eventId}`."""

    table: Table

    def of_document(self, document_id: str, limit: int, after: str | None = None) -> tuple[list[Event], str | None]:
        """Return a page of a document's events, those of its newest job first and newest first, and the next cursor."""
        span = ("EVENT#", "EVENT#~")
        batch = self.table.query(0, f"DOCUMENT#{document_id}", span, newest_first=True, limit=limit, after=after)
        return [_event(item) for item in batch.items], batch.cursor

    def write(self, document_id: str, event: Event) -> Put:
        """Return the writing of an event as part of a transaction."""
        ttl = int(datetime.fromisoformat(event.timestamp).timestamp()) + KEPT_SECONDS
        sort = f"EVENT#{event.job_id}#{event.timestamp}#{event.event_id}"
        return Put(Item(f"DOCUMENT#{document_id}", sort, KIND, event_data(event), ttl=ttl), ABSENT)


def event_data(event: Event) -> dict[str, Json]:
    """Return an event with the names it is stored and sent under."""
    return {
        "eventId": event.event_id,
        "jobId": event.job_id,
        "timestamp": event.timestamp,
        "eventType": event.event_type,
        "stage": event.stage,
        "durationMs": event.duration_ms,
        "details": {"message": event.message, "pagesProcessed": event.pages},
    }


def _event(item: Item) -> Event:
    data: dict[str, Any] = dict(item.data)
    return Event(
        event_id=data["eventId"],
        job_id=data["jobId"],
        timestamp=data["timestamp"],
        event_type=data["eventType"],
        stage=data["stage"],
        duration_ms=data["durationMs"],
        pages=data["details"]["pagesProcessed"],
        message=data["details"]["message"],
    )
