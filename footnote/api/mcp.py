"""The route of the Model Context Protocol. It is no part of the OpenAPI document: the protocol describes itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from corpus.scope import Scope
from footnote.api.asker import Asker, Parts
from footnote.connect import Footnote

router = APIRouter()
Exchange = Callable[[Request, Footnote, Scope], Awaitable[Response]]


def _exchange() -> Exchange:
    """Return what speaks the protocol; in a thread, as it takes a while to import."""
    from footnote.api.mcp_server import exchanged  # noqa: PLC0415 -- .4 s of imports

    return exchanged


@router.post("/mcp", include_in_schema=False)
async def mcp(
    request: Request, footnote: Parts, scope: Asker, exchange: Annotated[Exchange, Depends(_exchange)]
) -> Response:
    """Reply to one request of the protocol; there are no sessions and no streams."""
    return await exchange(request, footnote, scope)
