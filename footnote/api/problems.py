"""Errors as RFC 9457 problem details, with our codes. Of what the asker may not know, nothing is said.

Programs that speak the OpenAI protocol know no problem details: to them the same is said as that protocol does.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from corpus.errors import (
    BadRequest,
    ConfigError,
    Conflict,
    FootnoteError,
    Forbidden,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    Rejected,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedType,
)
from footnote.api import malformed

log = logging.getLogger(__name__)

STATUS: Mapping[type[FootnoteError], HTTPStatus] = {
    BadRequest: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    NotFound: HTTPStatus.NOT_FOUND,
    Forbidden: HTTPStatus.FORBIDDEN,
    QuotaExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Rejected: HTTPStatus.UNPROCESSABLE_ENTITY,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    ConfigError: HTTPStatus.SERVICE_UNAVAILABLE,
    FootnoteError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""By error, the most particular that fits."""


EXPECTED = tuple(map(HTTPStatus, (400, 401, 403, 404, 409, 412, 413, 422, 429, 500, 503)))
"""What the OpenAPI document says may go wrong anywhere."""
UNROUTED: Mapping[HTTPStatus, str] = {
    HTTPStatus.NOT_FOUND: "There is no such route.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This route does not take that method; `Allow` names those it does.",
}
"""What is said where the asked path, or its method, is none of ours."""
OPENAI = frozenset({"/v1/models", "/v1/chat/completions"})
"""Where the OpenAI protocol is spoken."""
_THEIR_TYPES: Mapping[HTTPStatus, str] = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no document 0c9…"])
    code: str = Field(description="Stable; docs/errors.md lists them.", examples=["not_found"])
    hint: str = Field(description="What would help.", examples=["List your documents to see their ids."])


class OpenAIError(BaseModel):
    """What went wrong, as the OpenAI protocol says it; `param` is the field it is about, if it is about one."""

    message: str = Field(examples=["There is no identity provider here whose token this could be."])
    type: str = Field(examples=["authentication_error"])
    code: str = Field(description="Stable; docs/errors.md lists them.", examples=["unauthenticated"])
    param: str | None = Field(default=None, examples=["messages"])


class OpenAIErrorReply(BaseModel):
    """What went wrong, for programs that speak the OpenAI protocol."""

    error: OpenAIError


def problem(
    status: HTTPStatus, code: str, detail: str, hint: str = "", *, path: str = "", param: str = "", **headers: str
) -> JSONResponse:
    """Return a reply that says what is wrong, in the words that whoever asks this path understands."""
    if path in OPENAI:
        message, kind = f"{detail} {hint}".strip(), _THEIR_TYPES.get(status, "invalid_request_error")
        kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else kind
        said = OpenAIErrorReply(error=OpenAIError(message=message, type=kind, code=code, param=param or None))
        return JSONResponse(said.model_dump(), status, headers)
    body = Problem(type="about:blank", title=status.phrase, status=status, detail=detail, code=code, hint=hint)
    return JSONResponse(body.model_dump(), status, headers, media_type="application/problem+json")


def of_error(error: FootnoteError, path: str = "") -> JSONResponse:
    """Return one of our errors as a reply to whoever asked this path."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(math.ceil(error.retry_after or 1))
    if isinstance(error, QuotaExceeded) and error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    return problem(status, error.code, error.message, error.hint, path=path, **headers)


def of_bug(request: Request, error: Exception) -> JSONResponse:
    """Log what is none of our errors, and return a reply that tells nothing of it."""
    request_id = str(getattr(request.state, "request_id", ""))
    log.error("a request failed", exc_info=error, extra={"path": request.url.path, "request_id": request_id})
    detail, path = "Something went wrong; the log says what.", request.url.path
    said = problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail, path=path)
    said.headers["X-Request-Id"] = request_id  # this reply goes out by the outermost door
    return said


def documented(path: str = "") -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of whatever may go wrong where this is asked, with the headers it bears."""
    seconds = {"description": "In how many seconds it may be asked again.", "schema": {"type": "integer"}}
    headers: dict[int, dict[str, Any]] = {
        HTTPStatus.UNAUTHORIZED: {
            "WWW-Authenticate": {"description": "How to sign in: Bearer.", "schema": {"type": "string"}}
        },
        HTTPStatus.TOO_MANY_REQUESTS: {
            "Retry-After": {**seconds, "description": "Where time helps: in how many seconds."}
        },
        HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": seconds},
    }
    problem_details = {"content": {"application/problem+json": {"schema": Problem.model_json_schema()}}}
    body: dict[str, Any] = {"model": OpenAIErrorReply} if path in OPENAI else problem_details
    return {
        status.value: {"description": status.phrase, "headers": headers.get(status, {}), **body} for status in EXPECTED
    }


def handle(app: FastAPI) -> None:
    """Have the application reply with problem details to whatever goes wrong."""

    @app.exception_handler(FootnoteError)
    def ours(request: Request, error: Exception) -> JSONResponse:
        return of_error(error, request.url.path) if isinstance(error, FootnoteError) else of_bug(request, error)

    @app.exception_handler(RequestValidationError)
    def of_another_form(request: Request, error: Exception) -> JSONResponse:
        found = error.errors()[0] if isinstance(error, RequestValidationError) else {}
        detail, hint = malformed.said(found, request.headers.get("content-type", ""))
        status, field = HTTPStatus.UNPROCESSABLE_ENTITY, malformed.about(found)
        return problem(status, BadRequest.code, detail, hint, path=request.url.path, param=field)

    @app.exception_handler(HTTPException)
    def unrouted(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            return of_bug(request, error)
        status = HTTPStatus(error.status_code)
        code = {404: NotFound.code, 405: "method_not_allowed", 413: TooLarge.code}.get(status, BadRequest.code)
        said = status in {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
        detail = error.detail if said else UNROUTED.get(status, f"{status.phrase}.")
        hint = "" if said else "/openapi.json lists the routes."
        return problem(status, code, detail, hint, path=request.url.path, **(error.headers or {}))

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> JSONResponse:
        return of_bug(request, error)
