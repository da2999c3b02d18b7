"""Text recognition: a page that is a picture is rendered, and tesseract says what words it sees and how sure it is.

tesseract is a program of its own, found by the settings and used if it is installed. It runs beside the child process
that opens documents, within its limits: what it sees and says goes through pipes, and no file is written.
`docs/decisions/0011-text-recognition.md` says why it is this one, and where the numbers below are from.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple

from corpus.errors import ConfigError, TooLarge
from corpus.model import PageProblem
from corpus.ports import Limits
from corpus.raw_pages import Part, RawPage
from ingest.clean import letters
from ingest.paging import in_parts

if TYPE_CHECKING:
    import pypdfium2

NAME = "ocr-1"
RESOLUTIONS = (200, 150)
"""Dots per inch. What is not surely read at the first is looked at once more, coarser: that smooths a grainy scan."""
SURE = 88
"""In percent: a page read so surely is not looked at again."""
MIN_CONFIDENCE = 60
"""In percent: what is read less surely than this is no text; a page upside down reaches 46."""
MIN_LINE_CONFIDENCE = 30
"""A line below this is a stain, a rule or a piece of a photograph. No word is ever left out of a line that stays."""
MIN_LETTERS = 3
"""A photograph may look like a letter or two."""
MAX_PIXELS = 32_000_000
"""A sheet of A1 at 200 dots per inch."""
MIN_SIDE = 1_500
"""Of a page at 200 dots per inch, in pixels: a smaller page is a scan whose size in the file is wrong."""
INK, INK_SHARE = 160, 1e-4
"""Darker than this is ink, and a page with less of it is blank."""
PAGE_SECONDS = 60.0
ASKED_SECONDS = 20.0
FEW_LANGUAGES = 3
"""Each language more takes as long again, and finds words of its own in the others."""
NO_LANGUAGES = frozenset({"osd", "equ", "snum"})
INSTALL = "Install tesseract: `apt-get install tesseract-ocr` on Debian and Ubuntu, `brew install tesseract` on macOS."
ENVIRONMENT = {"OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}
_DARK = bytes(value < INK for value in range(256))


@dataclass(frozen=True, slots=True)
class Tesseract:
    """tesseract as it is found here: where it lies, its version, and the languages that it is to expect."""

    path: str
    version: str
    languages: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of all that decides what it makes of a picture."""
        return f"{NAME} tesseract-{self.version} {'+'.join(self.languages)}"


@dataclass(frozen=True, slots=True)
class Budget:
    """What text recognition may cost one document: pages looked at, and seconds."""

    pages: int = 200
    seconds: float = 1800

    def left(self, parts: Sequence[Part]) -> Budget:
        """What is left of it behind these parts, whoever read them."""
        looked_at = sum(page.method == "ocr" for part in parts for page in part.pages)
        return Budget(max(0, self.pages - looked_at), max(0.0, self.seconds - sum(part.seconds for part in parts)))


BUDGET = Budget()


class Recognised(NamedTuple):
    """What stands on a page: its lines, paragraphs apart, and how sure that is in percent.

    Nothing if `problem` says "empty", for a blank page, or "image", for one on which no text was recognised.
    """

    text: str
    confidence: int
    problem: PageProblem = ""


class _Word(NamedTuple):
    """A word as tesseract tells of it: in which block, paragraph and line, and how sure it is in percent."""

    block: int
    paragraph: int
    line: int
    confidence: float
    text: str


NOTHING = Recognised("", 0, "image")


def found(path: str, languages: Sequence[str] = ()) -> Tesseract:
    """Ask the tesseract at `path` what it is, and which languages it knows.

    Without `languages` it is to expect all that are installed, or if those are many, English. Raises `ConfigError` if
    it does not answer, or lacks a language.
    """
    version = re.match(r"tesseract v?(\S+)", _asked(path, "--version"))
    if not version:
        raise ConfigError(
            f"{path} does not say that it is tesseract.", hint="FOOTNOTE_OCR is tesseract's path, or off."
        )
    known = _asked(path, "--list-langs").split("\n")[1:]
    if missing := [one for one in languages if one not in known]:
        raise ConfigError(
            f"tesseract has no data for {', '.join(missing)}, which FOOTNOTE_OCR_LANGUAGES names.",
            hint=f"Install it, as in `apt-get install tesseract-ocr-{missing[0]}`, or set FOOTNOTE_OCR=off.",
        )
    return Tesseract(path, version[1], tuple(languages) or _expected(known))


def _expected(known: Sequence[str]) -> tuple[str, ...]:
    """All languages if they are few, English last, as whoever wanted more than English has more of those."""
    languages = sorted((one for one in known if one and "/" not in one and one not in NO_LANGUAGES), key="eng".__eq__)
    if len(languages) > FEW_LANGUAGES and "eng" in languages:
        return ("eng",)
    if not languages:
        raise ConfigError("tesseract has no data for any language.", hint="Install tesseract-ocr-eng, or another.")
    return tuple(languages[:FEW_LANGUAGES])


def _asked(path: str, question: str) -> str:
    command = [path, question]
    try:
        done = subprocess.run(
            command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, timeout=ASKED_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(f"{path} {question} does not answer ({type(error).__name__}).", hint=INSTALL) from error
    return (done.stdout or done.stderr).decode("utf-8", "replace")  # some versions tell it on the other side


def seen(data: bytes, parts: Iterator[Part], limits: Limits, engine: Tesseract, budget: Budget) -> Iterator[Part]:
    """Yield the parts of a PDF with the text of its pictures in them, shorter ones as these take their time.

    A picture that was looked at has the method `ocr`, whether or not anything was found on it; beyond the budget the
    others stay as they are.
    """
    import pypdfium2  # noqa: PLC0415 -- loaded in the child process only

    first = next(parts, None)
    if first is None:
        return
    with closing(_Eyes(lambda: pypdfium2.PdfDocument(data), engine, budget)) as eyes:

        def pages() -> Iterator[RawPage]:
            index = first.begin
            for part in chain([first], parts):
                for page in part.pages:
                    yield eyes.look(index, page) if page.problem == "image" else page
                    index += 1

        left = limits.characters
        for part in in_parts(pages(), replace(first, pages=()), first.begin):
            left -= part.characters
            if left < 0:
                raise TooLarge(f"The PDF's text is longer than FOOTNOTE_MAX_CHARACTERS={limits.characters}.")
            yield replace(part, seconds=eyes.taken())


class _Eyes:
    """Looks at pages of one document for as long as the budget lasts; opens it when there is a page to look at."""

    def __init__(self, opened: Callable[[], pypdfium2.PdfDocument], engine: Tesseract, budget: Budget) -> None:
        self._opened, self._engine = opened, engine
        self._pages, self._seconds = budget.pages, budget.seconds
        self._document: pypdfium2.PdfDocument | None = None
        self._taken = 0.0

    def look(self, index: int, page: RawPage) -> RawPage:
        if self._pages <= 0 or self._seconds <= 0:
            return page
        begun = time.monotonic()
        self._document = self._document or self._opened()
        found = self._read(self._document, index, min(PAGE_SECONDS, self._seconds))
        took = time.monotonic() - begun
        self._pages, self._seconds, self._taken = self._pages - 1, self._seconds - took, self._taken + took
        if found.problem == "image":
            return replace(page, method="ocr", confidence=0)
        return replace(page, text=found.text, problem="", method="ocr", confidence=found.confidence)

    def _read(self, document: pypdfium2.PdfDocument, index: int, seconds: float) -> Recognised:
        import pypdfium2  # noqa: PLC0415

        try:
            with closing(document[index]) as page:
                return recognised(page, self._engine, seconds)
        except pypdfium2.PdfiumError:
            return NOTHING

    def taken(self) -> float:
        """How many seconds it took since this was last asked."""
        taken, self._taken = self._taken, 0.0
        return round(taken, 3)

    def close(self) -> None:
        if self._document:
            self._document.close()


def recognised(page: pypdfium2.PdfPage, engine: Tesseract, seconds: float = PAGE_SECONDS) -> Recognised:
    """Return what stands on a page.

    What tesseract cannot make anything of, in `seconds` and in the memory there is, is a picture and no error.
    """
    best = NOTHING
    for dpi in RESOLUTIONS:
        picture, blank = rendered(page, dpi)
        one = words_of(picture, dpi, engine, seconds)
        if not one.text and blank:
            return Recognised("", 100, "empty")
        best = max(best, one, key=lambda it: it.confidence * len(it.text))
        if best.confidence >= SURE:
            break
    return best


def rendered(page: pypdfium2.PdfPage, dpi: int) -> tuple[bytes, bool]:
    """Return a page as a grey picture in the form of PGM, and whether it is blank."""
    width, height = page.get_size()
    scale = max(dpi, MIN_SIDE * dpi / RESOLUTIONS[0] / max(width, height) * 72) / 72
    scale *= min(1.0, (MAX_PIXELS / (width * height * scale * scale)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        rows = memoryview(bitmap.buffer).cast("B")
        wide, high, stride = bitmap.width, bitmap.height, bitmap.stride
        pixels = b"".join(rows[at : at + wide] for at in range(0, high * stride, stride))
    finally:
        bitmap.close()
    blank = pixels.translate(_DARK).count(1) < INK_SHARE * len(pixels)
    return b"P5 %d %d 255\n%b" % (wide, high, pixels), blank


def words_of(picture: bytes, dpi: int, engine: Tesseract, seconds: float) -> Recognised:
    """Have tesseract read one picture; it is ended when its time is over."""
    command = [engine.path, "stdin", "stdout", "-l", "+".join(engine.languages), "--dpi", str(dpi)]
    command += ["--psm", "1"]  # pages that lie on their side or upside down are turned
    command += ["-c", "thresholding_method=2", "-c", "tessedit_create_tsv=1"]  # Sauvola: grey and stained paper
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, env=ENVIRONMENT) as process:
        if sys.platform == "linux":  # for the case that nobody is left to end it
            most = int(seconds) + 1
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (most, most))
        try:
            told, _ = process.communicate(picture, timeout=seconds)
        except subprocess.TimeoutExpired:
            return NOTHING
        finally:
            process.kill()
    return read(told.decode("utf-8", "replace")) if process.returncode == 0 else NOTHING


def read(table: str) -> Recognised:
    """Return the text that a table of words (tesseract's TSV) tells of, in the order in which it is read."""
    lines = [list(line) for _, line in groupby(_words(table), key=lambda word: word[:3])]
    kept = [line for line in lines if sum(word.confidence for word in line) >= MIN_LINE_CONFIDENCE * len(line)]
    confidences = [word.confidence for line in kept for word in line]
    if not confidences or sum(confidences) < MIN_CONFIDENCE * len(confidences):
        return NOTHING
    paragraphs = [
        "\n".join(" ".join(word.text for word in line) for line in paragraph)
        for _, paragraph in groupby(kept, key=lambda line: line[0][:2])
    ]
    # Whether a word goes on behind a hyphen at a line's end is for the whole document to say: the mark is PDFium's.
    text = re.sub(r"(?<=[^\W\d_])[-\u2010]\n(?=[^\W\d_])", "\ufffe", "\n\n".join(paragraphs))
    found = Recognised(text, int(sum(confidences) / len(confidences)))
    return found if letters(text, MIN_LETTERS) == MIN_LETTERS else NOTHING


def _words(table: str) -> Iterator[_Word]:
    for row in table.split("\n"):
        cells = row.rstrip("\r").split("\t")
        if len(cells) == 12 and cells[0] == "5" and cells[11].strip():  # noqa: PLR2004 -- a row's cells; 5 is a word
            yield _Word(int(cells[2]), int(cells[3]), int(cells[4]), float(cells[10]), cells[11].strip())
