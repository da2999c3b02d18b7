from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The lifts' MAINTENANCE fees", ["lift", "mainten", "fee"]),
        ("Don’t park in B-17 or § 12", ["park", "b", "17", "12"]),
        ("Café Zoë, naïve", ["cafe", "zoe", "naiv"]),
        ("ﬁre ＡＬＡＲＭ №5", ["fire", "alarm", "no5"]),
        ("snake_case", ["snake", "case"]),
        ("東京都の条例", ["東京", "京都", "都の", "の条", "条例"]),
        ("第3回", ["第", "3", "回"]),
        ("がが", ["がが"]),
        ("", []),
        ("the of and", []),
        ("x" * 1000, ["x" * 64]),
        ("a\x00b\ud800c", ["b", "c"]),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    """A text's words are folded, stemmed, without stop words; unspaced scripts come in pairs."""
    assert words.tokens(text) == expected


@given(st.text())
def test_a_word_never_breaks_its_index(text: str) -> None:
    """A word of any text is at most 64 characters and holds no blank, control character or quotation mark."""
    for word in words.tokens(text):
        assert 0 < len(word) <= words.MAX_WORD
        assert not re.search(r'[\s\x00-\x1f"]', word)


def test_a_question_has_each_word_once() -> None:
    """A question's words are different ones, in order, and no more than asked for."""
    assert words.question_words("pool, pool and sauna: pool hours?", 3) == ("pool", "sauna", "hour")
    assert words.question_words("pool sauna hours", 2) == ("pool", "sauna")


def test_a_heading_line_says_nothing_twice() -> None:
    """A title that is also the first heading stands in the line once."""
    assert words.heading_line("House Rules", ("House Rules", "", "Pool")) == "House Rules › Pool"
