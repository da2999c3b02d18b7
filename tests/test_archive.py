from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest

from corpus.errors import Encrypted, Rejected, TooLarge, Unreadable
from corpus.ports import Limits
from ingest.archive import opened

LIMITS = Limits()
BOMB = '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;">]><a>&d;</a>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY b SYSTEM "http://127.0.0.1:1/">]><a>&b;</a>'

FLAGS = b"PK\x01\x02\x14\x03\x14\x00\x00"
"""How an entry of the directory begins; its last byte says what is locked."""


def archive(parts: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return target.getvalue()


def test_an_archive_is_opened() -> None:
    """A plain archive is handed out."""
    assert opened(archive({"a.xml": b"<a/>"}), LIMITS).read("a.xml") == b"<a/>"


@pytest.mark.parametrize(
    ("data", "limits", "error", "message"),
    [
        (b"PK\x03\x04 and nothing", LIMITS, Unreadable, "cannot be unpacked"),
        (archive({"a": bytes(3 * 10**7)}), LIMITS, TooLarge, "FOOTNOTE_MAX_RATIO=200"),
        (archive({"a": bytes(3000)}), replace(LIMITS, expanded=2000), TooLarge, "FOOTNOTE_MAX_EXPANDED=2000"),
        (archive({f"{n}": b"" for n in range(10_001)}), LIMITS, TooLarge, "10001 parts"),
        (archive({"a.xml": BOMB.encode()}), LIMITS, Unreadable, "declares entities"),
        (archive({"a.rels": OUTSIDE.encode("utf-16")}), LIMITS, Unreadable, "declares entities"),
        (archive({"sheet1.bin": b"\n" + BOMB.encode()}), LIMITS, Unreadable, "declares entities"),
        (archive({"a": OUTSIDE.encode("utf-32-be")}), LIMITS, Unreadable, "declares entities"),
        (
            archive({"a": b"text"}).replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
            LIMITS,
            Encrypted,
            "password",
        ),
    ],
    ids=["damaged", "ratio", "expanded", "parts", "entities", "outside", "named", "wide", "locked"],
)
def test_what_is_refused(data: bytes, limits: Limits, error: type[Rejected], message: str) -> None:
    """A bomb, a locked or a damaged archive is refused before a parser sees it."""
    with pytest.raises(error, match=message):
        opened(data, limits)


def test_a_small_archive_may_be_mostly_blank() -> None:
    """What unpacks to little is no bomb, however much smaller it was."""
    assert opened(archive({"a": bytes(9 * 10**6)}), LIMITS).namelist() == ["a"]
