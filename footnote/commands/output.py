"""What a command prints for programs: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping


def print_json(value: Mapping[str, object]) -> None:
    """Print an object in one line, characters of any script as they are."""
    print(json.dumps(value, ensure_ascii=False), flush=True)  # noqa: T201 -- this is what was asked for
