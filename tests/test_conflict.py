from __future__ import annotations

import pytest

from corpus.answers import Citation
from corpus.model import GenerationId, Hit
from search.conflict import Statement, contradictions, disagree


def contradict(one: str, other: str) -> bool:
    found = {disagree(Statement.of(a), Statement.of(b)) for a, b in ((one, other), (other, one))}
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The pool is open daily from 7:00 to 21:00.", "The pool is open daily from 8:00 to 22:00."),
        ("The pool on the roof opens on 1 May.", "The pool on the roof opens on 15 May."),
        ("The pool on the roof opens on 1 May.", "The pool on the roof opens on 1 June."),
        ("Each apartment may bring up to four guests.", "Each apartment may bring up to 3 guests."),
        ("Dogs may use the gym at night.", "Dogs may not use the gym at night."),
        ("Grills are allowed on the balcony.", "Grills are forbidden on the balcony."),
        ("The office is open on Monday mornings.", "The office is open on Tuesday mornings."),
        ("Moving in or moving out | 150.00 | on booking", "Moving in or moving out | 180.00 | on booking"),
        ("A key costs EUR 1,250.00 at the desk.", "A key costs EUR 1,300 at the desk."),
    ],
)
def test_what_cannot_both_be_right(one: str, other: str) -> None:
    """The same words with other figures, days or a "not" contradict each other."""
    assert contradict(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The pool is open daily from 7:00 to 21:00.", "The pool is open daily from 07:00 to 21:00."),
        ("A key costs EUR 1,250.00 at the desk.", "A key costs EUR 1250 at the desk."),
        ("The pool is open daily from 7:00.", "The sauna is open daily from 8:00."),
        ("The pool opens at nine in the morning.", "The pool opens at nine in the morning and closes at 20:00."),
        ("Visitors may park for 48 hours in the yard.", "Visitors may park for 2 days in the yard."),
        ("Sales rose by 8 per cent in 2022.", "Sales rose by 9 per cent in 2023."),
        ("Net sales | 117,154", "Operating income | 36,016"),
        ("3. Visitors may park in the yard.", "7. Visitors may park in the yard."),
        ("Each apartment may bring four guests.", "Each apartment may bring guests."),
        ("The pool opens at 9.", "The pool opens at 10 if the weather allows it and a lifeguard is present."),
        ("", ""),
        ("|", "|"),
    ],
)
def test_what_can(one: str, other: str) -> None:
    """Other ways to write a figure, more detail, other things, other years and other units contradict nothing."""
    assert not contradict(one, other)


def hit(name: str, text: str) -> Hit:
    return Hit(name, GenerationId(name, "1", "r"), 0, 0, len(text), text, 1, 1, name, "", "", "", 1.0)


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("rules.pdf", "rules-2027.pdf", True),
        ("rules.pdf", "website.html", True),
        ("report-2026-Q1.pdf", "report-2026-Q2.pdf", False),
        ("report-2026.pdf", "notes-2026.pdf", True),
    ],
)
def test_reports_of_different_periods_contradict_nothing(one: str, other: str, *, found: bool) -> None:
    """What differs between documents that both bear a date in their names has changed, and is no contradiction."""
    text, against = "The pool is open daily from 7:00.", "The pool is open daily from 8:00."
    own = Citation(1, one, "1", one, 1, "", "", 0, len(text), text)

    hits = [hit(one, text), hit(other, against)]

    assert [quote for _, quote in contradictions("When is the pool open?", own, hits)] == [against] * found
    assert not list(contradictions("What does the sauna cost?", own, hits))
