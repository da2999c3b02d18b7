"""What `search` is to look through: documents, tags, kinds of files and dates, as a person names them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from corpus.errors import BadRequest
from corpus.scope import Scope
from corpus.ways import Filter
from footnote.connect import Footnote


def chosen(
    footnote: Footnote,
    scope: Scope,
    documents: Sequence[str],
    tags: Sequence[str],
    types: Sequence[str],
    since: str,
    until: str,
) -> Filter:
    """Return the filter of these values; raises `NotFound` for an unknown document, `BadRequest` for the others."""
    from footnote.commands.managing import named  # noqa: PLC0415 -- here and below: who names nothing imports less

    return Filter(
        document_ids=frozenset(named(footnote, scope, one).document_id for one in documents),
        tags=frozenset(tags),
        types=frozenset(kind for one in types for kind in media_types(one)),
        since=moment("--since", since),
        until=moment("--until", until, whole_day=True),
    )


def media_types(kind: str) -> tuple[str, ...]:
    """Return the media types of a suffix ("pdf", ".md"), or the media type that was given itself."""
    if "/" in kind:
        return (kind.lower(),)
    from ingest.extractors import EXTRACTORS  # noqa: PLC0415

    suffix = f".{kind.lower().lstrip('.')}"
    found = next((one.MEDIA_TYPES for one in EXTRACTORS if suffix in one.SUFFIXES), None)
    if found is None:
        known = ", ".join(sorted(suffix.lstrip(".") for one in EXTRACTORS for suffix in one.SUFFIXES))
        raise BadRequest(f"--type {kind}: no document is of this kind.", hint=f"Known are {known}, and media types.")
    return tuple(found)


def moment(option: str, value: str, *, whole_day: bool = False) -> str:
    """Return a date or a time as records write it, in UTC; of a date with `whole_day`, the end of that day."""
    if not value:
        return ""
    is_date = len(value) <= len("2026-03-31")  # the longest form of one; with a time all are longer
    try:
        parsed = datetime.fromisoformat(value) + timedelta(days=whole_day and is_date)
        parsed = parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"{option} {value}: expected a date such as 2026-03-31, or a time with it.") from error
    return parsed.isoformat(timespec="milliseconds").replace("+00:00", "Z")
