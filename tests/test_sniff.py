from __future__ import annotations

import struct

import pytest

from corpus.errors import Encrypted, UnsupportedType
from ingest.extractors import EXTRACTORS
from ingest.refusals import refusal
from ingest.sniff import MISMATCH, sniff
from tests.odd_files import archive, message, ole
from tests.pdfs import pdf

DOCX, XLSX, PPTX = (
    f"application/vnd.openxmlformats-officedocument.{one}"
    for one in ("wordprocessingml.document", "spreadsheetml.sheet", "presentationml.presentation")
)
TYPES = "[Content_Types].xml"


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (pdf(["x"]), "x.txt", "application/pdf"),
        (b"junk before %PDF-1.4", "x", "application/pdf"),
        (b"a file begins with %PDF-1.4", "x.md", "text/markdown"),
        (archive(TYPES, "word/document2.xml"), "x", DOCX),
        (archive(TYPES, "xl/workbook.xml"), "x.docx", XLSX),
        (archive(TYPES, "xl/workbook.bin"), "x", "application/vnd.ms-excel.sheet.binary.macroenabled.12"),
        (archive("_rels/.rels", "ppt/slides/slide1.xml"), "x.zip", PPTX),
        (archive("word/notes.txt"), "x.docx", "application/zip"),
        (archive("a.txt") + b"PK\x05\x06" + b"\xff" * 18, "x", "application/zip"),
        (b"PK\x03\x04....", "a.DOCX", DOCX),
        (b"PK\x03\x04....", "a.md", "application/zip"),
        (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/epub+zipPK", "x", "application/epub+zip"),
        (ole("EncryptedPackage"), "x.docx", "application/x-ooxml-protected"),
        (ole(*"abcdefg", "EncryptedPackage"), "x", "application/x-ooxml-protected"),
        (ole("WordDocument"), "x", "application/msword"),
        (ole("Workbook"), "x", "application/vnd.ms-excel"),
        (ole("PowerPoint Document"), "x", "application/vnd.ms-powerpoint"),
        (ole("__properties_version1.0"), "x", "application/vnd.ms-outlook"),
        (ole("Else"), "x", "application/x-ole-storage"),
        (ole("Else")[:600], "x", "application/x-ole-storage"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "x.doc", "application/x-ole-storage"),
        (b"{\\rtf1 hi}", "x", "application/rtf"),
        (b"\x89PNG\r\n\x1a\n", "scan.pdf", "image/png"),
        (b"# Rules", "RULES.MD", "text/markdown"),
        (b"# Rules", "rules.txt", "text/plain"),
        (b'{"a": 1}', "rows.jsonl", "application/x-ndjson"),
        (b"print()", "code.py", "text/plain"),
        ("Grüße".encode(), "", "text/plain"),
        ("é".encode() * 40_000, "x", "text/plain"),
        ("hi".encode("utf-16"), "x.txt", "text/plain"),
        ("hi there".encode("utf-16-be"), "x", "text/plain"),
        (b"<p>hi", "x.html", "text/html"),
        (b"  <!-- made by hand -->\n<!DOCTYPE html><p>", "x", "text/html"),
        (b"<?xml version='1.0'?><html xmlns='x'>", "x", "text/html"),
        ("<html><p>".encode("utf-16"), "x.txt", "text/html"),
        (b"<p>a fragment", "x", "text/plain"),
        (b" " * 8000 + b"<", "x", "text/plain"),
        (b"Subject: hi", "x.eml", "message/rfc822"),
        (message(), "x", "message/rfc822"),
        (b"Received: by x;\n from y\nX: " + b"y" * 9000 + b"\nFrom: a", "x", "text/plain"),
        (b"From: a\nReceived: by x;\n from y\nX: " + b"y" * 9000, "x", "message/rfc822"),
        (b"To: all\nFrom: the board\nSubject: pool\n\nIt opens.", "memo.txt", "text/plain"),
        (b"caf\xe9", "x.txt", "text/plain"),
        (b"caf\xe9", "x", "text/plain"),
        (b"\x00\x01\x02\x03" * 100, "x", "application/octet-stream"),
        (b"not a pdf", "x.pdf", "text/plain"),
        (b"", "empty.md", "text/markdown"),
    ],
)
def test_content_then_suffix(data: bytes, name: str, expected: str) -> None:
    """A file is what its bytes say, then what its suffix says."""
    assert sniff(data, name).media_type == expected


@pytest.mark.parametrize(
    ("data", "name", "declared", "expected"),
    [
        (b"# Rules", "", "text/markdown; charset=utf-8", "text/markdown"),
        (b"# Rules", "rules.txt", "text/markdown", "text/plain"),
        (b"<p>hi", "page", "TEXT/HTML", "text/html"),
        (b"print()", "code", "text/x-python", "text/plain"),
        (b"\x00\x01\x02\x03" * 9, "x", "application/pdf", "application/pdf"),
        (b"\x00\x01\x02\x03" * 9, "x", "binary/octet-stream", "application/octet-stream"),
        (b"\x00\x01\x02\x03" * 9, "x", "no type\r\nat all", "application/octet-stream"),
    ],
)
def test_declared_last(data: bytes, name: str, declared: str, expected: str) -> None:
    """What its sender declares decides only where neither bytes nor suffix do."""
    assert sniff(data, name, declared).media_type == expected


@pytest.mark.parametrize(
    ("data", "name", "declared", "flagged"),
    [
        (pdf(["x"]), "x.pdf", "application/pdf", False),
        (pdf(["x"]), "x", "application/octet-stream", False),
        (pdf(["x"]), "x.txt", "", True),
        (pdf(["x"]), "x.pdf", "text/plain", True),
        (b"not a pdf", "x.pdf", "", True),
        (b"plain", "x", "image/png", True),
        (b"a;b", "x.txt", "application/vnd.ms-excel", False),
        (b"plain", "x.yaml", "application/yaml", False),
        (b"<html><p>", "x.txt", "", True),
        (b"<html><p>", "x.html", "application/xhtml+xml", False),
        (ole("EncryptedPackage"), "x.docx", DOCX, False),
        (ole("Else"), "x.doc", "", False),
        (ole("WordDocument"), "x.docx", "", True),
    ],
)
def test_mismatches_are_flagged(data: bytes, name: str, declared: str, flagged: bool) -> None:
    """Content that is of another kind than its suffix or its sender says gets a flag."""
    assert sniff(data, name, declared).flags == ((MISMATCH,) if flagged else ())


def test_hostile_containers() -> None:
    """Containers whose tables point outside, in circles or at nothing are told by what is left, and never raise."""
    zipped, compound = archive(TYPES, "word/document.xml"), ole("WordDocument")
    for data in (zipped, compound):
        for at in range(0, len(data) - 4, 3):
            for value in (0, 1, 0xFFFFFFFF):
                assert sniff(data[:at] + struct.pack("<I", value) + data[at + 4 :], "x").media_type
            assert sniff(data[:at], "x").media_type


def test_refusals() -> None:
    """What nothing reads is refused with what would help; an Office document under a password as encrypted."""
    assert isinstance(refusal("application/x-ooxml-protected"), Encrypted)
    for kind, helps in (
        ("application/msword", ".docx"),
        ("application/vnd.ms-excel", ".xlsx"),
        ("application/rtf", ".docx"),
        ("application/zip", "Unpack"),
        ("image/png", "text recognition"),
        ("application/octet-stream", "PDF"),
    ):
        assert isinstance(refusal(kind), UnsupportedType)
        assert helps in refusal(kind).hint


def test_no_two_extractors_claim_one_kind() -> None:
    """Each media type and each suffix belongs to one extractor."""
    for claims in (
        [kind for one in EXTRACTORS for kind in one.MEDIA_TYPES],
        [end for one in EXTRACTORS for end in one.SUFFIXES],
    ):
        assert len(claims) == len(set(claims))
