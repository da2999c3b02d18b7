"""Changing documents: uploading, saying more of them, and removing them."""

from __future__ import annotations

import hashlib
import uuid
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import Response

from corpus.errors import TooLarge
from corpus.keys import NAMESPACE
from corpus.scope import Scope
from footnote.api.asker import Asker, Owner, Parts
from footnote.api.document_shapes import Amendment, DocumentShape
from footnote.api.door import Most
from footnote.api.once import KEY, Made, once
from footnote.api.replies import expect, sent
from footnote.api.trails import audited
from footnote.connect import Footnote
from footnote.render import document_data, document_with_progress

router = APIRouter(prefix="/v1/documents", tags=["documents"])


@router.post("", status_code=HTTPStatus.ACCEPTED, response_model=DocumentShape)
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
    """Try again to read a document that is in error. What was done before is not done again."""
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
