"""What verification lets through of what a model may write: a set of sentences, borne out by their quotes or not."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from corpus.answers import Prompt
from tests.worlds import World

PLANTED = Path(__file__).parent.parent / "planted"
MOST_LOST = 0.05


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (PLANTED / name).read_text("utf-8").splitlines()]


@dataclass
class Plant:
    """Writes one sentence with one quote, whichever piece of evidence that stands in; remembers if there was any."""

    sentence: str
    quote: str
    name: str = "plant"
    written: bool = False

    def stream(self, prompt: Prompt) -> Generator[str, None, None]:
        for one in prompt.evidence:
            if self.quote in one.content:
                self.written = True
                yield f'{self.sentence} [{one.number} "{self.quote}"]'
                return


@pytest.fixture
def planted(world: World) -> World:
    for row in rows("documents.jsonl"):
        world.put(row["name"].removesuffix(".txt"), row["text"], name=row["name"])
    world.work()
    return world


def test_what_is_planted_is_removed(planted: World) -> None:
    """Of sentences that their quotes do not bear out none is said, and of those they do, one in twenty goes at most."""
    asked = {row["name"]: row["question"] for row in rows("documents.jsonl")}
    sentences = rows("sentences.jsonl")
    said, lost, written = list[str](), list[str](), 0
    for row in sentences:
        plant = Plant(row["sentence"], row["quote"])
        answer = planted.ask(asked[row["about"]], llm=plant)
        written += plant.written
        if (row["kind"] == "supported") != bool(answer.citations):
            (lost if row["kind"] == "supported" else said).append(row["sentence"])

    supported = [row for row in sentences if row["kind"] == "supported"]
    assert written >= 0.9 * len(sentences)
    assert min(len(supported), len(sentences) - len(supported)) >= 40
    assert said == []
    assert len(lost) <= MOST_LOST * len(supported), lost


def test_a_quote_that_leaves_out_the_not(planted: World) -> None:
    """A sentence is held against the whole sentence it quotes from, so that no "not" is cut away."""
    asked = "What are the rules for the swimming pool on the roof terrace?"
    for sentence, quote, stays in (
        ("Food and pets are allowed on the roof terrace.", "allowed on the roof terrace", False),
        ("Food and pets are not allowed on the roof terrace.", "allowed on the roof terrace", True),
    ):
        assert bool(planted.ask(asked, llm=Plant(sentence, quote)).citations) is stays
