"""Text recognition: how many words of a scanned page are found, how many of those found are there, and how fast.

python -m bench.ocr

Needs tesseract. Where `rapidocr` is installed too (it is no part of this project), it reads the same pages.
"""

from __future__ import annotations

import importlib.util
import io
import re
import resource
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pypdfium2
from reportlab.pdfgen.canvas import Canvas

from bench.timing import machine
from ingest import ocr
from tests.scans import bound, grainy, pictures

TEXT = Path(__file__).parent.parent / "docs" / "reliability.md"
RESOLUTIONS = (150, 200, 300)
LINES = 55
Read = Callable[[pypdfium2.PdfPage, int], str]


def typeset(font: str, size: int) -> tuple[list[str], bytes]:
    """A full page of prose: its words, and the PDF."""
    words = re.findall(r"[A-Za-z0-9',.;:-]+", TEXT.read_text("utf-8"))
    target = io.BytesIO()
    canvas = Canvas(target, invariant=True)
    canvas.setFont(font, size)
    for row in range(LINES):
        canvas.drawString(60, 790 - 13.5 * row, " ".join(words[14 * row : 14 * (row + 1)]))
    canvas.save()
    return words[: 14 * LINES], target.getvalue()


def pages() -> Mapping[str, tuple[list[str], bytes]]:
    """Pages of several kinds, each with its words."""
    words, prose = typeset("Times-Roman", 11)
    (picture,) = pictures(prose)
    askew = picture.rotate(0.7, fillcolor=255)
    return {
        "text of 11 points": (words, prose),
        "text of 8 points": typeset("Helvetica", 8),
        "scan": (words, bound([picture])),
        "scan, askew and grainy": (words, bound([grainy(askew, 55)])),
        "scan, on its side": (words, bound([picture.rotate(90, expand=True)])),
    }


def by_tesseract(engine: ocr.Tesseract) -> Read:
    def read(page: pypdfium2.PdfPage, dpi: int) -> str:
        return ocr.words_of(ocr.rendered(page, dpi)[0], dpi, engine, ocr.PAGE_SECONDS).text

    return read


def by_rapidocr() -> Read:
    from rapidocr import RapidOCR  # noqa: PLC0415 -- it need not be there

    engine: Any = RapidOCR(params={"EngineConfig.onnxruntime.intra_op_num_threads": 1})

    def read(page: pypdfium2.PdfPage, dpi: int) -> str:
        return " ".join(engine(page.render(scale=dpi / 72).to_numpy()).txts or ())

    return read


@contextmanager
def only_page(data: bytes) -> Iterator[pypdfium2.PdfPage]:
    with closing(pypdfium2.PdfDocument(data)) as document, closing(document[0]) as page:
        yield page


def spent() -> float:
    """Seconds of CPU that this process and those it started have taken."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def shares(words: list[str], text: str) -> tuple[float, float]:
    """Return which share of the words was found, and which share of what was found are words of the page."""
    wanted, got = (Counter(filter(None, (re.sub(r"\W", "", one) for one in many))) for many in (words, text.split()))
    both = (wanted & got).total()
    return both / wanted.total(), both / max(1, got.total())


def main() -> None:
    path = shutil.which("tesseract")
    if not path:
        print(f"## Text recognition\n\nNot measured: tesseract is not installed. {ocr.INSTALL}\n")
        return
    engine = ocr.found(path, ["eng"])
    ways: dict[str, Read] = {f"tesseract {engine.version}": by_tesseract(engine)}
    if importlib.util.find_spec("rapidocr"):
        ways["rapidocr"] = by_rapidocr()
    print(f"## Text recognition: pages of {14 * LINES} words ({machine()})\n")
    print("| page | by | dots per inch | found | of it right | words a CPU second |\n|---|---|---|---|---|---|")
    for kind, (words, data) in pages().items():
        with only_page(data) as page:
            tries = [(name, str(dpi), dpi, read) for name, read in ways.items() for dpi in RESOLUTIONS]
            tries.append(("as the product reads it", "", 0, lambda page, _: ocr.recognised(page, engine).text))
            for name, shown, dpi, read in tries:
                begun = spent()
                text = read(page, dpi)
                taken = spent() - begun
                found, right = shares(words, text)
                print(
                    f"| {kind} | {name} | {shown} | {found:.3f} | {right:.3f} | {len(words) / taken:,.0f} |", flush=True
                )
    print()


if __name__ == "__main__":
    main()
