from __future__ import annotations

import re

from corpus.answers import Evidence, Prompt
from corpus.ports import LLM

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


def test_no_answer(llm: LLM) -> None:
    """Yields nothing at all when the evidence holds no answer."""
    assert "".join(llm.stream(Prompt("", "Who won the football championship?", EVIDENCE))) == ""
    assert "".join(llm.stream(Prompt("", "When does the pool open?", ()))) == ""
