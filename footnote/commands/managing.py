"""`list`, `show`, `amend` and `remove`: the documents of a person."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from corpus.errors import NotFound
from corpus.model import Document
from corpus.prices import A_MILLION
from corpus.records.documents import Listing, unknown
from corpus.records.jobs import Job
from corpus.records.shares import Shares
from corpus.scope import Scope
from footnote.commands.asking import empty
from footnote.commands.files import document_id
from footnote.commands.output import print_json
from footnote.commands.progress import STAGES
from footnote.connect import Footnote
from footnote.render import chunk_count, counted, document_data, document_with_progress, far, in_force, page_data
from ingest.terms import Terms

_T = TypeVar("_T")
NONE = "none"
PAGE, FEW = 100, 3
WIDE = 1000
"""Columns of a list that goes to a file or a program: its lines are not broken."""
SHORT = 8
"""Characters of an id that are shown, and enough to name a document by."""
METHODS = {"": "", "text": "text", "ocr": "picture, recognised"}
PROBLEMS = {"empty": "blank", "image": "picture, not read", "garbage": "not readable", "failed": "damaged"}


def documents_of(footnote: Footnote, scope: Scope) -> Iterator[Document]:
    """Yield all of a person's documents in this building, newest first."""
    return _all(lambda cursor: footnote.documents.listed(scope, Listing(), PAGE, cursor))


def shared_with(footnote: Footnote, scope: Scope) -> Iterator[Document]:
    """Yield all documents that are shared with a person by name, by id."""
    shares = Shares(footnote.table)
    return (one.document for one in _all(lambda cursor: shares.listed(scope, Listing(), PAGE, cursor)))


def _all(page: Callable[[str | None], tuple[list[_T], str | None]]) -> Iterator[_T]:
    """Yield what stands on all pages of a list; `page` returns one, and the cursor of the next."""
    cursor: str | None = None
    while True:
        found, cursor = page(cursor)
        yield from found
        if cursor is None:
            return


def list_documents(footnote: Footnote, scope: Scope, *, shared: bool, as_json: bool) -> None:
    """Print a person's documents, newest first, or those that are shared with them."""
    found = list(shared_with(footnote, scope) if shared else documents_of(footnote, scope))
    if as_json:
        for document in found:
            print_json(document_data(document))
        return
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
    if not found:
        console.print("Nothing is shared with you by name." if shared else empty(footnote))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("document", overflow="fold")
    table.add_column("status")
    table.add_column("pages", justify="right")
    table.add_column("chunks", justify="right")
    table.add_column("uploaded", no_wrap=True)
    table.add_column("id", no_wrap=True)
    for document in found:
        status = f"{document.status}: {document.reason.code}" if document.reason else document.status
        counts = (str(document.page_count or ""), str(chunk_count(document) or ""))
        table.add_row(
            escape(document.file_name), status, *counts, document.upload_date[:10], document.document_id[:SHORT]
        )
    console.print(table, soft_wrap=False)


def show(footnote: Footnote, scope: Scope, name: str, *, as_json: bool) -> None:
    """Print what is known of a document: as JSON all of its record, else what a person asks."""
    document = named(footnote, scope, name)
    job = footnote.jobs.get(document.document_id, document.job_id)
    if as_json:
        print_json(document_with_progress(document, job))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in _facts(document, job):
        table.add_row(label, escape(value))
    for label, value in _editions(footnote, document):
        table.add_row(label, escape(value))
    Console(highlight=False).print(table)


def _editions(footnote: Footnote, document: Document) -> Iterator[tuple[str, str]]:
    """When a document is in force, and the names of the editions beside it; nothing if nothing was said of it."""
    force = document.force
    if force.start or force.until:
        yield "in force", in_force(force.start, force.until)
    older = footnote.documents.get(force.supersedes) if force.supersedes else None
    if older and not older.deleted_at:
        yield "supersedes", f"{older.file_name} ({older.document_id[:SHORT]})"
    for newer in footnote.documents.get_many(force.superseded_by).values():
        if newer.is_replacing(document):
            yield "superseded by", f"{newer.file_name} ({newer.document_id[:SHORT]}), {in_force(newer.force.start, '')}"


def show_pages(footnote: Footnote, scope: Scope, name: str, *, as_json: bool) -> None:
    """Print the page ledger of what answers of a document: how each page was read, how much, and how surely."""
    text = footnote.text(named(footnote, scope, name))
    lines = [page_data(page) for page in text.pages] if text else []
    if as_json:
        for line in lines:
            print_json(line)
        return
    console = Console(highlight=False)
    if not lines:
        console.print("Nothing of it answers; `footnote show` says why.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("page", "printed", "characters", "read as", "sure"):
        table.add_column(column, justify="left" if column == "read as" else "right", no_wrap=True)
    for line in lines:
        read = PROBLEMS.get(line["problem"], "") or METHODS[line["method"]]
        sure = "" if line["problem"] else f"{line['confidence']} %"
        label = "" if line["pageLabel"] == str(line["pageNumber"]) else line["pageLabel"]
        table.add_row(str(line["pageNumber"]), escape(label), f"{line['characters']:,}", read, sure)
    console.print(table)


def _facts(document: Document, job: Job | None) -> Iterator[tuple[str, str]]:
    yield "document", document.file_name
    yield "id", document.document_id
    yield "status", document.status
    if job and job.unfinished:
        at = [STAGES[job.progress.stage], f"{job.progress.percent} %", far(job.progress), f"attempt {job.attempt}"]
        yield "working on", ", ".join(part for part in at if part)
        if job.error:
            yield "last attempt", f"{job.error.code} ({job.error.stage}): {document.stages.error_message}"
    if document.reason:
        yield "reason", f"{document.reason.code} ({document.reason.stage}): {document.stages.error_message}"
        yield "what helps", document.reason.hint
    if document.title:
        yield "title", document.title
    yield "kind", f"{document.file_type or 'not known yet'}, {document.file_size:,} bytes"
    if document.language:
        yield "language", document.language
    yield "holds", f"{counted(document.page_count, 'page')}, {counted(document.word_count, 'word')}"
    coverage = document.coverage
    gaps = (
        ("recognised", coverage.recognised),
        ("blank", coverage.empty),
        ("pictures", coverage.images),
        ("unreadable", coverage.garbage),
    )
    yield from ((what, f"page {', '.join(ranges)}") for what, ranges in gaps if ranges)
    if coverage.flags:
        yield "noted", ", ".join(coverage.flags)
    if document.keywords:
        yield "keywords", ", ".join(document.keywords)
    if document.preview:
        yield "begins", " ".join(document.preview.split())
    yield "answers with", counted(chunk_count(document), "chunk")
    if document.cost_micros:
        yield "cost", f"{document.cost_micros / A_MILLION:.6f} dollars for its embeddings"
    yield "uploaded", document.upload_date
    yield "version", document.version or "not uploaded yet"
    yield "SHA-256", document.checksum_sha256


def terms(footnote: Footnote, scope: Scope, start: str | None, until: str | None, supersedes: str | None) -> Terms:
    """Return what the command line says of when a document is in force; the word `none` takes back what was said."""
    start, until = ("" if day == NONE else day for day in (start, until))
    if supersedes and supersedes != NONE:
        return Terms(start, until, named(footnote, scope, supersedes).document_id)
    return Terms(start, until, "" if supersedes == NONE else supersedes)


def amend(footnote: Footnote, scope: Scope, name: str, terms: Terms, *, as_json: bool) -> None:
    """Say when a document is in force and what it supersedes; nothing of it is read or embedded again."""
    document = footnote.amend(scope, named(footnote, scope, name).document_id, terms)
    if as_json:
        print_json(document_data(document))
        return
    print(f"{document.file_name}: {in_force(document.force.start, document.force.until)}")  # noqa: T201


def remove(footnote: Footnote, scope: Scope, names: Sequence[str], *, as_json: bool) -> None:
    """Remove documents: they are gone at once, and their chunks and files as soon as their changes are worked on."""
    documents = [named(footnote, scope, name) for name in names]
    for document in documents:
        footnote.uploads.remove(scope, document.document_id)
        line = {"fileName": document.file_name, "documentId": document.document_id, "status": "removed"}
        if as_json:
            print_json(line)
        else:
            print(f"removed {document.file_name}")  # noqa: T201
    for _ in documents:
        footnote.ingestor.drain(footnote.queue)


def named(footnote: Footnote, scope: Scope, name: str) -> Document:
    """Return a person's document by id, the beginning of one, path or file name; raises `NotFound` unless it is one."""
    for one in (name, document_id(scope, Path(name))):
        with suppress(NotFound):
            return footnote.documents.readable(scope, one)
    every = list(documents_of(footnote, scope))
    matching = [
        document
        for document in every
        if document.file_name == name or (len(name) >= SHORT and document.document_id.startswith(name))
    ]
    if len(matching) > 1:
        ids = ", ".join(one.document_id[:SHORT] for one in matching[:FEW])
        raise NotFound(
            f"{len(matching)} documents are called {name}.",
            hint=f"Name one by its id, the newest first: {ids}{', …' if len(matching) > FEW else ''}.",
        )
    if matching:
        return matching[0]
    if like := _like(name, {one.file_name for one in every}):
        raise NotFound(f"There is no document {name}.", hint=f"Is it {' or '.join(like)}?")
    raise unknown(name)


def _like(name: str, known: Collection[str]) -> list[str]:
    """The few file names that hold this one, or are nearly the same."""
    holding = sorted(one for one in known if name.casefold() in one.casefold())
    return (holding or difflib.get_close_matches(name, sorted(known), FEW))[:FEW]
