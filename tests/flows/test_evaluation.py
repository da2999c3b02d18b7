from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from corpus.errors import ConfigError, Unavailable
from corpus.model import Passage, Purpose
from footnote import adapters
from footnote.cli import app
from footnote.evaluation.run import settings_in
from footnote.evaluation.sets import read_set
from footnote.settings import Settings
from tests.fakes import HashEmbedder

if TYPE_CHECKING:
    from corpus.model import Matrix

Run = Callable[..., Any]
RULES = "# Rules\n\n## Pool\n\nThe pool opens at nine   in the morning.\r\n\r\n\r\n## Lift\n\nThe lift carries eight.\n"
MINUTES = "The caf\u00e9 was painted in March.\nThe board thanks the painters of the cafe\u0301.\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Measure in this process, over a quick embedder."""
    bought = HashEmbedder()
    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_EMBEDDER", {"local": lambda *_: bought})
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path, code: int = 0) -> Any:
        found: Any = CliRunner().invoke(app, ["eval", *map(str, arguments)], catch_exceptions=False)
        assert found.exit_code == code, found.output
        found.bought = bought.bought
        return found

    return call


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "rules.md").write_bytes(RULES.encode())
    (folder / "minutes.txt").write_text(MINUTES)
    return folder


GOLDEN: list[dict[str, Any]] = [
    {"id": "pool", "question": "When does the pool open?", "document": "rules.md", "page": 1,
     "quote": "The pool opens at nine in the morning.", "answer": "nine in the MORNING"},
    {"id": "lift", "question": "And the lift?", "after": ["When does the pool open?"], "document": "rules.md",
     "standalone": "How many persons does the lift carry?", "quote": "carries eight", "answer": ["nine", "ten"]},
    {"id": "cup", "question": "Who won the football championship?", "unanswerable": True},
]  # fmt: skip


def scores(out: Path, name: str) -> dict[str, dict[str, float]]:
    return {one["id"]: one["scores"] for one in json.loads(out.read_text())["sets"][name]["questions"]}


def test_golden_questions_are_scored(run: Run, tmp_path: Path, documents: Path) -> None:
    """What is right of a golden question is found in hits, answer and citations; one without an answer is declined."""
    golden = jsonl(tmp_path / "golden.jsonl", GOLDEN)
    said = run(golden, "--documents", documents, "--out", "run.json", "--each").stdout
    found = scores(tmp_path / "run.json", "golden")

    for name in (
        "ndcg@10",
        "quote_recall@1",
        "page_recall@1",
        "contains",
        "citations_resolve",
        "citations_right",
        "right",
    ):
        assert found["pool"][name] == 1, name
    assert (found["pool"]["lost"], found["cup"]) == (0, {"declined": 1.0, "right": 1.0})
    assert (found["lift"]["contains"], found["lift"]["right"], found["lift"]["quote_recall@1"]) == (0, 0, 1)
    assert "How many persons does the lift carry?" in " ".join(said.split())
    assert "100.0% of 1 own declined" in said
    kept = json.loads((tmp_path / "run.json").read_text())
    assert kept["sets"]["golden"]["space"] == "fake/words@64"
    assert kept["settings"]["embedder"] == "local"
    assert not (tmp_path / "footnote-data").exists()


def test_a_kept_home_spends_only_what_is_new(run: Run, tmp_path: Path, documents: Path) -> None:
    """With --home, a second run embeds nothing, a changed document is embedded anew, and one that went is gone."""
    golden = jsonl(tmp_path / "golden.jsonl", GOLDEN)
    arguments = (golden, "--documents", documents, "--home", tmp_path / "kept", "--out", "run.json")
    first = run(*arguments).bought
    assert run(*arguments).bought == first

    (documents / "minutes.txt").unlink()
    (documents / "more.txt").write_text("The gate is green.")
    assert run(*arguments).bought == first + 1
    told = json.loads((tmp_path / "run.json").read_text())["sets"]["golden"]
    assert (told["documents"], told["rejected"]) == (2, [])


def test_a_worse_run_fails(run: Run, tmp_path: Path, documents: Path) -> None:
    """Held against itself a run is as good; one that lost what it found exits with 1, unless chance may explain it."""
    golden = jsonl(tmp_path / "golden.jsonl", GOLDEN)
    run(golden, "--documents", documents, "--out", "good.json")
    assert "Nothing got worse" in run(golden, "--documents", documents, "--against", "good.json", "--alpha", "1").stdout

    (documents / "rules.md").write_text("# Rules\n\nNothing is said of it.\n")
    worse = ("--documents", documents, "--against", "good.json")
    said = run(golden, *worse, "--alpha", "1", code=1).stdout
    assert "golden contains" in " ".join(said.split())
    assert "quotes that stand in no text: pool, lift" in said
    assert "Nothing got worse" in run(golden, *worse).stdout
    assert "Nothing got worse" in run(golden, *worse, "--alpha", "1", "--margin", "1").stdout


def test_a_program_reads_the_run_and_what_changed(run: Run, tmp_path: Path, documents: Path) -> None:
    """--json prints the run with its differences, and says as of when it was asked."""
    golden = jsonl(tmp_path / "golden.jsonl", GOLDEN)
    arguments = (golden, "--documents", documents, "--as-of", "2026-12-01")
    run(*arguments, "--out", "good.json")
    told = json.loads(run(*arguments, "--against", "good.json", "--json").stdout)

    assert told["settings"]["asOf"] == "2026-12-01T00:00:00.000Z"
    assert {one["metric"] for one in told["differences"]} >= {"ndcg@10", "contains", "declined"}
    assert not any(one["worse"] for one in told["differences"])


def test_runs_of_other_questions_are_refused(run: Run, tmp_path: Path, documents: Path) -> None:
    """A run of other questions, or labels, or of no run at all, cannot be held against this one."""
    golden = jsonl(tmp_path / "golden.jsonl", GOLDEN)
    run(golden, "--documents", documents, "--out", "good.json")
    assert "have the same name" in run(golden, golden, "--documents", documents, code=2).stderr
    jsonl(golden, [{**GOLDEN[0], "answer": "ten"}])
    assert (
        "asked other questions of golden"
        in run(golden, "--documents", documents, "--against", "good.json", code=2).stderr
    )
    assert "is no run" in run(golden, "--documents", documents, "--against", golden, code=2).stderr


def test_foreign_questions_are_declined(run: Run, tmp_path: Path, documents: Path) -> None:
    """The questions of another set are asked of this one's documents, and it is said how many were declined."""
    golden = jsonl(tmp_path / "golden.jsonl", GOLDEN)
    other = tmp_path / "other"
    (other / "docs").mkdir(parents=True)
    (other / "docs" / "x.txt").write_text("Mercury is a planet without moons.")
    jsonl(other / "queries.jsonl", [{"_id": "1", "text": "Which planet has no moons?", "answer": "Mercury"}])

    said = run(golden, other, "--documents", documents, "--foreign", other, "--out", "run.json").stdout

    assert "100.0% of 1 questions of other declined, AUROC of the support 1.000" in " ".join(said.split())
    assert json.loads((tmp_path / "run.json").read_text())["sets"]["other"]["foreign"] == {}


def test_rows_with_grades(run: Run, tmp_path: Path) -> None:
    """The rows of a corpus are documents, ranked by their ids; long answers are not expected word for word."""
    folder = tmp_path / "rows"
    folder.mkdir()
    rows = [
        {"_id": "p", "title": "Pool", "text": "It opens at nine."},
        {"_id": "l", "title": "Lift", "text": "It carries eight."},
    ]
    with gzip.open(folder / "corpus.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\tp\t2\n1\tl\t0\n")
    jsonl(
        folder / "queries.jsonl",
        [{"_id": "1", "text": "When does the pool open?", "answer": "It opens " * 9}, {"_id": "2", "text": "?"}],
    )

    run(folder, "--out", "run.json")

    found = scores(tmp_path / "run.json", "rows")
    assert list(found) == ["1"]
    assert (found["1"]["ndcg@10"], found["1"]["recall@1"], "contains" in found["1"]) == (1, 1, False)


def test_spans_and_pages(run: Run, tmp_path: Path, documents: Path) -> None:
    """Hits are scored by the characters of the source file, whatever cleaning made of its blanks."""
    folder = tmp_path / "set"
    documents.rename(folder.with_name("docs"))
    folder.mkdir()
    folder.with_name("docs").rename(folder / "docs")
    start = RULES.index("The pool")
    end = RULES.index("\r")
    jsonl(folder / "queries.jsonl", [{"_id": "1", "text": "When does the pool open?"}])
    jsonl(folder / "spans.jsonl", [{"query-id": "1", "doc": "rules.md", "start": start, "end": end}])
    jsonl(folder / "pages.jsonl", [{"query-id": "1", "doc": "rules.md", "page": 1}])

    run(folder, "--out", "run.json")

    found = scores(tmp_path / "run.json", "set")["1"]
    whole = len(RULES.rstrip())
    assert (found["char_recall@1"], found["page_recall@1"], found["citations_right"]) == (1, 1, 1)
    assert found["char_precision@1"] == pytest.approx((end - start) / whole, abs=1e-6)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"id": "1", "question": "Why?"}, "line 1: a question has"),
        ({"id": "1", "question": "Why?", "documnet": "rules.md"}, '"documnet" is none of'),
        ({"question": "Why?", "answer": "so"}, "line 1: a field is missing"),
        ({"id": "1", "question": "Why?", "after": ["How?"], "answer": "so"}, "standalone"),
        ({"id": "1", "question": "Why?", "document": "gone.md"}, "gone.md, which is not among the documents"),
        ({"id": "1", "question": "Why?", "page": 2, "answer": "so"}, '"page" is a number, beside one "document"'),
        ({"id": "1", "question": "Why?", "unanswerable": True, "answer": "so"}, "line 1: a question has"),
        ({"id": "1", "question": "Why?", "answer": 7}, '"answer" is a text, or a list of texts'),
    ],
)
def test_a_wrong_label_is_named(run: Run, tmp_path: Path, documents: Path, row: dict[str, Any], complaint: str) -> None:
    """A line that makes no sense is named with what is wrong with it, before anything is measured."""
    golden = jsonl(tmp_path / "golden.jsonl", [row])
    assert complaint in run(golden, "--documents", documents, code=2).stderr


def test_what_cannot_be_measured_is_refused(run: Run, tmp_path: Path, documents: Path) -> None:
    """A golden file without documents, a folder without questions, and two with the same id are refused."""
    golden = jsonl(tmp_path / "golden.jsonl", [GOLDEN[0]] * 2)
    assert "--documents DIR" in run(golden, code=2).stderr
    assert "the same id" in run(golden, "--documents", documents, code=2).stderr
    assert "no documents in" in run(documents, code=2).stderr


def test_pictures_are_drawn(run: Run, tmp_path: Path, documents: Path) -> None:
    """--plots draws quality, latency and the calibration of each set, also beside another run and other questions."""
    golden = jsonl(tmp_path / "golden.jsonl", GOLDEN)
    other = jsonl(
        tmp_path / "other.jsonl", [{"id": "1", "question": "Which planet has no moons?", "answer": "Mercury"}]
    )
    run(golden, "--documents", documents, "--out", "good.json")

    run(golden, "--documents", documents, "--against", "good.json", "--foreign", other, "--plots", "plots")

    drawn = sorted((tmp_path / "plots").iterdir())
    assert [path.name for path in drawn] == ["calibration-golden.png", "latency.png", "quality.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)


def test_pictures_say_what_they_need(
    run: Run, tmp_path: Path, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without matplotlib, --plots says what to install before anything is measured."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    golden = jsonl(tmp_path / "golden.jsonl", GOLDEN)
    found = run(golden, "--documents", documents, "--plots", "plots", code=2)
    assert "pip install 'footnote[plots]'" in found.stderr
    assert found.bought == 0


def test_a_set_never_comes_among_the_documents_of_people(tmp_path: Path) -> None:
    """Every store of a measurement is of one machine and in its own home, whatever the settings say."""
    given = Settings.from_env(
        {
            "FOOTNOTE_BLOBS": "s3:bucket",
            "FOOTNOTE_TABLE": "dynamodb:table",
            "FOOTNOTE_QUEUE": "sqs:https://queue.example/1",
            "FOOTNOTE_INDEX": "opensearch:https://search.example",
            "FOOTNOTE_OCR": "off",
        }
    )

    there = settings_in(tmp_path, given)

    stores = (there.blobs, there.table, there.queue, there.index)
    assert [store.partition(":")[0] for store in stores] == ["folder", "sqlite", "sqlite", "sqlite"]
    assert all(str(tmp_path) in store for store in stores)
    assert there.ocr == given.ocr


def test_an_outage_is_no_measurement(
    run: Run, tmp_path: Path, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a document cannot be ingested for now, nothing is measured over the others."""

    class Out(HashEmbedder):
        def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, None]:
            raise Unavailable("The embedder is away.")
            yield

    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_EMBEDDER", {"local": lambda *_: Out()})
    golden = jsonl(tmp_path / "golden.jsonl", GOLDEN)
    found = run(golden, "--documents", documents, "--out", "run.json", code=1)
    assert "2 of 2 documents could not be ingested for now" in found.stderr
    assert not (tmp_path / "run.json").exists()


def test_golden_questions_about_rows(tmp_path: Path) -> None:
    """Questions of one's own may be about the rows of a labelled set, by their ids; one that is not there is named."""
    jsonl(tmp_path / "corpus.jsonl", [{"_id": "a#1", "title": "Pool", "text": "It opens at nine."}])
    row = {"id": "1", "question": "And then?", "after": ["When?"], "standalone": "When is it open?", "document": "a#1"}
    found = read_set(jsonl(tmp_path / "pairs.jsonl", [row]), tmp_path)
    assert (found.files, found.names) == ({"00000.txt": b"Pool\nIt opens at nine."}, {"00000.txt": "a#1"})
    assert [(one.text, one.grades) for one in found.questions] == [("When is it open?", {"a#1": 1})]
    with pytest.raises(ConfigError, match="a#2"):
        read_set(jsonl(tmp_path / "pairs.jsonl", [row | {"document": "a#2"}]), tmp_path)
