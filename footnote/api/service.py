"""Whether the service is there, can be used, and how it does."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from corpus.errors import FootnoteError, Unavailable
from corpus.ports import BlobStore, Queue, Table, VectorIndex
from footnote.api.asker import Operator, Parts
from footnote.api.meter import RequestMeter
from footnote.connect import Footnote
from footnote.render import exposition

log = logging.getLogger(__name__)

router = APIRouter(tags=["service"])
machine_router = APIRouter(tags=["service"])
"""What is of use to who runs the process itself; behind a gateway nobody does."""
MEASURED: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK.value: {"content": {"text/plain": {"example": 'footnote_recall_at_10{visible="10000"} 0.99\n'}}}
}


class Health(BaseModel):
    """Whether the service can answer."""

    status: str = Field(examples=["ok"])
    version: str = Field(examples=["0.1.0"])


@router.get("/health")
def health(request: Request) -> Health:
    """Say that the process answers. It asks no other part: whoever restarts what is not healthy goes by this."""
    return Health(status="ok", version=request.app.version)


@machine_router.get("/ready")
def ready(request: Request, footnote: Parts) -> Health:
    """Say whether records, queue, blobs and index can be used; those that cannot are a problem of status 503.

    Whoever asks is nobody known, so only the names of those are told, and why stands in the log.
    """
    failing = [name for name in ("table", "queue", "blobs", "index") if not _usable(footnote, name)]
    if failing:
        raise Unavailable(f"Cannot be used: {', '.join(failing)}.", hint="`footnote doctor` and the log say why.")
    return Health(status="ready", version=request.app.version)


def _usable(footnote: Footnote, name: str) -> bool:
    """Whether a part can be opened and answers; if not, the log says why."""
    try:
        part: Table | Queue | BlobStore | VectorIndex = getattr(footnote, name)
        part.ping()
    except FootnoteError as error:
        extra = {"part": name, "error": error.code, "reason": error.message}
        log.error("a part cannot be used", extra=extra)  # noqa: TRY400 -- no bug
        return False
    return True


@machine_router.get("/metrics", response_class=PlainTextResponse, responses=MEASURED)
def metrics(request: Request, footnote: Parts, _: Operator) -> str:
    """Return what is measured, as Prometheus reads it: the requests of this process, and recall by what askers see."""
    meter: RequestMeter = request.app.state.request_meter
    return meter.exposition() + exposition(footnote.recalls.lately(footnote.clock()))
