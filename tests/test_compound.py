from __future__ import annotations

import pytest

from search.compound import parts


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (
            "What is the pool fee and who repairs the lift?",
            ("What is the pool fee?", "who repairs the lift?"),
        ),
        ("When does the pool open? Who repairs the lift?", ("When does the pool open?", "Who repairs the lift?")),
        (
            "May I grill on the balcony, and may I keep a dog?",
            ("May I grill on the balcony?", "may I keep a dog?"),
        ),
        (
            "What are the fees for the party room, moving and a false alarm?",
            (
                "What are the fees for the party room?",
                "What are the fees for moving?",
                "What are the fees for a false alarm?",
            ),
        ),
    ],
)
def test_what_asks_several_things_is_parted(question: str, found: tuple[str, ...]) -> None:
    """Two questions, "and" before a word that asks, and lists of three are parted into what can be asked alone."""
    assert parts(question) == found


@pytest.mark.parametrize(
    "question",
    [
        "What does bed and breakfast cost?",
        "When and where does the owners' meeting take place?",
        "Who opens and who closes the pool?",
        "When does the pool open, and is it heated?",
        "When does the pool open? What does it cost?",
        "What is the fee for moving in or moving out?",
        "What do the rules say about cats and dogs?",
        "What were the sales for the years 2004, 2005 and 2006?",
        "Which documents describe how and when the lift is repaired?",
        "pool and lift",
        "Is there a rule on what visitors may do and where they park?",
        "Hello? Hello?",
        "",
        "?",
        "a? b? c? d? e? f?",
    ],
)
def test_what_asks_one_thing_stays_whole(question: str) -> None:
    """A question is not parted where a part would be no question of its own, or lean on the other."""
    assert parts(question) == (question,)
