"""What holds for every draft of a model, in whatever pieces it comes and wherever it ends."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.answers import Answer, Prompt, Sentence
from corpus.errors import ConfigError, Forbidden, Unavailable
from corpus.scope import Scope
from ingest.extract import Reader
from search.answer import BROKE_OFF, FAILED, LATE, Answering
from search.verify import parsed
from tests.worlds import ME, World, memory_world

RULES = "The pool opens at nine in the morning. It closes at eight. Visitors may park in the yard for two nights."
GARDEN = "The pool opens at ten in the morning. The garden is closed in winter."
QUESTION = "When does the pool open?"
SCRAPS = st.sampled_from(
    [
        "It opens",
        ". ",
        ".",
        "!",
        " ",
        "\n",
        '[1 "a b c"]',
        '[12 "d"]',
        "[",
        '"]',
        '"',
        '[1 "',
        "[x]",
        "2",
        '[1 ""]',
        "- a",
    ]
)
SAID = st.sampled_from(
    [
        'The pool opens at nine [1 "pool opens at nine"]. ',
        'It closes at eight [1 "closes at eight"][1 "opens at nine in"]. ',
        'It opens at ten [2 "opens at ten in"]. ',
        'The pool closes at eight [1 "It closes at eight"]\n',
        'It is free [1 "pool opens at nine"]. ',
        'It opens at noon [1 "opens at noon"]. ',
        "Nobody knows. ",
    ]
)


@given(st.lists(SCRAPS | SAID, max_size=12).map("".join), st.data())
def test_a_draft_in_pieces(draft: str, data: st.DataObject) -> None:
    """A draft has the same sentences with the same marks, however it is cut into pieces."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(draft)), max_size=8)))
    pieces = [draft[start:end] for start, end in zip([0, *cuts], [*cuts, len(draft)], strict=True)]

    whole = [one for found in parsed([draft]) for one in found]
    assert [one for found in parsed(pieces) for one in found] == whole
    assert [one for found in parsed(draft) for one in found] == whole


@pytest.mark.parametrize(
    ("behind", "whole"),
    [
        ("", False),
        (".", False),
        (". ", False),
        (". [", False),
        ('. [1 "of it', False),
        (". I", True),
        (" It", True),
        ("[see", True),
        (". [1]", True),
        ('. It [1 "is"]', True),
    ],
)
def test_when_a_sentence_is_whole(behind: str, whole: bool) -> None:
    """A sentence is whole as soon as what stands behind its marks can be no further one."""
    first, second, last = parsed(['It opens [1 "it opens"]', behind])

    assert (first, bool(second)) == ([], whole)
    assert [one.marks[0] for one in (*second, *last)][:1] == [(1, "it opens")]


@dataclass
class Breaking:
    """Writes a draft in pieces of 5 characters; may fail behind it, and knows whether it was ended."""

    draft: str
    error: Exception | None = None
    name: str = "breaking"
    ended: bool = False

    def stream(self, _: Prompt) -> Generator[str, None, None]:
        try:
            yield from (self.draft[at : at + 5] for at in range(0, len(self.draft), 5))
            if self.error:
                raise self.error
        finally:
            self.ended = True


@pytest.fixture(scope="module")
def house(reader: Reader) -> World:
    world = memory_world(reader)
    world.put("d1", RULES, name="rules.txt")
    world.put("d2", GARDEN, name="garden.txt")
    world.work()
    return world


def told(stream: Answering) -> tuple[list[Sentence], Answer]:
    *begun, answer = [one for one in stream if one]
    assert isinstance(answer, Answer)
    return [one for one in begun if isinstance(one, Sentence)], answer


@given(st.lists(SAID, max_size=5).map("".join), st.integers(0, 400), st.sampled_from([None, Unavailable, ConfigError]))
@settings(max_examples=60)
def test_nothing_is_taken_back(house: World, draft: str, end: int, kind: type[Exception] | None) -> None:
    """What was sent is the answer's text, sentence by sentence, with its numbers, wherever a model fails."""
    llm = Breaking(draft[:end] if kind else draft, kind("no") if kind else None)
    sentences, answer = told(house.answerer(llm).stream(ME, QUESTION))

    said = " ".join(one.text for one in sentences) if answer.type != "not_found" else answer.text
    assert said.split() == answer.text.split()
    assert bool(sentences) == (answer.type != "not_found")
    for one in sentences:
        marks = [int(number) for number in re.findall(r"\[(\d+)\]", one.text)]
        assert [cited.number for cited in one.citations] == marks
        assert set(one.citations) <= set(answer.citations)
    assert answer == house.ask(QUESTION, llm=Breaking(llm.draft, llm.error))
    assert bool({BROKE_OFF, LATE, FAILED} & set(answer.notes)) == bool(kind)


@given(st.lists(SAID, min_size=1, max_size=5).map("".join), st.integers(0, 80), st.booleans())
@settings(max_examples=60)
def test_a_right_that_ends(house: World, draft: str, pieces: int, refused: bool) -> None:
    """Wherever a right ends in what a model writes: what was told is as before, and nothing is told from then on."""

    class Ending(Breaking):
        written = 0

        def stream(self, prompt: Prompt) -> Generator[str, None, None]:
            for piece in super().stream(prompt):
                self.written += 1
                yield piece

    llm = Ending(draft)

    def renewed() -> Scope:
        if llm.written >= pieces and refused:
            raise Forbidden("off")
        return replace(ME, principals=frozenset({"user:me"})) if llm.written >= pieces else ME

    said = list[Sentence | Answer]()
    try:
        for one in house.answerer(llm).stream(replace(ME, renewed=renewed), QUESTION):
            assert not (one and llm.written >= pieces)
            said += [one] if one else []
    except Forbidden:
        assert llm.written >= pieces
        assert llm.ended == bool(llm.written)  # while the error is still looked at
    sentences, answer = told(house.answerer(Breaking(draft)).stream(ME, QUESTION))
    assert said == [*sentences, answer][: len(said)]
    assert (len(said) == len(sentences) + 1) == (llm.written < pieces)


def test_a_model_that_breaks_off(house: World) -> None:
    """What was verified before a model fails is the answer, and it is partial; if nothing was, quotes answer."""
    begun = 'It opens at nine [1 "opens at nine in"]. It closes [1 "closes'
    answer = house.ask("When does the pool open in the morning?", llm=Breaking(begun, Unavailable("no")))
    assert answer.text.startswith("It opens at nine. [1]")
    assert (answer.type in {"partial", "conflict"}, BROKE_OFF in answer.notes) == (True, True)

    answer = house.ask(QUESTION, llm=Breaking("It opens at nine [1", ConfigError("no")))
    assert answer.text.startswith("The pool opens at nine in the morning. [1]")
    assert FAILED in answer.notes


def test_a_sentence_is_sent_while_the_model_writes(house: World) -> None:
    """A sentence comes before the model has ended, signs of life before it, and who leaves ends the model."""
    llm = Breaking('It opens at nine [1 "opens at nine in"]. It closes at eight [1 "It closes at eight"].')
    stream = house.answerer(llm).stream(ME, QUESTION)

    first = [next(stream) for _ in range(3)]
    sentence = next(one for one in stream if one)
    assert (first, llm.ended) == ([None] * 3, False)
    assert isinstance(sentence, Sentence)
    assert sentence.text == "It opens at nine. [1]"
    stream.close()
    assert llm.ended
