"""Errors as RFC 9457 problem details, with our codes. Of what the asker may not know, nothing is said."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from corpus.errors import (
    BadRequest,
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
    FootnoteError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""By error, the most particular that fits."""


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no document 0c9…"])
    code: str = Field(description="Stable; docs/errors.md lists them.", examples=["not_found"])
    hint: str = Field(description="What would help.", examples=["List your documents to see their ids."])


def problem(status: HTTPStatus, code: str, detail: str, hint: str = "", **headers: str) -> JSONResponse:
    """Return a reply that says what is wrong."""
    body = Problem(type="about:blank", title=status.phrase, status=status, detail=detail, code=code, hint=hint)
    return JSONResponse(body.model_dump(), status, headers, media_type="application/problem+json")


def of_error(error: FootnoteError) -> JSONResponse:
    """Return one of our errors as a reply."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(int(error.retry_after or 1))
    if isinstance(error, QuotaExceeded) and error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    return problem(status, error.code, error.message, error.hint, **headers)


def of_bug(request: Request, error: Exception) -> JSONResponse:
    """Log what is none of our errors, and return a reply that tells nothing of it."""
    request_id = str(getattr(request.state, "request_id", ""))
    log.error("a request failed", exc_info=error, extra={"path": request.url.path, "request_id": request_id})
    said = problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Something went wrong; the log says what.")
    said.headers["X-Request-Id"] = request_id  # this reply goes out by the outermost door
    return said


def handle(app: FastAPI) -> None:
    """Have the application reply with problem details to whatever goes wrong."""

    @app.exception_handler(FootnoteError)
    def ours(request: Request, error: Exception) -> JSONResponse:
        return of_error(error) if isinstance(error, FootnoteError) else of_bug(request, error)

    @app.exception_handler(RequestValidationError)
    def malformed(_: Request, error: Exception) -> JSONResponse:
        found = error.errors()[0] if isinstance(error, RequestValidationError) else {}
        where = " › ".join(str(part) for part in found.get("loc", ()))
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, BadRequest.code, f"{where}: {found.get('msg', 'malformed')}")

    @app.exception_handler(HTTPException)
    def unrouted(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            return of_bug(request, error)
        status = HTTPStatus(error.status_code)
        code = {404: NotFound.code, 405: "method_not_allowed", 413: TooLarge.code}.get(status, BadRequest.code)
        detail = error.detail if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else f"{status.phrase}."
        return problem(status, code, detail)

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> JSONResponse:
        return of_bug(request, error)
