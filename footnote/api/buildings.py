"""Buildings: what holds in one, for its administrators, and all of them for the installation's own."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from corpus.records.tenants import Tenants, tenant_data, tenant_from
from footnote.api.asker import Admin, Operator, Parts
from footnote.api.building_shapes import BuildingChange, BuildingShape, BuildingsReply
from footnote.api.lists import Page
from footnote.api.replies import UNCHANGED, expect, sent, tagged
from footnote.api.trails import audited

router = APIRouter(prefix="/v1", tags=["buildings"])


@router.get("/building", response_model=BuildingShape, responses=UNCHANGED)
def building(request: Request, footnote: Parts, scope: Admin) -> Response:
    """Return what holds in your building; for administrators."""
    return tagged(request, tenant_data(Tenants(footnote.table).get(scope.tenant_id)))


@router.patch("/building", response_model=BuildingShape)
def change(request: Request, footnote: Parts, scope: Admin, said: BuildingChange) -> Response:
    """Have something else hold in your building from now on; for administrators. What is left out stays as it is.

    How long something is kept is decided when it is written: what lies there already stays as long as was said then.
    """
    records, told = Tenants(footnote.table), said.told()
    known = records.get(scope.tenant_id)
    expect(request, tenant_data(known))
    kept = footnote.tenants.put(tenant_from({**tenant_data(known), **told}, known.rev))
    audited(footnote, scope, "change building", scope.tenant_id, fields=tuple(sorted(told)))
    return sent(tenant_data(kept))


@router.get("/buildings", response_model=BuildingsReply, responses=UNCHANGED)
def buildings(request: Request, footnote: Parts, _: Operator, page: Page) -> Response:
    """List the buildings of which anything was ever told; for administrators of the installation's own, `home`."""
    found, following = Tenants(footnote.table).listed(page.limit, page.cursor)
    return tagged(request, {"buildings": [tenant_data(one) for one in found], "cursor": following})
