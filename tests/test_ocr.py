from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pypdfium2
import pytest

from corpus.errors import ConfigError, TooLarge
from corpus.ports import Limits
from corpus.raw_pages import Part, RawPage
from footnote.commands.doctor import findings
from footnote.connect import connect
from footnote.settings import Settings
from ingest import ocr, paging
from ingest.extract import Reader, Reading
from ingest.ocr import NOTHING, Budget, Recognised, Tesseract, found, read, recognised, rendered, seen
from tests.pdfs import PICTURE, pdf
from tests.scans import TESSERACT, needs_tesseract, scan, stand_in

RULES = (
    "The pool opens at nine.\nGuests sign in at the desk.\nThe party room costs 80.00 a day.\nNo dogs in the garden."
)
PAGE = "\n".join(RULES.split("\n") * 4)


@contextmanager
def first_page(data: bytes) -> Iterator[pypdfium2.PdfPage]:
    with closing(pypdfium2.PdfDocument(data)) as document, closing(document[0]) as page:
        yield page


def told_of(*words: tuple[int, int, int, float, str]) -> str:
    """A table as tesseract writes it: headings, a level that is no word, and words."""
    rows = [f"5\t1\t{block}\t{par}\t{line}\t1\t0\t0\t9\t9\t{sure}\t{text}" for block, par, line, sure, text in words]
    return "\n".join(["level\tpage_num\t...", "1\t1\t0\t0\t0\t0\t0\t0\t99\t99\t-1\t", *rows, ""])


def program(path: Path, body: str) -> str:
    """A program that stands in for tesseract."""
    path.write_text(f"#!{sys.executable}\n{body}\n", "utf-8")
    path.chmod(0o700)
    return str(path)


@needs_tesseract
@pytest.mark.parametrize(("turned", "grain"), [(0, 0), (90, 0), (180, 0), (270, 0), (0, 40)])
def test_a_scanned_page_is_read(turned: int, grain: int) -> None:
    """Every word of a scanned page is read, line by line, also of one that was scanned askew or is grainy."""
    with first_page(scan([PAGE], turned=turned, grain=grain)) as page:
        text, confidence, problem = recognised(page, found(TESSERACT, ["eng"]))

    assert [line for line in text.split("\n") if line] == PAGE.split("\n")
    assert ocr.MIN_CONFIDENCE < confidence <= 100
    assert not problem


@needs_tesseract
@pytest.mark.parametrize(("page", "expected"), [("", Recognised("", 100, "empty")), (PICTURE, NOTHING)])
def test_what_is_no_text_is_not_made_one(page: str, expected: Recognised) -> None:
    """A blank sheet is empty, and a picture without words stays a picture."""
    with first_page(scan([page])) as one:
        assert recognised(one, found(TESSERACT)) == expected


@needs_tesseract
def test_what_is_installed_is_found() -> None:
    """The engine tells its version and the languages it will expect, and its name tells both."""
    engine = found(TESSERACT)

    assert engine.version[0].isdigit()
    assert engine.languages
    assert all(part in engine.name for part in ("ocr-1", engine.version, *engine.languages))


@needs_tesseract
def test_a_language_without_data_is_refused() -> None:
    """A language that is not installed is named, with what to install."""
    with pytest.raises(ConfigError, match=r"no data for tlh, which FOOTNOTE_OCR_LANGUAGES") as caught:
        found(TESSERACT, ["eng", "tlh"])

    assert "tesseract-ocr-tlh" in caught.value.hint


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        (["eng", "osd"], ("eng",)),
        (["deu", "eng", "fra", "osd", "script/Latin"], ("deu", "fra", "eng")),
        (["afr", "deu", "eng", "fra", "osd"], ("eng",)),
        (["afr", "deu", "fra", "ita"], ("afr", "deu", "fra")),
    ],
)
def test_which_languages_are_expected(tmp_path: Path, installed: list[str], expected: tuple[str, ...]) -> None:
    """All languages that are installed if they are three at most, English last; or else English."""
    lines = "\\n".join(["List of available languages (n):", *installed])
    body = f"import sys\nprint('tesseract 5.9' if sys.argv[1] == '--version' else '{lines}')"

    assert found(program(tmp_path / "t", body)) == Tesseract(str(tmp_path / "t"), "5.9", expected)


@pytest.mark.parametrize("body", ["print('Hello')", "raise SystemExit(3)", "print('tesseract 5')"])
def test_what_is_no_tesseract_is_refused(tmp_path: Path, body: str) -> None:
    """A program that is not tesseract, does not work or has no language is a mistake in the settings."""
    with pytest.raises(ConfigError) as caught:
        found(program(tmp_path / "t", body))
    assert caught.value.hint


@pytest.mark.parametrize(
    "body",
    [
        "import time; time.sleep(600)",
        "import os; os.kill(os.getpid(), 9)",
        "import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write(b'\\xff\\tnonsense'); sys.exit(0)",
        "import sys; sys.exit(0)",
    ],
)
def test_an_engine_that_fails_leaves_a_picture(tmp_path: Path, body: str) -> None:
    """A page on which the engine hangs, crashes or talks nonsense is a picture still, and the engine is gone."""
    path = program(tmp_path / "t", f"import os\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n{body}")
    with first_page(scan([RULES])) as page:
        assert recognised(page, Tesseract(path, "0", ("eng",)), seconds=2) == NOTHING

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_an_engine_knows_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine has none of the environment."""
    monkeypatch.setenv("SECRET", "hunter2")
    body = f"import os\nopen({str(tmp_path / 'env')!r}, 'w').write(repr(dict(os.environ)))"
    with first_page(scan([RULES])) as page:
        recognised(page, Tesseract(program(tmp_path / "t", body), "0", ("eng",)))

    assert "OMP_THREAD_LIMIT" in (tmp_path / "env").read_text()
    assert "hunter2" not in (tmp_path / "env").read_text()


def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    """When reading is stopped while an engine works, the engine ends too."""
    notes = tmp_path / "notes"
    notes.mkdir()
    path = stand_in(
        tmp_path,
        "x",
        # its name tells all, for nothing can be written into a file
        f"import os, time; open({str(notes)!r} + '/%d' % os.getpid(), 'x').close(); time.sleep(600)",
    )

    def stop() -> None:
        if any(notes.iterdir()):
            raise KeyboardInterrupt

    with Reader(Limits(), Tesseract(path, "0", ("eng",))) as reader, pytest.raises(KeyboardInterrupt):
        reader.read(pdf([PICTURE]), "application/pdf", Reading(stop, pictures=True))

    (pid,) = (int(one.name) for one in notes.iterdir())
    assert gone(pid)


def gone(pid: int) -> bool:
    """Whether a process ends, which takes the system a moment."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if (stat := Path(f"/proc/{pid}/stat")).exists() and stat.read_text().split()[2] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_an_engine_has_no_more_time_than_is_left(tmp_path: Path) -> None:
    """Seconds that earlier attempts took count, and so do their pages; what is beyond is not looked at."""
    looked_at = RawPage("", "1", "image", "ocr", 0)
    before = [Part(0, 9, (looked_at, RawPage("x", "2"), looked_at), seconds=100.5), Part(3, 9, (looked_at,), seconds=3)]

    assert Budget(10, 120).left(before) == Budget(7, 16.5)
    assert Budget(2, 60).left(before) == Budget(0, 0)

    engine = Tesseract(stand_in(tmp_path, "The sauna opens"), "0", ("eng",))
    parts = iter([Part(3, 5, (RawPage("", "4", "image"), RawPage("text", "5")))])
    (same,) = seen(pdf([PICTURE] * 5), parts, Limits(), engine, Budget(10, 0))
    assert [page.problem for page in same.pages] == ["image", ""]


def test_parts_are_told_of_while_pictures_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures make short parts, each with the time it took, so that little is lost with a worker."""
    monkeypatch.setattr(paging, "PART_SECONDS", 0.0)
    engine = Tesseract(stand_in(tmp_path, "The sauna opens"), "0", ("eng",))
    whole = Part(0, 3, (RawPage("One", "1"), RawPage("", "2", "image"), RawPage("", "3", "image")), "title")

    found_parts = list(seen(pdf(["One", PICTURE, PICTURE]), iter([whole]), Limits(), engine, Budget()))

    assert [(part.begin, len(part.pages), part.seconds > 0) for part in found_parts] == [
        (0, 1, False),
        (1, 1, True),
        (2, 1, True),
    ]
    assert found_parts[0].title == "title"
    assert found_parts[1].pages[0] == RawPage("The sauna opens", "2", "", "ocr", 91)
    with pytest.raises(TooLarge, match="FOOTNOTE_MAX_CHARACTERS=10"):
        list(seen(pdf(["One", PICTURE, PICTURE]), iter([whole]), Limits(characters=10), engine, Budget()))


def test_words_become_lines_and_paragraphs() -> None:
    """Words stand on their lines, paragraphs apart, and the confidence is the mean of the words'."""
    table = told_of((1, 1, 1, 90.5, "The"), (1, 1, 1, 91, "pool"), (1, 1, 2, 95, '"opens"'), (2, 1, 1, 80, "No dogs"))

    assert read(table) == Recognised('The pool\n"opens"\n\nNo dogs', 89)


def test_hyphens_at_line_ends_are_marked() -> None:
    """A hyphen at a line's end is left for the whole document to mend; one within a line, or behind a number, stays."""
    table = told_of((1, 1, 1, 90, "re-use"), (1, 1, 1, 90, "eve-"), (1, 1, 2, 90, "ning"), (1, 1, 2, 90, "9-"))

    assert read(table).text == "re-use eve\ufffening 9-"


def test_no_word_is_taken_out_of_a_line() -> None:
    """A line that is not believed goes whole, and in one that is, a doubtful word stays."""
    table = told_of(
        *((1, 1, 1, 96, word) for word in ("A", "day", "costs")),
        (1, 1, 1, 12, "80.00"),
        (1, 2, 1, 20, "~;"),
        (1, 2, 1, 25, "|l"),
    )

    assert read(table) == Recognised("A day costs 80.00", 75)


@pytest.mark.parametrize("words", [[], [(1, 1, 1, 59.0, "upside"), (1, 1, 1, 50.0, "down")], [(1, 1, 1, 99.0, "Io")]])
def test_what_is_doubtful_is_no_text(words: list[tuple[int, int, int, float, str]]) -> None:
    """A page read below 60 percent, or of two letters, stays a picture."""
    assert read(told_of(*words)) == NOTHING


@pytest.mark.parametrize(("width", "height"), [(595, 842), (5_000, 14_000), (100, 140), (3, 14_000)])
def test_a_page_of_any_size_is_a_picture_of_some_size(width: int, height: int) -> None:
    """Huge pages are not rendered beyond a bound, and small ones not below what can be read."""
    document = pypdfium2.PdfDocument.new()
    with closing(document.new_page(width, height)) as page:
        picture, blank = rendered(page, 200)
    document.close()

    _, wide, high, _ = picture[:40].split(maxsplit=3)
    assert max(int(wide), int(high)) >= ocr.MIN_SIDE
    assert int(wide) * int(high) <= ocr.MAX_PIXELS * 1.01
    assert len(picture) == int(wide) * int(high) + picture.index(b"255\n") + 4
    assert blank


def test_ink() -> None:
    """A page with one line of text on it is not blank."""
    with first_page(pdf(["The pool opens at nine."])) as page:
        assert not rendered(page, 150)[1]


def said(tmp_path: Path, **environ: str) -> str:
    """What `doctor` says of text recognition."""
    with connect(Settings.from_env(environ, home=tmp_path)) as footnote:
        return next(f"{one.works}: {one.says} {one.hint}" for one in findings(footnote) if one.part == "ocr")


def test_doctor_says_what_to_install(tmp_path: Path) -> None:
    """Without tesseract `doctor` says what to install; and that is no failure, as switching it off is none."""
    path = program(tmp_path / "tesseract", "raise SystemExit(1)")

    assert said(tmp_path, PATH="/nowhere").startswith("True: none: ")
    assert "apt-get install tesseract-ocr" in said(tmp_path, PATH="/nowhere")
    assert said(tmp_path, FOOTNOTE_OCR="off", PATH=str(tmp_path)).startswith("True: off: ")
    assert said(tmp_path, PATH=str(tmp_path)).startswith(f"False: {path} --version does not answer")


@needs_tesseract
def test_doctor_says_what_is_there(tmp_path: Path) -> None:
    """With tesseract `doctor` says which, and which languages it expects."""
    told = said(tmp_path, FOOTNOTE_OCR=TESSERACT, FOOTNOTE_OCR_LANGUAGES="eng", FOOTNOTE_OCR_PAGES="7")

    assert told.startswith("True: tesseract ")
    assert "eng; up to 7 pages" in told
