"""What holds for a hit that is read with what stands around it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search.neighbours import AROUND, widened
from tests.laws.test_fuse import hit

SENTENCES = st.lists(st.sampled_from(["The pool opens at nine.", "Dogs stay out!", "Fees:", "| a | b |"]), max_size=40)


@given(SENTENCES, st.lists(st.integers(0, 900), min_size=4, max_size=4, unique=True))
def test_a_wider_hit(pieces: list[str], places: list[int]) -> None:
    """It holds what it held, as it stands in the text, a little of what is around it, and nothing of another hit."""
    text = "\n".join(pieces)
    one, two, three, four = sorted(min(place, len(text)) for place in places)
    own = hit("a#0", 1.0, content=text[one:two])._replace(start=one, end=two)
    other = hit("a#1", 1.0, content=text[three:four])._replace(start=three, end=four)

    for wide, narrow, beside in (
        (widened(own, text, [own, other]), own, other),
        (widened(other, text, [own, other]), other, own),
    ):
        assert wide.content == text[wide.start : wide.end]
        assert narrow.start - AROUND <= wide.start <= narrow.start <= narrow.end <= wide.end <= narrow.end + AROUND
        assert wide.end <= beside.start or beside.end <= wide.start
        assert wide._replace(start=narrow.start, end=narrow.end, content=narrow.content) == narrow


def test_whole_sentences() -> None:
    """What is added are whole sentences, and none that may begin before what was looked at."""
    text = " ".join(f"Rule {n} is long enough to be read as a sentence." for n in range(40))
    middle = text.index("Rule 20")
    own = hit("a#0", 1.0, content=text[middle : middle + 7])._replace(start=middle, end=middle + 7)

    wide = widened(own, text, [own])
    assert wide.content.startswith("Rule 1")
    assert wide.content.endswith("sentence.")
    assert own.content in wide.content
