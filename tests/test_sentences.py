from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.sentences import sentences

BROKEN = "Residents who keep a bicycle in the cellar must mark it\n"
BROKEN += "with their name. Others go every year in the month of\nMarch."


FEES = """The following fees are charged by the administration of the house to whoever causes them, or did:
Late payment of the monthly contribution for the second time 25.00 with the next one
Second key 45.00"""


def told(text: str) -> list[str]:
    return [" ".join(text[start:end].split()) for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The pool opens at nine. It closes at eight!  Really?",
            ["The pool opens at nine.", "It closes at eight!", "Really?"],
        ),
        ("See No. 5, e.g. the lift of Mr. Bean. Then go.", ["See No. 5, e.g. the lift of Mr. Bean.", "Then go."]),
        ("It costs 12.50 a night. Pay.", ["It costs 12.50 a night.", "Pay."]),
        ("1. Quiet hours begin at ten. They end at six.", ["1. Quiet hours begin at ten.", "They end at six."]),
        (
            (
                "Item | Fee | When\nParty room. No glass! | 80.00 | on booking, in full, not later than the first day\n"
                "of use | 3.00 | daily"
            ),
            [
                "Item | Fee | When",
                "Party room. No glass! | 80.00 | on booking, in full, not later than the first day",
                "of use | 3.00 | daily",
            ],
        ),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        (
            BROKEN,
            [
                "Residents who keep a bicycle in the cellar must mark it with their name.",
                "Others go every year in the month of March.",
            ],
        ),
        (
            FEES,
            [
                "The following fees are charged by the administration of the house to whoever causes them, or did:",
                "Late payment of the monthly contribution for the second time 25.00 with the next one",
                "Second key 45.00",
            ],
        ),
        (
            "Guest parking, per night 12.00\nSecond key 45.00\nLate payment 25.00",
            ["Guest parking, per night 12.00", "Second key 45.00", "Late payment 25.00"],
        ),
        (
            "# Pool\nOpens at nine.\n- no glass\n- no dogs\n\n| Fee | Due |\n| 5 | May |",
            ["# Pool", "Opens at nine.", "- no glass", "- no dogs", "| Fee | Due |", "| 5 | May |"],
        ),
        ("プールは九時に開く。八時に閉まる。", ["プールは九時に開く。", "八時に閉まる。"]),
        ("page one ends\n\fPage two begins", ["page one ends", "Page two begins"]),
        ("", []),
        (" \n \f ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    """Sentences, rows, items and headings come out one by one; broken lines are whole again."""
    assert told(text) == expected


@given(st.text(st.sampled_from("aB1.!? \n\f-#|。"), max_size=200))
def test_nothing_is_lost_and_nothing_is_twice(text: str) -> None:
    """Every visible character is in exactly one sentence, in order."""
    spans = sentences(text)

    assert [n for start, end in spans for n in range(start, end) if not text[n].isspace()] == [
        n for n, c in enumerate(text) if not c.isspace()
    ]
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
