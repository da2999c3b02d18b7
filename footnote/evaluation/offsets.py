"""From offsets into an extracted text back to offsets into the file it was made of.

Reading a text file changes blanks, line ends, invisible signs and the form of composed letters, and nothing else
(`ingest/clean.py`). So both sides hold the same letters in the same order, and can be counted off
against each other.
"""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

from corpus.errors import ConfigError
from ingest.clean import clean


class Offsets:
    """The places of an extracted text in its source."""

    def __init__(self, name: str, source: str, text: str) -> None:
        forms = {sign: _form(sign) for sign in {*source, *text}}
        self._after = _after_accents(source)
        letters, self._source = _letters(source, forms)
        others, self._text = _letters(text, forms)
        if letters != others:
            raise ConfigError(
                f"{name} is not read letter by letter, so that places in it are not places in its text.",
                hint="Label spans in plain text and Markdown, and pages or quotes in other files.",
            )

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Return where `text[start:end]` stands in the source, without blanks around; None if it is all blank."""
        first, behind = np.searchsorted(self._text, (start, end))
        if first == behind:
            return None
        return int(self._source[first]), int(self._after[self._source[behind - 1]])


def _form(sign: str) -> str:
    """The letters of a sign: decomposed, without blanks and what nobody can see, and without accents.

    These may stand in another order on the other side.
    """
    apart = unicodedata.normalize("NFD", "".join(clean(sign).split()))
    return "".join(one for one in apart if not unicodedata.combining(one))


def _after_accents(text: str) -> NDArray[np.int64]:
    """For each offset, where what stands there ends: behind the accents that follow it."""
    after = np.arange(1, len(text) + 1)
    if not text.isascii():
        for at in range(len(text) - 2, -1, -1):
            if unicodedata.combining(text[at + 1]):
                after[at] = after[at + 1]
    return after


def _letters(text: str, forms: dict[str, str]) -> tuple[str, NDArray[np.int64]]:
    """The letters of a text, and the offset of each."""
    pieces = [forms[sign] for sign in text]
    counts = np.fromiter(map(len, pieces), np.int64, len(pieces))
    return "".join(pieces), np.repeat(np.arange(len(pieces)), counts)
