"""The trails that requests leave, and for administrators what stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from corpus.errors import FootnoteError
from corpus.keys import iso_day, iso_month
from corpus.model import Json
from corpus.scope import Scope
from footnote.api.asker import Admin, Parts
from footnote.api.lists import DayQuery, MonthsQuery
from footnote.api.replies import UNCHANGED, tagged
from footnote.api.trail_shapes import AccessReply, AuditReply
from footnote.connect import Footnote

router = APIRouter(prefix="/v1", tags=["trails"])


def accessed(
    request: Request, footnote: Footnote, scope: Scope, action: str, *document_ids: str
) -> AbstractContextManager[list[str]]:
    """Do as `leaving` does, under the request's own name."""
    return leaving(footnote, scope, str(request.state.request_id), action, *document_ids)


@contextmanager
def leaving(footnote: Footnote, scope: Scope, request_id: str, action: str, *document_ids: str) -> Iterator[list[str]]:
    """Write down before the reply that somebody reads or searches; whoever is inside names the documents it found."""
    found, outcome = list(document_ids), "ok"
    try:
        yield found
    except FootnoteError as error:
        outcome = error.code
        raise
    except GeneratorExit:
        outcome = "left"
        raise
    except BaseException:
        outcome = "internal"
        raise
    finally:
        footnote.trails.accessed(scope, action, found, outcome, request_id, footnote.clock())


def audited(footnote: Footnote, scope: Scope, action: str, target: str, **details: Json) -> None:
    """Write down that the asker changed rights, levels, accounts, personas or the building, or removed a document."""
    footnote.trails.audited(scope.user_id, scope.tenant_id, action, target, details, footnote.clock())


@router.get("/access", response_model=AccessReply, responses=UNCHANGED)
def accesses(
    request: Request,
    footnote: Parts,
    scope: Admin,
    asked: Annotated[DayQuery, Query()],
) -> Response:
    """Say who read and searched in the building on a day, newest first: which documents, and never what was asked."""
    wanted = asked.day.isoformat() if asked.day else iso_day(footnote.clock())
    found, following = footnote.trails.accesses(scope.tenant_id, wanted, asked.limit, asked.cursor)
    return tagged(request, {"accesses": found, "cursor": following})


@router.get("/audit", response_model=AuditReply, responses=UNCHANGED)
def audits(
    request: Request,
    footnote: Parts,
    scope: Admin,
    asked: Annotated[MonthsQuery, Query()],
) -> Response:
    """Say who changed rights, levels, accounts or personas in a month, or removed what, newest first."""
    wanted = asked.month or iso_month(footnote.clock())
    found, following = footnote.trails.audits(scope.tenant_id, wanted, asked.limit, asked.cursor)
    return tagged(request, {"entries": found, "cursor": following})
