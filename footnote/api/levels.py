"""Service levels, what the asker uses of theirs, and what models cost the building."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from corpus.allowance import midnight
from corpus.keys import iso_month, iso_time
from corpus.records.levels import Level, Levels, level_data
from corpus.records.spend import Spending
from corpus.records.tenants import Tenants
from corpus.records.usage import Usage
from footnote.api.asker import Admin, Asker, Operator, Parts
from footnote.api.level_shapes import LevelChange, LevelShape, LevelsReply, SpendReply, UsageReply
from footnote.api.lists import MonthQuery
from footnote.api.replies import UNCHANGED, sent, tagged
from footnote.api.trails import audited
from footnote.render import spend_data

router = APIRouter(prefix="/v1", tags=["levels"])


@router.get("/levels", response_model=LevelsReply, responses=UNCHANGED)
def levels(request: Request, footnote: Parts, _: Asker) -> Response:
    """List the service levels, what each allows, and how much of it."""
    return tagged(request, {"levels": [level_data(one) for one in Levels(footnote.table).all()]})


@router.put("/levels/{level}", response_model=LevelShape)
def set_level(footnote: Parts, scope: Operator, level: str, said: LevelChange) -> Response:
    """Have a level allow this from now on, for everybody in every building who has it.

    Only administrators of the installation's own building, `home`, may.
    """
    known = Levels(footnote.table)
    changed = Level(
        name=level,
        allowed_actions=frozenset(said.allowedActions),
        max_documents=said.maxDocuments,
        max_bytes=said.maxBytes,
        max_asks_per_day=said.maxAsksPerDay,
        support_priority=said.supportPriority,
        rev=known.get(level).rev,
    )
    kept = level_data(known.put(changed))
    audited(footnote, scope, "set level", level, **kept)
    return sent(kept)


@router.get("/usage", response_model=UsageReply)
def usage(footnote: Parts, scope: Asker) -> Response:
    """Return what the asker uses, and how much of it their service level allows."""
    now, level = footnote.clock(), footnote.allowance.level(scope)
    used = Usage(footnote.table).of(scope.user_id, now)
    reply = UsageReply(
        level=level.name,
        documents=used.documents,
        maxDocuments=level.max_documents,
        bytes=used.bytes,
        maxBytes=level.max_bytes,
        asks=used.asks,
        maxAsksPerDay=level.max_asks_per_day,
        searches=used.searches,
        resetsAt=iso_time(midnight(now)),
    )
    return sent(reply.model_dump())


@router.get("/spend", response_model=SpendReply)
def spend(
    footnote: Parts,
    scope: Admin,
    asked: Annotated[MonthQuery, Query()],
) -> Response:
    """Say what models cost the building in a month, in millionths of a dollar, day by day, beside its cap."""
    spending, wanted = Spending(footnote.table), asked.month or iso_month(footnote.clock())
    whole, days = spending.of_month(scope.tenant_id, wanted), spending.by_day(scope.tenant_id, wanted)
    return sent(spend_data(wanted, whole, days, Tenants(footnote.table).get(scope.tenant_id).caps))
