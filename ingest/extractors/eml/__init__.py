"""Messages (RFC 5322, MIME): who wrote to whom and when, the body, and the attachments, each by its own extractor.

The standard library's older policy is used: it hands out headers and parts as they stand and raises nothing, where the
newer one parses every address and raises on some that occur. What an attachment holds stands under a heading with its
name; what cannot be read of it is said there, and never costs the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import Message
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from corpus import bait
from corpus.errors import Encrypted, NoText, Rejected, TooLarge, Unreadable
from corpus.model import Extracted
from corpus.ports import Limits
from ingest.compose import Composer
from ingest.encodings import LOOKED_AT, is_text
from ingest.extractors.eml import parts

NAME = "eml-1"
MEDIA_TYPES: tuple[str, ...] = ("message/rfc822",)
SUFFIXES: tuple[str, ...] = (".eml",)

DEEPEST = 10
"""Messages in messages, at most; `limits.nesting` may allow less."""
MOST_PARTS, MOST_ATTACHMENTS = 1_000, 100
LEFT_OUT, PICTURES = "attachments-left-out", "pictures-left-out"
NAMED = ("From", "To", "Cc", "Date")
_ENCRYPTED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
_UNREAD = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_SOFT_BREAK = re.compile(r"(?<=\S) \r?\n(?![ >])")


def extract(data: bytes, limits: Limits) -> Extracted:
    """Return the message's text; the contract is `Extractor`'s."""
    if not is_text(data[:LOOKED_AT]):
        raise Unreadable("The file is no message: it begins with bytes that no header has.")
    message = _parsed(data, limits)
    if not message.keys():
        raise Unreadable("The file is no message: it has no header.")
    if message.get_content_type() in _ENCRYPTED and parts.value(message, "smime-type") in {"", "enveloped-data"}:
        raise Encrypted("The message is encrypted.", hint="Open it in a mail program, save its text and upload that.")
    mail = _Mail(limits)
    mail.message(message, 1)
    return mail.composer.done(parts.header(message, "Subject"), tuple(mail.flags))


def _parsed(data: bytes, limits: Limits) -> Message:
    try:
        return parts.parsed(data)
    except RecursionError as error:
        raise _too_deep(limits) from error


class _Mail:
    """One message being read: what is written so far, and what it may still cost."""

    def __init__(self, limits: Limits) -> None:
        self.composer = Composer(limits)
        self.flags: dict[str, None] = {}
        self._limits = limits
        self._expanded = limits.expanded
        self._count = 0
        self._attachments = 0

    def message(self, message: Message, level: int) -> None:
        """Write down a message: subject, header, body, attachments."""
        if level > min(DEEPEST, self._limits.nesting):
            raise _too_deep(self._limits)
        self.composer.heading(level, parts.header(message, "Subject"))
        lines = [f"{name}: {words}" for name in NAMED if (words := parts.header(message, name))]
        self.composer.paragraph("\n".join(lines))
        attachments = []
        for part, kind in self._leaves(message):
            if kind == "body":
                self._include(part)
            else:
                attachments.append(part)
        for part in attachments:
            self._attachment(part, level + 1)

    def _leaves(self, message: Message) -> Iterator[tuple[Message, str]]:
        """Yield what lies in a message's parts, in order, as body or as attachment; of alternatives the best only."""
        waiting = [message]
        while waiting:
            part = waiting.pop()
            self._count += 1
            if self._count > MOST_PARTS:
                self._leave_out(LEFT_OUT, f"The message has more than {MOST_PARTS} parts; the rest was left out.")
                return
            kind = part.get_content_type()
            inside = parts.inside(part)
            if kind == "multipart/alternative":
                waiting.extend(reversed(self._best(inside)))
            elif part.get_content_maintype() == "multipart":
                waiting.extend(reversed(inside))
                if not inside:  # its boundary is missing: what it says is still there
                    yield part, "body"
            elif kind in _UNREAD:
                continue
            elif kind in {"text/plain", "text/html"} and not parts.is_attached(part):
                yield part, "body"
            elif kind.startswith("image/") and not parts.is_attached(part, by_name=False):
                self.flags[PICTURES] = None
            else:
                yield part, "attachment"

    def _best(self, alternatives: list[Message]) -> list[Message]:
        """Of alternatives the plain one, unless it only says that there is another."""
        plain = next((part for part in alternatives if part.get_content_type() == "text/plain"), None)
        rich, page = next(
            (
                (part, leaf)
                for part in alternatives
                for leaf in parts.leaves(part, MOST_PARTS)
                if leaf.get_content_type() == "text/html"
            ),
            (None, None),
        )
        best = next((part for part in (plain, rich, *alternatives[-1:]) if part is not None), None)
        if plain is not None and page is not None and self._is_stub(plain, page):
            best = rich
        return [part for part in alternatives if part is best or parts.is_attached(part)]

    def _is_stub(self, plain: Message, page: Message) -> bool:
        """Whether the plain text says much less than the page."""
        try:
            return len(parts.text(plain).text.split()) * 2 < len(self._read(page).text.split())
        except Rejected:
            return False

    def _include(self, part: Message) -> None:
        """Write down a body, if there is anything in it."""
        try:
            found = self._read(part)
        except NoText:
            return
        except Unreadable as error:
            self._leave_out("body-left-out", f"[A part of the message was left out: {error.message}]")
            return
        self.flags.update(dict.fromkeys(found.flags))
        self.composer.include(found)

    def _read(self, part: Message) -> Extracted:
        from ingest.extractors import html  # noqa: PLC0415 -- beside this module in the list of extractors

        decoded = parts.text(part)
        if part.get_content_type() == "text/html":
            if bait.addressed_in_markup(decoded.text):  # in what it hides, or in an alternative that is not taken
                self.flags[bait.FLAG] = None
            return html.read(decoded, self._limits)
        text = _SOFT_BREAK.sub(" ", decoded.text) if parts.value(part, "format") == "flowed" else decoded.text
        composer = Composer(self._limits)
        composer.paragraph(text)
        return composer.done(flags=decoded.flags)

    def _attachment(self, part: Message, level: int) -> None:
        """Write down an attachment under its name, or that it was left out, and why."""
        name = parts.file_name(part)
        self._attachments += 1
        if self._attachments > MOST_ATTACHMENTS:
            self._leave_out(LEFT_OUT, f"[{name} was left out: there are more than {MOST_ATTACHMENTS} attachments.]")
            return
        self.composer.heading(level, name)
        try:
            self._open(part, name, level)
        except Rejected as error:
            self._leave_out(LEFT_OUT, f"[{name} was left out: {error.message}]")

    def _open(self, part: Message, name: str, level: int) -> None:
        from ingest.extractors import extractor_of  # noqa: PLC0415 -- this module is one of them
        from ingest.refusals import refusal  # noqa: PLC0415
        from ingest.sniff import MAIL, sniff  # noqa: PLC0415

        inside = parts.inside(part)
        if inside and part.get_content_type() == "message/rfc822":
            self.message(inside[0], level + 1)
            return
        if part.get_content_maintype() == "message":
            self.composer.paragraph("\n".join(_lines(part, inside)))
            return
        data = parts.payload(part)
        kind = sniff(data, name, part.get_content_type()).media_type
        self._spend(data)
        if kind == MAIL:
            self.message(_parsed(data, self._limits), level + 1)
        elif extractor := extractor_of(kind):
            limits = replace(self._limits, expanded=self._expanded, nesting=max(1, self._limits.nesting - level))
            found = _extracted(extractor.extract, data, limits)
            self.flags.update(dict.fromkeys(found.flags))
            self.composer.include(found)
        else:
            raise refusal(kind)

    def _spend(self, data: bytes) -> None:
        """Count what an attachment takes once it is unpacked against what all of them may."""
        self._expanded -= len(data)
        if data.startswith(b"PK\x03\x04"):
            try:
                with ZipFile(BytesIO(data)) as archive:
                    self._expanded -= sum(one.file_size for one in archive.infolist())
            except (BadZipFile, NotImplementedError, ValueError, OSError):
                return  # its extractor will say so
        if self._expanded < 0:
            raise TooLarge(f"The attachments unpack to more than FOOTNOTE_MAX_EXPANDED={self._limits.expanded} bytes.")

    def _leave_out(self, flag: str, line: str) -> None:
        self.flags[flag] = None
        self.composer.paragraph(line)


def _lines(part: Message, blocks: list[Message]) -> Iterator[str]:
    """What a report of delivery says, a field a line; nothing of what only points elsewhere."""
    if part.get_content_type() == "message/external-body":
        return
    for block in blocks[:MOST_PARTS]:
        yield from (f"{name}: {words}" for name in dict.fromkeys(block.keys()) if (words := parts.header(block, name)))


def _extracted(extract: Callable[[bytes, Limits], Extracted], data: bytes, limits: Limits) -> Extracted:
    """What an attachment's extractor returns; what its parser raises is the attachment's fault, not the message's."""
    try:
        return extract(data, limits)
    except (Rejected, MemoryError):
        raise
    except Exception as error:
        raise Unreadable(f"It is damaged in a way its reader does not know ({type(error).__name__}).") from error


def _too_deep(limits: Limits) -> TooLarge:
    most = min(DEEPEST, limits.nesting)
    return TooLarge(f"Messages lie deeper in one another than {most} (FOOTNOTE_MAX_NESTING={limits.nesting}).")
