"""Why a document or a job ended as it did, as records say it."""

from __future__ import annotations

from corpus.errors import FootnoteError, QuotaExceeded, Rejected
from corpus.model import Reason
from corpus.records.jobs import JobStage

OVERTAKEN = Reason("overtaken", "", transient=False, hint="A newer version came, or the document was removed.")
CRASHED = Reason(
    "crashed", "", transient=True, hint="Its worker died three times; the log of that machine may say why."
)

UNKNOWN_OWNER = Reason(
    "unknown_owner", "", transient=False, hint="`footnote person add ID` makes its owner known; then upload it again."
)
OWNER_MISMATCH = Reason(
    "owner_mismatch", "", transient=False, hint="The document is another person's; upload it under an id of its own."
)


def message_of(error: BaseException) -> str:
    """Return what a record says of an error in words; those of a bug are for the log only."""
    return error.message if isinstance(error, FootnoteError) else "Something went wrong that should not have."


def reason_of(error: BaseException, stage: JobStage) -> Reason:
    """Return what a record says of an error; what is `Rejected` stays so, unless it was a limit that begins anew."""
    if isinstance(error, FootnoteError):
        page = error.page if isinstance(error, Rejected) else None
        lasting = isinstance(error, Rejected) and not isinstance(error, QuotaExceeded)
        return Reason(error.code, stage, not lasting, error.hint, page)
    return Reason("internal", stage, transient=True, hint="The log says more; `footnote doctor` checks the parts.")
