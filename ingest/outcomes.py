"""What a document's record says while an attempt at it goes on, and once it has ended."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from corpus import bait
from corpus.errors import Unreadable
from corpus.model import Blob, Coverage, Document, Extracted, Generation, Live, Reason, Stages
from corpus.records.jobs import JobStage
from ingest.describe import Description
from ingest.ledger import coverage
from ingest.sniff import HTML, sniff

ALL_STAGES = Stages(text_extracted=True, chunks_created=True, vectors_generated=True, indexed=True)
DECLARED_SHA256 = "declaredsha256"
"""Beside an original: the SHA-256 its sender says it has, where nobody could compare before it was whole."""
STAGES: tuple[JobStage, ...] = ("extract", "chunk", "embed", "index")
NOTHING = Description(title="", own_title="", language="", page_count=0, word_count=0, keywords=(), preview="")


@dataclass(frozen=True, slots=True)
class Upload:
    """What a blob says of a document: its name, its kind as sniffed with its flags, and what names its bytes."""

    file_name: str
    file_type: str
    file_size: int
    checksum_md5: str
    checksum_sha256: str
    bucket: str = ""
    flags: tuple[str, ...] = ()

    @classmethod
    def of(cls, blob: Blob, document: Document) -> Upload:
        """Return what is known of this blob; a name it does not bear is the record's."""
        name = blob.metadata.get("originalname") or document.file_name or document.document_id
        kind = sniff(blob.data, name, blob.metadata.get("declaredtype", ""))
        hidden = kind.media_type == HTML and bait.addressed_in_markup(blob.data.decode(errors="replace"))
        return cls(
            file_name=name,
            file_type=kind.media_type,
            file_size=len(blob.data),
            checksum_md5=hashlib.md5(blob.data, usedforsecurity=False).hexdigest(),
            checksum_sha256=hashlib.sha256(blob.data).hexdigest(),
            bucket=blob.bucket,
            flags=(*kind.flags, *([bait.FLAG] if hidden or bait.addressed_in_name(name) else [])),
        )

    def check(self, blob: Blob) -> None:
        """Raise `Unreadable` if the sender said another SHA-256 than the bytes have."""
        if blob.metadata.get(DECLARED_SHA256, self.checksum_sha256) != self.checksum_sha256:
            raise other_bytes()


def other_bytes() -> Unreadable:
    """Return what is said of a file whose bytes are not those that were announced."""
    return Unreadable(
        "The file's SHA-256 is not the one that was declared: it was changed or damaged on its way.",
        hint="Upload it again, from its first part.",
    )


def switched(
    document: Document,
    upload: Upload,
    extracted: Extracted,
    about: Description,
    generation: Generation,
    marks: str,
    index_name: str,
) -> Document:
    """Return the document as it is once this generation answers, whose chunks bear these marks."""
    live = Live(generation.id.version, generation.id.recipe, len(generation.chunks), marks)
    return replace(
        _described(_uploaded(document, upload), about),
        status="ready",
        stages=ALL_STAGES,
        live={**document.live, index_name: live},
        coverage=coverage(extracted.pages, _flags(document, upload, extracted)),
        reason=None,
    )


def _flags(document: Document, upload: Upload, extracted: Extracted) -> tuple[str, ...]:
    """What else is to be known of a document, each once: also whether its text or a title of it speaks to a model."""
    titles = (document.given_title, extracted.title)
    speaks = any(map(bait.addressed_in_name, titles)) or bait.addressed(extracted.text)
    return tuple(dict.fromkeys((*upload.flags, *extracted.flags, *([bait.FLAG] if speaks else []))))


def as_before(document: Document, before: Document) -> Document:
    """Return the document as it was found, but for the version: the attempt came to nothing, and to no harm."""
    return replace(document, status=before.status, stages=before.stages, reason=before.reason)


def looked_at_in_vain(document: Document) -> Document:
    """Return the document as it is when its pictures could not be read: its pages of text go on answering."""
    flags = tuple(dict.fromkeys((*document.coverage.flags, "ocr-failed")))
    return replace(advanced(document), coverage=replace(document.coverage, flags=flags))


def advanced(document: Document) -> Document:
    """Return the document as it is when its newest version is what answers already."""
    return replace(document, status="ready", stages=ALL_STAGES, reason=None)


def refused(document: Document, upload: Upload | None, reason: Reason, message: str) -> Document:
    """Return the document as it is when its bytes will never do: nothing of it answers any more."""
    known = _uploaded(document, upload) if upload else document
    ledger = Coverage(flags=upload.flags) if upload else Coverage()
    return replace(_described(failed(known, reason, message), NOTHING), live={}, coverage=ledger)


def failed(document: Document, reason: Reason, message: str) -> Document:
    """Return the document as it is when the attempts at it are used up; what is live goes on answering."""
    stages = replace(reached(reason.stage, Stages()), error_message=message)
    return replace(document, status="error", reason=reason, stages=stages)


def reached(stage: str, before: Stages) -> Stages:
    """Return what is done once an attempt has begun a stage: all that come before it, and what was done `before`."""
    done = STAGES[: STAGES.index(stage)] if stage in STAGES else ()
    return replace(
        before,
        text_extracted=before.text_extracted or "extract" in done,
        chunks_created=before.chunks_created or "chunk" in done,
        vectors_generated=before.vectors_generated or "embed" in done,
    )


def _uploaded(document: Document, upload: Upload) -> Document:
    return replace(
        document,
        file_name=upload.file_name,
        file_type=upload.file_type,
        file_size=upload.file_size,
        checksum_md5=upload.checksum_md5,
        checksum_sha256=upload.checksum_sha256,
        bucket=upload.bucket,
    )


def _described(document: Document, about: Description) -> Document:
    return replace(
        document,
        title=document.given_title or about.title,
        read_title=about.title,
        language=about.language,
        page_count=about.page_count,
        word_count=about.word_count,
        preview=about.preview,
        keywords=about.keywords,
    )
