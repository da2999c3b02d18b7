from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest

from corpus.errors import Encrypted, NoText, Rejected, TimedOut, TooLarge, Unreadable, UnsupportedType
from corpus.model import Extracted, Page, Section
from corpus.ports import Limits
from corpus.raw_pages import OutlineEntry, Part, RawPage, dump_part, dump_parts, load_part, load_parts
from corpus.texts import dump_text, load_text
from ingest import extract
from ingest.child import HEAD, pack, unpack
from ingest.clean import undecodable
from ingest.extract import Reader, Reading
from ingest.extractors import markdown, text
from ingest.extractors import pdf as pdf_extractor
from ingest.paging import in_parts
from tests.fakes import Clock
from tests.pdfs import PICTURE, leftward_pdf, pdf, upside_down

LIMITS = Limits(bytes=10**8, pages=200, characters=10**8, memory=2**30, seconds=30)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(LIMITS) as one:
        yield one


def pid(reader: Reader) -> int:
    assert reader._for_text.child
    return reader._for_text.child._process.pid


def test_a_pdf_through_the_child(reader: Reader) -> None:
    """A PDF comes back with its pages, printed labels, outline and title, at exact offsets."""
    data = pdf(
        ["Contents", "House Rules\nWelcome to the house.", "Pool\nThe pool opens at nine.", "", PICTURE],
        outline=[("House   Rules", 0, 1), ("Pool", 1, 2), ("Not on its page", 0, 3)],
        roman=1,
        title="Microsoft Word - House Rules",
    )

    found = reader.read(data, "application/pdf")

    assert found.text == "Contents\n\fHouse Rules\nWelcome to the house.\n\fPool\nThe pool opens at nine.\n\f\n\f"
    assert [(page.number, page.label, page.problem) for page in found.pages] == [
        (1, "i", ""),
        (2, "1", ""),
        (3, "2", ""),
        (4, "3", "empty"),
        (5, "4", "image"),
    ]
    assert [found.text[page.start : page.end] for page in found.pages][2] == "Pool\nThe pool opens at nine."
    assert [(found.text[one.start :][:4], one.headings) for one in found.sections] == [
        ("Hous", ("House Rules",)),
        ("Pool", ("House Rules", "Pool")),
        ("\n\f", ("Not on its page",)),
    ]
    assert found.title == "House Rules"


def test_how_sure_a_page_is(reader: Reader) -> None:
    """Of each page it is told how it was read, and which share of its characters could be: none if it is garbage."""
    odd = "An ordinary page of text with one \uf0a7 in it, as many have."
    share = undecodable(odd)
    pages = [pdf_extractor._read(text, "1") for text in ("All of it is text.", odd, "\ue001\ue002 x")]

    assert [(page.problem, page.method, page.confidence) for page in pages] == [
        ("", "text", 100),
        ("", "text", 100 - round(100 * share)),
        ("garbage", "", 0),
    ]
    found = reader.read(pdf(["All of it is text.", PICTURE]), "application/pdf")
    assert [(page.problem, page.method, page.confidence) for page in found.pages] == [
        ("", "text", 100),
        ("image", "text", 100),
    ]


LONG = pdf([f"Page {number} of the rules tells of the pool." for number in range(150)], title="Rules")


def test_a_long_pdf_comes_in_parts(reader: Reader) -> None:
    """Of a long PDF each part is told of as it is read, and reading goes on behind those that are kept."""
    told = list[Part]()
    whole = reader.read(LONG, "application/pdf", Reading(keep=told.append))
    assert [(part.begin, part.end, part.total) for part in told] == [(0, 64, 150), (64, 128, 150), (128, 150, 150)]

    for kept in range(4):
        again = list[Part]()
        assert reader.read(LONG, "application/pdf", Reading(kept=told[:kept], keep=again.append)) == whole
        assert again == told[kept:]


def test_reading_parts_can_be_stopped(reader: Reader) -> None:
    """What `keep` raises ends the reading, whatever it is, and what is read next is not what was left in the pipe."""

    def stop(_: Part) -> None:
        raise error

    for error in (KeyboardInterrupt(), ValueError("a bug"), OSError("no disk")):
        with pytest.raises(type(error)) as caught:
            reader.read(LONG, "application/pdf", Reading(keep=stop))
        assert caught.value is error
        assert reader.read(b"next", "text/plain").text == "next"


def test_the_limit_of_characters_counts_what_is_kept() -> None:
    """A text that is too long is refused, also when a part of it was read before."""
    told = list[Part]()
    with Reader(LIMITS) as reader:
        reader.read(LONG, "application/pdf", Reading(keep=told.append))
    characters = sum(part.characters for part in told)
    with Reader(replace(LIMITS, characters=characters - 1)) as reader:
        for kept in range(3):
            with pytest.raises(TooLarge, match="FOOTNOTE_MAX_CHARACTERS"):
                reader.read(LONG, "application/pdf", Reading(kept=told[:kept]))


def test_slow_pages_make_short_parts() -> None:
    """A part ends at 64 pages, or when its pages have taken five seconds."""
    clock = Clock(0)

    def pages() -> Iterator[RawPage]:
        for number in range(100):
            clock.sleep(0.0 if number < 70 else 2.0)
            yield RawPage("text", str(number))

    found = list(in_parts(pages(), Part(0, 100, (), "title"), 0, clock))

    assert [part.begin for part in found] == [0, 64, 73, *range(76, 100, 3)]
    assert [part.title for part in found][:2] == ["title", ""]


def test_rows_of_a_table_stay_on_their_line(reader: Reader) -> None:
    """Figures that PDFium breaks off their row are put back; figures below are left where they are."""
    data = upside_down([["Fee", "2027"], ["Lift", "800.01"], ["Pool", "7"], ["12"], ["13"]])

    assert reader.read(data, "application/pdf").text == "Fee 2027\nLift 800.01\nPool 7\n12\n13"


def test_a_pdf_of_pictures_has_no_text(reader: Reader) -> None:
    """A PDF whose pages are all pictures is refused with a hint, not taken as empty."""
    with pytest.raises(NoText, match="None of the PDF's 2 pages") as caught:
        reader.read(pdf([PICTURE, PICTURE]), "application/pdf")
    assert "text recognition" in caught.value.hint


def test_protected_and_locked_pdfs(reader: Reader) -> None:
    """A PDF that is protected against changes is read; one that needs a password says so."""
    assert reader.read(pdf(["open to all"], password=""), "application/pdf").text == "open to all"
    with pytest.raises(Encrypted, match="needs a password") as caught:
        reader.read(pdf(["secret"], password="x"), "application/pdf")
    assert "without a password" in caught.value.hint


def test_the_password_that_is_set() -> None:
    """A locked PDF is opened with the password that is set, an open one without; a wrong one is named nowhere."""
    locked, other = (pdf(["secret"], password=password) for password in ("hunter2-ö", "another"))
    limits = replace(LIMITS, password="hunter2-ö")
    with Reader(limits) as reader:
        assert reader.read(locked, "application/pdf").text == "secret"
        assert reader.read(pdf(["open"], password=""), "application/pdf").text == "open"
        assert reader.read(pdf(["plain"]), "application/pdf").text == "plain"
        with pytest.raises(Encrypted, match="another password") as caught:
            reader.read(other, "application/pdf")

    assert "FOOTNOTE_DOCUMENT_PASSWORD" in caught.value.hint
    told = "".join(traceback.format_exception(caught.value)) + caught.value.hint + repr(limits) + repr(reader)
    assert "hunter2" not in told


@pytest.mark.parametrize("password", ["hunter2", "", "\udcff"])
def test_no_password_is_told_of(
    password: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither reader of PDFs has a password in what it raises or logs, whatever characters it is of."""
    limits = replace(LIMITS, password=password)
    for refused in (False, True):
        if refused:
            monkeypatch.setattr(pypdfium2, "PdfDocument", _refuse)
        with pytest.raises(Encrypted) as caught:
            pdf_extractor.extract(pdf(["secret"], password="x"), limits)
        told = "".join(traceback.format_exception(caught.value)) + caught.value.hint + caplog.text
        assert "FOOTNOTE_DOCUMENT_PASSWORD" in told
        assert not password or (password not in told and ascii(password)[1:-1] not in told)


def test_what_is_written_from_right_to_left(reader: Reader) -> None:
    """A page in Arabic or Hebrew is in the order of reading; one with a few words of it is PDFium's as ever."""
    words = "\u062d\u0628\u064a\u0628\u064a"
    assert reader.read(leftward_pdf(f"{words} habibi"), "application/pdf").text == f"{words} habibi"
    assert "a long line" in reader.read(leftward_pdf(f"a long line of English {words}"), "application/pdf").text


def test_pages_are_counted_first(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PDF of too many pages is refused before outline, labels or any page is looked at, whoever opens it."""
    looked = list[object]()

    def look(*arguments: object) -> Iterator[object]:
        looked.append(arguments)
        return iter(())

    for name in ("_pdfium_outline", "_pypdf_outline", "_pdfium_pages", "_pypdf_pages"):
        monkeypatch.setattr(pdf_extractor, name, look)
    for refused in (False, True):
        if refused:
            monkeypatch.setattr(pypdfium2, "PdfDocument", _refuse)
        with pytest.raises(TooLarge, match="201 pages, more than FOOTNOTE_MAX_PAGES=200"):
            pdf_extractor.extract(pdf(["x"] * 201), LIMITS)
    assert looked == []


def _refuse(*_: object, **__: object) -> None:
    raise pypdfium2.PdfiumError("no")


def test_pypdf_reads_what_pdfium_cannot(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """What PDFium cannot open is read by pypdf, with the same pages, labels and outline."""
    data = pdf(
        ["Contents", "Pool\nThe pool opens at nine."], outline=[("House", 0, 0), ("Pool", 1, 1)], roman=1, title="T"
    )
    by_pdfium = reader.read(data, "application/pdf")
    monkeypatch.setattr(pypdfium2, "PdfDocument", _refuse)

    assert pdf_extractor.extract(data, LIMITS) == by_pdfium
    (part,) = pdf_extractor.parts(data, LIMITS, 1, 0)
    assert (part.begin, part.total, [page.label for page in part.pages]) == (1, 2, ["1"])
    with pytest.raises(Encrypted):
        pdf_extractor.extract(pdf(["secret"], password="x"), LIMITS)


def test_markdown_headings() -> None:
    """Headings of every kind are found, with their path, and not inside code or properties."""
    text = "---\ntitle: x\n---\n# House Rules #\n\nintro\n\n## Pool\n```\n# not one\n```\nMinutes\n=======\n### C#\n"
    text += "#nor this\n~~~\n# nor\n```\n# nor\n~~~\n##   \n## Fees\n"

    found = markdown.extract(text.encode(), LIMITS)

    assert [section.headings for section in found.sections] == [
        ("House Rules",),
        ("House Rules", "Pool"),
        ("Minutes",),
        ("Minutes", "C#"),
        ("Minutes", "Fees"),
    ]
    assert all(found.text.startswith(("#", "Minutes"), section.start) for section in found.sections)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: House Rules\n---\n# Pool\n", "House Rules"),
        ("---\nauthor: Ann\ntitle:  'House Rules: 2026' \ntitle: no\n---\nPool\n", "House Rules: 2026"),
        ('---\ntitle: "\n---\nPool\n', '"'),
        ("---\ntitle: >\n  House\n---\nPool\n", ""),
        ("---\nsubtitle: x\n---\ntitle: y\n", ""),
        ("title: y\n# Pool\n", ""),
    ],
)
def test_a_markdown_title(text: str, title: str) -> None:
    """A Markdown file's own title is the one in its front matter; a heading is none."""
    assert markdown.extract(text.encode(), LIMITS).title == title


def test_markdown_tables() -> None:
    """A table's header is the line above the dashes, with them; what follows without a bar is no row."""
    text = (
        "Fees:\n| Item | Fee |\n|:---|---:|\n| Lift | 3.00 |\n| Pool | 2.00 |\nAll in euros | or not.\n\na | b\n---\n"
    )
    text += "a | b\n-|-\n\n1 | 2\n"

    found = markdown.extract(text.encode(), LIMITS)

    assert [(found.text[g.start : g.header_end], found.text[g.header_end : g.end]) for g in found.grids] == [
        ("| Item | Fee |\n|:---|---:|", "\n| Lift | 3.00 |\n| Pool | 2.00 |\nAll in euros | or not."),
        ("a | b\n-|-", ""),
    ]


def test_markdown_rows_have_a_limit() -> None:
    """A table of more rows than the settings allow is refused."""
    text = b"a | b\n-|-\n" + b"1 | 2\n" * 20
    assert markdown.extract(text, replace(LIMITS, rows=21)).grids
    with pytest.raises(TooLarge, match="FOOTNOTE_MAX_ROWS=20"):
        markdown.extract(text, replace(LIMITS, rows=20))


@pytest.mark.parametrize(
    "line", ["| " * 10**6, "|\n" * 10**6, "|-" * 10**6, "a|\n-" * 10**6, "|\n|" + "-" * 10**6 + "x"]
)
def test_markdown_bars_take_no_time(line: str) -> None:
    """A megabyte of bars and dashes is no trap for the search for tables."""
    begin = time.process_time()
    markdown.extract(b"text\n" + line.encode(), LIMITS)
    assert time.process_time() - begin < 5  # a square law would take minutes


@pytest.mark.parametrize(
    "line", ["# " + "#" * 10**6 + "x", "# " + " " * 10**6 + "x", "x" * 10**6 + "\n" + "-" * 10**6 + "x", "`" * 10**6]
)
def test_markdown_floods_take_no_time(line: str) -> None:
    """A megabyte of marks is no trap for the search for headings."""
    begin = time.process_time()
    markdown.extract(b"text\n" + line.encode(), LIMITS)
    assert time.process_time() - begin < 5  # a square law would take minutes


@pytest.mark.parametrize(
    ("data", "kind", "error", "message"),
    [
        (b"\xff\xfea", "text/plain", Unreadable, "bytes fit no encoding"),
        (b"PK", "application/x-ooxml-protected", Encrypted, "needs a password"),
        (b" \n - ", "text/markdown", NoText, "holds no text"),
        (b"%PDF-1.7 and then nothing", "application/pdf", Unreadable, "damaged"),
        (b"PK", "application/zip", UnsupportedType, "Nothing here reads application/zip"),
    ],
)
def test_refusals_come_back_as_they_are(
    reader: Reader, data: bytes, kind: str, error: type[Rejected], message: str
) -> None:
    """What the child refuses is raised on this side with its class, sentence and hint, and the child serves on."""
    reader.read(b"before", "text/plain")
    child = pid(reader)

    with pytest.raises(error, match=message) as caught:
        reader.read(data, kind)

    assert caught.value.hint
    assert reader.read(b"after", "text/plain").text == "after"
    assert pid(reader) == child


def test_older_encodings(reader: Reader) -> None:
    """Text in an older encoding is read, and its ledger says that the encoding was guessed."""
    for kind in ("text/plain", "text/markdown"):
        found = reader.read("# Grüße".encode("cp1252"), kind)
        assert (found.text, found.flags) == ("# Grüße", ("encoding-guessed",))


def test_utf16_and_marks(reader: Reader) -> None:
    """Text with a byte order mark is read as what the mark says."""
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert reader.read("Grüße".encode(encoding), "text/plain").text == "Grüße"


@pytest.mark.skipif(sys.platform != "linux", reason="memory limits hold on Linux only")
def test_memory_is_bounded() -> None:
    """A document that takes more memory than allowed is refused by that limit."""
    with Reader(replace(LIMITS, memory=20 * 2**20)) as reader, pytest.raises(TooLarge, match="FOOTNOTE_MAX_MEMORY"):
        reader.read(b"x " * 20 * 2**20, "text/plain")


def test_time_is_bounded() -> None:
    """A document that takes longer than allowed is refused, and the next one is read."""
    with Reader(replace(LIMITS, seconds=0.3)) as reader:
        reader.read(b"warm", "text/plain")
        slow = "a\u00a0b\n".encode() * 5 * 10**6
        with pytest.raises(TimedOut, match=r"FOOTNOTE_MAX_SECONDS=0\.3"):
            reader.read(slow, "text/plain")
        assert reader.read(b"next", "text/plain").text == "next"


def test_a_crash_costs_one_document(reader: Reader) -> None:
    """A document that kills its reader is refused, and the next one is read by a new child."""
    reader.read(b"warm", "text/plain")
    child = pid(reader)
    os.kill(child, signal.SIGSTOP)

    def kill() -> None:
        os.kill(child, signal.SIGKILL)

    with pytest.raises(Unreadable, match="made its reader crash"):
        reader.read(b"document", "text/plain", Reading(kill))
    assert reader.read(b"next", "text/plain").text == "next"
    assert pid(reader) != child


def test_who_waits_for_the_reader_is_not_asleep(reader: Reader) -> None:
    """While one thread's document is read, another's `tick` goes on being called, and may end its waiting."""
    reader.read(b"warm", "text/plain")
    child = pid(reader)
    os.kill(child, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(reader.read, b"first", "text/plain")
        while not reader._for_text.lock.locked():
            time.sleep(0.01)

        def impatient() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            reader.read(b"second", "text/plain", Reading(impatient))
        os.kill(child, signal.SIGCONT)
        assert first.result().text == "first"
    assert reader.read(b"third", "text/plain").text == "third"


def test_reading_can_be_stopped(reader: Reader) -> None:
    """What `tick` raises ends the reading at once, and the half-read document does not come back as the next one."""
    reader.read(b"warm", "text/plain")
    os.kill(pid(reader), signal.SIGSTOP)

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reader.read(b"stopped", "text/plain", Reading(stop))
    assert reader.read(b"next", "text/plain").text == "next"


def test_a_child_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many documents a new child takes over."""
    monkeypatch.setattr(extract, "DOCUMENTS_PER_CHILD", 2)
    with Reader(LIMITS) as reader:
        pids = []
        for _ in range(5):
            reader.read(b"document", "text/plain")
            pids.append(pid(reader))

    assert [pids.index(one) for one in pids] == [0, 0, 2, 2, 4]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child has none of the environment, and none of the parent's files."""
    monkeypatch.setenv("SECRET", "hunter2")
    with Reader(LIMITS) as reader, Path(__file__).open("rb"):
        reader.read(b"document", "text/plain")
        proc = Path(f"/proc/{pid(reader)}")
        environment = proc.joinpath("environ").read_bytes()
        files = {str(one.readlink()) for one in (proc / "fd").iterdir()}

    assert b"hunter2" not in environment
    assert {one for one in files if one.startswith("/") and one != "/dev/null"} == set()


def test_a_child_imports_nothing_from_where_it_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file named like a module, lying among the documents, is not run."""
    for name in ("json", "corpus", "ingest", "struct", "pypdfium2"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    monkeypatch.chdir(tmp_path)

    with Reader(LIMITS) as reader:
        assert reader.read(pdf(["text"]), "application/pdf").text == "text"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("first", "title"),
    [
        ("WELCOME TO LINDEN COURT", "WELCOME TO LINDEN COURT"),
        ("# House rules #", "House rules"),
        ("Do cats need a permit?", "Do cats need a permit?"),
        ("規約", "規約"),
        ("Dear Mrs. Smith,", ""),
        ("The pool opens at nine.", ""),
        ("if (a < b) return;", ""),
        ("name\tfee", ""),
        ("1.2.3", ""),
        ("word " * 30, ""),
    ],
)
def test_the_title_of_a_text(first: str, title: str) -> None:
    """A text's first line is its title if it looks like one, and more follows."""
    assert text.extract(f"\n{first} \n\nThe rest.".encode(), LIMITS).title == title
    if title:
        assert text.extract(first.encode(), LIMITS).title == ""


ORPHAN = """
import os
from corpus.ports import Limits
from ingest.extract import Reader
reader = Reader(Limits(seconds=30))
reader.read(b"document", "text/plain")
print(reader._for_text.child._process.pid, flush=True)
os._exit(9)
"""


def test_a_child_does_not_outlive_its_parent() -> None:
    """When the parent dies, the child sees it and ends."""
    died = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, check=False)
    orphan = int(died.stdout)

    for _ in range(100):
        try:
            os.kill(orphan, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{orphan}/stat").exists() and Path(f"/proc/{orphan}/stat").read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child is still there")


def frame(message: dict[str, object], body: bytes = b"") -> bytes:
    return pack(message, body)


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"pages": [], "sections": [], "title": ""},
        {"pages": [[1, "", 0, 99, ""]], "sections": [], "title": "", "flags": []},
        {"pages": [[1, "", 3, 4, ""], [2, "", 0, 2, ""]], "sections": [], "title": "", "flags": []},
        {"pages": [["1"]], "sections": [], "title": "", "flags": []},
        {"pages": 7, "sections": [], "title": "", "flags": []},
        {"pages": [], "sections": [[99, ["x"]]], "title": "", "flags": []},
    ],
)
def test_a_child_is_not_believed(reply: dict[str, object]) -> None:
    """A reply whose parts are missing or lie outside its text is nonsense, not a document."""
    with pytest.raises(ValueError, match=r"The structure|lies outside|object"):
        load_text(reply, b"text")


PART = Part(3, 9, (RawPage("a \ud800 \x02\n", "iv"), RawPage("", "5", "image", "", 0)), "", (OutlineEntry(1, "a", 8),))


def test_parts_are_kept_as_they_are() -> None:
    """A part comes out as it went in, with what a parser left in it, alone and in a list."""
    assert load_part(dump_part(PART)) == PART
    assert load_parts(dump_parts([PART, PART])) == (PART, PART)
    assert load_parts(dump_parts([])) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"begin":3', '"begin":8'),
        ('"begin":3', '"begin":-1'),
        ('"begin":3', '"begin":"3"'),
        ('"total":9', '"whole":9'),
        ('"iv"', "4"),
        ('"outline":[[1,"a",8]]', '"outline":[[1,"a",9]]'),
        ('"outline":[[1,"a",8]]', '"outline":[[1,2,8]]'),
        ('"title":""', '"title":null'),
        ('{"begin"', '{"begin'),
    ],
)
def test_a_part_is_not_believed(old: str, new: str) -> None:
    """A part that lacks something, or whose pages are none of its document's, is no part."""
    data = dump_part(PART).decode("utf-8", "surrogatepass")
    assert old in data
    with pytest.raises(ValueError, match=r"part|Expecting|Unterminated|delimiter"):
        load_part(data.replace(old, new).encode("utf-8", "surrogatepass"))


def test_frames() -> None:
    """A frame comes out as it went in, and one that claims too much is refused before it is read."""
    document = Extracted("täxt", (Page(1, "i", 0, 4),), (Section(0, ("a", "b")),), "t", ("f",))
    data = pack(*dump_text(document))

    def take(size: int) -> bytes:
        nonlocal data
        part, data = data[:size], data[size:]
        return part

    assert load_text(*unpack(take, 100)) == document
    for sizes in ((2**31, 0), (0, 101)):
        data = HEAD.pack(*sizes)
        with pytest.raises(ValueError, match="larger than any may be"):
            unpack(take, 100)
