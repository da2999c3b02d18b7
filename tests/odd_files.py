"""Containers and messages for tests, small and made by hand."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from email.message import EmailMessage

CHAIN_END, FAT, FREE = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


def archive(*names: str) -> bytes:
    """A zip archive with a part of each name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return out.getvalue()


def ole(*streams: str) -> bytes:
    """An OLE container: its header, one table of sectors, and a directory of as many sectors as its streams take."""
    entries = b"".join(_entry(name) for name in ("Root Entry", *streams))
    entries += bytes(-len(entries) % 512)
    sectors = len(entries) // 512
    links = [FAT, *range(2, sectors + 1), CHAIN_END]
    table = struct.pack("<128I", *links, *[FREE] * (128 - len(links)))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    head += struct.pack("<II", 1, 1) + bytes(24) + struct.pack("<109I", 0, *[FREE] * 108)
    return head + table + entries


def _entry(name: str) -> bytes:
    wide = name.encode("utf-16-le") + b"\0\0"
    return wide + bytes(64 - len(wide)) + struct.pack("<H", len(wide)) + bytes(62)


def message(body: str = "The pool opens at nine.", *, page: str = "", files: Sequence[tuple[str, bytes]] = ()) -> bytes:
    """A message about the pool, with a page beside its body and files attached."""
    made = _message(body, page)
    for name, data in files:
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


def forwarded(inner: bytes, times: int) -> bytes:
    """A message in a message, so many times over."""
    for _ in range(times):
        inner = b"Subject: Fwd\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\n" + inner
    return inner


def _message(body: str, page: str) -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = "Pool – Öffnung"
    made["From"] = "Jürgen Groß <juergen@example.org>"
    made["To"] = "all@example.org"
    made["Date"] = "Mon, 01 Jan 2024 10:00:00 +0100"
    made.set_content(body)
    if page:
        made.add_alternative(page, subtype="html")
    return made
