"""Who asks, and of which parts: what routes are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from corpus.allowance import signed_in_for
from corpus.scope import Scope
from footnote.admission import ADMIN, OPERATE, scope_of
from footnote.connect import Footnote

BUILDING = "Footnote-Building"
"""The header that names a building other than the one the asker is at home in."""


async def parts(request: Request) -> Footnote:
    """Return the parts that the application was made over. It waits for nothing, so it takes no thread."""
    found: Footnote = request.app.state.footnote
    return found


async def asker(request: Request) -> Scope:
    """Return who is asking; raises what `scope_of` does. Only what has to be looked up takes a thread."""
    footnote, borne = request.app.state.footnote, request.headers.get("authorization", "")
    if not borne:
        return scope_of(footnote, borne)
    return await run_in_threadpool(scope_of, footnote, borne, request.headers.get(BUILDING, ""))


def may(action: str) -> Callable[[Request, Scope], Scope]:
    """Return a dependency that lets in only those who may do this: by what they signed in with, and by their level."""

    def allowed(request: Request, scope: Asker) -> Scope:
        footnote: Footnote = request.app.state.footnote
        footnote.allowance.allow(scope, action)
        return scope

    return allowed


def bearing(action: str) -> Callable[[Scope], Scope]:
    """Return a dependency that lets in people who signed in themselves, and of API keys those with this action."""

    def allowed(scope: Asker) -> Scope:
        signed_in_for(scope, action)
        return scope

    return allowed


Parts = Annotated[Footnote, Depends(parts)]
Asker = Annotated[Scope, Depends(asker)]
Admin = Annotated[Scope, Depends(may(ADMIN))]
Operator = Annotated[Scope, Depends(may(OPERATE))]
KeyMaker = Annotated[Scope, Depends(may("apiKeys"))]
KeyHolder = Annotated[Scope, Depends(bearing("apiKeys"))]
Owner = Annotated[Scope, Depends(bearing("upload"))]
Talker = Annotated[Scope, Depends(bearing("converse"))]
