"""JSON Lines: one object a line. Objects that all have the same plain fields are a table, others a paragraph each."""

from __future__ import annotations

import json
from collections.abc import Iterator

from corpus.errors import TooLarge, Unreadable
from corpus.model import Extracted
from corpus.ports import Limits
from ingest.compose import Composer
from ingest.encodings import decode

NAME = "jsonl-1"
MEDIA_TYPES: tuple[str, ...] = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines")
SUFFIXES: tuple[str, ...] = (".jsonl", ".ndjson")

LEFT_OUT = "lines-left-out"
MOST_COLUMNS = 100
_NO_JSON = object()


def extract(data: bytes, limits: Limits) -> Extracted:
    """Return what the lines say; the contract is `Extractor`'s. A line that is no JSON is left out, with a flag."""
    text, flags = decode(data)
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > limits.rows:
        raise TooLarge(f"The file has more lines than FOOTNOTE_MAX_ROWS={limits.rows}.")
    good = sum(value is not _NO_JSON for value in map(_value, lines))
    if lines and not good:
        raise Unreadable("The file is not JSON Lines: none of its lines is JSON.")
    if good < len(lines):
        flags = (*flags, LEFT_OUT)
    composer = Composer(limits)
    if columns := _columns(lines):
        composer.table([columns, *_rows(lines)])
    else:
        for value in map(_value, lines):
            if value is not _NO_JSON:
                composer.paragraph("\n".join(_fields(value, limits)))
    return composer.done(flags=flags)


def _value(line: str) -> object:
    """What a line of JSON says; `_NO_JSON` if it is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return _NO_JSON


def _columns(lines: list[str]) -> list[str]:
    """The fields that all objects have, in their order, if every one has these, no others, and no value with parts."""
    columns: list[str] = []
    for value in map(_value, lines):
        if value is _NO_JSON:
            continue
        if not isinstance(value, dict) or any(isinstance(part, (dict, list)) for part in value.values()):
            return []
        columns = columns or list(value)
        if value.keys() != set(columns) or len(columns) > MOST_COLUMNS:
            return []
    return columns


def _rows(lines: list[str]) -> Iterator[list[str]]:
    columns: list[str] = []
    for value in map(_value, lines):
        if isinstance(value, dict):
            columns = columns or list(value)
            yield [_shown(value[name]) for name in columns]


def _fields(value: object, limits: Limits) -> Iterator[str]:
    """Yield "field: value" for each plain value, whose field is the path to it: `address.street`, `tags`.

    Raises `TooLarge` for values that lie deeper in one another than the limit.
    """
    waiting: list[tuple[str, object, int]] = [("", value, 0)]
    while waiting:
        path, one, depth = waiting.pop()
        if depth > limits.nesting:
            raise TooLarge(f"Values lie deeper in one another than FOOTNOTE_MAX_NESTING={limits.nesting}.")
        if isinstance(one, dict):
            inner = [(f"{path}.{name}" if path else str(name), part, depth + 1) for name, part in one.items()]
            waiting.extend(reversed(inner))
        elif isinstance(one, list):
            if all(not isinstance(part, (dict, list)) for part in one):
                one = ", ".join(filter(None, map(_shown, one)))
                waiting.append((path, one, depth))
            else:
                waiting.extend((path, part, depth + 1) for part in reversed(one))
        elif shown := _shown(one):
            yield f"{path}: {shown}" if path else shown


def _shown(value: object) -> str:
    """A plain value as a person writes it: text as it is, numbers and truths as in JSON, nothing for null."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)
