"""Personas: who answers in a building. Everyone there may know; administrators say."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from corpus.keys import ID
from corpus.records.personas import Contact, Persona, persona_data, unknown_persona
from corpus.scope import Scope
from footnote.api.asker import Admin, Asker, Parts
from footnote.api.persona_shapes import PersonaRequest, PersonaShape, PersonasReply
from footnote.api.replies import UNCHANGED, expect, sent, tagged
from footnote.api.trails import audited
from footnote.connect import Footnote

router = APIRouter(prefix="/v1/personas", tags=["personas"])
PersonaId = Annotated[str, Path(pattern=f"^{ID.pattern}$")]


@router.get("", response_model=PersonasReply, responses=UNCHANGED)
def personas(request: Request, footnote: Parts, scope: Asker) -> Response:
    """List who answers in your building."""
    found = footnote.personas.of_tenant(scope.tenant_id)
    return tagged(request, {"personas": [persona_data(one) for one in found]})


@router.get("/{persona_id}", response_model=PersonaShape, responses=UNCHANGED)
def persona(request: Request, footnote: Parts, scope: Asker, persona_id: PersonaId) -> Response:
    """Return a persona of your building."""
    return tagged(request, persona_data(_known(footnote, scope, persona_id)))


@router.put("/{persona_id}", response_model=PersonaShape)
def put(request: Request, footnote: Parts, scope: Admin, persona_id: PersonaId, told: PersonaRequest) -> Response:
    """Say who answers under this id, from now on; for administrators."""
    known = footnote.personas.get(scope.tenant_id, persona_id)
    expect(request, persona_data(known) if known else {})
    wanted = Persona(
        persona_id=persona_id,
        tenant_id=scope.tenant_id,
        name=told.name,
        tone=told.tone,
        language=told.language,
        instructions=told.instructions,
        contact=Contact(**told.contact.model_dump()),
        is_default=told.isDefault,
        rev=known.rev if known else 0,
    )
    kept = footnote.personas.put(wanted)
    audited(footnote, scope, "set persona", persona_id)
    return sent(persona_data(kept))


@router.delete("/{persona_id}", status_code=HTTPStatus.NO_CONTENT)
def remove(request: Request, footnote: Parts, scope: Admin, persona_id: PersonaId) -> Response:
    """Remove a persona; its conversations go on with the default one. For administrators."""
    known = _known(footnote, scope, persona_id)
    expect(request, persona_data(known))
    footnote.personas.remove(known)
    audited(footnote, scope, "remove persona", persona_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _known(footnote: Footnote, scope: Scope, persona_id: str) -> Persona:
    found = footnote.personas.get(scope.tenant_id, persona_id)
    if found is None:
        raise unknown_persona(persona_id)
    return found
