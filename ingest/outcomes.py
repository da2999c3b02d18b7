"""What a document's record says once an attempt at it has ended."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from corpus.model import Blob, Coverage, Document, Extracted, Generation, Live, Reason, Stages
from ingest.extract import sniff
from ingest.ledger import coverage

ALL_STAGES = Stages(text_extracted=True, chunks_created=True, vectors_generated=True, indexed=True)


@dataclass(frozen=True, slots=True)
class Upload:
    """What a blob says of a document: its name, its kind as sniffed, and what names its bytes."""

    file_name: str
    file_type: str
    file_size: int
    checksum_md5: str
    checksum_sha256: str

    @classmethod
    def of(cls, blob: Blob, document: Document) -> Upload:
        """Return what is known of this blob; a name it does not bear is the record's."""
        name = blob.metadata.get("originalname") or document.file_name or document.document_id
        return cls(
            file_name=name,
            file_type=sniff(blob.data, name),
            file_size=len(blob.data),
            checksum_md5=hashlib.md5(blob.data, usedforsecurity=False).hexdigest(),
            checksum_sha256=hashlib.sha256(blob.data).hexdigest(),
        )


def switched(
    document: Document, upload: Upload, extracted: Extracted, generation: Generation, index_name: str
) -> Document:
    """Return the document as it is once this generation answers."""
    live = Live(generation.id.version, generation.id.recipe, len(generation.chunks))
    return replace(
        _uploaded(document, upload),
        status="ready",
        stages=ALL_STAGES,
        title=extracted.title,
        page_count=len(extracted.pages),
        word_count=len(extracted.text.split()),
        live={**document.live, index_name: live},
        coverage=coverage(extracted.pages, extracted.flags),
        reason=None,
    )


def advanced(document: Document) -> Document:
    """Return the document as it is when its newest version is what answers already."""
    return replace(document, status="ready", stages=ALL_STAGES, reason=None)


def refused(document: Document, upload: Upload | None, reason: Reason, message: str) -> Document:
    """Return the document as it is when its bytes will never do: nothing of it answers any more."""
    known = _uploaded(document, upload) if upload else document
    return replace(failed(known, reason, message), live={}, coverage=Coverage(), page_count=0, word_count=0)


def failed(document: Document, reason: Reason, message: str) -> Document:
    """Return the document as it is when the attempts at it are used up; what is live goes on answering."""
    stages = ("extract", "chunk", "embed", "index")
    reached = stages.index(reason.stage) if reason.stage in stages else 0
    done = Stages(reached > 0, reached > 1, reached > 2, indexed=False, error_message=message)  # noqa: PLR2004
    return replace(document, status="error", reason=reason, stages=done)


def _uploaded(document: Document, upload: Upload) -> Document:
    return replace(
        document,
        file_name=upload.file_name,
        file_type=upload.file_type,
        file_size=upload.file_size,
        checksum_md5=upload.checksum_md5,
        checksum_sha256=upload.checksum_sha256,
    )
