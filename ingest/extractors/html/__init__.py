"""HTML and XHTML: what a reader of the page sees, in order, with its headings, lists and tables.

Scripts, styles, comments and what the page hides are left out; of links and pictures only their words stay. Nothing is
fetched, and no address in the page is followed.
"""

from __future__ import annotations

import html
import re
from collections import Counter

from corpus.errors import TooLarge
from corpus.model import Extracted
from corpus.ports import Limits
from ingest.compose import Composer
from ingest.encodings import Decoded, decode

NAME = "html-1"
MEDIA_TYPES: tuple[str, ...] = ("text/html", "application/xhtml+xml")
SUFFIXES: tuple[str, ...] = (".html", ".htm", ".xhtml", ".xht")

PRESCANNED = 4096
MOST_ATTRIBUTES, MOST_OPTIONS = 1_000, 20_000
UNCLOSED = 100
"""So many times `limits.nesting` elements may be open: pages forget to close a few, and nothing here recurses."""
_SPLIT = "Save the page from a browser as plain HTML, or as PDF, and upload that."
_META = re.compile(rb"<meta\s[^<>]*?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\s[^<>]*?encoding\s*=\s*[\"']([A-Za-z0-9_.-]{2,40})", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_OPTION = re.compile("<option", re.IGNORECASE)
_SELF_CLOSED = re.compile(r"<([a-zA-Z][a-zA-Z0-9:-]*)([^<>]*)/>")
_FLOOD = re.compile(
    r"<[a-zA-Z][^\s/><]*+(?:(?:[\s/]++|(?<=[\"']))[^\s/>][^\s/>=]*+"
    r"(?:\s*+=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s>\"'][^\s>]*+)?+)?+)"
    rf"{{{MOST_ATTRIBUTES + 1}}}+"
)
"""A tag with so many attributes, quoted or not (HTML, 13.2.5.32 to 13.2.5.39); it takes no step back."""
_VOID = frozenset(
    [
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
        "wbr",
    ]
)  # fmt: skip
_CLOSED_BY_OTHERS = _VOID | frozenset(
    [
        "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "optgroup", "colgroup",
        "caption", "html", "head", "body", "rb", "rt", "rp",
    ]
)  # fmt: skip


def extract(data: bytes, limits: Limits) -> Extracted:
    """Return the text of a page; the contract is `Extractor`'s."""
    return read(decode(data, _claimed(data)), limits)


def read(page: Decoded, limits: Limits) -> Extracted:
    """Return the text of a page whose characters are known; the contract is `Extractor`'s."""
    from selectolax.lexbor import LexborHTMLParser  # noqa: PLC0415 -- loaded in the child process only

    from ingest.extractors.html.tree import Tree, shapes  # noqa: PLC0415
    from ingest.extractors.html.writer import Writer  # noqa: PLC0415

    source = _as_html(page.text)
    _check_floods(source)
    _check_depth(source, limits)
    parsed = LexborHTMLParser(source)
    if parsed.root is None:
        return Composer(limits).done()
    tree = Tree(parsed.root)
    composer = Composer(limits)
    writer = Writer(composer, shapes(tree))
    for event in tree:
        writer.take(event)
    writer.flush()
    title = parsed.css_first("head > title")
    words = " ".join((title.text() if title else "").split())
    return composer.done(words, page.flags)


def _claimed(data: bytes) -> str:
    """The encoding that a page names at its beginning; "" for none (HTML, 13.2.3.2)."""
    found = _XML.match(data[:PRESCANNED]) or _META.search(data[:PRESCANNED])
    return found[1].decode("ascii") if found else ""


def _as_html(source: str) -> str:
    """A page of XHTML as a parser of HTML understands it: elements without content closed, CDATA as text."""
    source = source.replace("\0", "")
    beginning = source[:PRESCANNED].lower()
    if not beginning.lstrip("\ufeff \t\r\n").startswith("<?xml") and "xhtml" not in beginning:
        return source
    first, *others = source.split("<![CDATA[")
    parts = [first]
    for other in others:
        inner, end, rest = other.partition("]]>")
        parts.append(html.escape(inner, quote=False) + rest if end else other)
    return _SELF_CLOSED.sub(
        lambda tag: tag[0] if tag[1].lower() in _VOID else f"<{tag[1]}{tag[2]}></{tag[1]}>", "".join(parts)
    )


def _check_floods(source: str) -> None:
    """Refuse a flood of one element's attributes, or of options: for each, a parser looks at all before it."""
    if _FLOOD.search(source):
        raise TooLarge(f"An element of the page has more than {MOST_ATTRIBUTES} attributes.", hint=_SPLIT)
    if sum(1 for _ in _OPTION.finditer(source)) > MOST_OPTIONS:
        raise TooLarge(f"The page has more than {MOST_OPTIONS} options to choose from.", hint=_SPLIT)


def _check_depth(source: str, limits: Limits) -> None:
    """Refuse a flood of unclosed elements before it is parsed: a parser's time grows with the square of its depth."""
    most = UNCLOSED * limits.nesting
    if source.count("<") <= most:
        return
    depth, opened = 0, Counter[str]()
    for close, name in _TAG.findall(source):
        tag = name.lower()
        if tag in _CLOSED_BY_OTHERS:
            continue
        if not close:
            opened[tag] += 1
            depth += 1
        elif opened[tag]:
            opened[tag] -= 1
            depth -= 1
        if depth > most:
            raise TooLarge(
                f"The page's elements lie more than {most} deep in one another: {UNCLOSED} times"
                f" FOOTNOTE_MAX_NESTING={limits.nesting}."
            )
