"""What holds for hits that say what a better one says already."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from corpus import words
from corpus.model import Hit
from search.conflict import TURNS, Statement, disagree
from search.copies import MORE, NARROWING, copies_apart
from tests.laws.test_fuse import hit

NOTICE = """
    Bicycles are kept in the cellar of the house and never in the stairs. Whoever leaves one in the hall for longer than
    3 days has to fetch it from the caretaker, Ms Adler, who asks for 15.00 euros. The key B-17 opens the cellar.
""".split()  # noqa: SIM905 -- thirty quoted strings would be harder to read
PLAIN = ("gladly", "kindly", "usual", "old", "and", "the")
TELLING = ("4", "15.50", "two", "noon", "forty", "Monday", "may", "June", "B-18", "Berlin", "hours", "don't", "e-mail")
RULE = ("pool", "roof", "residents", "guests", "garden", "daily", "open", "rest")
CHANGES = st.lists(st.sampled_from(("7", "8:00", "two", "noon", "Monday", "June", "not", "closed", "the")), max_size=2)
SAID = st.lists(st.sampled_from(("the", "pool", "opens", "at", "not", "7", "gladly")), max_size=12)


def said(content: str, language: str = "en") -> Hit:
    return hit("a#0", 1.0, content=content)._replace(language=language)


def copied(one: str, other: str, question: str = "", language: str = "en") -> bool:
    """Whether the second of two texts is a copy of the first."""
    kept, copies = copies_apart(words.asked(question), [said(one, language), said(other, language)])
    assert len(kept) + len(copies) == 2
    return bool(copies)


def with_more(places: list[tuple[int, str]]) -> str:
    """The notice with words put in behind some of its own."""
    text = list(NOTICE)
    for place, word in sorted(places, reverse=True):
        text.insert(place, word)
    return " ".join(text)


def put(of: tuple[str, ...], most: int) -> st.SearchStrategy[list[tuple[int, str]]]:
    return st.lists(st.tuples(st.integers(1, len(NOTICE)), st.sampled_from(of)), min_size=1, max_size=most)


@given(put(PLAIN, int(MORE * len(NOTICE))), st.booleans())
def test_a_few_plain_words_more(places: list[tuple[int, str]], longer_first: bool) -> None:
    """A text that has another's words in their order, and a tenth more that tell nothing, says the same as it."""
    texts = (with_more(places), " ".join(NOTICE))
    assert copied(*(texts if longer_first else reversed(texts)))


@given(put((*TELLING, *sorted(TURNS | NARROWING)), 1))
def test_a_word_that_tells(places: list[tuple[int, str]]) -> None:
    """A figure, a day, a code, a name, a unit, a "not" or an "only" makes another text."""
    assert not copied(with_more(places), " ".join(NOTICE))


@given(st.integers(0, len(NOTICE) - 1), st.sampled_from((*PLAIN, *TELLING)))
def test_another_word_in_its_place(place: int, word: str) -> None:
    """A text in which one word stands in the place of another is no copy, whatever the words are, case aside."""
    changed = [*NOTICE[:place], word, *NOTICE[place + 1 :]]
    assume(word.casefold() != NOTICE[place].casefold())
    assert not copied(" ".join(changed), " ".join(NOTICE))


@given(st.lists(st.sampled_from(RULE), min_size=4, unique=True), CHANGES, CHANGES)
def test_what_contradicts_is_no_copy(rule: list[str], one: list[str], other: list[str]) -> None:
    """Of two sentences that cannot both be right neither is a copy; nor is it when they end longer texts."""
    first, second = " ".join([*rule, *one]), " ".join([*rule, *other])
    if disagree(Statement.of(first), Statement.of(second)):
        assert not copied(first, second)
        assert not copied(" ".join([*NOTICE, first]), " ".join([*NOTICE, second]))


@given(st.lists(SAID.map(" ".join), max_size=8), SAID.map(" ".join))
def test_nothing_is_lost(texts: list[str], question: str) -> None:
    """Every hit is either kept or a copy, in its order; the first is kept, and no two that are kept are the same."""
    hits = [said(text)._replace(chunk_id=str(n)) for n, text in enumerate(texts)]
    kept, copies = copies_apart(words.asked(question), hits)

    assert sorted((*kept, *copies), key=lambda one: int(one.chunk_id)) == hits
    assert kept[:1] == hits[:1]
    assert copies_apart(words.asked(question), kept) == (kept, [])


def test_what_was_asked_tells() -> None:
    """A plain word more is nothing, unless the question asks for it."""
    more = with_more([(5, "gladly")])
    assert copied(more, " ".join(NOTICE), "Where are the bicycles?")
    assert not copied(more, " ".join(NOTICE), "Who does so gladly?")


@pytest.mark.parametrize("language", ["de", "ja", ""])
def test_other_languages(language: str) -> None:
    """Where nobody listed the words that turn a sentence, only the very same words are a copy."""
    assert copied("Hunde sind  IM Hof erlaubt.", "hunde sind im Hof erlaubt.", language=language)
    assert not copied(with_more([(3, "nicht")]), " ".join(NOTICE), language=language)


def test_columns_are_part_of_a_row() -> None:
    """The same row below other columns says something else."""
    row = said("| Studio | 40.00 |")._replace(header="| Apartment | Cleaning |")
    other = row._replace(chunk_id="b#0", header="| Apartment | Heating |")

    assert copies_apart(words.asked("studio"), [row, other]) == ([row, other], [])
    assert copies_apart(words.asked("studio"), [row, row._replace(chunk_id="b#0")])[1]
