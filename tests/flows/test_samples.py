"""The documents of the invented condominium, one for nearly every format, as its residents would ask them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.answers import Answer
from corpus.scope import Scope
from footnote.connect import Footnote, connect
from footnote.settings import Settings
from ingest.editions import amend
from ingest.terms import Terms
from tests.worlds import WITHOUT_OCR

SAMPLES = Path(__file__).parent.parent.parent / "sample_docs"
LIFTS = "Maintenance Contract for the Lifts"
PAGE = "Linden Court: for residents"
FIRE_DOOR = "The fire door between the garage and the cellar of number 16"

ASKED = [
    (
        "Until when does the contract for the lifts run?",
        ("lift-contract.docx", 1, f"{LIFTS} › 5 Term and notice"),
        "The contract begins on 1 January 2025 and runs until 31 December 2027.",
    ),
    (
        "By how much may the price of the lift contract rise?",
        ("lift-contract.docx", 1, f"{LIFTS} › 4 Price"),
        "The price rises each January with the consumer price index, by 3 per cent at most.",
    ),
    (
        "When is the office of the administration open on Wednesday?",
        ("website.html", 1, f"{PAGE} › Office hours of the administration"),
        "Wednesday | 14:00 to 17:00",
    ),
    (
        "On which days is paper collected in March 2027?",
        ("website.html", 1, f"{PAGE} › Waste calendar for the first half of 2027"),
        "March 2027 | 2, 16, 30 | 4, 18",
    ),
    (
        "What is the telephone number of the locksmith?",
        ("contacts.csv", 1, ""),
        "Keys | Locked out | Mill Lane Locksmith | 555 0187 | day and night",
    ),
    (
        "When do the new house rules take effect?",
        ("house-rules-2027.pdf", 2, "1 Purpose and scope"),
        "They were adopted by an extraordinary owners' meeting on 12 November 2026 and take effect on 1 January 2027.",
    ),
]
LEANING = {
    "They were adopted by an extraordinary owners' meeting on 12 November 2026 and take effect on 1 January 2027.": (
        "These rules apply to everyone who lives in, visits or works at Linden Court, 14 to 18 Mill Lane."
    )
}
"""Quotes that lean on the sentence before, which is quoted first."""
INSPECTED = [
    (
        "Where is the assembly point in case of fire?",
        ("fire-inspection-2026.pdf", 1, "2 In case of fire"),
        "The assembly point is the lawn beside the yard gate on Mill Lane.",
    ),
    (
        "By when is the fire door of the garage to be repaired?",
        ("fire-inspection-2026.pdf", 3, "3 Defects to be mended"),
        f"{FIRE_DOOR} does not close by itself and is to be repaired by 30 June 2026.",
    ),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Footnote, Scope]]:
    """All the samples, ingested as they would be."""
    with connect(Settings.from_env(WITHOUT_OCR, home=tmp_path_factory.mktemp("home"))) as footnote:
        scope = footnote.local_scope("me")
        for path in SAMPLES.glob("[a-z]*.*"):
            footnote.uploads.put(scope, path.stem, path.name, path.read_bytes())
        while footnote.ingestor.drain(footnote.queue):
            pass
        yield footnote, scope


@pytest.mark.parametrize(("question", "place", "quote"), ASKED + INSPECTED)
def test_a_sample_answers(
    house: tuple[Footnote, Scope], question: str, place: tuple[str, int, str], quote: str
) -> None:
    """A question to each format is answered from its file first, with the words, the page and the section."""
    footnote, scope = house

    answer = footnote.ask(scope, question)

    cited = [((one.file_name, one.page, one.section), " ".join(one.quote.split())) for one in answer.citations]
    lead = [(place, LEANING[quote])] if quote in LEANING else []
    assert cited[: len(lead) + 1] == [*lead, (place, quote)]
    assert answer.type == ("partial" if (question, place, quote) in INSPECTED else "grounded")


@pytest.mark.parametrize(
    ("question", "before", "after"),
    [
        ("When is the pool open?", "daily from 7:00 to 21:00", "daily from 8:00 to 22:00"),
        ("How long may visitors park?", "up to 48 hours", "up to 72 hours"),
        ("How many guests may I bring to the pool?", "up to four guests", "up to three guests"),
        ("What is the fee for a false fire alarm?", "False fire alarm 350.00", "False fire alarm 400.00"),
    ],
)
def test_two_editions_of_the_rules(house: tuple[Footnote, Scope], question: str, before: str, after: str) -> None:
    """Two editions that differ are quoted both as a conflict; once the dates are known, the one in force answers."""
    footnote, scope = house

    def quoted(as_of: str = "") -> tuple[str, dict[str, str]]:
        answer = footnote.ask(scope, question, as_of=as_of)
        quotes: dict[str, str] = {}
        for one in answer.citations:
            quotes[one.file_name] = " ".join([quotes.get(one.file_name, ""), *one.quote.split()])
        return answer.type, {name: quote for name, quote in quotes.items() if name.startswith("house-rules")}

    kind, said = quoted()
    assert kind == "conflict"
    assert before in said["house-rules.pdf"]
    assert after in said["house-rules-2027.pdf"]

    amend(footnote.table, scope, "house-rules-2027", Terms("2027-01-01", None, "house-rules"))
    for day, name, words in (("2026-12-31", "house-rules.pdf", before), ("2027-01-01", "house-rules-2027.pdf", after)):
        kind, said = quoted(day)
        assert kind == "grounded"
        assert list(said) == [name]
        assert words in said[name]
    amend(footnote.table, scope, "house-rules-2027", Terms("", None, ""))


@pytest.mark.parametrize(
    ("question", "found", "missing"),
    [
        (
            "Is there a lifeguard at the pool and who won the football championship?",
            "There is no lifeguard.",
            "who won the football championship?",
        ),
        (
            "Who painted the Mona Lisa? Until when does the contract for the lifts run?",
            "The contract begins on 1 January 2025 and runs until 31 December 2027.",
            "Who painted the Mona Lisa?",
        ),
    ],
)
def test_a_part_that_is_not_found_is_named(
    house: tuple[Footnote, Scope], question: str, found: str, missing: str
) -> None:
    """Of a question that asks two things, the one that is found is answered, and the other is named."""
    footnote, scope = house

    answer = footnote.ask(scope, question)

    assert answer.type == "partial"
    assert " ".join(answer.citations[0].quote.split()) == found
    assert f"Not found: {missing}" in answer.notes


def test_a_picture_of_a_page_is_named(house: tuple[Footnote, Scope]) -> None:
    """An answer from a document with a scanned page names that page, and what stands on it is not made up."""
    footnote, scope = house

    for question, _, _ in INSPECTED:
        assert footnote.ask(scope, question).notes == ("Of fire-inspection-2026.pdf, page 2 could not be read.",)
    (unread,) = [one for one in footnote.stream(scope, "How many smoke alarms were faulty?") if one]
    assert isinstance(unread, Answer)  # and no sentence was sent before
    assert unread.type == "not_found"
    assert [footnote.documents.get_many([name])[name].file_name for name in unread.about] == [
        "fire-inspection-2026.pdf"
    ]
    assert unread.notes == ("Of fire-inspection-2026.pdf, page 2 could not be read.",)
    assert not [hit for hit in footnote.search(scope, "Test record by Ms Varga", 100).hits if "Varga" in hit.content]


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("When is the sauna closed for renovation?", "renovation"),
        ("What is the password of the editors?", "heron"),
        ("Does the roof have a kestrel webcam?", "kestrel"),
    ],
)
def test_what_a_web_page_hides_is_not_found(house: tuple[Footnote, Scope], question: str, word: str) -> None:
    """Neither scripts nor hidden parts of a page are ever found or quoted."""
    footnote, scope = house

    hits = footnote.search(scope, question, 100).hits
    assert "website.html" in {hit.file_name for hit in hits}
    assert not [hit for hit in hits if word in hit.content.casefold()]
    assert footnote.ask(scope, question).type == "not_found"
