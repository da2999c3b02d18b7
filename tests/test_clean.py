from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.clean import GARBAGE_SHARE, clean, letters, mend_hyphens, undecodable


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne"),
        ("a\u00a0b\u202fc\u2007d\u3000e", "a b c d e"),
        ("a\x00b\x01c\x1bd\fe", "abcde"),
        ("tab\tkept", "tab\tkept"),
        ("blanks  \t \nat line ends   ", "blanks\nat line ends"),
        ("cafe\u0301 \u1e9b\u0323", "café \u1e9b\u0323"),
        ("lone\ud800surrogate \udc00", "lonesurrogate"),
        ("soft\u00adhyphen zero\u200bwidth \ufeffmark", "softhyphen zerowidth mark"),
        ("família 👩‍👩‍👧 ﬁ №", "família 👩‍👩‍👧 ﬁ №"),
    ],
)
def test_what_goes_and_what_stays(raw: str, expected: str) -> None:
    """Blanks become blanks, what nobody can see goes, and what anybody can see stays."""
    assert clean(raw) == expected


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    """A clean text is left alone, and any text can be sent once it is clean."""
    once = clean(text)

    assert clean(once) == once
    once.encode()


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_nothing_visible_is_lost(text: str) -> None:
    """No visible character of a text goes, whatever it is composed of."""
    assert len(clean(text)) > 0 or not text


@pytest.mark.parametrize(
    "text", [" " * 10**6 + "x", "a" * 10**6 + "\ufffe", "\t" * 10**6, "\ufffe" * 10**6, ("a" * 1000 + "\ufffe") * 1000]
)
def test_a_flood_takes_no_time(text: str) -> None:
    """A megabyte of anything is cleaned in a fraction of a second's work."""
    begin = time.process_time()
    clean(mend_hyphens([text])[0])
    assert time.process_time() - begin < 5  # a square law would take minutes


def test_marks_of_hyphens() -> None:
    """A marked line end is one word where the document knows the word, and keeps its hyphen where it does not."""
    pages = ["the open\ufffemarket price", "a monthly state\x02ment, and 13a\ufffe15(f)", "each Statement of account"]

    assert mend_hyphens(pages) == [
        "the open-market price",
        "a monthly statement, and 13a-15(f)",
        "each Statement of account",
    ]
    assert mend_hyphens(["no mark"]) == ["no mark"]


def test_garbage() -> None:
    """A page of private characters, glyph numbers or undecodable bytes is garbage; one odd character is not."""
    assert undecodable("\ue001\ue002\ue003 text") == 3 / 7
    assert undecodable("(cid:12)(cid:13) and (cid:14)") > GARBAGE_SHARE
    assert undecodable("/g18/g152 /g3 word") > GARBAGE_SHARE
    assert 0 < undecodable("An ordinary page of text with one \uf0a7 bullet in it, as many have.") < GARBAGE_SHARE
    assert (undecodable(""), undecodable("\x1f")) == (0, 1)


def test_letters_are_counted_as_far_as_needed() -> None:
    """Letters and digits count, marks and blanks do not, and counting stops when it is enough."""
    assert (letters("a1 -_é東", 100), letters("abc", 2), letters("-- \n", 5)) == (4, 2, 0)
