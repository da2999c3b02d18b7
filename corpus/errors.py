"""Every way this product fails, as one tree.

    FootnoteError
    ├── ConfigError      the settings are wrong
    ├── Rejected         this input will never work as it is
    │   ├── UnsupportedType · Unreadable · Encrypted · TooLarge · NoText · TimedOut
    │   └── BadRequest · Unauthenticated · NotFound · Forbidden · QuotaExceeded
    ├── Conflict         somebody was faster
    │   └── PreconditionFailed
    ├── BlobMissing      the blob is gone
    └── Unavailable      a service said "not now"
        └── Throttled

A caller needs one question: *would trying again help?* `Rejected`: no. `Unavailable`: yes, later. `Conflict`: yes,
after reading again. Anything outside the tree is a bug. Each class carries the stable `code` that is stored and sent; a
message names the thing and the reason, and the hint says what would mend it. Neither ever holds a document's text.
"""

from __future__ import annotations

from typing import ClassVar


class FootnoteError(Exception):
    """Something a user can understand went wrong."""

    code: ClassVar[str] = "error"
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint


class ConfigError(FootnoteError):
    """The settings are wrong; nothing can start until they are mended."""

    code = "config"


class Rejected(FootnoteError):
    """The input will never work as it is; trying again cannot help."""

    code = "rejected"

    def __init__(self, message: str, *, hint: str = "", page: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.page = page


class UnsupportedType(Rejected):
    """No extractor reads this kind of document."""

    code = "unsupported_type"
    default_hint = (
        "Save it as PDF, Word (.docx), Excel (.xlsx), PowerPoint (.pptx), HTML, an e-mail (.eml), CSV, Markdown, plain "
        "text or JSON Lines and upload that."
    )


class Unreadable(Rejected):
    """The bytes are not what they claim to be, or are damaged."""

    code = "unreadable"
    default_hint = "Open it in the program that made it, save it anew and upload that."


class Encrypted(Rejected):
    """The document needs a password."""

    code = "encrypted"
    default_hint = "Save it without a password and upload that."


class TooLarge(Rejected):
    """Something is beyond a limit of the settings."""

    code = "too_large"
    default_hint = "Split it, or raise the limit that is named."


class NoText(Rejected):
    """The document opened, and no page of it holds text."""

    code = "no_text"
    default_hint = (
        "Its pages are probably pictures. With tesseract installed, text recognition reads them: `footnote doctor` "
        "says what to install, and `footnote reindex` tries again."
    )


class TimedOut(Rejected):
    """Reading the document took longer than the settings allow."""

    code = "timed_out"
    default_hint = "Split it, or raise FOOTNOTE_MAX_SECONDS."


class BadRequest(Rejected):
    """The request itself makes no sense."""

    code = "bad_request"


class Unauthenticated(Rejected):
    """Nobody knows who is asking: what they signed in with is missing, or does not hold."""

    code = "unauthenticated"
    default_hint = "Sign in, and send the token or key as `Authorization: Bearer …`."


class NotFound(Rejected):
    """There is no such thing, or the asker may not know of it."""

    code = "not_found"


class Forbidden(Rejected):
    """The asker is known, and may not do this."""

    code = "forbidden"


class QuotaExceeded(Rejected):
    """A counter would pass its cap; `counter` names it, `retry_after` is how many seconds later it begins anew."""

    code = "quota_exceeded"

    def __init__(self, message: str, *, hint: str = "", counter: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.counter = counter
        self.retry_after = retry_after


class Conflict(FootnoteError):
    """Somebody was faster: read again, then decide again."""

    code = "conflict"


class PreconditionFailed(Conflict):
    """The asker named the state they had read, and it is another by now."""

    code = "precondition_failed"


class BlobMissing(FootnoteError):
    """The blob is gone, which is treated as its removal."""

    code = "blob_missing"


class Unavailable(FootnoteError):
    """A service said "not now"; the work is delivered again."""

    code = "unavailable"

    def __init__(self, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Throttled(Unavailable):
    """A service said "not so fast"."""

    code = "throttled"
