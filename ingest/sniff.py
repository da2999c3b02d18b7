"""What a file is: by its content, then by its suffix, then by what its sender declared.

All of this runs outside the child process, so it looks at beginnings and tables of contents only: nothing is unpacked,
and every loop has a bound.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Iterator
from pathlib import PurePath
from typing import NamedTuple

from ingest import encodings
from ingest.extractors import EXTRACTORS, extractor_of

MISMATCH = "type-mismatch"
"""A flag: the content is of another kind than the file's name or its sender says."""
UNKNOWN = "application/octet-stream"
PLAIN, HTML, MAIL = "text/plain", "text/html", "message/rfc822"
PROTECTED, OLE = "application/x-ooxml-protected", "application/x-ole-storage"
SNIFFED, BEGINNING = 64 * 1024, 8 * 1024
MOST_PARTS = 2_000
MOST_SECTORS = 64
_MAGIC = (
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
)
_OOXML = "application/vnd.openxmlformats-officedocument."
_PARTS = {
    b"word/": _OOXML + "wordprocessingml.document",
    b"xl/": _OOXML + "spreadsheetml.sheet",
    b"ppt/": _OOXML + "presentationml.presentation",
}
_STREAMS = {
    "EncryptedPackage": PROTECTED,
    "WordDocument": "application/msword",
    "Workbook": "application/vnd.ms-excel",
    "Book": "application/vnd.ms-excel",
    "PowerPoint Document": "application/vnd.ms-powerpoint",
    "__properties_version1.0": "application/vnd.ms-outlook",
}
_SUFFIXES = {
    ".docx": _OOXML + "wordprocessingml.document",
    ".xlsx": _OOXML + "spreadsheetml.sheet",
    ".pptx": _OOXML + "presentationml.presentation",
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
    ".msg": "application/vnd.ms-outlook",
    ".zip": "application/zip",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}
"""Names that say something even where nothing here reads the kind."""
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF = re.compile(rb"%PDF-\d")
_DECLARED = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_EMPTY_WORDS = frozenset({UNKNOWN, "binary/octet-stream", "application/x-www-form-urlencoded", "application/unknown"})
_TEXTUAL = frozenset({MAIL, "application/xhtml+xml", "application/x-ndjson", "application/jsonl", "application/json"})
_MARKUP = re.compile(
    r"(?:\s++|<!--.*?-->|<\?xml[^>]*+>)*+<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE | re.DOTALL
)
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):|From \S")
_ENVELOPE = frozenset({"received", "mime-version", "message-id", "return-path", "delivered-to", "dkim-signature"})
_LETTER = frozenset({"from", "to", "subject", "date"})


class Kind(NamedTuple):
    """A file's media type, and flags to be kept in its record."""

    media_type: str
    flags: tuple[str, ...] = ()


def sniff(data: bytes, file_name: str, declared: str = "") -> Kind:
    """Return what a file is; `application/octet-stream` if nothing tells.

    Content that says something else than the suffix or the declared type is believed, and flagged.
    """
    named = _named(PurePath(file_name).suffix.lower())
    meant = media_type(declared)
    if found := _by_content(data, named):
        claims = {one for one in (named, meant) if one}
        return Kind(found, (MISMATCH,) if any(not _agree(found, one) for one in claims) else ())
    if encodings.is_text(data[:SNIFFED]):
        claim = named or meant
        if _is_textual(claim) and extractor_of(claim):
            return Kind(claim)
        return Kind(PLAIN, (MISMATCH,) if _is_binary(claim) else ())
    return Kind(named or meant or UNKNOWN)


def media_type(declared: str) -> str:
    """Return a declared media type in lower case without its parameters; "" if it says nothing."""
    bare = declared.split(";", maxsplit=1)[0].strip().lower()
    return bare if _DECLARED.fullmatch(bare) and bare not in _EMPTY_WORDS else ""


def _named(suffix: str) -> str:
    """The media type a suffix stands for; "" for none."""
    known = next((one.MEDIA_TYPES[0] for one in EXTRACTORS if suffix in one.SUFFIXES), "")
    return known or _SUFFIXES.get(suffix, "")


def _agree(one: str, other: str) -> bool:
    """Whether two media types are the same, read by the same extractor, or a container and what lies in it."""
    for container, held in ((PROTECTED, _PARTS.values()), (OLE, _STREAMS.values())):
        if container in {one, other} and {one, other} & {*held}:
            return True
    return one == other or any(one in known.MEDIA_TYPES and other in known.MEDIA_TYPES for known in EXTRACTORS)


def _is_textual(kind: str) -> bool:
    return kind.startswith("text/") or kind in _TEXTUAL


def _is_binary(kind: str) -> bool:
    """Whether text cannot be of this kind."""
    known = {*_SUFFIXES.values(), *(one for extractor in EXTRACTORS for one in extractor.MEDIA_TYPES)}
    return kind.startswith(("image/", "audio/", "video/", "font/")) or (kind in known and not _is_textual(kind))


def _by_content(data: bytes, named: str) -> str:
    """The media type that the bytes speak of by themselves; "" if they are any text, or nothing known."""
    if data.startswith(b"%PDF-") or (not _is_textual(named) and _PDF.search(data, 0, 1024)):
        return "application/pdf"
    if known := next((kind for magic, kind in _MAGIC if data.startswith(magic)), ""):
        return known
    if data.startswith(b"PK\x03\x04"):
        return _zipped(data, named)
    if data.startswith(_OLE_MAGIC):
        return next((_STREAMS[name] for name in _streams(data) if name in _STREAMS), OLE)
    head = _beginning(data)
    if _MARKUP.match(head):
        return HTML
    return MAIL if _is_mail(head) else ""


def _beginning(data: bytes) -> str:
    """The first characters of what may be text, as far as ASCII goes."""
    head = data[:SNIFFED]
    marks = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
    encoding = next((name for mark, name in marks if head.startswith(mark)), "") or encodings.wide(head) or "latin-1"
    return head[:BEGINNING].decode(encoding, "replace").lstrip("\ufeff")


def _is_mail(head: str) -> bool:
    """Whether a text begins with the header of a message: its lines are fields, and a mail server's are among them."""
    names = set()
    lines = head.split("\n")
    for line in lines[:-1] if len(head) >= BEGINNING else lines:
        if not line.strip():
            break
        if line[0] in " \t":
            continue
        field = _HEADER.match(line)
        if not field:
            return False
        names.add((field[1] or "").lower())
    return bool(names & _ENVELOPE and names & _LETTER)


def _zipped(data: bytes, named: str) -> str:
    """What an archive holds, by the names of its parts; where it has no list of them, by the suffix."""
    if data[30:38] == b"mimetype" and (kind := media_type(data[38:160].split(b"PK")[0].decode("latin-1"))):
        return kind  # OpenDocument and EPUB name themselves
    names = list(_part_names(data))
    if not names:
        return named if named in _PARTS.values() else "application/zip"
    if any(name in {b"[Content_Types].xml", b"_rels/.rels"} for name in names):
        if b"xl/workbook.bin" in names:
            return "application/vnd.ms-excel.sheet.binary.macroenabled.12"
        for name in names:
            for folder, kind in _PARTS.items():
                if name.startswith(folder):
                    return kind
    return "application/zip"


def _part_names(data: bytes) -> Iterator[bytes]:
    """Yield the names in a zip archive's directory, the first 2,000 (APPNOTE.TXT, 4.3.12 and 4.3.16)."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 2**16 - 22))
    if end < 0 or end + 22 > len(data):
        return
    at = end - struct.unpack_from("<I", data, end + 12)[0]
    for _ in range(MOST_PARTS):
        if at < 0 or at + 46 > end or data[at : at + 4] != b"PK\x01\x02":
            return
        name, extra, comment = struct.unpack_from("<HHH", data, at + 28)
        yield data[at + 46 : at + 46 + name].replace(b"\\", b"/")
        at += 46 + name + extra + comment


def _streams(data: bytes) -> Iterator[str]:
    """Yield the names in an OLE container's directory, as far as 64 sectors ([MS-CFB] 2.2, 2.3, 2.6)."""
    if len(data) < 512:  # noqa: PLR2004 -- the header
        return
    size = 1 << min(struct.unpack_from("<H", data, 30)[0], 12)
    sector = struct.unpack_from("<I", data, 48)[0]
    tables = struct.unpack_from("<109I", data, 76)
    for _ in range(MOST_SECTORS):
        place = (sector + 1) * size
        if size < 128 or place + size > len(data):  # noqa: PLR2004 -- an entry
            return
        for entry in range(place, place + size, 128):
            length = min(struct.unpack_from("<H", data, entry + 64)[0], 64)
            yield data[entry : entry + max(0, length - 2)].decode("utf-16-le", "replace")
        table, slot = divmod(sector, size // 4)
        link = (tables[table] + 1) * size + 4 * slot if table < len(tables) else len(data)
        if link + 4 > len(data):
            return
        sector = struct.unpack_from("<I", data, link)[0]
