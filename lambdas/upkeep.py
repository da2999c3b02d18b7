"""What has to be done now and then: for now, jobs that a worker left."""

from __future__ import annotations

from lambdas.wired import wired


def handler(event: object, context: object) -> dict[str, int]:
    """Sweep, and return how many jobs were asked for again and how many were closed."""
    del event, context
    from ingest.sweep import sweep  # noqa: PLC0415

    footnote = wired()
    swept = sweep(footnote.table, footnote.queue, footnote.clock)
    return {"resent": swept.resent, "closed": swept.closed}
