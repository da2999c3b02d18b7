from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpus.errors import ConfigError
from footnote.evaluation.offsets import Offsets
from ingest.clean import clean

SIGNS = "ab \t\n\r\x0c\xa0\u200b\xad\ufeff\u2028\u3000e\u0301\u0323\u0307é각\u1100\u1161ﬁÅ語"


@given(st.text(SIGNS, max_size=12))
@example("The café\r\n\r\nof the cafe\u0301.\n")
@example("a\u0307\u0323b")
def test_every_place_has_its_source(source: str) -> None:
    """A piece of a cleaned text has the letters of the piece of the source that it is led back to."""

    def letters(text: str) -> str:
        apart = unicodedata.normalize("NFD", "".join(clean(text).split()))
        return "".join(one for one in apart if not unicodedata.combining(one))

    text = clean(source)
    offsets = Offsets("x", source, text)
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            span = offsets.span(start, end)
            assert letters(source[slice(*span)] if span else "") == letters(text[start:end])


def test_an_accent_goes_with_its_letter() -> None:
    """A piece that ends in a composed letter has the accent of the source too."""
    source = "cafe\u0301s"
    assert Offsets("x", source, clean(source)).span(0, 4) == (0, 5)


def test_what_is_read_otherwise_is_refused() -> None:
    """If letters went or came, no place can be told, and the file is named."""
    with pytest.raises(ConfigError, match=r"rules\.html is not read letter by letter"):
        Offsets("rules.html", "<p>Pool</p>", "Pool")
