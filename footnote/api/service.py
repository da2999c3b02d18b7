"""Whether the service is there, can be used, and how it does."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from corpus.errors import ConfigError, Unavailable
from footnote.api.asker import Admin, Parts
from footnote.api.meter import RequestMeter
from footnote.api.shapes import Health
from footnote.render import exposition

router = APIRouter(tags=["service"])
metrics_router = APIRouter(tags=["service"])


@router.get("/health")
def health(request: Request) -> Health:
    """Say that the process answers. It asks no other part: whoever restarts what is not healthy goes by this."""
    return Health(status="ok", version=request.app.version)


@router.get("/ready")
def ready(request: Request, footnote: Parts) -> Health:
    """Say whether records, queue, blobs and index can be used; one that cannot is a problem of status 503."""
    try:
        for part in (footnote.table, footnote.queue, footnote.blobs, footnote.index):
            part.ping()
    except ConfigError as error:
        raise Unavailable(error.message, hint=error.hint) from error
    return Health(status="ready", version=request.app.version)


@metrics_router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, footnote: Parts, _: Admin) -> str:
    """Return what is measured, as Prometheus reads it: the requests of this process, and recall by what askers see."""
    meter: RequestMeter = request.app.state.meter
    return meter.exposition() + exposition(footnote.recalls.lately(footnote.clock()))
