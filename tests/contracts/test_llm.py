from __future__ import annotations

import re

from corpus.answers import Evidence, Prompt
from corpus.ports import LLM
from corpus.prices import is_paid

EVIDENCE = (
    Evidence(
        1, "House Rules › Pool", "Children under twelve need company. the pool opens at nine\nand closes at eight."
    ),
    Evidence(2, "Minutes", "The lift was repaired in March."),
)


def test_name(llm: LLM) -> None:
    """Which model it is."""
    assert llm.name


def test_stream(llm: LLM) -> None:
    """Yield the answer in pieces: sentences that each end in `[n "quote"]`, quoting evidence n."""
    draft = "".join(llm.stream(Prompt("Answer from the evidence.", "When does the pool open?", EVIDENCE))).strip()

    marks = re.findall(r'\[(\d+) "(.+?)"\]', draft, re.DOTALL)
    assert marks
    assert draft.endswith("]")
    for number, quote in marks:
        stored = next(one.content for one in EVIDENCE if one.number == int(number))
        assert " ".join(quote.split()) in " ".join(stored.split())


def test_what_is_paid_for(llm: LLM) -> None:
    """Where somebody is to be paid, it returns the tokens that were read and written."""
    pieces, told = llm.stream(Prompt("Answer from the evidence.", "When does the pool open?", EVIDENCE)), None
    try:
        while True:
            next(pieces)
    except StopIteration as ended:
        told = ended.value

    assert (told is not None) == is_paid(llm.name)
    assert told is None or (told.read > len(EVIDENCE) and told.written and not told.embedded)


def test_no_answer(llm: LLM) -> None:
    """Yields nothing at all when the evidence holds no answer."""
    assert "".join(llm.stream(Prompt("", "Who won the football championship?", EVIDENCE))) == ""
    assert "".join(llm.stream(Prompt("", "When does the pool open?", ()))) == ""
