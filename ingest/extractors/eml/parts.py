"""The parts of a message as they stand, whatever is wrong with them: nothing here raises over a header or a coding."""

from __future__ import annotations

import binascii
import email
from collections.abc import Iterator
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value

from corpus.errors import Unreadable
from ingest.encodings import Decoded, decode

LONGEST_HEADER = 2_000
_ODD = (ValueError, LookupError, TypeError, AttributeError, MessageError, binascii.Error)
"""What the standard library raises over odd headers and codings."""


def parsed(data: bytes) -> Message:
    """Return a message. Raises `RecursionError` for multiparts that lie too deep in one another."""
    return email.message_from_bytes(data)


def header(message: Message, name: str) -> str:
    """Return a header's words in one line, decoded; a very long one is cut; "" if there is none."""
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    shown = raw if len(raw) <= LONGEST_HEADER else raw[:LONGEST_HEADER] + " …"
    try:
        pieces = decode_header(shown)
    except _ODD:
        pieces = [(shown, None)]
    words = "".join(
        _words(piece.encode("utf-8", "surrogateescape") if isinstance(piece, str) else piece, charset or "")
        for piece, charset in pieces
    )
    return " ".join(words.split())


def value(part: Message, name: str) -> str:
    """Return a parameter of the content type in lower case; "" if there is none."""
    try:
        found = part.get_param(name)
        return collapse_rfc2231_value(found).lower() if found else ""
    except _ODD:
        return ""


def inside(part: Message) -> list[Message]:
    """Return the parts that lie directly in a part."""
    found = part.get_payload() if part.is_multipart() else []
    return [one for one in found if isinstance(one, Message)] if isinstance(found, list) else []


def leaves(part: Message, most: int) -> Iterator[Message]:
    """Yield the first parts below a part that hold no others."""
    waiting = [part]
    for _ in range(most):
        if not waiting:
            return
        one = waiting.pop()
        if one.get_content_maintype() == "multipart" and (parts := inside(one)):
            waiting.extend(reversed(parts))
        else:
            yield one


def is_attached(part: Message, *, by_name: bool = True) -> bool:
    """Whether a part is meant to be saved rather than shown: it says so, or bears a file's name."""
    try:
        return part.get_content_disposition() == "attachment" or bool(by_name and part.get_filename())
    except _ODD:
        return False


def file_name(part: Message) -> str:
    """Return the name under which a part would be saved."""
    try:
        name = part.get_filename() or ""
        if "=?" in name:
            name = "".join(
                piece if isinstance(piece, str) else _words(piece, charset or "")
                for piece, charset in decode_header(name)
            )
    except _ODD:
        name = ""
    name = name.encode("utf-8", "replace").decode().replace("\\", "/").rpartition("/")[2]
    return " ".join(name.split())[:200] or "attachment"


def payload(part: Message) -> bytes:
    """Return a part's bytes, its transfer coding undone as far as that goes."""
    for decoded in (True, False):
        try:
            found = part.get_payload(decode=decoded)
        except _ODD:  # a charset that is no name stands in the way of the bytes
            part.del_param("charset")
            found = part.get_payload(decode=decoded)
        if isinstance(found, bytes):
            return found
        if isinstance(found, str):
            return found.encode("utf-8", "surrogateescape")
    return b""


def text(part: Message) -> Decoded:
    """Return a part's characters. Raises `Unreadable` if its bytes are no text."""
    charset = value(part, "charset")
    return decode(payload(part), charset)


def _words(data: bytes, charset: str) -> str:
    try:
        return decode(data, charset).text
    except Unreadable:
        return data.decode("ascii", "replace")
