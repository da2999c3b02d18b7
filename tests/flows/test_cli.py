from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from corpus.errors import BadRequest
from corpus.model import Document
from corpus.records.documents import Listing
from footnote import adapters, connect
from footnote.cli import app
from footnote.commands.filtering import moment
from footnote.commands.progress import Watcher
from footnote.settings import Settings
from footnote.worker import Worker
from tests.fakes import Clock, HashEmbedder
from tests.pdfs import PICTURE, pdf
from tests.scans import stand_in

Run = Callable[..., Any]


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    (folder / "more").mkdir(parents=True)
    (folder / "rules.md").write_text("# Rules\n\n## Pool\n\nThe pool opens at nine in the morning.\n")
    (folder / "more" / "minutes.txt").write_text("The lift was repaired in March. The board thanks the mechanic.\n")
    (folder / ".hidden").write_text("not a document")
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, over a quick embedder, with a home of its own."""
    bought = HashEmbedder()
    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_EMBEDDER", {"local": lambda *_: bought})
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path, code: int = 0) -> Any:
        found: Any = CliRunner().invoke(
            app, ["--home", str(tmp_path / "home"), *map(str, arguments)], catch_exceptions=False
        )
        assert found.exit_code == code, found.output
        found.bought = bought.bought
        return found

    return call


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_ingest_and_ask(run: Run, documents: Path) -> None:
    """A folder goes in, and its documents answer with a footnote."""
    said = run("ingest", documents).stdout
    assert "rules.md  1 page, 1 chunk" in said
    assert "minutes.txt  1 page, 1 chunk" in said
    assert "2 documents ready" in said

    said = run("ask", "When does the pool open?").stdout
    assert "The pool opens at nine in the morning. [1]" in said
    assert "[1] rules.md · Rules › Pool" in said
    assert "“The pool opens at nine in the morning.”" in said
    assert run("ask", "Who won the football championship?").stdout == "The documents do not answer this.\n"


def test_a_second_run_spends_nothing(run: Run, documents: Path) -> None:
    """What did not change is not uploaded again, and nothing is spent on it."""
    before = run("ingest", documents).bought
    blobs = [path.stat().st_mtime_ns for path in sorted(Path("home/blobs").rglob("original"))]
    again = run("ingest", documents)

    assert "2 documents unchanged, nothing spent" in again.stdout
    assert (again.bought, "✓" in again.stdout) == (before, False)
    assert [path.stat().st_mtime_ns for path in sorted(Path("home/blobs").rglob("original"))] == blobs
    (documents / "rules.md").write_text("# Rules\n\nThe pool opens at ten.\n")
    said = run("ingest", documents).stdout
    assert "rules.md  1 page" in said
    assert "1 document ready; 1 document unchanged, nothing spent" in said


def test_a_run_also_works_off_what_an_earlier_one_left(run: Run, documents: Path) -> None:
    """What was uploaded and never worked on, by a server say, goes on with the next run, whatever that was given."""
    run("ingest", documents)
    with connect.connect(Settings.from_env(home=Path("home"))) as footnote:
        footnote.uploads.put(footnote.local_scope(), "left", "left.txt", b"The roof is green and holds the rain.")

    assert "2 documents unchanged" in run("ingest", documents).stdout

    assert {one["fileName"]: one["status"] for one in lines(run("list", "--json"))}["left.txt"] == "ready"


def test_ingest_json(run: Run, documents: Path) -> None:
    """`ingest --json` prints a line per document, in the order of the files, with their reasons."""
    (documents / "a.bin").write_bytes(b"\x00\x01" * 50)
    (documents / "b.pdf").write_bytes(pdf(["The lift takes eight.", PICTURE]))

    found = lines(run("ingest", "--json", documents, documents / "gone.txt", code=1))

    assert [(one["fileName"], one["status"], one["chunks"], one["pages"]) for one in found] == [
        ("a.bin", "error", 0, 0),
        ("b.pdf", "ready", 1, 2),
        ("rules.md", "ready", 1, 1),
        ("minutes.txt", "ready", 1, 1),
        ("gone.txt", "error", 0, 0),
    ]
    codes = [one["reason"]["code"] if isinstance(one["reason"], dict) else None for one in found]
    assert codes == ["unsupported_type", None, None, None, "not_found"]
    assert all(set(one) == {"fileName", "documentId", "status", "reason", "chunks", "pages"} for one in found)
    assert lines(run("ingest", "--json", documents, code=1))[0] == found[0]


def test_rejected_documents_are_listed_with_reason_and_hint(run: Run, documents: Path) -> None:
    """A rejected document is named with its reason and what would help, each time, and the others go in."""
    (documents / "scan.pdf").write_bytes(pdf([PICTURE]))
    for _ in range(2):
        said = run("ingest", documents, code=1).stdout
        assert "scan.pdf  no_text: The PDF's only page holds no text." in said
        assert "text recognition" in said
        assert "1 document rejected" in said


def test_what_was_in_error_is_waited_for(run: Run, tmp_path: Path) -> None:
    """A file that was refused, and is mended and dated in one run, is told as what became of its new bytes."""
    paper = tmp_path / "paper.txt"
    paper.write_bytes(b"\x00\x01" * 50)
    run("ingest", paper, code=1)
    paper.write_text("The roof is green and holds the rain.")

    assert "paper.txt  1 page, 1 chunk" in run("ingest", "--in-force-from", "2026-01-31", paper).stdout
    assert lines(run("show", "--json", paper))[0]["inForceFrom"] == "2026-01-31"


def test_a_pipe_is_refused_and_waits_for_nobody(run: Run, documents: Path) -> None:
    """What is no regular file is refused with the reason; a link to nothing too; the others go in."""
    os.mkfifo(documents / "pipe.txt")
    (documents / "dangling.txt").symlink_to(documents / "nowhere")

    said = run("ingest", documents, code=1).stdout

    assert "pipe.txt  unreadable: It is no regular file but a pipe, a socket or a device." in said
    assert "dangling.txt  not_found: There is no such file." in said
    assert "2 documents ready; 2 documents rejected" in said


def test_setup_and_people(run: Run) -> None:
    """On one machine nothing has to be set up, and `setup` says so of each part; a person is made known once."""
    assert [line.split()[1] for line in run("setup").stdout.splitlines()] == ["table", "queue", "blobs", "index"]

    assert run("person", "add", "ann", "--tenant", "tower").stdout == "ann is now known, at home in tower\n"
    assert run("person", "add", "ann").stdout == "ann is already known, at home in tower\n"
    assert "is not an id" in run("person", "add", "a b", code=1).stderr
    assert "There is no person bob" in run("person", "set", "bob", "--role", "admin", code=1).stderr
    assert "nothing to set" in run("person", "set", "ann", code=1).stderr
    assert "Leave --tenant out" in run("person", "set", "ann", "--tenant", "home", "--role", "staff", code=1).stderr
    assert run("person", "set", "ann", "--level", "premium").stdout == "ann has level premium, at home in tower\n"
    said = run("person", "set", "ann", "--role", "owner", code=2).stderr
    assert "Error: Invalid value for '--role': 'owner' is not one of 'user', 'staff', 'admin'.\n" in said


def test_help_loads_no_command(tmp_path: Path) -> None:
    """What the commands do is loaded when one runs: whoever reads the help waits for none of it."""
    code = """
import sys
from typer.testing import CliRunner
from footnote.cli import app
assert CliRunner().invoke(app, ["ask", "--help"]).exit_code == 0
print([name for name in sys.modules if name.startswith(("footnote.commands", "footnote.connect"))])
"""
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=tmp_path) == "[]\n"


def test_a_list_for_a_program_has_a_line_for_each_document(run: Run, documents: Path) -> None:
    """A long file name is not broken where no person looks: `grep` finds it."""
    name = "minutes-of-the-extraordinary-general-meeting-of-the-owners-association-of-2026.txt"
    next(documents.rglob("minutes.txt")).rename(documents / name)
    run("ingest", documents)
    shown = run("list").stdout.splitlines()
    assert len(shown) == 3
    assert any(name in line and "ready" in line for line in shown)


def test_a_name_that_is_nearly_one(run: Run, documents: Path, tmp_path: Path) -> None:
    """Of a document that there is not, those with nearly its name are told; of one there is twice, their ids."""
    run("ingest", documents)
    for nearly in ("rule", "RULES", "ruels.md"):
        said = run("show", nearly, code=1).stderr
        assert f"There is no document {nearly}." in said
        assert "Is it rules.md?" in said
    assert "List your documents" in run("show", "lease.pdf", code=1).stderr
    other = tmp_path / "other"
    other.mkdir()
    (other / "rules.md").write_text("# Other rules\n\nThe sauna is hot.\n")
    run("ingest", other)
    ids = [line.split()[-1] for line in run("list").stdout.splitlines() if line.startswith("rules.md")]
    said = run("show", "rules.md", code=1).stderr
    assert f"Name one by its id, the newest first: {ids[0]}, {ids[1]}." in said
    assert "rules.md" in run("show", ids[1]).stdout


@pytest.mark.parametrize(("took", "said"), [(2.04, "2.0 s"), (119, "119.0 s"), (1235.6, "21 min")])
def test_what_was_waited_for_is_no_work(capsys: pytest.CaptureFixture[str], took: float, said: str) -> None:
    """A watcher says how long the work took, in whole minutes if it was long, without the hour before it began."""
    clock = Clock()
    watcher = Watcher(as_json=False, seconds=clock)
    clock.sleep(3600)
    watcher.begin()
    clock.sleep(took)
    watcher.summary([])
    assert capsys.readouterr().out == f"0 documents ready ({said})\n"


def test_a_narrow_terminal_shows_the_time(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On 80 columns a long name is shortened, and not the time behind its bar."""
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "80", "LINES": "30", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    with Watcher(as_json=False) as watcher:
        list(watcher.counted("minutes-of-the-extraordinary-general-meeting-of-the-owners-of-2026.txt", range(30)))
    shown = capsys.readouterr().out
    assert "0:00:00" in shown
    assert "minutes-of-the" in shown


def test_a_blank_page_is_called_blank(run: Run, documents: Path) -> None:
    """Of a PDF without text or pictures it is not said that text recognition would read it."""
    (documents / "blank.pdf").write_bytes(pdf([""]))
    said = run("ingest", documents, code=1).stdout
    assert "Its pages are blank: there is no picture on them either." in said
    assert "tesseract" not in said


def test_a_gap_is_said(run: Run, documents: Path) -> None:
    """Pages that could not be read are named where the document goes in."""
    (documents / "b.pdf").write_bytes(pdf(["The lift takes eight.", PICTURE, PICTURE]))
    assert "pages 2-3 could not be read" in run("ingest", documents).stdout


def test_pictures_are_waited_for(run: Run, documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where text is recognised, `ingest` waits for it too and says of how many pages; the next time nothing is done."""
    monkeypatch.setenv("FOOTNOTE_OCR", stand_in(tmp_path, "The sauna opens at six in the morning."))
    (documents / "b.pdf").write_bytes(pdf(["The lift takes eight.", PICTURE, PICTURE]))

    assert "b.pdf  3 pages, 2 by text recognition, 1 chunk" in run("ingest", documents).stdout
    assert "3 documents unchanged, nothing spent" in run("ingest", documents).stdout
    assert len(lines(run("ingest", "--json", documents))) == 3
    assert "six" in run("ask", "When does the sauna open?").stdout
    monkeypatch.setenv("FOOTNOTE_OCR", "off")
    assert "pages 2-3 could not be read" in run("ingest", documents).stdout
    assert "3 documents unchanged, nothing spent" in run("ingest", documents).stdout


def test_too_large_is_not_uploaded(run: Run, documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beyond the limit is refused before it is read."""
    monkeypatch.setenv("FOOTNOTE_MAX_BYTES", "20")
    said = run("ingest", documents / "rules.md", code=1).stdout
    assert "too_large: The file has 57 bytes, more than FOOTNOTE_MAX_BYTES=20." in said
    assert not list(Path("home").rglob("original"))


def test_the_home_is_not_ingested(run: Run, tmp_path: Path, documents: Path) -> None:
    """A home that lies inside the folder is left alone."""
    assert "2 documents ready" in run("ingest", tmp_path).stdout
    assert documents.exists()


def test_search_shows_what_was_asked_for(run: Run, documents: Path) -> None:
    """A long hit is shown from the sentence that speaks of the question, on the page that is printed on it."""
    long = "The lift stops at every floor, and nobody may hold its door. " * 9
    (documents / "rules.pdf").write_bytes(pdf(["Contents", long + "A visitor parks in the yard. " + long], roman=1))
    (documents / "rules.md").unlink()
    run("ingest", documents)
    said = " ".join(run("search", "Where do visitors park?", "-k", "1").stdout.split())
    assert said.startswith("1 rules.pdf, page 1 (page 2 of the file)")
    assert "… A visitor parks in the yard. The lift stops" in said
    whole = " ".join(run("search", "mechanic", "-k", "1").stdout.split())
    assert whole.endswith("The lift was repaired in March. The board thanks the mechanic.")


def test_search(run: Run, documents: Path) -> None:
    """`search` shows the best chunks, and as JSON all that is known of them."""
    run("ingest", documents)
    said = run("search", "repaired lift", "-k", "1").stdout
    assert said.startswith("1  minutes.txt  ")
    (found,) = lines(run("search", "repaired lift", "-k", "1", "--json"))
    (hit,) = found["hits"]
    fields = "chunkId documentId fileName pageNumber section startPosition endPosition score tableHeader content"
    assert list(hit) == fields.split()
    assert hit["content"] == "The lift was repaired in March. The board thanks the mechanic."


def test_many_questions(run: Run, documents: Path, tmp_path: Path) -> None:
    """Questions from a file are answered in their order, a JSON line each."""
    run("ingest", documents)
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": "a", "text": "lift"}\n\n{"id": 7, "text": "When does the pool open?"}\n')

    hits = lines(run("search", "--queries", queries, "-k", "1", "--json"))
    assert [(one["id"], one["hits"][0]["fileName"]) for one in hits] == [("a", "minutes.txt"), (7, "rules.md")]
    answers = lines(run("ask", "--queries", queries, "--json"))
    assert [one["id"] for one in answers] == ["a", 7]
    assert answers[1]["answer"]["citations"][0]["quote"] == "The pool opens at nine in the morning."


@pytest.mark.parametrize("line", ["nonsense", '{"id": 1}', '{"text": "x"}', "[]", '{"id": 1, "text": 2}'])
def test_a_malformed_question_is_named(run: Run, tmp_path: Path, line: str) -> None:
    """A line that is no question is named before anything is asked."""
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": 1, "text": "pool"}\n' + line + "\n")
    result = run("search", "--queries", queries, code=1)
    assert "queries.jsonl, line 2" in result.stderr
    assert result.stdout == ""


def test_list_show_remove(run: Run, documents: Path) -> None:
    """A document is listed, shown by name, path or id, and removed; the list forgets it."""
    run("ingest", documents)
    found = {str(one["fileName"]): str(one["documentId"]) for one in lines(run("list", "--json"))}
    assert sorted(found) == ["minutes.txt", "rules.md"]
    assert found["rules.md"][:8] in run("list").stdout
    for name in ("rules.md", str(documents / "rules.md"), found["rules.md"], found["rules.md"][:8]):
        assert "text/markdown, 57 bytes" in run("show", name).stdout
    shown = lines(run("show", "rules.md", "--json"))[0]
    assert (shown["status"], shown["progress"]) == ("ready", None)

    assert "noted" not in run("show", "rules.md").stdout
    (documents / "notes.txt").write_bytes(b"<html><p>The gym opens at ten.")
    run("ingest", documents)
    assert "type-mismatch" in run("show", "notes.txt").stdout
    run("remove", "notes.txt")

    assert run("remove", "rules.md").stdout == "removed rules.md\n"
    assert "rules.md" not in run("list").stdout
    assert "There is no document rules.md." in run("show", "rules.md", code=1).stderr
    assert run("ask", "When does the pool open?").stdout.startswith("The documents do not answer this.")


def test_the_page_ledger(run: Run, tmp_path: Path) -> None:
    """`show --pages` says of each page how it was read, and of a document that does not answer that it does not."""
    (tmp_path / "scan.pdf").write_bytes(pdf(["Contents", "The pool opens at nine.", "", PICTURE], roman=1))
    (tmp_path / "blank.txt").write_bytes(b" ")
    run("ingest", tmp_path / "scan.pdf")
    run("ingest", tmp_path / "blank.txt", code=1)

    shown = run("show", "scan.pdf", "--pages").stdout.splitlines()

    assert [" ".join(line.split()) for line in shown] == [
        "page printed characters read as sure",
        "1 i 8 text 100 %",
        "2 1 23 text 100 %",
        "3 2 0 blank",
        "4 3 0 picture, not read",
    ]
    assert lines(run("show", "scan.pdf", "--pages", "--json"))[3]["problem"] == "image"
    assert "Nothing of it answers" in run("show", "blank.txt", "--pages").stdout


def test_show(run: Run, tmp_path: Path) -> None:
    """`show` says what a document is called, in which language it is, what it is about and how it begins."""
    rules = tmp_path / "rules.txt"
    rules.write_text(
        "The caretaker opens the pool at nine.\n\nThe caretaker closes the pool at eight in the evening.\n"
    )
    run("ingest", rules)

    said = {line[:14].strip(): line[14:].strip() for line in run("show", "rules.txt").stdout.splitlines()}

    assert (said["title"], said["language"], said["holds"]) == ("rules", "en", "1 page, 17 words")
    assert said["keywords"].startswith("caretaker, pool")
    assert said["begins"].startswith("The caretaker opens the pool at nine. The")
    (data,) = lines(run("show", "rules.txt", "--json"))
    said = {"title": "rules", "description": None, "tags": [], "language": "en", "pageCount": 1, "wordCount": 17}
    assert data["metadata"] == said
    assert data["searchableContent"]["preview"] == rules.read_text().rstrip()
    assert data["s3Bucket"] is None


def test_one_persons_documents_are_not_anothers(run: Run, documents: Path) -> None:
    """Another user sees nothing of it, and is told what is told of documents that do not exist."""
    run("ingest", documents)
    (rules,) = [str(one["documentId"]) for one in lines(run("list", "--json")) if one["fileName"] == "rules.md"]

    assert "There is nothing in" in run("list", "--user", "ann").stdout
    assert run("ask", "When does the pool open?", "--user", "ann").stdout.startswith(
        "The documents do not answer this."
    )
    for verb in ("show", "remove"):
        said = run(verb, rules, "--user", "ann", code=1).stderr
        assert said == run(verb, "0" * 36, "--user", "ann", code=1).stderr.replace("0" * 36, rules)
    assert "rules.md" in run("list").stdout


def test_an_empty_corpus_names_its_home(run: Run, tmp_path: Path) -> None:
    """Where there is nothing, the home is named: it may be the wrong one."""
    for command in (["list"], ["search", "pool"], ["ask", "When does the pool open?"]):
        assert (
            f"There is nothing in {tmp_path / 'home'} yet. `footnote ingest PATH` puts documents in."
            in run(*command).stdout
        )


def test_reindex(run: Run, documents: Path) -> None:
    """Reindexing costs nothing where nothing changed, and restores a lost index without one embedding."""
    bought = run("ingest", documents).bought
    assert "2 documents unchanged, nothing spent" in run("reindex").stdout
    with connect.connect(Settings.from_env(home=Path("home"))) as footnote:
        for one in footnote.documents.listed(footnote.local_scope(), Listing(), 10)[0]:
            footnote.index.prune(one.document_id, None, "9" * 40)

    assert "There is nothing" not in run("ask", "When does the pool open?").stdout
    again = run("reindex")
    assert ("2 documents ready" in again.stdout, again.bought) == (True, bought)
    assert "[1]" in run("ask", "When does the pool open?").stdout


def test_doctor(run: Run, documents: Path) -> None:
    """`doctor` names every part, and one that does not work with what to do."""
    said = run("doctor").stdout
    assert all(f"✓ {part}" in said for part in ("blobs", "table", "queue", "embedder", "index", "reader", "llm"))
    Path("home/footnote.db").write_bytes(b"something else" * 100)
    found = {str(one["part"]): one for one in lines(run("--json", "doctor", code=1))}
    assert lines(run("doctor", "--json", code=1))[0] == found["python"]
    assert (found["table"]["works"], found["reader"]["works"]) == (False, True)
    assert "cannot be used as a database" in str(found["table"]["says"])
    assert found["table"]["hint"]


def test_wrong_settings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong settings end with exit code 2 and name each problem; a wrong user name is refused."""
    monkeypatch.setenv("FOOTNOTE_TABLES", "x")
    assert "did you mean FOOTNOTE_TABLE?" in run("list", code=2).stderr
    monkeypatch.delenv("FOOTNOTE_TABLES")
    assert "--user 'a b' is not an id" in run("list", "--user", "a b", code=1).stderr
    assert "There is no question." in run("ask", " ", code=1).stderr


def test_a_missing_model_names_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the model, a command that needs it ends with exit code 2 and the one command that helps."""
    monkeypatch.setenv("FOOTNOTE_MODEL_DIR", str(tmp_path))
    found = CliRunner().invoke(app, ["--home", str(tmp_path / "h"), "ask", "When?"])
    assert found.exit_code == 2
    assert "Run `footnote model`" in found.stderr


SLOW = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the suite in the background ignores it
from corpus.model import Document
from footnote import adapters, connect
from footnote.cli import main
from tests.fakes import HashEmbedder

class Slow(HashEmbedder):
    def embed(self, passages, purpose):
        for block in super().embed(passages, purpose):
            if purpose == "document":
                print("EMBEDDING", file=sys.stderr, flush=True)
                time.sleep(0.3)
            yield block

adapters.ADAPTERS["FOOTNOTE_EMBEDDER"]["local"] = lambda *_: Slow(block=1)
main()
"""


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SLOW, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
    )


@pytest.mark.parametrize("request_to_end", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c(documents: Path, tmp_path: Path, request_to_end: signal.Signals) -> None:
    """Ctrl-C stops cleanly: nothing is half done, no attempt is used up, and the next run goes on at once."""
    (documents / "long.txt").write_text("\n\n".join(f"Pool paragraph {n}. " + f"word{n} " * 200 for n in range(6)))
    first = started("--home", tmp_path / "home", "ingest", documents / "long.txt")
    assert first.stderr
    while "EMBEDDING" not in first.stderr.readline():
        pass
    first.send_signal(request_to_end)
    out, err = first.communicate(timeout=20)

    assert first.returncode == 130, err
    assert "Stopped. What was not finished goes on with the next run." in err
    assert "Traceback" not in err
    begun = time.monotonic()
    second = started("--home", tmp_path / "home", "ingest", documents / "long.txt")
    out, err = second.communicate(timeout=60)
    assert second.returncode == 0, err
    assert "long.txt  1 page" in out
    assert time.monotonic() - begun < 30  # it did not have to wait for a lease to run out
    shown = started("--home", tmp_path / "home", "show", "long.txt")
    assert "ready" in shown.communicate(timeout=20)[0]


def test_two_at_once(documents: Path, tmp_path: Path) -> None:
    """Two runs on one home at once both wait for all of it, and each document is made once."""
    for n in range(4):
        (documents / f"{n}.txt").write_text(f"Rule {n}: the pool opens at {n}.")
    both = [started("--home", tmp_path / "home", "ingest", documents) for _ in range(2)]
    said = [one.communicate(timeout=60) for one in both]

    assert [one.returncode for one in both] == [0, 0], said
    again = started("--home", tmp_path / "home", "ingest", documents)
    assert "6 documents unchanged, nothing spent" in again.communicate(timeout=30)[0]


def test_watch(documents: Path, tmp_path: Path) -> None:
    """`watch` ingests what comes and changes; with --mirror it removes what goes, and what went before it ran."""
    (documents / "gone.txt").write_text("This goes while nobody looks.")
    footnote = connect.connect(Settings.from_env(home=tmp_path / "home"))

    def until(*names: str) -> None:
        found: list[Document] = []
        for _ in range(600):
            found = footnote.documents.listed(footnote.local_scope(), Listing(), 100)[0]
            if sorted(one.file_name for one in found if one.status == "ready") == sorted(names):
                return
            time.sleep(0.1)
        pytest.fail(f"it is {[one.file_name for one in found]}, not {names}")

    def ended(watching: subprocess.Popen[str]) -> None:
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=20)
        assert (watching.returncode, "Traceback" in err) == (130, False), out + err

    watching = started("--home", tmp_path / "home", "watch", documents)
    until("gone.txt", "minutes.txt", "rules.md")
    (documents / "new.txt").write_text("A new rule about the pool.")
    until("gone.txt", "minutes.txt", "new.txt", "rules.md")
    (documents / "gone.txt").unlink()
    ended(watching)
    until("gone.txt", "minutes.txt", "new.txt", "rules.md")

    watching = started("--home", tmp_path / "home", "watch", documents, "--mirror")
    until("minutes.txt", "new.txt", "rules.md")
    (documents / "new.txt").unlink()
    until("minutes.txt", "rules.md")
    ended(watching)
    footnote.close()


def test_search_through_some(run: Run, documents: Path) -> None:
    """`search` looks through the documents, kinds and days that are named, and refuses what it does not know."""
    run("ingest", documents)

    def names(*options: str) -> list[str]:
        (found,) = lines(run("search", "the lift and the pool", "--json", *options))
        return sorted(hit["fileName"] for hit in found["hits"])

    assert names() == ["minutes.txt", "rules.md"]
    assert names("--document", "rules.md") == names("--type", "md") == names("--type", "text/markdown") == ["rules.md"]
    assert names("--type", "md", "--type", ".txt", "--since", "2026-01-01") == ["minutes.txt", "rules.md"]
    assert names("--until", "2026-01-01") == names("--tag", "none") == names("--type", "pdf") == []
    for option in (("--type", "xyz"), ("--since", "yesterday"), ("--document", "nothing.pdf")):
        assert option[1] in run("search", "pool", *option, code=1).stderr


def test_the_way_is_told(run: Run, documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`search --explain` and `doctor` say how chunks are looked for; a graph is there as soon as `ingest` ends."""
    run("ingest", documents)
    assert "exact over 2 chunks" in run("search", "pool", "--explain").stdout

    monkeypatch.setenv("FOOTNOTE_EXACT_BELOW", "1")
    assert "graph of a user who sees 2 chunks: none yet" in " ".join(run("doctor").stdout.split())
    run("ingest", documents)

    (found,) = lines(run("search", "pool", "--explain", "--json"))
    assert (found["way"], len(found["hits"])) == ("graph of 2 chunks", 2)
    assert "graph of a user who sees 2 chunks: fresh" in " ".join(run("doctor").stdout.split())


def test_recall_is_told(run: Run, documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`doctor` says how much of what is nearest was found, once questions were measured; and warns below .98."""
    run("ingest", documents)
    monkeypatch.setenv("FOOTNOTE_RECALL_SAMPLE", "1")
    run("search", "pool")
    run("search", "lift")

    said = run("doctor").stdout
    assert "1.000 of what is nearest is found for who sees up to 1,000 chunks (2 asked)" in said
    settings = Settings.from_env({}, home=Path("home").absolute())
    with connect.connect(settings) as footnote:
        footnote.recalls.add(footnote.clock(), 20_000, 10, 9)
    assert "raise FOOTNOTE_EXACT_BELOW" in run("doctor").stdout


def test_a_worker_builds_graphs(run: Run, documents: Path) -> None:
    """Whoever sees more chunks than are compared has a graph soon after a worker has begun."""
    run("ingest", documents)
    settings = Settings.from_env({"FOOTNOTE_EXACT_BELOW": "1"}, home=Path("home").absolute())
    with connect.connect(settings) as footnote:
        assert [one.fresh for one in footnote.index.graphs()] == [False]
        worker = Worker(footnote)
        worker.start()
        until = time.monotonic() + 30
        while not footnote.index.graphs()[0].fresh and time.monotonic() < until:
            time.sleep(0.05)
        worker.stop()

        assert [(one.kind, one.covered, one.fresh) for one in footnote.index.graphs()] == [("user", 2, True)]
        assert worker.error is None


def test_editions(run: Run, tmp_path: Path) -> None:
    """Dates and what a document supersedes are said at `ingest` or with `amend`, shown, and asked by `--as-of`."""
    for name, hour in (("old.txt", "nine"), ("new.txt", "ten")):
        (tmp_path / name).write_text(f"The pool opens at {hour} in the morning.\n")
    run("ingest", tmp_path / "old.txt")
    run("ingest", tmp_path / "new.txt", "--in-force-from", "2100-01-01", "--supersedes", "old.txt")
    asked = ("ask", "When does the pool open?")

    assert "at nine" in run(*asked).stdout
    later = run(*asked, "--as-of", "2100-01-01").stdout
    assert later.startswith("As of 2100-01-01:")
    assert "new.txt (in force from 2100-01-01)" in later
    assert "at nine" not in later
    assert "superseded by  new.txt" in run("show", "old.txt").stdout
    assert "in force from 2100-01-01" in run("show", "new.txt").stdout

    bought = run("amend", "new.txt", "--in-force-from", "none", "--in-force-until", "2100-12-31").bought
    assert "at ten" in run(*asked).stdout
    assert run("ingest", tmp_path / "new.txt", "--supersedes", "none").bought == bought
    assert {hit["fileName"] for hit in lines(run("search", "pool", "--json"))[0]["hits"]} == {"old.txt", "new.txt"}
    for wrong in (("--as-of", "soon"), ("--as-of", "2100-02-30")):
        assert "is no date" in run(*asked, *wrong, code=1).output
    both = (tmp_path / "old.txt", tmp_path / "new.txt", "--supersedes", "old.txt")
    assert "More than one file" in run("ingest", *both, code=1).output


def test_moments() -> None:
    """A day ends with its last moment, in whichever ISO form it is written; what no calendar has is refused."""
    for day in ("2026-03-31", "20260331", "2026-W14-2"):
        assert moment("--since", day) == "2026-03-31T00:00:00.000Z"
        assert moment("--until", day, whole_day=True) == "2026-04-01T00:00:00.000Z"
    for hour in ("2026-03-31T10:00", "2026-03-31T12:00+02:00", "20260331T10"):
        assert moment("--until", hour, whole_day=True) == "2026-03-31T10:00:00.000Z"
    for nothing in ("yesterday", "2026-02-30", "9999-12-31", "0001-01-01T00:00+14:00"):
        with pytest.raises(BadRequest, match="expected a date"):
            moment("--until", nothing, whole_day=True)
