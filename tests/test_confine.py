"""What a document can do that has taken over the process that reads it: to the machine, and to the parent."""

from __future__ import annotations

import io
import os
import platform
import select
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.errors import TimedOut, Unreadable
from corpus.ports import Limits
from ingest import extract
from ingest.confine import _CALLS
from ingest.extract import Reader, Reading
from tests.docx import docx, p
from tests.odd_files import message
from tests.sheets import workbook
from tests.slides import deck

LIMITS = Limits(memory=2**28, seconds=60)
FILTERED = sys.platform == "linux" and platform.machine() in _CALLS


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "CHILD", "tests.hostile_child")


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        (b"nonsense", Unreadable, "answer nonsense"),
        (b"deep", Unreadable, "answer nonsense"),
        (b"odd kinds", Unreadable, "answer nonsense"),
        (b"flood", Unreadable, "answer nonsense"),
        (b"half", TimedOut, "FOOTNOTE_MAX_SECONDS=3"),
        (b"closes", Unreadable, "crash"),
        (b"forks", TimedOut, "FOOTNOTE_MAX_SECONDS=3"),
        (b"sleeps", TimedOut, "FOOTNOTE_MAX_SECONDS=3"),
        (b"works", TimedOut, "FOOTNOTE_MAX_SECONDS=3"),
        pytest.param(b"eats", Unreadable, "crash", marks=pytest.mark.skipif(not FILTERED, reason="Linux only")),
    ],
)
def test_the_parent_outlives_everything(what: bytes, error: type[Exception], message: str) -> None:
    """Whatever a child does with a document, ignoring signals too, costs that document alone."""
    limits = replace(LIMITS, seconds=3) if error is TimedOut else LIMITS
    with Reader(limits) as reader:
        assert reader.read(b"before", "text/plain").text == "before"
        child = reader._for_text.child
        assert child
        with pytest.raises(error, match=message):
            reader.read(what, "text/plain")
        assert child._process.returncode is not None
        assert reader.read(b"after", "text/plain").text == "after"


@pytest.mark.usefixtures("hostile")
def test_what_a_child_adds_to_its_answer_is_not_the_next() -> None:
    """A child that says more than it was asked is replaced before the next document, and so is one that died."""
    with Reader(LIMITS) as reader:
        assert reader.read(b"more", "text/plain").text == "good"
        assert reader.read(b"mine", "text/plain").text == "mine"
        assert reader._for_text.child
        os.kill(reader._for_text.child._process.pid, signal.SIGKILL)
        select.select([reader._for_text.child._pipe], [], [], 10)
        assert reader.read(b"mine too", "text/plain").text == "mine too"


def test_a_child_that_does_not_listen() -> None:
    """While a document is sent to a child that takes nothing, `tick` is called, and the deadline holds."""
    ticks = list[float]()
    with Reader(replace(LIMITS, seconds=2.5)) as reader:
        reader.read(b"warm", "text/plain")
        assert reader._for_text.child
        os.kill(reader._for_text.child._process.pid, signal.SIGSTOP)
        with pytest.raises(TimedOut):
            reader.read(b"x" * 10**7, "text/plain", Reading(lambda: ticks.append(time.monotonic())))
        assert reader.read(b"next", "text/plain").text == "next"
    assert ticks


@pytest.mark.parametrize(
    "error", [OSError("no disk"), EOFError(), ValueError("a bug"), TimeoutError(), RecursionError()]
)
def test_what_a_tick_raises_is_its_own(error: Exception) -> None:
    """What the worker's own tick raises comes out as it is: the document is not blamed for it."""

    def tick() -> None:
        raise error

    with Reader(replace(LIMITS, seconds=30)) as reader:
        reader.read(b"warm", "text/plain")
        assert reader._for_text.child
        os.kill(reader._for_text.child._process.pid, signal.SIGSTOP)
        with pytest.raises(type(error)) as caught:
            reader.read(b"document", "text/plain", Reading(tick))
    assert caught.value is error


def confined(code: str, folder: Path) -> str:
    """What a program writes that runs in a confined process."""
    program = f"from ingest.confine import bound, confine\nconfine()\n{code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=folder)
    return done.stdout.strip() + done.stderr


TRY = """
import socket, os, pathlib, shutil, subprocess
def tried(what):
    try:
        what()
    except PermissionError:
        print("refused")
"""


@pytest.mark.parametrize(
    "what",
    [
        "socket.socket()",
        "socket.socketpair()",
        "socket.create_connection(('127.0.0.1', 1))",
        "socket.getaddrinfo('localhost', 80)",
        "pathlib.Path('made').write_text('x')",
        "pathlib.Path('made').touch()",
        "os.open('made', os.O_CREAT | os.O_RDWR)",
        "os.mkdir('made')",
        "os.rename('kept', 'made')",
        "os.remove('kept')",
        "os.symlink('kept', 'made')",
        "shutil.copy('kept', 'made')",
    ],
)
def test_what_is_refused_in_python(what: str, tmp_path: Path) -> None:
    """In the child no socket is opened, no file written and no folder changed."""
    (tmp_path / "kept").write_text("as it was")
    assert confined(f"{TRY}tried(lambda: {what})", tmp_path) == "refused"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("kept", "as it was")]


def test_what_is_not_refused(tmp_path: Path) -> None:
    """Reading a file, and starting a program that speaks through pipes, goes on."""
    (tmp_path / "kept").write_text("as it was")
    code = "import pathlib, subprocess, sys\nprint(pathlib.Path('kept').read_text(), flush=True)\n"
    code += "print(subprocess.run(['cat'], input=b'words', capture_output=True, check=True).stdout.decode())"
    assert confined(code, tmp_path) == "as it was\nwords"


@pytest.mark.skipif(not FILTERED, reason="the kernel's filters are Linux's")
@pytest.mark.parametrize("family", ["1, 1, 0", "2, 1, 0", "2, 2, 0", "16, 3, 0"])
def test_what_the_kernel_refuses(family: str, tmp_path: Path) -> None:
    """A socket is refused to code in C as well, and to programs that it starts."""
    code = f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(libc.socket({family}), ctypes.get_errno())"
    assert confined(code, tmp_path) == "-1 13"
    run = f"subprocess.run([sys.executable, '-c', {code!r}], capture_output=True, text=True)"
    started = f"import subprocess, sys\nprint({run}.stdout.strip())"
    assert confined(started, tmp_path) == "-1 13"


@pytest.mark.skipif(not FILTERED, reason="the kernel's filters are Linux's")
def test_a_child_looks_into_no_other_process(tmp_path: Path) -> None:
    """A child cannot attach to its parent, whose environment has the secrets."""
    code = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    code += "print(libc.ptrace(16, os.getppid(), 0, 0), ctypes.get_errno())"
    assert confined(code, tmp_path) == "-1 13"


def test_a_child_that_works_for_ever_dies_of_itself(tmp_path: Path) -> None:
    """Who is not stopped by its parent is stopped by the clock of its own processor time."""
    code = "import ingest.confine\ningest.confine.GRACE_SECONDS = 0\n"
    code += "import signal\nfrom corpus.ports import Limits\nbound(Limits(seconds=1, memory=2**30))\n"
    code += "signal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass"
    program = f"from ingest.confine import bound, confine\nconfine()\n{code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=60)
    assert -done.returncode == signal.SIGXCPU


PATHS = (
    "../../evil.xml",
    "/evil.xml",
    "C:\\evil.xml",
    "word/../../evil.xml",
    "word/media/evil.xml\\..\\x",
    "evil.xml/",
)
WATCH = """
import sys, pathlib
from corpus.errors import Rejected
from corpus.ports import Limits
from ingest.extractors import extractor_of
from ingest.sniff import sniff
opened = []
sys.addaudithook(lambda event, what: opened.append(what[0]) if event == "open" and "evil" in str(what[0]) else None)
for path in sorted(pathlib.Path().iterdir()):
    data = path.read_bytes()
    try:
        extractor_of(sniff(data, path.name).media_type).extract(data, Limits())
    except Rejected as error:
        print(path, error.message)
print(opened)
"""


def with_paths(data: bytes) -> bytes:
    """An archive that has parts whose names lead elsewhere, too."""
    target = io.BytesIO(data)
    with zipfile.ZipFile(target, "a") as archive:
        for path in PATHS:
            archive.writestr(path, "<evil/>")
    return target.getvalue()


def test_names_lead_nowhere(tmp_path: Path) -> None:
    """No name of an archive's part, of an attachment or of what either points at is opened as a path."""
    away = '<Relationship Id="r9" Type="http://x/image" Target="file:///evil.xml" TargetMode="External"/>'
    inside = '<Relationship Id="r8" Type="http://x/header" Target="../../../evil.xml"/>'
    files = {
        "a.docx": with_paths(docx(p("words"), rels=away + inside)),
        "b.xlsx": with_paths(workbook({"a": [["words"]]})),
        "c.pptx": with_paths(deck("words")),
        "d.eml": message(files=[(path, b"words") for path in PATHS]),
        "e.html": b"<base href=file:///evil.xml><link href=evil.xml><img src=evil.xml alt=words><iframe src=evil.xml>",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert confined(WATCH, tmp_path) == "[]"
