"""A change as it is sent and as it is read again: one form for every queue and for AWS's door."""

from __future__ import annotations

import json

from corpus.model import Change


def to_json(change: Change) -> str:
    """Return the change as text that `from_json` understands."""
    return json.dumps({"kind": change.kind, "key": change.key, "version": change.version, "etag": change.etag})


def from_json(body: str) -> Change | None:
    """Return the change that a text speaks of, or None if it speaks of none."""
    try:
        fields = json.loads(body)
        change = Change(fields["kind"], fields["key"], fields["version"], fields["etag"])
        ours = change.kind in {"put", "removed"} and change.original and isinstance(change.version, str)
    except (ValueError, KeyError, TypeError, RecursionError):  # whoever may send may send anything
        return None
    return change if ours and isinstance(change.etag, str) else None
