"""In which partitions of the table the HTTP API writes, and from which it deletes: all that its role has to allow."""

from __future__ import annotations

CHANGED = (
    "ACCESS",
    "AUDIT",
    "CONVERSATION",
    "DOCUMENT",
    "EMAIL",
    "KEY",
    "LEVEL",
    "SPEND",
    "TENANT",
    "UPLOAD",
    "USER",
)
TAKEN_BACK = ("CONVERSATION", "EMAIL", "SPEND", "TENANT", "UPLOAD", "USER")
