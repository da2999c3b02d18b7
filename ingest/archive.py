"""What is looked at before a zipped document (DOCX, XLSX, PPTX) is opened: what it unpacks to, and what it declares.

The sizes that an archive declares are what its reader goes by, so they bound what comes out. The XML inside may declare
no entities: none of these formats allows it, and what cannot be declared can neither expand nor point anywhere.
"""

from __future__ import annotations

import io
import zipfile
import zlib

from corpus.errors import Encrypted, TooLarge, Unreadable
from corpus.ports import Limits

MOST_PARTS = 10_000
SMALL = 10 * 2**20
"""Up to so many bytes an archive may unpack to, whatever its ratio: a sheet of equal rows is no bomb."""
_DECLARATIONS = ("<!DOCTYPE", "<!ENTITY")
_BEFORE_XML = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
"""Byte order marks and blanks, in any encoding."""
_LOCKED = 0x1


def opened(data: bytes, limits: Limits) -> zipfile.ZipFile:
    """Return the archive, if it is one that may be read.

    Raises `Unreadable` for what is no archive or declares entities, `TooLarge` for what unpacks to more than the limits
    allow, `Encrypted` for parts under a password.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        parts = archive.infolist()
        _check(parts, len(data), limits)
        for part in parts:
            if is_xml(archive, part):
                _check_declarations(archive.read(part))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise Unreadable("The file is damaged: its archive cannot be unpacked.") from error
    return archive


def _check(parts: list[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    expanded = sum(part.file_size for part in parts)
    if expanded > limits.expanded:
        raise TooLarge(f"The file unpacks to {expanded} bytes, more than FOOTNOTE_MAX_EXPANDED={limits.expanded}.")
    if expanded > max(SMALL, limits.ratio * size):
        raise TooLarge(
            f"The file unpacks to {expanded // size} times its size, over FOOTNOTE_MAX_RATIO={limits.ratio}."
        )
    if len(parts) > MOST_PARTS:
        raise TooLarge(f"The file's archive has {len(parts)} parts, more than {MOST_PARTS}.")
    if any(part.flag_bits & _LOCKED for part in parts):
        raise Encrypted("The file's archive needs a password.")


def is_xml(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Return whether a part begins as XML does, whatever it is called: what its type is, another part says."""
    with archive.open(part) as file:
        return file.read(64).lstrip(_BEFORE_XML).startswith(b"<")


def _check_declarations(part: bytes) -> None:
    for declaration in _DECLARATIONS:
        for encoding in ("ascii", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
            if declaration.encode(encoding) in part:
                raise Unreadable("The file declares entities in its XML, which its format does not allow.")
