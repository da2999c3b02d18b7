"""Formats that can be read: one file each, and one line here."""

from __future__ import annotations

from corpus.ports import Extractor, PagedExtractor
from ingest.extractors import csv, docx, eml, html, jsonl, markdown, pdf, pptx, text, xlsx

PAGED: tuple[PagedExtractor, ...] = (pdf,)
EXTRACTORS: tuple[Extractor, ...] = (pdf, docx, xlsx, pptx, html, eml, csv, jsonl, markdown, text)


def extractor_of(media_type: str) -> Extractor | None:
    """Return what reads this media type; None if nothing does."""
    return next((one for one in EXTRACTORS if media_type in one.MEDIA_TYPES), None)


def paged_of(media_type: str) -> PagedExtractor | None:
    """Return what reads this media type from any page on; None if nothing does."""
    return next((one for one in PAGED if media_type in one.MEDIA_TYPES), None)
