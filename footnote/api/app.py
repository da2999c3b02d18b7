"""The application: documents, questions, conversations and people over HTTP."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import Depends, FastAPI

from corpus.errors import ConfigError
from footnote.api import (
    buildings,
    chat,
    conversations,
    documents,
    levels,
    mcp,
    people,
    personas,
    questions,
    service,
    trails,
    uploads,
)
from footnote.api.door import Door, most_at_once
from footnote.api.malformed import only_known
from footnote.api.meter import RequestMeter
from footnote.api.problems import documented, handle
from footnote.connect import Footnote


def create_app(footnote: Footnote, *, behind_gateway: bool = False) -> FastAPI:
    """Return the application over these parts.

    With an identity provider whoever signs in may ask, and without one only programs and pages of this machine. Raises
    `ConfigError` where there is neither: behind a gateway everybody comes from elsewhere.
    """
    signed_in = bool(footnote.settings.identity.issuer)
    if behind_gateway and not signed_in:
        raise ConfigError(
            "FOOTNOTE_ISSUER is not set: everybody who reaches the gateway would be the local user.",
            hint="Name whose tokens say who is asking: FOOTNOTE_ISSUER and FOOTNOTE_AUDIENCE.",
        )
    app = FastAPI(
        title="Footnote",
        version=version("footnote"),
        summary="Ask your documents, and open every footnote.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        responses=documented(),
        redirect_slashes=False,  # a redirect would lead wherever the request's own `Host` says
        docs_url=None,  # those pages would load scripts from elsewhere; /openapi.json is there
        redoc_url=None,
    )
    app.state.footnote = footnote
    app.state.behind_gateway = behind_gateway
    app.state.request_meter = meter = RequestMeter()
    app.state.most = most = most_at_once(footnote.settings.limits.bytes, behind_gateway=behind_gateway)
    app.add_middleware(Door, most=most, open_to_all=signed_in, meter=meter)
    handle(app)
    ours = (documents, uploads, questions, conversations, personas, people, buildings, levels, trails)
    for router in (one.router for one in ours):
        app.include_router(router, dependencies=[Depends(only_known)])
    for router in (one.router for one in (chat, mcp, service)):  # other people's protocols, and probes
        app.include_router(router)
    if not behind_gateway:
        app.include_router(service.machine_router)
    return app
