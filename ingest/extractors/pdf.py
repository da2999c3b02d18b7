"""PDF: text by PDFium, which reads a page in milliseconds and keeps words whole; pypdf where PDFium cannot open a file.

PDFium is not safe in threads; the child process that runs extractors has one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from corpus.errors import Encrypted, NoText, TooLarge, Unreadable
from corpus.model import Extracted, Page, PageProblem, Section
from corpus.ports import Limits
from ingest.clean import PAGE_BREAK, clean, is_garbage, letters, mend_hyphens

if TYPE_CHECKING:
    import pypdf
    import pypdfium2

NAME = "pdf-1"
MEDIA_TYPES: tuple[str, ...] = ("application/pdf",)
SUFFIXES: tuple[str, ...] = (".pdf",)

PASSWORD_NEEDED = 4
"""PDFium's `FPDF_ERR_PASSWORD`."""
MAX_OUTLINE = 5_000
FEW_LETTERS = 25
IMAGE_SHARE = 0.5
"""A page with fewer letters, and one image over more than half of it, is a picture of a page."""
LAYOUT_SHARE = 0.8


class _Raw(NamedTuple):
    """A page as a parser gives it."""

    text: str
    label: str
    problem: PageProblem


class _Entry(NamedTuple):
    """A line of the outline: how deep from 1, its words, and the index of the page it leads to."""

    level: int
    title: str
    page: int


def extract(data: bytes, limits: Limits) -> Extracted:
    """Return the text with pages, printed labels and the outline as sections; the contract is `Extractor`'s."""
    import pypdfium2  # noqa: PLC0415 -- loaded in the child process only

    try:
        with closing(pypdfium2.PdfDocument(data)) as document:
            _check_pages(len(document), limits)
            pages = list(_bounded(_pdfium_pages(document), limits))
            return _assembled(pages, list(_pdfium_outline(document)), _pdfium_title(document))
    except pypdfium2.PdfiumError as error:
        return _by_pypdf(data, limits, needs_password=error.err_code == PASSWORD_NEEDED)


def _check_pages(count: int, limits: Limits) -> None:
    if count > limits.pages:
        raise TooLarge(f"The PDF has {count} pages, more than FOOTNOTE_MAX_PAGES={limits.pages}.")


def _bounded(pages: Iterator[_Raw], limits: Limits) -> Iterator[_Raw]:
    left = limits.characters
    for page in pages:
        left -= len(page.text)
        if left < 0:
            raise TooLarge(f"The PDF's text is longer than FOOTNOTE_MAX_CHARACTERS={limits.characters}.")
        yield page


def _pdfium_pages(document: pypdfium2.PdfDocument) -> Iterator[_Raw]:
    import pypdfium2  # noqa: PLC0415

    for index in range(len(document)):
        label = document.get_page_label(index) or str(index + 1)
        try:
            with closing(document[index]) as page, closing(page.get_textpage()) as text_page:
                text = text_page.get_text_range()
                problem: PageProblem = ""
                if is_garbage(text):
                    problem, text = "garbage", ""
                elif letters(text, FEW_LETTERS) < FEW_LETTERS and _is_picture(page):
                    problem = "image"
            yield _Raw(text, label, problem)
        except pypdfium2.PdfiumError:
            yield _Raw("", label, "failed")


def _is_picture(page: pypdfium2.PdfPage) -> bool:
    """Whether one image covers more than half of the page."""
    import pypdfium2.raw  # noqa: PLC0415

    width, height = page.get_size()
    for image in page.get_objects(filter=(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE,), max_depth=3):
        left, bottom, right, top = image.get_bounds()
        if (right - left) * (top - bottom) > IMAGE_SHARE * width * height:
            return True
    return False


def _pdfium_outline(document: pypdfium2.PdfDocument) -> Iterator[_Entry]:
    for number, bookmark in enumerate(document.get_toc()):
        if number >= MAX_OUTLINE:
            return
        target = bookmark.get_dest()
        page = target.get_index() if target else None
        if page is not None and 0 <= page < len(document):
            yield _Entry(bookmark.level + 1, bookmark.get_title(), page)


def _pdfium_title(document: pypdfium2.PdfDocument) -> str:
    return str(document.get_metadata_value("Title") or "")


def _by_pypdf(data: bytes, limits: Limits, *, needs_password: bool) -> Extracted:
    """Read what PDFium could not open."""
    import pypdf  # noqa: PLC0415
    from pypdf.errors import DependencyError  # noqa: PLC0415

    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        _unlock(reader)
        _check_pages(len(reader.pages), limits)
        pages = list(_bounded(_pypdf_pages(reader), limits))
        title = str((reader.metadata.title if reader.metadata else "") or "")
        return _assembled(pages, list(_pypdf_outline(reader)), title)
    except (Encrypted, TooLarge, NoText):
        raise
    except DependencyError as error:  # an encryption that PDFium refused and pypdf has no library for
        raise Encrypted("The PDF needs a password.") from error
    except Exception as error:  # pypdf raises nearly anything on a damaged file
        if needs_password:
            raise Encrypted("The PDF needs a password.") from error
        raise Unreadable("The file is damaged, or is no PDF.") from error


def _unlock(reader: pypdf.PdfReader) -> None:
    """Open a PDF that is only protected against changes."""
    if reader.is_encrypted and not reader.decrypt(""):
        raise Encrypted("The PDF needs a password.")


def _pypdf_pages(reader: pypdf.PdfReader) -> Iterator[_Raw]:
    labels = reader.page_labels
    for index, page in enumerate(reader.pages):
        try:
            text = _pypdf_text(page)
            yield _Raw("", labels[index], "garbage") if is_garbage(text) else _Raw(text, labels[index], "")
        except Exception:  # noqa: BLE001 -- one bad page, whatever it raises, must not hide its neighbours
            yield _Raw("", str(index + 1), "failed")


def _pypdf_text(page: pypdf.PageObject) -> str:
    """Layout mode keeps words whole that plain mode splits; where it loses text, plain mode."""
    plain = page.extract_text()
    try:
        layout = re.sub(r"[ \t]{2,}", " ", page.extract_text(extraction_mode="layout"))
    except Exception:  # noqa: BLE001 -- layout mode fails on odd pages in odd ways
        return plain
    return layout if _visible(layout) >= LAYOUT_SHARE * _visible(plain) else plain


def _visible(text: str) -> int:
    return sum(map(len, text.split()))


def _pypdf_outline(reader: pypdf.PdfReader) -> Iterator[_Entry]:
    def walk(entries: Sequence[object], level: int) -> Iterator[_Entry]:
        for entry in entries:
            if isinstance(entry, list):
                yield from walk(entry, level + 1)
            elif isinstance(entry, pypdf.generic.Destination):
                page = reader.get_destination_page_number(entry)
                if page is not None and page >= 0:
                    yield _Entry(level, str(entry.title or ""), page)

    import pypdf  # noqa: PLC0415

    try:
        found = list(walk(reader.outline, 1))[:MAX_OUTLINE]
    except Exception:  # noqa: BLE001 -- a damaged outline costs the sections and nothing else
        found = []
    yield from found


def _assembled(raw: Sequence[_Raw], outline: Sequence[_Entry], title: str) -> Extracted:
    """Clean the pages, put them end to end, and find where the outline's lines stand."""
    texts = [clean(text).strip("\n") for text in mend_hyphens([page.text for page in raw])]
    if not any(letters(text) for text in texts):
        raise NoText(f"None of the PDF's {len(raw)} pages holds text.")
    pages, at = [], 0
    for number, (page, text) in enumerate(zip(raw, texts, strict=True), 1):
        problem: PageProblem = page.problem or ("" if letters(text) else "empty")
        pages.append(Page(number, clean(page.label).strip(), at, at + len(text), problem))
        at += len(text) + len(PAGE_BREAK)
    body = PAGE_BREAK.join(texts)
    title = re.sub(r"^Microsoft Word - ", "", clean(title)).strip()
    return Extracted(body, tuple(pages), _sections(body, pages, outline), title)


def _sections(body: str, pages: Sequence[Page], outline: Sequence[_Entry]) -> tuple[Section, ...]:
    """The outline's lines where their words stand on their page, or else at its top."""
    path: dict[int, str] = {}
    found: dict[int, tuple[str, ...]] = {}
    for entry in outline:
        words = clean(entry.title).split()
        if not words:
            continue
        path = {level: name for level, name in path.items() if level < entry.level}
        path[entry.level] = " ".join(words)
        page = pages[entry.page]
        line = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE).search(body, page.start, page.end)
        start = line.start() if line else page.start
        if start < len(body):
            found[start] = tuple(path.values())
    return tuple(Section(start, found[start]) for start in sorted(found))
