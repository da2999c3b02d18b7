from __future__ import annotations

import re

import pytest

from corpus.answers import Evidence, Prompt
from corpus.llms.quotes import Quotes

RULES = """# House Rules

## 4 Parking

Visitors may park in the yard for two nights.
Visitor's parking permit, first two per month 0.00
Visitor's parking permit, each further one 5.00

## 5 Repair of the roof

Ms Laurent reported on the leaks. The work begins on 7 September and takes six weeks.

| Apartment | Contribution in 2027 |
|---|---|
| Type A | 165.60 |
| Type B | 244.95 |
"""


def said(question: str, *contents: str) -> list[str]:
    """The quotes of an answer."""
    evidence = tuple(Evidence(n, "House Rules", content) for n, content in enumerate(contents or (RULES,), 1))
    draft = "".join(Quotes().stream(Prompt("", question, evidence)))
    return [quote for _, quote in re.findall(r'\[(\d+) "(.+?)"\]', draft, re.DOTALL)]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("How long may visitors park?", "Visitors may park in the yard for two nights."),
        ("What does each further parking permit cost?", "Visitor's parking permit, each further one 5.00"),
        ("When does the repair of the roof begin?", "The work begins on 7 September and takes six weeks."),
        ("What is the contribution of a type B apartment?", "| Type B | 244.95 |"),
    ],
)
def test_the_best_sentence_comes_first(question: str, first: str) -> None:
    """The sentence or row that says most of what was asked comes first; the heading above it helps."""
    assert said(question)[0] == first


def test_never_more_than_two() -> None:
    """An answer has at most two sentences, whatever the evidence."""
    assert len(said("the pool rule", *(f"Pool rule number {n} says this." for n in range(9)))) == 2


def test_headings_and_table_heads_are_no_answers() -> None:
    """A heading is not quoted as if it said something, however well it fits, nor is the head of a table."""
    for question in ("repair of the roof", "house rules parking", "apartment contribution in 2027"):
        assert not [one for one in said(question) if one.startswith("#") or "Apartment |" in one]
    assert said("swimming pool", "3 Swimming pool\nThe swimming pool is open.") == ["The swimming pool is open."]


def test_a_far_second_is_left_out() -> None:
    """A second sentence that says much less than the first is left out."""
    texts = ("The gate code is 4711, says the caretaker.", "The gate was painted green in the autumn of last year.")
    assert said("What is the code of the gate?", *texts) == [texts[0]]


SERVICE = ["The company services the lifts once a month.", "It comes on a Tuesday."]
LIFTS = f"{' '.join(SERVICE)} The caretaker opens the machine room."
RAIN = ["雨が降らない梅雨もある。", "これを空梅雨と呼ぶ。"]


@pytest.mark.parametrize(
    ("question", "text", "quotes"),
    [
        ("How often are the lifts serviced?", LIFTS, SERVICE),
        ("Who comes on a Tuesday?", LIFTS, SERVICE),
        ("Who opens the machine room?", LIFTS, ["The caretaker opens the machine room."]),
        ("雨が降らない梅雨を何と呼ぶか", "".join(RAIN), RAIN),
        ("How often are the lifts serviced?", f"{SERVICE[0]}\n\n{SERVICE[1]}", SERVICE[:1]),
    ],
)
def test_what_leans_on_another_is_quoted_with_it(question: str, text: str, quotes: list[str]) -> None:
    """A sentence that begins with "it" or "this" is quoted behind the one it leans on, in the same paragraph only."""
    assert said(question, text) == quotes


def test_a_sentence_of_nearly_the_same_worth_comes_before_what_only_leads_up() -> None:
    """What the best sentence leans on gives way to another that says nearly as much of what was asked."""
    texts = ("Kim took over in May. She keeps the key of the attic.", "The key of the attic hangs in the office.")
    assert said("Where is the key of the attic?", *texts) == ["She keeps the key of the attic.", texts[1]]


def test_no_word_no_answer() -> None:
    """Where no sentence holds a word of the question there is no answer."""
    assert said("Who won the football championship?") == []
    assert said("") == []


def test_a_quote_that_would_break_the_marks_is_left_out() -> None:
    """A sentence with the end of a mark in it is not quoted."""
    assert said("pool", 'The pool "opens"] at nine o\'clock.', "The pool closes at eight.") == [
        "The pool closes at eight."
    ]


def test_the_header_of_a_table_is_no_answer() -> None:
    """What names the columns of a table is no sentence of it; a row without a figure is one."""
    table = "Lift | Serial number | Built in\nNorth | 4711 | 1998\n\nRoom | Key | Held by whom\n"
    table += "Sauna | red | the caretaker\nParty room | blue | the board of the house"

    assert said("Which lift has which serial number?", table)[0] == "North | 4711 | 1998"
    assert said("Who holds the key of the party room?", table)[0] == "Party room | blue | the board of the house"
