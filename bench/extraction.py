"""How fast PDFs are read: through the child with its cleaning and limits, against a bare PDFium loop and pypdf.

python -m bench.extraction DATA
"""

from __future__ import annotations

import io
import statistics
import time

import pypdf
import pypdf.errors
import pypdfium2

from bench.corpora import data_folder
from bench.timing import HEAD, interleaved, machine, row
from corpus.ports import Limits
from ingest.extract import Reader

LIMITS = Limits(bytes=10**9, pages=5_000, characters=20_000_000, memory=2**30, seconds=120)
ROUNDS = 5


def bare(data: bytes) -> str:
    """The least that PDFium must do for a document's text."""
    pages = pypdfium2.PdfDocument(data)
    found = []
    for index in range(len(pages)):
        page = pages[index]
        text = page.get_textpage()
        found.append(text.get_text_range())
        text.close()
        page.close()
    pages.close()
    return "".join(found)


def main() -> None:
    files = [path.read_bytes() for path in sorted((data_folder() / "sec-10q-pdf" / "docs").glob("*.pdf"))]
    with Reader(LIMITS) as reader:
        reader.read(files[0], "application/pdf")
        ways = {
            "child": lambda: [reader.read(data, "application/pdf") for data in files],
            "bare": lambda: [bare(data) for data in files],
        }
        taken = interleaved(ways, ROUNDS)
        pages = sum(len(pypdfium2.PdfDocument(data)) for data in files)
        pairs = [_against_pypdf(reader, data) for data in files]  # pypdf is slow: once, file by file beside our own
    both = [pair for pair in pairs if pair]
    ours, theirs, read = (sum(column) for column in zip(*both, strict=True))
    ratios = sorted(slow / quick for quick, slow, _ in both)
    print(f"## Reading PDF: {len(files)} filings, {pages} pages ({machine()})\n\n{HEAD}")
    print(row("child, cleaning and limits ÷ bare pypdfium2 loop", taken["bare"] / taken["child"], 0.7))
    print(row("the same ÷ pypdf plain", theirs / ours, 10))
    speed, least, median = pages / taken["child"], ratios[0], statistics.median(ratios)
    print(f"\n{speed:,.0f} pages/s, pypdf {read / theirs:,.0f}; file by file: least {least:.1f}, median {median:.1f}.")
    print(f"pypdf could not read {len(files) - len(both)} of the files; the second row leaves them out.\n")


def _against_pypdf(reader: Reader, data: bytes) -> tuple[float, float, int] | None:
    """The seconds the product and pypdf take for a file, and its pages; None if pypdf cannot read it."""
    begun = time.perf_counter()
    reader.read(data, "application/pdf")
    between = time.perf_counter()
    try:
        pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]
    except pypdf.errors.PyPdfError:
        return None
    return between - begun, time.perf_counter() - between, len(pages)


if __name__ == "__main__":
    main()
