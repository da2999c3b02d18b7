"""What a small edit of a long document costs: 200 random edits each of a PDF, a DOCX and a text of about 500 pages.

    python -m bench.edits

Each edit changes one place of a text or a DOCX, or one page of a PDF: words, lines or paragraphs put in, taken out or
written anew. Counted are the chunks that were not there before, which are those that an ingest would embed.
"""

from __future__ import annotations

import io
import random
import statistics
from collections.abc import Callable

import docx

from bench.timing import machine
from corpus.model import Extracted
from corpus.ports import Limits
from ingest.chunk import chunk
from ingest.extractors import docx as docx_extractor
from ingest.extractors import pdf as pdf_extractor
from ingest.extractors import text as text_extractor
from tests.pdfs import pdf

EDITS = 200
PAGES = 500
LINES = 44
HEADING = "\n"
"""What stands between a heading and the paragraph under it."""
WORDS = (
    "house pool garden lift stairs cellar owner guest fee rule quiet door key water roof must may not board with window"
)


def sentence(rnd: random.Random) -> str:
    return " ".join(rnd.choices(WORDS.split(), k=rnd.randint(6, 18))).capitalize() + "."


def paragraph(rnd: random.Random) -> str:
    return " ".join(sentence(rnd) for _ in range(rnd.randint(2, 7)))


def edited(rnd: random.Random, pieces: list[str], make: Callable[[random.Random], str]) -> list[str]:
    """One place written anew, put in, or taken out."""
    found = list(pieces)
    at = rnd.choice([number for number, one in enumerate(found) if HEADING not in one])
    match rnd.randrange(4):
        case 0:
            found[at] = make(rnd)
        case 1:
            found[at:at] = [make(rnd) for _ in range(rnd.randint(1, 3))]
        case 2 if len(found) > 1:
            del found[at]
        case _:
            words = found[at].split()
            words[rnd.randrange(len(words))] = "changed"
            found[at] = " ".join(words)
    return found


def of_text(pieces: list[str]) -> Extracted:
    return text_extractor.extract("\n\n".join(pieces).encode(), Limits())


def of_docx(pieces: list[str]) -> Extracted:
    made = docx.Document()
    for piece in pieces:
        heading, mark, words = piece.rpartition(HEADING)
        if mark:
            made.add_heading(heading, 1)
        made.add_paragraph(words)
    target = io.BytesIO()
    made.save(target)
    return docx_extractor.extract(target.getvalue(), Limits())


def of_pdf(pages: list[list[str]]) -> Extracted:
    return pdf_extractor.extract(pdf(["\n".join(lines) for lines in pages]), Limits())


def contents(extracted: Extracted) -> set[tuple[tuple[str, ...], str, str]]:
    return {(one.headings, one.header, one.content) for one in chunk(extracted)}


def costs(before: Extracted, after: Callable[[random.Random], Extracted], rnd: random.Random) -> list[int]:
    known = contents(before)
    return [len(contents(after(rnd)) - known) for _ in range(EDITS)]


def main() -> None:
    rnd = random.Random(22)  # noqa: S311 -- no secret
    pieces = [paragraph(rnd) for _ in range(PAGES * 6)]
    headed = [f"Part {number // 40}{HEADING}{one}" if number % 40 == 0 else one for number, one in enumerate(pieces)]
    pages = [[sentence(rnd) for _ in range(LINES)] for _ in range(PAGES)]

    def another_pdf(rnd: random.Random) -> Extracted:
        number = rnd.randrange(PAGES)
        return of_pdf([*pages[:number], edited(rnd, pages[number], sentence)[: LINES + 10], *pages[number + 1 :]])

    kinds = {
        "PDF": (of_pdf(pages), another_pdf),
        "DOCX": (of_docx(headed), lambda rnd: of_docx(edited(rnd, headed, paragraph))),
        "text": (of_text(pieces), lambda rnd: of_text(edited(rnd, pieces, paragraph))),
    }
    print(f"## Small edits: {EDITS} each ({machine()})\n")
    print("| what | chunks | changed, median | worst | bars | |\n|---|---|---|---|---|---|")
    for name, (before, after) in kinds.items():
        found = costs(before, after, rnd)
        median, worst = statistics.median(found), max(found)
        met = "met" if median <= 3 and worst <= 5 else "**missed**"
        print(f"| {name} | {len(chunk(before))} | {median:g} | {worst} | ≤ 3, ≤ 5 | {met} |")


if __name__ == "__main__":
    main()
