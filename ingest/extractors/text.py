"""Plain text: one unpaged page, without sections. A first line that looks like a title is the document's."""

from __future__ import annotations

import re

from corpus.errors import NoText, TooLarge
from corpus.model import Extracted, Page
from corpus.ports import Limits
from ingest.clean import clean, letters
from ingest.encodings import Decoded, decode

NAME = "text-3"
MEDIA_TYPES: tuple[str, ...] = ("text/plain",)
SUFFIXES: tuple[str, ...] = (".txt", ".text", ".log", ".json", ".rst")

LONGEST_TITLE = 120
_TITLE = re.compile(r"[^\n{}<>=;|\t]*[^\W\d_]{2}[^\n{}<>=;|\t]*(?<![.,:。])")
"""A line with a word in it that neither ends like a part of a sentence nor has the signs of programs and tables."""


def extract(data: bytes, limits: Limits) -> Extracted:
    """Return the text; the contract is `Extractor`'s."""
    body, flags = read(data, limits)
    return Extracted(body, (Page(1, "", 0, len(body)),), title=_title(body), flags=flags)


def _title(body: str) -> str:
    """The first line, if it looks like a title and more follows; "" if not."""
    line, _, rest = body.strip().partition("\n")
    fits = len(line) <= LONGEST_TITLE and rest and _TITLE.fullmatch(line.rstrip())
    return line.strip(" #*=-") if fits else ""


def read(data: bytes, limits: Limits) -> Decoded:
    """Return text bytes as clean text, with the flags that say how sure their encoding is.

    Raises `Unreadable` for bytes that are no text, `TooLarge` and `NoText` as an extractor does.
    """
    raw, flags = decode(data)
    body = clean(raw)
    if len(body) > limits.characters:
        raise TooLarge(f"The text has {len(body)} characters, more than FOOTNOTE_MAX_CHARACTERS={limits.characters}.")
    if not letters(body):
        raise NoText("The file holds no text.", hint="It is empty, or holds only blanks and marks.")
    return Decoded(body, flags)
