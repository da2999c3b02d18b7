"""Formats that can be read: one file each, and one line here."""

from __future__ import annotations

from corpus.ports import Extractor
from ingest.extractors import docx, markdown, pdf, text

EXTRACTORS: tuple[Extractor, ...] = (pdf, docx, markdown, text)


def extractor_of(media_type: str) -> Extractor | None:
    """Return what reads this media type; None if nothing does."""
    return next((one for one in EXTRACTORS if media_type in one.MEDIA_TYPES), None)
