"""People: oneself, API keys, and for administrators who may be in the building."""

from __future__ import annotations

import secrets
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from corpus.errors import Conflict, NotFound
from corpus.keys import ID, iso_time, ulid
from corpus.records.api_keys import SECRET_BYTES, key_data
from corpus.records.grants import Grant, from_csv, grant_data
from corpus.records.people import Person, person_data
from corpus.scope import Scope
from footnote.api.asker import Admin, Asker, KeyHolder, KeyMaker, Parts
from footnote.api.lists import Page
from footnote.api.once import Made, once
from footnote.api.people_shapes import (
    GrantRequest,
    GrantShape,
    GrantsImport,
    GrantsReply,
    ImportReply,
    KeyRequest,
    KeysReply,
    MadeKey,
    Me,
    MeChange,
    PeopleReply,
    PersonChange,
    PersonShape,
)
from footnote.api.replies import UNCHANGED, sent, tagged
from footnote.api.trails import audited
from footnote.connect import Footnote

router = APIRouter(prefix="/v1", tags=["people"])


@router.get("/me", response_model=Me, responses=UNCHANGED)
def me(request: Request, footnote: Parts, scope: Asker) -> Response:
    """Return who you are here: your record, the building, and what you may do."""
    return tagged(request, _me(_self(footnote, scope), scope))


@router.patch("/me", response_model=Me)
def change_me(footnote: Parts, scope: Asker, said: MeChange) -> Response:
    """Change your preferences; what is left out stays as it is. The language is that of your answers."""
    person = _self(footnote, scope)
    told = said.model_dump(exclude_unset=True, exclude_none=True)
    changed = footnote.people.put(replace(person, preferences={**person.preferences, **told.get("preferences", {})}))
    return sent(_me(changed, scope))


@router.post("/keys", status_code=HTTPStatus.CREATED, response_model=MadeKey)
def make_key(footnote: Parts, scope: KeyMaker, asked: KeyRequest) -> Response:
    """Make an API key for a program. It is shown this once, and does no more than you may do yourself."""
    secret = secrets.token_bytes(SECRET_BYTES)
    key, made = footnote.api_keys.make(
        scope.user_id, scope.tenant_id, asked.terms(), scope.allowed_actions, secret, footnote.clock()
    )
    audited(footnote, scope, "make key", made.key_id, allowedActions=tuple(sorted(made.allowed_actions)))
    return sent({**key_data(made), "key": key}, HTTPStatus.CREATED)


@router.get("/keys", response_model=KeysReply, responses=UNCHANGED)
def keys(request: Request, footnote: Parts, scope: KeyHolder, page: Page) -> Response:
    """List your API keys, newest first: what each is for and when it was last used, never the key itself."""
    found, following = footnote.api_keys.of_user(scope.user_id, page.limit, page.cursor)
    return tagged(request, {"keys": [key_data(one) for one in found], "cursor": following})


@router.delete("/keys/{key_id}", status_code=HTTPStatus.NO_CONTENT)
def revoke_key(footnote: Parts, scope: KeyHolder, key_id: str) -> Response:
    """Take one of your API keys back: it opens nothing from now on."""
    footnote.api_keys.revoke(scope.user_id, key_id, footnote.clock())
    audited(footnote, scope, "revoke key", key_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/people", response_model=PeopleReply, responses=UNCHANGED)
def people(request: Request, footnote: Parts, scope: Admin, page: Page) -> Response:
    """List the people at home in the building who signed in, the latest first."""
    found, following = footnote.people.recent(scope.tenant_id, page.limit, page.cursor)
    return tagged(request, {"people": [person_data(one) for one in found], "cursor": following})


@router.patch("/people/{user_id}", response_model=PersonShape)
def change_person(footnote: Parts, scope: Admin, user_id: str, said: PersonChange) -> Response:
    """Switch a person at home in the building off or on, or change their role or level. Off closes every door."""
    person = _of_building(footnote, scope, user_id)
    if user_id == scope.user_id and said.isActive is False:
        raise Conflict("You cannot switch yourself off.", hint="Ask another administrator.")
    changed = replace(
        person,
        is_active=person.is_active if said.isActive is None else said.isActive,
        role=said.role or person.role,
        service_level=said.serviceLevel or person.service_level,
    )
    told = said.model_dump(exclude_none=True)
    kept = footnote.people.put(changed)
    audited(footnote, scope, "change person", user_id, **told)
    return sent(person_data(kept))


@router.get("/grants", response_model=GrantsReply, responses=UNCHANGED)
def grants(request: Request, footnote: Parts, scope: Admin, page: Page) -> Response:
    """List the building's grants, those that end last first."""
    found, following = footnote.grants.of_tenant(scope.tenant_id, page.limit, page.cursor)
    return tagged(request, {"grants": [grant_data(one) for one in found], "cursor": following})


@router.post("/grants", status_code=HTTPStatus.CREATED, response_model=GrantShape)
def grant(request: Request, footnote: Parts, scope: Admin, asked: GrantRequest) -> Response:
    """Let a person be a resident, guest, member of staff or administrator, from when until when."""

    def make() -> Made:
        now = footnote.clock()
        made = Grant(
            ulid(now),
            asked.userId,
            scope.tenant_id,
            asked.role,
            asked.start or iso_time(now),
            asked.until or "",
            asked.unitId or "",
            scope.user_id,
        )
        kept = grant_data(footnote.grants.put(made))
        audited(footnote, scope, "grant", asked.userId, **kept)
        return Made(HTTPStatus.CREATED, kept)

    return once(footnote, scope, request, asked.model_dump(mode="json"), make)


@router.post("/grants/import", response_model=ImportReply)
def import_grants(footnote: Parts, scope: Admin, asked: GrantsImport) -> Response:
    """Take grants from CSV with the columns userId, role, unitId, from, until: all of them, or none and the line."""
    found = from_csv(asked.csv, scope.tenant_id, scope.user_id)
    granted = footnote.grants.put_all(found)
    audited(footnote, scope, "import grants", scope.tenant_id, lines=len(found), granted=granted)
    return sent({"lines": len(found), "granted": granted})


@router.delete("/people/{user_id}/grants/{grant_id}", status_code=HTTPStatus.NO_CONTENT)
def take_back(footnote: Parts, scope: Admin, user_id: str, grant_id: str) -> Response:
    """Take a grant back: it counts no more from this moment."""
    named = ID.fullmatch(user_id) and ID.fullmatch(grant_id)
    found = footnote.grants.get(user_id, scope.tenant_id, grant_id) if named else None
    if found is None:
        raise NotFound(f"There is no grant {grant_id[:128]}.", hint="List the grants to see their ids.")
    footnote.grants.remove(found)
    audited(footnote, scope, "take back grant", user_id, **grant_data(found))
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _self(footnote: Footnote, scope: Scope) -> Person:
    """The asker's record; the local user has none before they change something."""
    return footnote.people.get(scope.user_id) or Person(scope.user_id, scope.tenant_id)


def _me(person: Person, scope: Scope) -> dict[str, Any]:
    here = {"principals": sorted(scope.principals), "actions": sorted(scope.allowed_actions)}
    return {**person_data(person), "building": scope.tenant_id, **here}


def _of_building(footnote: Footnote, scope: Scope, user_id: str) -> Person:
    found = footnote.people.get(user_id) if ID.fullmatch(user_id) else None
    if found is None or found.tenant_id != scope.tenant_id:
        raise NotFound(f"There is no person {user_id[:128]}.", hint="List the people to see their ids.")
    return found
