"""The application: documents, search and answers over HTTP, for the local user on loopback."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import FastAPI, File, Query, Request, UploadFile
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.middleware.base import BaseHTTPMiddleware, DispatchFunction, RequestResponseEndpoint

from corpus.errors import TooLarge
from corpus.keys import ID
from corpus.model import Document
from corpus.records.documents import unknown
from footnote.api.problems import Problem, handle, of_error, problem
from footnote.api.shapes import (
    Amendment,
    AnswerReply,
    DocumentShape,
    DocumentsReply,
    DocumentWithProgress,
    Health,
    PagesReply,
    Question,
    SearchReply,
    SearchRequest,
)
from footnote.connect import Footnote
from footnote.render import answer_data, document_data, document_with_progress, exposition, hit_data, page_data
from ingest import editions
from ingest.editions import Terms

TERMS = ("inForceFrom", "inForceUntil", "supersedes")
HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
ENVELOPE = 64 * 1024
"""What a form may take beyond the file in it."""
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status.value: {
        "description": status.phrase,
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
    for status in (HTTPStatus(code) for code in (400, 403, 404, 413, 422, 503))
}


def create_app(footnote: Footnote, *, behind_gateway: bool = False) -> FastAPI:
    """Return the application over these parts.

    `behind_gateway`, something in front knows who may ask; else only programs and pages of this machine may.
    """
    app = FastAPI(
        title="Footnote",
        version=version("footnote"),
        summary="Ask your documents, and open every footnote.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        responses=PROBLEMS,
        docs_url=None,  # those pages would load scripts from elsewhere; /openapi.json is there
        redoc_url=None,
    )
    app.add_middleware(BaseHTTPMiddleware, dispatch=_guard(footnote.settings.limits.bytes, open_to_all=behind_gateway))
    handle(app)
    _add_documents(app, footnote)
    _add_changes(app, footnote)
    _add_questions(app, footnote)
    if not behind_gateway:
        _add_metrics(app, footnote)

    @app.get("/health", tags=["service"])
    def health() -> Health:
        """Say whether the parts can be used; a part that cannot is a problem of status 503."""
        footnote.table.ping()
        footnote.queue.ping()
        return Health(status="ok", version=app.version)

    return app


def _add_documents(app: FastAPI, footnote: Footnote) -> None:
    @app.get("/v1/documents", tags=["documents"], response_model=DocumentsReply)
    def documents(
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
        cursor: Annotated[str | None, Query(description="The cursor of the page before.")] = None,
    ) -> dict[str, Any]:
        """List the documents, newest first."""
        found, following = footnote.documents.of_user(footnote.local_scope().user_id, limit, cursor)
        return {"documents": [document_data(one) for one in found], "cursor": following}

    @app.get("/v1/documents/{document_id}", tags=["documents"], response_model=DocumentWithProgress)
    def document(document_id: str) -> dict[str, Any]:
        """Return a document's record: its status, how far it is, its page ledger, and why it is in error if it is."""
        found = _mine(footnote, document_id)
        return document_with_progress(found, footnote.jobs.get(document_id, found.job_id))

    @app.get("/v1/documents/{document_id}/pages", tags=["documents"])
    def pages(document_id: str) -> PagesReply:
        """Return the page ledger of the version that answers: how each page was read; no pages while none does."""
        text = footnote.text(_mine(footnote, document_id))
        return PagesReply.model_validate({"pages": [page_data(page) for page in text.pages] if text else []})


def _add_changes(app: FastAPI, footnote: Footnote) -> None:
    @app.post("/v1/documents", status_code=HTTPStatus.ACCEPTED, tags=["documents"], response_model=DocumentShape)
    def upload(file: Annotated[UploadFile, File(description="The document.")]) -> JSONResponse:
        """Upload a document. It is worked on at once; its `status` says when it can be searched."""
        data = _read(file, footnote.settings.limits.bytes)
        document_id = str(uuid.uuid4())
        footnote.uploads.put(
            footnote.local_scope(), document_id, file.filename or "document", data, file.content_type or ""
        )
        return JSONResponse(document_data(_mine(footnote, document_id)), HTTPStatus.ACCEPTED)

    @app.patch("/v1/documents/{document_id}", tags=["documents"], response_model=DocumentShape)
    def amend(document_id: str, said: Amendment) -> dict[str, Any]:
        """Say when a document is in force, and which one it takes the place of. Nothing is read or embedded again."""
        values = {name: str(getattr(said, name) or "") if name in said.model_fields_set else None for name in TERMS}
        if values["supersedes"] and not ID.fullmatch(values["supersedes"]):
            raise unknown(values["supersedes"])
        return document_data(
            editions.amend(
                footnote.table,
                footnote.local_scope(),
                _mine(footnote, document_id).document_id,
                Terms(*values.values()),
            )
        )

    @app.delete("/v1/documents/{document_id}", status_code=HTTPStatus.NO_CONTENT, tags=["documents"])
    def remove(document_id: str) -> Response:
        """Remove a document: no search, answer or list knows it from now on."""
        footnote.uploads.remove(footnote.local_scope(), _mine(footnote, document_id).document_id)
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _mine(footnote: Footnote, document_id: str) -> Document:
    """The local user's document; one that is not theirs answers as one that is not there."""
    found = footnote.documents.get(document_id) if ID.fullmatch(document_id) else None
    if found is None or not found.admits(footnote.local_scope()):
        raise unknown(document_id)
    return found


def _add_questions(app: FastAPI, footnote: Footnote) -> None:
    @app.post("/v1/search", tags=["questions"])
    def search(asked: SearchRequest) -> SearchReply:
        """Return the chunks that fit a question best."""
        found = footnote.search(footnote.local_scope(), asked.question, asked.k, as_of=_day(asked))
        return SearchReply.model_validate({"hits": [hit_data(hit) for hit in found.hits]})

    @app.post("/v1/ask", tags=["questions"])
    def ask(asked: Question) -> AnswerReply:
        """Answer a question from the documents, with a citation for every sentence, or say that they do not."""
        answer = footnote.ask(footnote.local_scope(), asked.question, _day(asked))
        return AnswerReply.model_validate(answer_data(answer))


def _day(asked: Question) -> str:
    return asked.asOf.isoformat() if asked.asOf else ""


def _add_metrics(app: FastAPI, footnote: Footnote) -> None:
    @app.get("/metrics", tags=["service"], response_class=PlainTextResponse)
    def metrics() -> str:
        """Return what is measured, as Prometheus reads it: the recall of the last seven days, by what askers see."""
        return exposition(footnote.recalls.lately(footnote.clock()))


def _read(file: UploadFile, limit: int) -> bytes:
    """The bytes of an upload; more than the limit is refused before it is read into memory."""
    if file.size is not None and file.size > limit:
        raise TooLarge(f"The file has {file.size:,} bytes, more than FOOTNOTE_MAX_BYTES={limit:,}.")
    return file.file.read(limit + 1)


def _guard(limit: int, *, open_to_all: bool) -> DispatchFunction:
    """Refuse what a page in the local user's browser could send for somebody else, and bodies beyond the limit.

    A host that is not this machine means that a page's own name was pointed here; a foreign origin means that a page
    elsewhere posts a form. A body that says how large it is is refused before it is read.
    """

    async def dispatch(request: Request, call_next: RequestResponseEndpoint) -> Response:
        if not (open_to_all or _from_here(request)):
            return problem(HTTPStatus.FORBIDDEN, "forbidden", "Only this machine's own programs and pages may ask.")
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit + ENVELOPE:
            return of_error(TooLarge(f"The request has {int(length):,} bytes, more than FOOTNOTE_MAX_BYTES={limit:,}."))
        return await call_next(request)

    return dispatch


def _from_here(request: Request) -> bool:
    origin = request.headers.get("origin")
    return _is_local(request.headers.get("host", "")) and not (origin and not _is_local(origin.partition("//")[2]))


def _is_local(host: str) -> bool:
    """Whether a host, with or without a port, is this machine by one of its own names."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host) in HOSTS
