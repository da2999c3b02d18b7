"""What holds for the chunks of any text."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpus.model import Chunk, Extracted, Grid, Page, Section
from corpus.ports import Limits
from ingest import tokens
from ingest.chunk import MAX_TOKENS, _places, chunk
from ingest.compose import Composer
from ingest.pauses import anchors

ODD = [
    "\n\n",
    "\n",
    ". ",
    " ",
    "  ",
    "\t",
    "\f",
    "\x00",
    "\ud800",
    "<|endoftext|>",
    "é",
    "e\u0301",
    "東京都。",
    "🏢👩‍👩‍👧",
    "12345678",
    "₤₤₤",
]
words = st.one_of(
    st.sampled_from(ODD), st.text(max_size=6), st.sampled_from(["fee", "internationalization", "...!?", "a-b", "don't"])
)
texts = st.lists(words, max_size=120).map("".join)
limits = st.integers(8, 40)


@st.composite
def extracted(draw: st.DrawFn) -> Extracted:
    """A text with pages end to end and sections in order."""
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=5)))
    bounds = [0, *cuts, len(text)]
    pages = tuple(Page(n, str(n), a, b) for n, (a, b) in enumerate(pairwise(bounds), 1))
    starts = sorted(draw(st.sets(st.integers(0, max(0, len(text) - 1)), max_size=5))) if text else []
    return Extracted(text, pages, tuple(Section(start, (f"h{start}",)) for start in starts))


def ink(text: str) -> list[int]:
    return [n for n, c in enumerate(text) if not c.isspace()]


@settings(max_examples=300)
@given(extracted(), limits)
def test_offsets_are_exact(document: Extracted, limit: int) -> None:
    """A chunk's content is the text between its offsets, begins and ends with ink, and they are numbered in order."""
    for n, one in enumerate(chunk(document, limit)):
        assert document.text[one.start : one.end] == one.content
        assert one.content == one.content.strip()
        assert one.index == n


@settings(max_examples=300)
@given(extracted(), limits)
def test_every_visible_character_is_in_one_chunk(document: Extracted, limit: int) -> None:
    """Each character that is not blank is in exactly one chunk."""
    covered = [n for one in chunk(document, limit) for n in range(one.start, one.end)]

    assert [n for n in covered if not document.text[n].isspace()] == ink(document.text)
    assert len(covered) == len(set(covered))


@settings(max_examples=500)
@given(extracted(), limits)
@example(Extracted("1" * 100, (Page(1, "1", 0, 100),)), 8)
@example(Extracted("\u0967" * 100, (Page(1, "1", 0, 100),)), 8)
@example(Extracted("₤" * 50 + "foo", (Page(1, "1", 0, 53),)), 9)
def test_no_chunk_is_too_long(document: Extracted, limit: int) -> None:
    """A chunk, counted by itself, has at most as many tokens as allowed, and says how many."""
    for one in chunk(document, limit):
        assert len(tokens.encoded(one.content)) <= limit or one.end - one.start == 1
        assert abs(len(tokens.encoded(one.content)) - one.token_count) <= 2


@given(extracted(), limits)
def test_the_same_text_gives_the_same_chunks(document: Extracted, limit: int) -> None:
    """Chunking is a function of the text."""
    assert chunk(document, limit) == chunk(document, limit)


@given(extracted(), limits)
def test_pages_and_headings_are_those_of_the_offsets(document: Extracted, limit: int) -> None:
    """A chunk's pages hold its first and last character, and its headings are the last ones before it."""
    for one in chunk(document, limit):
        holders = [page.number for page in document.pages if page.start <= one.start]
        assert one.page == holders[-1]
        assert one.end_page == [page.number for page in document.pages if page.start < one.end][-1]
        above = [section.headings for section in document.sections if section.start <= one.start]
        assert one.headings == (above[-1] if above else ())


cells = st.sampled_from(["fee", "80.00", "Party room. No glass! Deposit", "東京都。", "a | b", "", "on request " * 3])
rows = st.lists(st.lists(cells, min_size=1, max_size=4), max_size=25)


@st.composite
def tables(draw: st.DrawFn) -> Extracted:
    """Paragraphs and tables, with headers and without."""
    made = Composer(Limits())
    made.paragraph("The fees. They are due at once.")
    for _ in range(draw(st.integers(1, 3))):
        made.paragraph(draw(texts))
        made.table(draw(rows), header_rows=draw(st.integers(0, 2)))
    return made.done()


LONG_ROW = " | ".join(["Party room. No glass! Deposit"] * 4)
SNUG = f"fee | fee | fee | Party room. No glass! Deposit\n{LONG_ROW}\nfee | 80.00 | Party room. No glass! Deposit"
WIDE = f"fee | fee | fee | Party room. No glass! Deposit\n{LONG_ROW}\n{LONG_ROW}"


@settings(max_examples=300)
@given(tables(), st.integers(60, 200))
@example(Extracted(SNUG, (Page(1, "", 0, len(SNUG)),), grids=(Grid(0, 47, len(SNUG)),)), 60)
@example(Extracted(WIDE, (Page(1, "", 0, len(WIDE)),), grids=(Grid(0, len(WIDE), len(WIDE)),)), 60)
def test_rows_stay_whole(document: Extracted, limit: int) -> None:
    """No chunk begins or ends within a row, and none ends behind a table's header, or within one that fits a chunk."""
    found = chunk(document, limit)
    for grid in document.grids:
        fits = len(tokens.encoded(document.text[grid.start : grid.header_end])) <= limit - 2
        first = grid.header_end if fits else grid.start
        rows_of = [grid.start, *(n + 1 for n in range(first, grid.end) if document.text[n] == "\n")]
        assert {one.start for one in found if grid.start <= one.start < grid.end} <= set(rows_of)


WIDE = f"fee | fee | fee | Party room. No glass! Deposit\n{LONG_ROW}\n{LONG_ROW}"


@settings(max_examples=300)
@given(tables(), st.integers(60, 200))
def test_rows_have_their_header(document: Extracted, limit: int) -> None:
    """A chunk that begins among the rows of a table has the table's header beside it, and no other chunk has one."""
    for one in chunk(document, limit):
        among = [grid for grid in document.grids if grid.start < grid.header_end <= one.start < grid.end]
        assert one.header == (document.text[among[0].start : among[0].header_end] if among else "")


def test_a_row_that_is_too_long_is_cut() -> None:
    """A row that is longer than a chunk is cut like any text, and its header is repeated all the same."""
    text = "Item | Fee\n" + "very " * 300 + "| 1\nlast | 2"
    found = chunk(Extracted(text, (Page(1, "", 0, len(text)),), grids=(Grid(0, 10, len(text)),)), 100)

    assert len(found) > 3
    assert all(one.token_count <= 100 for one in found)
    assert {one.header for one in found[1:]} == {"Item | Fee"}


PIECES = st.sampled_from(
    ["The pool opens at nine.", "\n\n", "\n", "No glass", "fee 12.50", "guests may park", "東京都。"]
)
FEW = 24
"""Tokens: how near its neighbours an anchor may be here."""


@settings(max_examples=200)
@given(st.lists(PIECES, min_size=40, max_size=250), st.integers(0, 10**6), st.lists(PIECES, max_size=9))
def test_an_edit_moves_no_far_anchor(before: list[str], place: int, put: list[str]) -> None:
    """Where a text is always cut depends on the tokens within reach, and eight more: no edit elsewhere moves it."""
    at = place % len(before)
    after = [*before[:at], *put, *before[at + 1 :]]
    head, tail = " ".join(before[:at]), " ".join(before[at + 1 :])
    cut, cut_after = _anchors(" ".join(before)), _anchors(" ".join(after))
    untouched = len(head) - _characters(head, 2 * FEW + 12, at_end=True)
    assert [one for one in cut if one < untouched] == [one for one in cut_after if one < untouched]
    behind = len(tail) - _characters(tail, 2 * FEW + 12, at_end=False)
    lengths = len(" ".join(before)), len(" ".join(after))
    assert {lengths[0] - one for one in cut if lengths[0] - one < behind} == {
        lengths[1] - one for one in cut_after if lengths[1] - one < behind
    }


def _anchors(text: str) -> list[int]:
    encoded = tokens.encoded(text)
    return anchors(encoded, _places(text, encoded).touched, [0], [], (), FEW)


def _characters(text: str, count: int, *, at_end: bool) -> int:
    """How many characters the first or last tokens of a text are."""
    ends: list[int] = [0, *_places(text, tokens.encoded(text)).touched.tolist()]
    return ends[-1] - ends[max(0, len(ends) - 1 - count)] if at_end else ends[min(count, len(ends) - 1)]


def whole(text: str) -> Extracted:
    return Extracted(text, (Page(1, "", 0, len(text)),))


def contents(document: Extracted, limit: int) -> list[str]:
    return [one.content for one in chunk(document, limit)]


def test_cuts_fall_where_the_text_pauses() -> None:
    """A chunk ends at a page before a heading before a paragraph before a line before a sentence before a blank."""
    sentence = "One two three four five six seven. "
    assert all(one.endswith(".") for one in contents(whole(sentence * 50), 40))
    assert all(
        one.count("\n") <= 2 and one.endswith("seven")
        for one in contents(whole("One two three. Four five six seven\n" * 50), 25)
    )
    paragraphs = "\n\n".join(f"Paragraph {n}. " + sentence * 3 for n in range(9))
    assert all(one.startswith("Paragraph") for one in contents(whole(paragraphs), 60))

    text = "".join(f"# Heading {n}\n" + "A line.\n" * 9 for n in range(9))
    sections = tuple(Section(n, ("h",)) for n in range(len(text)) if text.startswith("# ", n))
    assert all(one.startswith("# ") for one in contents(Extracted(text, whole(text).pages, sections), 60))
    assert not all(one.startswith("# ") for one in contents(whole(text), 60))

    pages = tuple(Page(n + 1, str(n), n * 210, n * 210 + 210) for n in range(5))
    document = Extracted((sentence * 6) * 5, pages)
    assert {one.start % 210 for one in chunk(document, 64)} == {0}


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6,
        "=" * 10**6,
        " " * 10**6,
        "\n" * 10**6,
        "word " * 200_000,
        "東" * 10**6,
        "🏢" * 250_000,
        "\x00" * 10**6,
        "\ud800" * 10**6,
    ],
    ids=["letters", "marks", "blanks", "lines", "words", "ideographs", "emoji", "nul", "surrogates"],
)
def test_a_million_of_anything(text: str) -> None:
    """A line of a megabyte of anything is plain input."""
    found = chunk(whole(text))

    assert sum(len("".join(one.content.split())) for one in found) == len("".join(text.split()))
    assert all(one.token_count <= MAX_TOKENS for one in found)


def test_time_grows_with_length() -> None:
    """Twelve times the text takes no more than some thirty times as long, where a square law would take 144 times."""

    def seconds(text: str) -> float:
        times = []
        for _ in range(3):
            begin = time.process_time()
            chunk(whole(text))
            times.append(time.process_time() - begin)
        return min(times)

    page = "The pool opens at nine. Visitors may park for two nights.\n" * 2_000
    assert seconds(page * 12) < 30 * seconds(page)


def test_real_chunks_keep_their_place() -> None:
    """The chunks of a real text say where they stand."""
    text = Path(__file__).parent.parent.parent.joinpath("LICENSE").read_text("utf-8")
    found: tuple[Chunk, ...] = chunk(whole(text))

    assert len(found) > 3
    assert all(one.page == one.end_page == 1 and 100 < one.token_count <= MAX_TOKENS for one in found)
