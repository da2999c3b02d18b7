"""What a follow-up means by itself, by rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.followups import halves, read_pairs
from footnote.evaluation.sets import read_set
from search.followups import by_rules, phrases

ROOT = Path(__file__).parent.parent
PAIRS = ROOT / "tests" / "followups" / "sample_docs.jsonl"


@pytest.mark.parametrize(
    ("before", "answer", "follow_up", "meant"),
    [
        ("When is the pool open?", "", "And the sauna?", "When is the sauna open?"),
        ("When may I drill on working days?", "", "And on Sundays?", "When may I drill on Sundays?"),
        ("Is paper collected in May 2027?", "", "In June?", "Is paper collected in June 2027?"),
        ("What does type A pay?", "", "What about type B?", "What does type B pay?"),
        ("Who may use the gym?", "", "And for guests?", "Who may use the gym for guests?"),
        ("Is a dog allowed?", "", "May it come to the pool?", "May a dog come to the pool?"),
        ("Is the roof repaired?", "", "By whom?", "By whom is the roof repaired?"),
        ("When is the party room free?", "", "What does it cost?", "What does the party room cost?"),
        ("Who is the treasurer?", "Ms Nowak.", "Where does she live?", "Where does Ms Nowak live?"),
        ("Is there a gym?", "Yes. Shall I tell you when the gym opens?", "Yes please", "When the gym opens?"),
        ("Wie ist das Telefon von Meridian?", "", "Und von Citynet?", "Wie ist das Telefon von Citynet?"),
        ("Quel est le prix de la clé ?", "", "Et de la télécommande ?", "Quel est le prix de la télécommande?"),
        ("What does error 401 mean?", "", "And 429?", "What does error 429 mean?"),
        ("What is the IPv4 range?", "", "And IPv6?", "What is the IPv6 range?"),
        ("When did Elm Lifts come to Europe?", "", "What about Canada?", "When did Elm Lifts come to Canada?"),
        ("Which version of Python does the SDK need?", "", "And Ruby?", "Which version of Ruby does the SDK need?"),
        ("When did Elm 3 Large open?", "", "And Ash 3.5?", "When did Ash 3.5 open?"),
        ("Who helps with large bins?", "", "And with small ones?", "Who helps with small bins?"),
        ("How do I begin an answer?", "", "Can I skip it that way?", "Can I skip it that way, an answer?"),
        ("What are spare keys?", "", "Who gets those?", "Who gets those, spare keys?"),
        ("Can I choose a lift?", "", "Is a slower one quieter?", "Is a slower one quieter, a lift?"),
        ("What is the fee of Elm on Mondays?", "", "Sorry, on Fridays.", "What is the fee of Elm on Fridays?"),
        ("What is the fee of Elm on Mondays?", "", "No, I meant on Fridays.", "What is the fee of Elm on Fridays?"),
        ("How do I evaluate a lift?", "", "How fast should it be?", "How fast should a lift be?"),
        ("Meridianの電話番号は？", "", "では、Citynetは？", "Citynetの電話番号は？"),
    ],
)
def test_what_leans_on_the_question_before(before: str, answer: str, follow_up: str, meant: str) -> None:
    """A piece takes the place of its like, a pronoun's noun its own, a yes what was offered."""
    assert by_rules(follow_up, [(before, answer)]) == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Who removes wasps?", "Who removes wasps?"),
        ("Okay, thanks. And where is my electricity meter?", "Where is my electricity meter?"),
        ("No, I meant: who removes wasps?", "Who removes wasps?"),
        ("Is it allowed to grill on the balcony?", "Is it allowed to grill on the balcony?"),
        ("How long does it take to get a key?", "How long does it take to get a key?"),
        ("Do owners pay a fee when they move out?", "Do owners pay a fee when they move out?"),
        ("Is there a special levy for the roof?", "Is there a special levy for the roof?"),
        ("Wo steht der Stromzähler?", "Wo steht der Stromzähler?"),
    ],
)
def test_a_topic_change_drags_nothing_along(said: str, meant: str) -> None:
    """What leans on nothing has no word of the question before."""
    assert by_rules(said, [("When is the sauna open for guests?", "Daily. Shall I say more?")]) == meant


@pytest.mark.parametrize("said", ["", " ", "?", "and?", "Yes please", "Why?", "it", "。", "a" * 4000, "of of of of"])
def test_anything_may_be_said(said: str) -> None:
    """Whatever is said has a meaning, first or later, if only its own."""
    assert by_rules(said, []) == said.strip()
    for before in ("", "?", "When does the pool open?", "は"):
        assert isinstance(by_rules(said, [(before, "")]), str)


def test_phrases() -> None:
    """What a question names is told from what it says of it."""
    assert phrases("When is the office of the administration open?") == ["the office of the administration"]
    assert phrases("May my visitors park in the yard?") == ["my visitors", "the yard"]
    assert phrases("When does it close?") == []


def test_the_pairs() -> None:
    """There are 60 pairs and more, half of them kept from the rules' author, and each names a document."""
    for path, fewest, more in ((PAIRS, 60, set[str]()), (PAIRS.with_name("product-docs.jsonl"), 40, {"correction"})):
        pairs = read_pairs(path)
        seen, unseen = halves(pairs).values()
        assert len(pairs) >= fewest
        assert len(seen) == len(unseen)
        assert {"change", "pronoun", "ellipsis", "bare", "offer"} | more == {one.kind for one in seen}
        assert len({one.id for one in pairs}) == len(pairs)
    pairs = read_pairs(PAIRS)
    labelled = read_set(PAIRS, ROOT / "sample_docs")
    assert [one.text for one in labelled.questions] == [one.standalone for one in pairs]
    assert all(one.grades and one.quotes for one in labelled.questions)
