"""PDF: text by PDFium, which reads a page in milliseconds and keeps words whole; pypdf where PDFium cannot open a file.

Pages written from right to left are pypdf's, too: PDFium gives the characters of some in the order in which they stand.

PDFium is not safe in threads; the child process that runs extractors has one.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from corpus.errors import Encrypted, NoText, Rejected, TooLarge, Unreadable
from corpus.model import Extracted, Page, PageProblem, Section
from corpus.ports import Limits
from corpus.raw_pages import OutlineEntry, Part, RawPage
from ingest.clean import GARBAGE_SHARE, PAGE_BREAK, clean, letters, mend_hyphens, undecodable
from ingest.paging import in_parts

if TYPE_CHECKING:
    import pypdf
    import pypdfium2

NAME = "pdf-3"
MEDIA_TYPES: tuple[str, ...] = ("application/pdf",)
SUFFIXES: tuple[str, ...] = (".pdf",)

PASSWORD_NEEDED = 4
"""PDFium's `FPDF_ERR_PASSWORD`."""
MAX_OUTLINE, DEEPEST_OUTLINE, LONGEST_TITLE = 5_000, 15, 500
RIGHT_TO_LEFT = 0.2
"""A page of which more letters than these are Arabic or Hebrew is read by pypdf."""
FEW_LETTERS = 25
IMAGE_SHARE = 0.5
"""A page with fewer letters, and one image over more than half of it, is a picture of a page."""
LAYOUT_SHARE = 0.8
SAME_ROW = 0.5
"""How much of the lower of two figures stands beside the other, if they are in one row."""
_BREAK = "\r\n"
_FIGURES = re.compile(r"(?<=[^\s])\r\n(?=[-+($€£¥]?\d[^\r\n]{0,40}(?:\r\n|\Z))")


class _Book(NamedTuple):
    """An opened PDF, whoever opened it: what goes with its page 0, and its pages from an index on."""

    first: Part
    pages: Callable[[int], Iterator[RawPage]]


def extract(data: bytes, limits: Limits) -> Extracted:
    """Return the text with pages, printed labels and the outline as sections; the contract is `Extractor`'s."""
    return assembled(tuple(parts(data, limits, 0, 0)))


def parts(data: bytes, limits: Limits, begin: int, characters: int) -> Iterator[Part]:
    """Yield the pages from an index on as they lie in the file; the contract is `PagedExtractor`'s."""
    with _opened(data, limits) as book:
        yield from in_parts(_bounded(book.pages(begin), limits, characters), book.first, begin)


def _bounded(pages: Iterator[RawPage], limits: Limits, characters: int) -> Iterator[RawPage]:
    left = limits.characters - characters
    for page in pages:
        left -= len(page.text)
        if left < 0:
            raise _too_long(limits)
        yield page


def _too_long(limits: Limits) -> TooLarge:
    return TooLarge(f"The PDF's text is longer than FOOTNOTE_MAX_CHARACTERS={limits.characters}.")


@contextmanager
def _opened(data: bytes, limits: Limits) -> Iterator[_Book]:
    """Open a PDF by PDFium, or else by pypdf: who opens it reads all of it, wherever reading begins."""
    import pypdfium2  # noqa: PLC0415 -- loaded in the child process only

    try:
        document = _by_pdfium(data, _password(limits))
    except pypdfium2.PdfiumError as error:
        yield _by_pypdf(data, limits, needs_password=error.err_code == PASSWORD_NEEDED)
        return
    with closing(document):
        _check_pages(len(document), limits)
        title = str(document.get_metadata_value("Title") or "")
        first = Part(0, len(document), (), title, tuple(_pdfium_outline(document)))
        yield _Book(first, lambda begin: _pdfium_pages(document, begin, partial(_reader, data, limits), limits))


def _by_pdfium(data: bytes, password: str) -> pypdfium2.PdfDocument:
    """Open a PDF without a password, or else with the one that is set; raises what PDFium says of the file."""
    import pypdfium2  # noqa: PLC0415

    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code != PASSWORD_NEEDED or not password:
            raise
    return pypdfium2.PdfDocument(data, password=password)


def _password(limits: Limits) -> str:
    """The password to try, of characters that can be encoded: an error over one that cannot would tell of it."""
    return limits.password.encode(errors="replace").decode()


def _check_pages(total: int, limits: Limits) -> None:
    """Refuse a PDF of too many pages before anything else of it is read."""
    if total > limits.pages:
        raise TooLarge(f"The PDF has {total} pages, more than FOOTNOTE_MAX_PAGES={limits.pages}.")


def _read(text: str, label: str) -> RawPage:
    """A page of text, of which nothing is kept if it is garbage."""
    share = undecodable(text)
    if share > GARBAGE_SHARE:
        return RawPage("", label, "garbage", "", 0)
    return RawPage(text, label, confidence=100 - round(100 * share))


def _pdfium_pages(
    document: pypdfium2.PdfDocument, begin: int, other: Callable[[], pypdf.PdfReader], limits: Limits
) -> Iterator[RawPage]:
    """Yield pages as PDFium reads them; those it is no good at as the `other` does."""
    import pypdfium2  # noqa: PLC0415

    readers: list[pypdf.PdfReader] = []
    for index in range(begin, len(document)):
        label = document.get_page_label(index) or str(index + 1)
        try:
            with closing(document[index]) as page, closing(page.get_textpage()) as text_page:
                if text_page.count_chars() > limits.characters:
                    raise _too_long(limits)
                text = _with_rows(text_page, text_page.get_text_range())
                if (leftward := _leftward(text)) and leftward > RIGHT_TO_LEFT * sum(map(str.isalpha, text)):
                    text = _in_order(text, index, readers, other)
                found = _read(text, label)
                if not found.problem and letters(found.text, FEW_LETTERS) < FEW_LETTERS and _is_picture(page):
                    found = replace(found, problem="image")
            yield found
        except pypdfium2.PdfiumError:
            yield RawPage("", label, "failed", "", 0)


def _with_rows(text_page: pypdfium2.PdfTextPage, text: str) -> str:
    """Put figures back into the row of a table that PDFium has broken off before them.

    Figures that stand on a line of their own belong to the line above if they were printed beside it.
    """
    breaks = [found.start() for found in _FIGURES.finditer(text)]
    if not breaks or len(text) != text_page.count_chars():  # else places in the text are not those of its characters
        return text
    pieces, at = [], 0
    for place in breaks:
        left, bottom, right, top = text_page.get_charbox(place - 1)
        left_behind, bottom_behind, _, top_behind = text_page.get_charbox(place + len(_BREAK))
        shared = min(top, top_behind) - max(bottom, bottom_behind)
        if left_behind >= right > left and shared > SAME_ROW * min(top - bottom, top_behind - bottom_behind):
            pieces += [text[at:place], " "]
            at = place + len(_BREAK)
    return "".join([*pieces, text[at:]])


def _leftward(text: str) -> int:
    """How many letters of a text are of a script that is written from right to left."""
    return 0 if text.isascii() else sum(one.isalpha() and unicodedata.bidirectional(one) in {"R", "AL"} for one in text)


def _in_order(text: str, index: int, readers: list[pypdf.PdfReader], other: Callable[[], pypdf.PdfReader]) -> str:
    """A page's text as pypdf reads it, which is in the order of reading; as it is if pypdf cannot."""
    try:
        if not readers:
            readers.append(other())
        found = readers[0].pages[index].extract_text()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- pypdf raises nearly anything; PDFium's text is better than none
        return text
    return found if _leftward(found) >= LAYOUT_SHARE * _leftward(text) else text


def _is_picture(page: pypdfium2.PdfPage) -> bool:
    """Whether one image covers more than half of the page."""
    import pypdfium2.raw  # noqa: PLC0415

    width, height = page.get_size()
    for image in page.get_objects(filter=(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE,), max_depth=3):
        left, bottom, right, top = image.get_bounds()
        if (right - left) * (top - bottom) > IMAGE_SHARE * width * height:
            return True
    return False


def _pdfium_outline(document: pypdfium2.PdfDocument) -> Iterator[OutlineEntry]:
    import pypdfium2  # noqa: PLC0415

    with suppress(pypdfium2.PdfiumError):  # a damaged outline costs the sections and nothing else
        for bookmark in islice(document.get_toc(), MAX_OUTLINE):
            target = bookmark.get_dest()
            page = target.get_index() if target else None
            if page is not None and 0 <= page < len(document):
                yield OutlineEntry(bookmark.level + 1, bookmark.get_title()[:LONGEST_TITLE], page)


def _by_pypdf(data: bytes, limits: Limits, *, needs_password: bool) -> _Book:
    """Open what PDFium could not."""
    from pypdf.errors import DependencyError  # noqa: PLC0415

    try:
        reader = _reader(data, limits)
        total = len(reader.pages)
        _check_pages(total, limits)
        title = str((reader.metadata.title if reader.metadata else "") or "")
        first = Part(0, total, (), title, tuple(_pypdf_outline(reader)))
        labels = reader.page_labels
    except (Rejected, MemoryError):
        raise
    except DependencyError:  # an encryption that PDFium refused and pypdf has no library for
        raise _locked(limits) from None
    except Exception as error:  # pypdf raises nearly anything on a damaged file
        if needs_password:
            raise _locked(limits) from None
        raise Unreadable("The file is damaged, or is no PDF.") from error
    return _Book(first, lambda begin: _pypdf_pages(reader, labels, begin))


def _reader(data: bytes, limits: Limits) -> pypdf.PdfReader:
    """Open a PDF by pypdf, also one that is only protected against changes, or whose password is set."""
    import pypdf  # noqa: PLC0415

    reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
    password = _password(limits)
    if reader.is_encrypted and not (reader.decrypt("") or (password and reader.decrypt(password))):
        raise _locked(limits)
    return reader


def _locked(limits: Limits) -> Encrypted:
    """What is said of a PDF that stays locked; never the password that was tried."""
    if limits.password:
        return Encrypted(
            "The PDF needs another password than the one that is set.",
            hint="Set its own in FOOTNOTE_DOCUMENT_PASSWORD, or save it without a password, and upload it again.",
        )
    return Encrypted(
        "The PDF needs a password.",
        hint="Save it without a password, or set FOOTNOTE_DOCUMENT_PASSWORD, and upload it again.",
    )


def _pypdf_pages(reader: pypdf.PdfReader, labels: Sequence[str], begin: int) -> Iterator[RawPage]:
    for index in range(begin, len(reader.pages)):
        try:
            yield _read(_pypdf_text(reader.pages[index]), labels[index])
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 -- one bad page, whatever it raises, must not hide its neighbours
            yield RawPage("", str(index + 1), "failed", "", 0)


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


def _pypdf_outline(reader: pypdf.PdfReader) -> Iterator[OutlineEntry]:
    def walk(entries: Sequence[object], level: int) -> Iterator[OutlineEntry]:
        for entry in entries:
            if isinstance(entry, list) and level < DEEPEST_OUTLINE:
                yield from walk(entry, level + 1)
            elif isinstance(entry, pypdf.generic.Destination):
                page = reader.get_destination_page_number(entry)
                if page is not None and page >= 0:
                    yield OutlineEntry(level, str(entry.title or "")[:LONGEST_TITLE], page)

    import pypdf  # noqa: PLC0415

    try:
        found = list(islice(walk(reader.outline, 1), MAX_OUTLINE))
    except Exception:  # noqa: BLE001 -- a damaged outline costs the sections and nothing else
        found = []
    yield from found


def assembled(parts: Sequence[Part]) -> Extracted:
    """Clean the pages, put them end to end, and find where the outline's lines stand."""
    raw = [page for part in parts for page in part.pages]
    texts = [clean(text).strip("\n") for text in mend_hyphens([page.text for page in raw])]
    looked_at = any(page.method == "ocr" for page in raw)
    if not any(letters(text) for text in texts):
        hint = "Not even text recognition found any: scan it anew, larger and upright." if looked_at else ""
        if not any(page.problem for page in raw):
            hint = "Its pages are blank: there is no picture on them either."
        which = "The PDF's only page holds no" if len(raw) == 1 else f"None of the PDF's {len(raw):,} pages holds"
        raise NoText(f"{which} text.", hint=hint)
    capped = looked_at and any(page.problem == "image" and page.method != "ocr" for page in raw)
    pages, at = [], 0
    for number, (page, text) in enumerate(zip(raw, texts, strict=True), 1):
        problem: PageProblem = page.problem or ("" if letters(text) else "empty")
        label = clean(page.label).strip()
        pages.append(Page(number, label, at, at + len(text), problem, page.method, page.confidence))
        at += len(text) + len(PAGE_BREAK)
    body = PAGE_BREAK.join(texts)
    title = re.sub(r"^Microsoft Word - ", "", clean(parts[0].title)).strip()
    sections = _sections(body, pages, parts[0].outline)
    return Extracted(body, tuple(pages), sections, title, ("ocr-capped",) if capped else ())


def _sections(body: str, pages: Sequence[Page], outline: Sequence[OutlineEntry]) -> tuple[Section, ...]:
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
