from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.model import Extracted
from corpus.ports import Limits
from footnote.evaluation import runs
from footnote.evaluation.sets import LabelledSet, read_set
from ingest.extract import Reader
from ingest.sniff import sniff

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden" / "sample_docs.jsonl"


@pytest.fixture(scope="module")
def golden() -> LabelledSet:
    return read_set(GOLDEN, ROOT / "sample_docs")


@pytest.fixture(scope="module")
def texts(golden: LabelledSet) -> Iterator[dict[str, Extracted]]:
    with Reader(Limits()) as reader:
        yield {name: reader.read(data, sniff(data, name).media_type) for name, data in golden.files.items()}


def plain(text: str) -> str:
    return " ".join(text.casefold().split())


def test_quotes_and_answers_stand_in_their_documents(golden: LabelledSet, texts: dict[str, Extracted]) -> None:
    """Every quote stands in all documents that are named, on the page that is, and an answer to it in one of them."""
    wrong = []
    for one in golden.questions:
        bodies = [plain(texts[name].text) for name in one.grades]
        for name, number in one.pages:
            page = next(page for page in texts[name].pages if page.number == number)
            bodies = [plain(texts[name].text[page.start : page.end])]
        if not all(plain(quote) in body for quote in one.quotes for body in bodies):
            wrong.append(one.id)
        if one.answers and not any(plain(answer) in body for answer in one.answers for body in bodies):
            wrong.append(one.id)
    assert wrong == []


def test_the_golden_set_is_wide_enough(golden: LabelledSet) -> None:
    """It has 60 questions or more about all the samples, and a third of them are follow-ups or cannot be answered."""
    rows = [json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines()]
    odd = [row for row in rows if row.get("after") or row.get("unanswerable")]

    assert len(rows) >= 60
    assert len(odd) >= len(rows) / 3
    assert {name for one in golden.questions for name in one.grades} == set(golden.files)


def test_the_baseline_is_of_these_questions(golden: LabelledSet) -> None:
    """The kept run asked these questions and held them against these labels: `make baseline` keeps another."""
    assert runs.read(GOLDEN.with_name("baseline.json")).sets["sample_docs"].fingerprint == golden.fingerprint
