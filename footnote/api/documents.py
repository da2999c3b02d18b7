"""Reading documents: which there are, what became of each, and what it says."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from corpus.errors import BlobMissing, NotFound
from corpus.records.documents import unknown
from corpus.records.events import Events, event_data
from corpus.records.shares import Shares, shared_data
from footnote.api.asker import Asker, Parts
from footnote.api.document_shapes import DocumentsReply, DocumentWithProgress, EventsReply, PagesReply, PageText
from footnote.api.lists import DocumentsQuery, Page
from footnote.api.replies import UNCHANGED, downloaded, linked, tagged
from footnote.api.trails import accessed
from footnote.render import document_data, document_with_progress, page_data, page_text_data

router = APIRouter(prefix="/v1/documents", tags=["documents"])


@router.get("", response_model=DocumentsReply, responses=UNCHANGED)
def documents(
    request: Request,
    footnote: Parts,
    scope: Asker,
    asked: Annotated[DocumentsQuery, Query()],
) -> Response:
    """List your documents, newest first, or those shared with you, by id.

    A page may be short; without a cursor it was the last.
    """
    page = (asked.wanted(), asked.limit, asked.cursor)
    with accessed(request, footnote, scope, "list"):
        if asked.shared:
            theirs, following = Shares(footnote.table).listed(scope, *page)
            told = [{**document_data(one.document), "shared": shared_data(one)} for one in theirs]
        else:
            mine, following = footnote.documents.listed(scope, *page)
            told = [document_data(one) for one in mine]
    return tagged(request, {"documents": told, "cursor": following})


@router.get("/{document_id}", response_model=DocumentWithProgress, responses=UNCHANGED)
def document(request: Request, footnote: Parts, scope: Asker, document_id: str) -> Response:
    """Return a document's record: its status, how far it is, its page ledger, and why it is in error if it is."""
    with accessed(request, footnote, scope, "read", document_id):
        found = footnote.documents.readable(scope, document_id)
    return tagged(request, document_with_progress(found, footnote.jobs.get(document_id, found.job_id)))


@router.get("/{document_id}/events", response_model=EventsReply, responses=UNCHANGED)
def events(
    request: Request,
    footnote: Parts,
    scope: Asker,
    document_id: str,
    page: Page,
) -> Response:
    """Return what happened in a document's jobs in the last seven days, newest first."""
    with accessed(request, footnote, scope, "read", document_id):
        footnote.documents.readable(scope, document_id)
    found, following = Events(footnote.table).of_document(document_id, page.limit, page.cursor)
    return tagged(request, {"events": [event_data(one) for one in found], "cursor": following})


@router.get(
    "/{document_id}/content",
    response_class=Response,
    responses={
        **UNCHANGED,
        HTTPStatus.TEMPORARY_REDIRECT.value: {"description": "It is in S3, where `Location` says."},
    },
)
def content(request: Request, footnote: Parts, scope: Asker, document_id: str) -> Response:
    """Return the original as it was uploaded last, to be saved rather than shown: it is untrusted."""
    with accessed(request, footnote, scope, "read", document_id):
        found = footnote.documents.readable(scope, document_id)
    if request.app.state.behind_gateway and (moved := linked(footnote, found)):
        return moved
    try:
        blob = footnote.blobs.get(found.key, footnote.settings.limits.bytes)
    except BlobMissing as error:
        raise unknown(document_id) from error
    return downloaded(request, blob, found)


@router.get("/{document_id}/pages/{page_number}", response_model=PageText, responses=UNCHANGED)
def page(request: Request, footnote: Parts, scope: Asker, document_id: str, page_number: int) -> Response:
    """Return the stored text of a page, where citations point: `startPosition` is where it begins in the document."""
    with accessed(request, footnote, scope, "read", document_id):
        found = footnote.documents.readable(scope, document_id)
    text = footnote.text(found)
    pages = [one for one in text.pages if one.number == page_number] if text else []
    if not text or not pages:
        raise NotFound(f"The document has no page {page_number}.", hint="GET its pages to see which there are.")
    return tagged(request, page_text_data(found, pages[0], text.text))


@router.get("/{document_id}/pages", response_model=PagesReply, responses=UNCHANGED)
def pages(request: Request, footnote: Parts, scope: Asker, document_id: str) -> Response:
    """Return the page ledger of the version that answers: how each page was read; no pages while none does."""
    with accessed(request, footnote, scope, "read", document_id):
        text = footnote.text(footnote.documents.readable(scope, document_id))
    return tagged(request, {"pages": [page_data(page) for page in text.pages] if text else []})
