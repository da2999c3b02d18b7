"""What a zipped document (DOCX, XLSX, PPTX) says to a language model, wherever in its XML, seen or not.

Its reader leaves out on purpose what no reader of the document sees: hidden runs, deletions, comments, properties,
texts for pictures, hidden slides and sheets, custom XML. Somebody who plants an order there wants it found by a tool
that reads more; so it is looked at, and never becomes text. The archive is one that `ingest.archive` let through.
"""

from __future__ import annotations

import codecs
import html
import re
import zipfile

from corpus import bait
from ingest import encodings
from ingest.archive import is_xml

MOST_CHARACTERS, MOST_BYTES = 1_000_000, 16 * 2**20
"""Of text and of XML, looked at in a document; the smallest parts first: properties and comments come before pages."""
HEAD = 4096
_END = re.compile(
    r"</(?!(?:\w{1,20}:)?(?:r|t|rPr|del|ins|delText|instrText|hyperlink|smartTag|moveFrom|moveTo)\s*>)[^<>]*>"
)
"""Where words end; those of a paragraph may be cut into runs anywhere."""
_TAG = re.compile(r"<[^<>]*>")
_ATTRIBUTE = re.compile(r"""=\s?(?:"([^"<>]*)"|'([^'<>]*)')""")
FEWEST_BLANKS = 2
"""In an attribute that is looked at; the name of a style or a font has fewer."""


def flags(archive: zipfile.ZipFile) -> tuple[str, ...]:
    """Return the flag `instructions` if something in the XML of a document is said to a model, else nothing."""
    characters, size = MOST_CHARACTERS, MOST_BYTES
    for part in sorted(archive.infolist(), key=lambda one: one.file_size):
        if characters <= 0 or size <= 0:
            break
        if not is_xml(archive, part):
            continue
        with archive.open(part) as file:
            xml = file.read(size)
        size -= len(xml)
        for text in _said(_decoded(xml)):
            if bait.addressed(text[:characters]):
                return (bait.FLAG,)
            characters -= len(text[:characters])
    return ()


def _said(source: str) -> tuple[str, str]:
    """The text between the tags, a paragraph each in its own, however it is cut into runs; and that of attributes."""
    between = html.unescape(_TAG.sub("", _END.sub("\n\n", source)))
    found = (one or other for one, other in _ATTRIBUTE.findall(source))
    values = "\n\n".join(html.unescape(one) for one in found if one.count(" ") >= FEWEST_BLANKS)
    return between, values


def _decoded(xml: bytes) -> str:
    """XML as text: UTF-16 if it begins so, else UTF-8, which nearly all of it is."""
    wide = "utf-16" if xml.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else encodings.wide(xml[:HEAD])
    return xml.decode(wide or "utf-8", errors="replace")
