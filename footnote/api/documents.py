"""Documents: which there are, what became of each and what it says; uploading, saying more of them, and removing."""

from __future__ import annotations

import hashlib
import uuid
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, File, Query, Request, UploadFile
from fastapi.responses import Response

from corpus.errors import BlobMissing, NotFound, TooLarge
from corpus.keys import NAMESPACE
from corpus.records.documents import unknown
from corpus.records.events import Events, event_data
from corpus.records.shares import Shares, shared_data
from corpus.scope import Scope
from footnote.api.asker import Asker, Owner, Parts
from footnote.api.document_shapes import (
    Amendment,
    DocumentShape,
    DocumentsReply,
    DocumentWithProgress,
    EventsReply,
    PagesReply,
    PageText,
)
from footnote.api.door import Most
from footnote.api.lists import DocumentsQuery, Page
from footnote.api.malformed import only_a_file
from footnote.api.once import KEY, Made, once
from footnote.api.replies import UNCHANGED, downloaded, expect, linked, sent, tagged
from footnote.api.trails import accessed, audited
from footnote.connect import Footnote
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


@router.post("", status_code=HTTPStatus.ACCEPTED, response_model=DocumentShape, dependencies=[Depends(only_a_file)])
def upload(
    request: Request,
    footnote: Parts,
    scope: Asker,
    file: Annotated[UploadFile, File(description="The document.", examples=["%PDF-1.7 …"])],
) -> Response:
    """Upload a document. It is worked on at once; its `status` says when it can be searched.

    Behind API Gateway it has at most 4 MB; larger ones, and such as may be interrupted, come by `/v1/uploads`.
    """
    data = _read(file, request.app.state.most)
    name, kind, key = file.filename or "document", file.content_type or "", request.headers.get(KEY, "")
    document_id = str(
        uuid.uuid5(NAMESPACE, f"{scope.tenant_id}\n{scope.user_id}\n{KEY}\n{key}") if key else uuid.uuid4()
    )

    def put() -> Made:
        footnote.uploads.put(scope, document_id, name, data, kind)
        return Made(HTTPStatus.ACCEPTED, document_data(footnote.documents.readable(scope, document_id)))

    asked = {"fileName": name, "declaredType": kind, "sha256": hashlib.sha256(data).hexdigest()}
    return once(footnote, scope, request, asked, put)


@router.patch("/{document_id}", response_model=DocumentShape)
def amend(request: Request, footnote: Parts, scope: Owner, document_id: str, said: Amendment) -> Response:
    """Say what a document is called, who may read it, when it is in force. It is shown at once, without a new upload.

    Searches know new readers and tags as soon as its chunks were written again; who lost it never finds it again.
    """
    _expected(request, footnote, scope, document_id)
    if said.access:
        footnote.allowance.allow(scope, "share")
    document = footnote.amend(scope, document_id, said.terms())
    if said.access:
        audited(footnote, scope, "share", document_id, access=document_data(document)["access"])
    return sent(document_data(document))


@router.post("/{document_id}/retry", status_code=HTTPStatus.ACCEPTED, response_model=DocumentShape)
def retry(footnote: Parts, scope: Owner, document_id: str) -> Response:
    """Try again to read a document that is in error, or of which a stored file is damaged; what is kept stays."""
    footnote.documents.readable(scope, document_id)
    return sent(document_data(footnote.retry(scope, document_id)), HTTPStatus.ACCEPTED)


@router.delete("/{document_id}", status_code=HTTPStatus.NO_CONTENT)
def remove(request: Request, footnote: Parts, scope: Owner, document_id: str) -> Response:
    """Remove a document: no search, answer or list knows it from now on."""
    _expected(request, footnote, scope, document_id)
    footnote.uploads.remove(scope, document_id)
    audited(footnote, scope, "remove", document_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _expected(request: Request, footnote: Footnote, scope: Scope, document_id: str) -> None:
    """Raise `NotFound` for a document the asker may not read, `PreconditionFailed` if it is not as they say."""
    found = footnote.documents.readable(scope, document_id)
    expect(request, document_with_progress(found, footnote.jobs.get(document_id, found.job_id)))


def _read(file: UploadFile, most: Most) -> bytes:
    """The bytes of an upload; more than the limit is refused before it is read into memory."""
    if file.size is not None and file.size > most.bytes:
        raise TooLarge(most.refusal)
    return file.file.read(most.bytes + 1)
