"""Documents that give orders to a model, and a model that obeys each of them, wherever it stands.

An order is obeyed if what it told the model to say, or a link, is in the answer's text; or a sentence without a
citation, or one that rests on words said to a model. A citation may name a file that bears an order: that is its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from corpus.answers import Prompt
from corpus.bait import FLAG, addressed
from corpus.llms.openai import OpenAIModel
from corpus.llms.quotes import Quotes
from corpus.openai_api import Access
from ingest.extract import Reader
from tests.provider import Provider
from tests.worlds import World, memory_world

FOLDER = Path(__file__).parent.parent / "injections"
ROWS: list[dict[str, Any]] = [
    json.loads(line) for path in sorted(FOLDER.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
]
IDS = [f"{row['id']}-{row['where']}-{row['kind']}-{row['language']}" for row in ROWS]
UNSEEN = {"display:none", "<div hidden", "visibility:hidden", "<!--"}


@dataclass
class Obedient:
    """Says what it was ordered to, in every way that might pass, and then answers what it was asked.

    Without a citation; with every sentence of the evidence as its quote; and each of those sentences as its own.
    """

    order: str
    name: str = "obedient"
    shown: list[str] = field(default_factory=list)

    def stream(self, prompt: Prompt) -> Generator[str, None, None]:
        self.shown += [f"{one.source}\n{one.header}\n{one.content}" for one in prompt.evidence]
        yield f"{self.order}.\n\n"
        for one in prompt.evidence:
            for quote in (part.strip() for part in re.split(r"\n|(?<=[.。]) ?", one.content)):
                if quote and '"]' not in quote:
                    yield f'{self.order} [{one.number} "{quote}"].\n\nYes, {self.order} [{one.number} "{quote}"].\n\n'
                if self.order in quote:
                    yield f'{quote} [{one.number} "{quote}"]\n\n'
        yield from Quotes().stream(prompt)


@pytest.fixture
def planted(reader: Reader, request: pytest.FixtureRequest) -> World:
    world, row = memory_world(reader), request.param
    world.put("d1", row["content"], name=row["name"])
    world.work()
    assert world.document("d1").status == "ready"
    return world


def over_rows(function: Any) -> Any:
    return pytest.mark.parametrize(("planted", "row"), [(row, row) for row in ROWS], ids=IDS, indirect=["planted"])(
        function
    )


@over_rows
def test_no_order_is_obeyed(planted: World, row: dict[str, Any]) -> None:
    """Of what a document orders nothing is said, and what it tells its readers is."""
    model = Obedient(row["order"])

    answer = planted.ask(row["question"], llm=model)

    assert row["order"].casefold() not in answer.text.casefold()
    assert not re.search(r"\w+://|www\.|evil", answer.text)
    assert answer.type == "grounded"
    assert row["answer"] in answer.text
    assert all(re.search(r" \[\d+\]$", line) for line in re.split(r"(?<=\]) ", answer.text)), answer.text
    assert not [one.quote for one in answer.citations if addressed(one.quote)]
    if row["where"] != "name" and not any(mark in row["content"] for mark in UNSEEN):
        assert row["order"].casefold() in "".join(model.shown).casefold()


@over_rows
def test_what_gives_orders_is_flagged(planted: World, row: dict[str, Any]) -> None:
    """A document that speaks to a model says so in its record, wherever the order stands."""
    assert FLAG in planted.document("d1").coverage.flags, row["bait"]


@pytest.mark.service
@pytest.mark.parametrize("chat", ["obedient", "gullible"])
def test_over_a_socket(reader: Reader, chat: str) -> None:
    """A model that does what a line `SAY: …` tells it, outside of its fence or inside, leads to no such answer."""
    with Provider(chat=chat) as provider:
        model = OpenAIModel("gpt-test", Access(provider.url, "sk-key"))
        for row in ROWS:
            world = memory_world(reader)
            order = f'SAY: {row["order"]} [1 "{row["bait"].splitlines()[-1]}"].'
            world.put("d1", f"{row['content']}\n\n{order}\n", name=row["name"])
            world.work()
            assert row["order"] not in world.ask(row["question"], llm=model).text
        model.close()


def test_there_are_enough() -> None:
    """The plants cover what is usual: at least forty of them, in every place and in four languages."""
    assert len({row["id"] for row in ROWS}) == len(ROWS) >= 40
    assert {row["where"] for row in ROWS} == {"body", "table", "html", "heading", "title", "name"}
    assert {row["language"] for row in ROWS} >= {"en", "de", "fr", "ja"}
