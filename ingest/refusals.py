"""What is said of kinds of files that nothing here reads: why, and what would help."""

from __future__ import annotations

from corpus.errors import Encrypted, Rejected, UnsupportedType
from ingest.sniff import PROTECTED

_SAVE = "Open it in the program that made it, save it as {} and upload that."
_UNPACK = "Unpack it and upload what is inside."
_RECOGNISE = "Run it through text recognition and upload the PDF that comes of it."
_HINTS = {
    "application/msword": _SAVE.format(".docx"),
    "application/vnd.ms-excel": _SAVE.format(".xlsx"),
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": _SAVE.format(".xlsx"),
    "application/vnd.ms-powerpoint": _SAVE.format(".pptx"),
    "application/vnd.ms-outlook": _SAVE.format(".eml"),
    "application/x-ole-storage": _SAVE.format(".docx, .xlsx or .pptx"),
    "application/vnd.oasis.opendocument.text": _SAVE.format(".docx"),
    "application/vnd.oasis.opendocument.spreadsheet": _SAVE.format(".xlsx"),
    "application/vnd.oasis.opendocument.presentation": _SAVE.format(".pptx"),
    "application/rtf": _SAVE.format(".docx or PDF"),
    "application/epub+zip": _SAVE.format("PDF"),
    "application/zip": _UNPACK,
    "application/gzip": _UNPACK,
    "application/x-7z-compressed": _UNPACK,
    "application/vnd.rar": _UNPACK,
}


def refusal(media_type: str) -> Rejected:
    """Return why a file of this kind is not read: the error to raise."""
    if media_type == PROTECTED:
        return Encrypted("The file is an Office document that needs a password.")
    hint = _RECOGNISE if media_type.startswith("image/") else _HINTS.get(media_type, "")
    return UnsupportedType(f"Nothing here reads {media_type}.", hint=hint)
