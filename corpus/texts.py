"""Extracted texts as they are sent and kept: one form for the pipe of the child process and for the blobs.

The text goes as bytes, so that it can be read by anything; its pages and sections go as JSON beside it. Whoever wrote
it, what is read back is checked: offsets that do not fit the text are refused.
"""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any

from corpus.errors import BlobMissing, Unavailable
from corpus.keys import processed_prefix
from corpus.model import Extracted, GenerationId, Grid, Page, Section
from corpus.ports import BlobStore

log = logging.getLogger(__name__)

NAMES = TEXT, METADATA = "extracted-text.txt", "metadata.json"
ANY_SIZE = 2**40
Structure = dict[str, Any]
"""JSON with `pages`, `sections`, `grids`, `title` and `flags`; only this file looks into it."""
MENDED_SECONDS = 60
"""When to ask again for a text that is being made anew: most are there within seconds."""


class TextLost(Unavailable):
    """The stored text of what answers is gone or damaged, until it is made anew."""


def dump_text(extracted: Extracted) -> tuple[Structure, bytes]:
    """Return a text as its structure and its bytes; `load_text` undoes it."""
    structure = {
        "pages": [
            [page.number, page.label, page.start, page.end, page.problem, page.method, page.confidence]
            for page in extracted.pages
        ],
        "sections": [[section.start, list(section.headings)] for section in extracted.sections],
        "grids": [[grid.start, grid.header_end, grid.end] for grid in extracted.grids],
        "title": extracted.title,
        "flags": list(extracted.flags),
    }
    return structure, extracted.text.encode()


def load_text(structure: Structure, body: bytes) -> Extracted:
    """Return the text of a structure and bytes; raises `ValueError` if they cannot be one."""
    text = body.decode()
    try:
        pages = tuple(Page(*page) for page in structure["pages"])
        sections = tuple(Section(start, tuple(path)) for start, path in structure["sections"])
        grids = tuple(Grid(*grid) for grid in structure.get("grids", ()))  # kept texts may be older than grids
        extracted = Extracted(text, pages, sections, structure["title"], tuple(structure["flags"]), grids)
        words = [extracted.title, *extracted.flags, *(word for page in pages for word in (page.label, page.problem))]
        words += [word for section in sections for word in section.headings]
        numbers = [number for page in pages for number in (page.number, page.start, page.end, page.confidence)]
        numbers += [section.start for section in sections]
        numbers += [at for grid in grids for at in (grid.start, grid.header_end, grid.end)]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("The structure lacks a part.") from error
    if not all(isinstance(word, str) for word in words) or not all(type(number) is int for number in numbers):
        raise ValueError("A part of the structure is of another kind.")
    _check_order("page", [(page.start, page.end) for page in pages], len(text))
    rows = [span for grid in grids for span in ((grid.start, grid.header_end), (grid.header_end, grid.end))]
    _check_order("table", rows, len(text))
    if any(not 0 <= section.start < len(text) for section in sections):
        raise ValueError("A section lies outside the text.")
    return extracted


def _check_order(what: str, spans: list[tuple[int, int]], length: int) -> None:
    at = 0
    for start, end in spans:
        if not at <= start <= end <= length:
            raise ValueError(f"A {what} lies outside the text.")
        at = end


def kept(extracted: Extracted) -> dict[str, bytes]:
    """Return the blobs of a text by name, in the order in which they are to be put."""
    structure, text = dump_text(extracted)
    structure["textSHA256"] = hashlib.sha256(text).hexdigest()
    return {TEXT: text, METADATA: json.dumps(structure, ensure_ascii=False).encode()}


def stored(blobs: BlobStore, user_id: str, generation: GenerationId) -> Extracted | None:
    """Return the text a generation was made of, or None if it is not kept.

    Raises `ValueError` if what is kept is damaged.
    """
    prefix = processed_prefix(user_id, *generation)
    try:
        text, metadata = (blobs.get(prefix + name, ANY_SIZE).data for name in (TEXT, METADATA))
    except BlobMissing:
        return None
    try:
        structure = json.loads(metadata)
    except RecursionError as error:
        raise ValueError("The structure is none of ours.") from error
    if not isinstance(structure, dict) or structure.get("textSHA256") != hashlib.sha256(text).hexdigest():
        raise ValueError("The text is not the one its structure was made of.")
    return load_text(structure, text)


def answering(blobs: BlobStore, user_id: str, generation: GenerationId) -> Extracted:
    """Return the text of a generation that answers; raises `TextLost`, which is logged, if it is gone or damaged."""
    try:
        found = stored(blobs, user_id, generation)
    except ValueError:
        found = None
    if found is None:
        log.error("a stored text is lost or damaged", extra={"document_id": generation.document_id})
        raise TextLost(
            f"The stored text of the document {generation.document_id} is lost or damaged.",
            hint="Its owner can have it made anew by POST /v1/documents/{document_id}/retry, and whoever runs the "
            "service by `footnote reindex`.",
            retry_after=MENDED_SECONDS,
        )
    return found
