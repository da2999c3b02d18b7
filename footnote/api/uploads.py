"""Large uploads: announced, sent in parts wherever a part's address says, and completed; an interrupted one goes on."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from corpus.keys import iso_time, ulid
from corpus.records.uploads import PartedUpload
from corpus.uploads import UploadPart
from footnote.api.asker import Owner, Parts
from footnote.api.document_shapes import DocumentShape
from footnote.api.once import Made, once
from footnote.api.replies import sent
from footnote.api.upload_shapes import PartReply, PartRequest, UploadReply, UploadRequest
from footnote.render import document_data
from ingest.upload_parts import LINK_SECONDS, Announced

BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7 …"}}
router = APIRouter(prefix="/v1/uploads", tags=["uploads"])


async def body(request: Request) -> bytes:
    """Return the bytes of a request, of whatever type it says they are."""
    return await request.body()


@router.post("", status_code=HTTPStatus.CREATED, response_model=UploadReply)
def begin(request: Request, footnote: Parts, scope: Owner, file: UploadRequest) -> Response:
    """Announce a file. Cut it into parts of `partSize` bytes, send them in any order, and complete the upload."""
    announced = Announced(file.fileName, file.fileSize, file.checksumSHA256.lower(), file.fileType)

    def make() -> Made:
        upload_id, document_id = ulid(footnote.clock()), str(uuid.uuid4())
        begun = footnote.uploads_in_parts.begin(scope, upload_id, document_id, announced)
        return Made(HTTPStatus.CREATED, _upload_data(begun, []))

    return once(footnote, scope, request, file.model_dump(mode="json"), make)


@router.get("/{upload_id}", response_model=UploadReply)
def upload(footnote: Parts, scope: Owner, upload_id: str) -> Response:
    """Return how far an upload is: whoever was interrupted sends what is not among its `doneParts`."""
    return sent(_upload_data(*footnote.uploads_in_parts.look(scope, upload_id)))


@router.post("/{upload_id}/parts", response_model=PartReply)
def part(request: Request, footnote: Parts, scope: Owner, upload_id: str, told: PartRequest) -> Response:
    """Say what a part will be, and be told where to put it. It may be asked for again, and put again."""
    one = UploadPart(told.number, told.size, told.checksumSHA256.lower())
    known, link = footnote.uploads_in_parts.tell(scope, upload_id, one)
    until = min(known.expires, footnote.clock() + LINK_SECONDS) if link else known.expires
    reply = PartReply(
        uploadUrl=link.url if link else str(request.url.replace(path=f"{request.url.path}/{told.number}", query="")),
        method="PUT",
        headers=dict(link.headers) if link else {},
        expiresAt=iso_time(until),
    )
    return sent(reply.model_dump())


@router.put(
    "/{upload_id}/parts/{number}",
    status_code=HTTPStatus.NO_CONTENT,
    openapi_extra={"requestBody": {"required": True, "content": BYTES}},
)
def take_part(
    footnote: Parts,
    scope: Owner,
    upload_id: str,
    number: Annotated[int, Path(ge=1)],
    data: Annotated[bytes, Depends(body)],
) -> Response:
    """Take the bytes of a part, if they are those that were told of. Only where no other address is given for them."""
    footnote.uploads_in_parts.take(scope, upload_id, number, data)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/{upload_id}/complete", status_code=HTTPStatus.ACCEPTED, response_model=DocumentShape)
def complete(request: Request, footnote: Parts, scope: Owner, upload_id: str) -> Response:
    """Make the parts a document, which is worked on at once. Completing it again does no harm."""

    def make() -> Made:
        document_id = footnote.uploads_in_parts.complete(scope, upload_id)
        return Made(HTTPStatus.ACCEPTED, document_data(footnote.documents.readable(scope, document_id)))

    return once(footnote, scope, request, {}, make)


@router.delete("/{upload_id}", status_code=HTTPStatus.NO_CONTENT)
def abort(footnote: Parts, scope: Owner, upload_id: str) -> Response:
    """Forget an upload that is not completed, and its parts."""
    footnote.uploads_in_parts.abort(scope, upload_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _upload_data(upload: PartedUpload, done: list[int]) -> dict[str, Any]:
    reply = UploadReply(
        uploadId=upload.upload_id,
        documentId=upload.document_id,
        state=upload.state,
        fileName=upload.file_name,
        fileSize=upload.file_size,
        partSize=upload.part_size,
        parts=upload.count,
        doneParts=done,
        expiresAt=iso_time(upload.expires),
    )
    return reply.model_dump()
