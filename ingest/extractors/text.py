"""Plain text: one unpaged page, without sections."""

from __future__ import annotations

import codecs

from corpus.errors import NoText, TooLarge, Unreadable
from corpus.model import Extracted, Page
from corpus.ports import Limits
from ingest.clean import clean, letters

NAME = "text-1"
MEDIA_TYPES: tuple[str, ...] = ("text/plain",)
SUFFIXES: tuple[str, ...] = (".txt", ".text", ".log", ".csv", ".json", ".rst")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def extract(data: bytes, limits: Limits) -> Extracted:
    """Return the text; the contract is `Extractor`'s."""
    body = decoded(data, limits)
    return Extracted(body, (Page(1, "", 0, len(body)),))


def decoded(data: bytes, limits: Limits) -> str:
    """Return text bytes as clean text: UTF-8, or UTF-16 with a byte order mark."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        raw = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"The file is not {encoding.removesuffix('-sig').upper()} text: byte {error.start} does not fit.",
            hint="Save it as UTF-8 and upload that.",
        ) from error
    body = clean(raw)
    if len(body) > limits.characters:
        raise TooLarge(f"The text has {len(body)} characters, more than FOOTNOTE_MAX_CHARACTERS={limits.characters}.")
    if not letters(body):
        raise NoText("The file holds no text.", hint="It is empty, or holds only blanks and marks.")
    return body
