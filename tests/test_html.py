from __future__ import annotations

from dataclasses import replace

import pytest

from corpus.errors import NoText, TooLarge
from corpus.model import Extracted
from corpus.ports import Limits
from ingest.extractors import html

LIMITS = Limits()


def read(page: str) -> Extracted:
    return html.extract(page.encode(), LIMITS)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>The  pool\n opens<br>at <b>nine</b>&nbsp;&amp; closes.<p>Bring &quot;towels&quot;.",
         "The pool\nopens at nine & closes.".replace("\nopens at", " opens\nat") + '\n\nBring "towels".'),
        ("<div>a<div>b</div>c</div><span>d</span><span>e</span>", "a\n\nb\n\nc\n\nde"),
        ("<a href='http://x.example/'>the rules</a> <img src=x alt='a lane'> <q>hi</q>", "the rules a lane “hi”"),
        ("<img src='data:image/png;base64,AAAA'>pool", "pool"),
        ("<pre>\n a\n   b</pre>tail", " a\n   b\n\ntail"),
        ("<blockquote>said</blockquote><address>here</address>", "said\n\nhere"),
        ("a<hr>b", "a\n\nb"),
        ("x<math><mi>y</mi></math><svg><text>z</text></svg>", "xy"),
    ],
)  # fmt: skip
def test_words(page: str, text: str) -> None:
    """Blocks are paragraphs, breaks are line ends, blanks are one blank except where lines are kept."""
    assert read(page).text == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>no()</script>", "<style>no{}</style>", "<template><p>no</template>", "<noscript>no</noscript>",
        "<p hidden>no</p>", "<p style='color: red; Display : NONE'>no</p>", "<p style='visibility:hidden'>no</p>",
        "<!-- no -->", "<iframe>no</iframe>", "<svg><title>no</title></svg>", "<input type=hidden value=no>",
        "<input type=password value=no>", "<datalist><option>no</datalist>", "<audio>no</audio>",
    ],
)  # fmt: skip
def test_what_nobody_sees_is_left_out(hidden: str) -> None:
    """Scripts, styles and whatever the page hides are not part of its text; what is hidden from readers aloud is."""
    assert read(f"<p>a</p>{hidden}<p aria-hidden=true>z</p>").text == "a\n\nz"


def test_headings_and_title() -> None:
    """Headings are sections at their place; the title is the title element's, else the first heading."""
    found = read(
        "<title> House \n page </title><h1>House <i>Rules</i></h1>x<h2><div>Pool</div></h2>y<h1></h1><h2>Gym</h2>z"
    )

    assert found.text == "House Rules\n\nx\n\nPool\n\ny\n\nGym\n\nz"
    assert [(found.text[one.start :][:3], one.headings) for one in found.sections] == [
        ("Hou", ("House Rules",)),
        ("Poo", ("House Rules", "Pool")),
        ("Gym", ("House Rules", "Gym")),
    ]
    assert found.title == "House page"
    assert read("<h2>Pool</h2>x<svg><title>no</title></svg>").title == ""


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<ul><li>a<li>b<ul><li>c</ul><li><p>d</p><p>e</p></ul>f", "• a\n• b\n  • c\n• d\n  e\n\nf"),
        ("<ol><li>a<li>b</ol>", "1. a\n2. b"),
        ("<ol start=5><li>a<li value=9>b<li>c</ol>", "5. a\n9. b\n10. c"),
        ("<ol reversed><li>a<li>b</ol>", "2. a\n1. b"),
        ("<ol type=a start=26><li>a<li>b</ol>", "z. a\n27. b"),
        ("<ol type=I start=4><li>a</ol><ol type=i start=1999><li>b</ol>", "IV. a\n\nmcmxcix. b"),
        ("<p>x<dl><dt>Lift<dd>carries<dd>eight<dt>Gym<dd>open</dl>", "x\n\nLift\n  carries\n  eight\nGym\n  open"),
        ("<li>alone", "alone"),
    ],
)
def test_lists(page: str, text: str) -> None:
    """Items stand in lines below each other, marked or numbered as the page shows them, inner lists further in."""
    assert read(page).text == text


def test_tables() -> None:
    """A table is rows under its header, with its caption before it; what spans several cells stands once, in place."""
    found = read(
        "<table><caption>Fees</caption><thead><tr><th>Room<th colspan=2>Fee<th>Note</thead>"
        "<tr><td rowspan=2>Party<td>80<td><td>a<br>b<tr><td><ul><li>90</ul><td>x<td>"
        "<table><tr><td>i<td>j</table></table>"
    )

    assert found.text == "Fees\n\nRoom | Fee |  | Note\nParty | 80 |  | a b\n| 90 | x | i j"
    assert [found.text[grid.start : grid.header_end] for grid in found.grids] == ["Room | Fee |  | Note"]


def test_what_is_a_header() -> None:
    """Without marks, a first row of words over one with numbers is the header; spaces between columns go."""
    found = read(
        "<table><tr><td>Item<td><td>Fee<tr><td>Pool<td><td>10</table><table><tr><td>a<td>b<tr><td>c<td>d</table>"
    )

    assert found.text == "Item | Fee\nPool | 10\n\na | b\nc | d"
    assert [found.text[grid.start : grid.header_end] for grid in found.grids] == ["Item | Fee", ""]


@pytest.mark.parametrize(
    "page",
    [
        "<table><tr><td>a<td><table role=none><tr><td>b<td>c</table></table>",
        "<table role=presentation><tr><td>a<td>b<td>c</table>",
        "<table><tr><td>a<tr><td>b<tr><td>c</table>",
    ],
)
def test_tables_that_only_place_things(page: str) -> None:
    """A table that only places things on the page is paragraphs in the order of its cells."""
    assert (read(page).text, read(page).grids) == ("a\n\nb\n\nc", ())


def test_long_cells_and_headings_are_no_data() -> None:
    """A table with headings or an essay in a cell is a layout, and its headings are sections."""
    assert read("<table><tr><td>menu<td><h2>Pool</h2>opens</table>").sections[0].headings == ("Pool",)
    assert read(f"<table><tr><td>menu<td>{'word ' * 300}</table>").grids == ()


def test_forms() -> None:
    """Of a form stays what a reader sees: labels, values, what is ticked and what there is to choose."""
    page = "<form><label>Name <input value='Ada'></label> <input type=checkbox checked>pool <input type=radio>gym"
    page += " <select><option>one<option>two</select><input type=submit value=Send></form><textarea>a\n b</textarea>"
    assert read(page).text == "Name Ada [x] pool [ ] gym one, two\n\na\n b"


def test_xhtml() -> None:
    """XHTML is read as it is meant: elements without content end, and CDATA is text."""
    page = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x"/></head>'
    assert read(page + "<body><p>a<br/>b</p><div/><p><![CDATA[1 < 2]]></p></body></html>").text == "a\nb\n\n1 < 2"


@pytest.mark.parametrize(
    ("data", "flags"),
    [
        ("<meta charset=iso-8859-5><p>бассейн".encode("iso-8859-5"), ()),
        ("<?xml version='1.0' encoding='windows-1251'?><p>бассейн".encode("cp1251"), ()),
        ("<meta http-equiv=Content-Type content='text/html; charset=utf-8'><p>бассейн".encode("utf-16"), ()),
        ("<p>бассейн".encode(), ()),
        ("<meta charset=utf-8><p>бассейн открыт".encode("cp1251"), ("encoding-guessed",)),
    ],
)
def test_encodings(data: bytes, flags: tuple[str, ...]) -> None:
    """A page's encoding is its mark's, then the one it names, then what fits."""
    found = html.extract(data, LIMITS)
    assert ("бассейн" in found.text, found.flags) == (True, flags)


ATTRIBUTES = ("", 'a="<"', "b='>'", 'c=">" d', "e=<", 'f="\'"g=', "=")
"""What an element's attributes may begin with, and a search for its end might stumble over."""


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("<div>" * 10_001, "FOOTNOTE_MAX_NESTING=100"),
        ("<select>" + "<OPTION>x" * 20_001, "options"),
        *((f"<p {first} {' '.join(f'a{n}' for n in range(2000))}>x", "attributes") for first in ATTRIBUTES),
    ],
)
def test_floods_are_refused(page: str, message: str) -> None:
    """What would take a parser the square of its length is refused before it is parsed."""
    with pytest.raises(TooLarge, match=message):
        read(page)


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 9_000 + "x",
        "<table><tr><td>" * 3_000 + "x",
        "<ol><li>" * 4_000 + "x",
        "<span> </span>" * 50_000 + "x",
        "<?xml ?>" + "<![CDATA[" * 50_000 + "x",
        "<table>" + "<tr><td colspan=250 rowspan=9999>x" * 5_000,
        "<p>x" * 20_000,
        "<b><p>" * 2_000 + "x",
        f"<p title='{'word ' * 2_000}'>x",
        "<p>x" + " <a x='\"" * 400,
        "<p>x<b " + " " * 100_000 + "=" * 100_000,
    ],
)
def test_floods_that_are_read(page: str) -> None:
    """Depth and repetition cost no recursion and no words."""
    assert "x" in read(page).text


def test_bounds() -> None:
    """Rows and characters are those of the settings, and a page without words has no text."""
    with pytest.raises(TooLarge, match="FOOTNOTE_MAX_ROWS=2"):
        html.extract(b"<table>" + b"<tr><td>a<td>b" * 3, replace(LIMITS, rows=2))
    with pytest.raises(TooLarge, match="FOOTNOTE_MAX_CHARACTERS=9"):
        html.extract(b"<p>0123456789", replace(LIMITS, characters=9))
    with pytest.raises(NoText):
        read("<title>only a title</title><img src=x>")
