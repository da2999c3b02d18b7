"""Every route that names something: another person's answers byte for byte like one that does not exist."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from corpus.records.conversations import Conversation
from corpus.records.personas import Persona
from footnote.api.app import create_app
from footnote.connect import Footnote
from tests.flows.test_api import RULES, client, footnote, upload

__all__ = ["client", "footnote"]
FOREIGN = "3f0c1f5e-6a35-4c53-9a0f-0a9c6a5a4c11"
QUESTION = {"question": "When does the pool open?"}

NAMING: dict[str, dict[str, Any]] = {
    "GET /v1/documents/{document_id}": {},
    "GET /v1/documents/{document_id}/content": {},
    "GET /v1/documents/{document_id}/events": {},
    "GET /v1/documents/{document_id}/pages": {},
    "GET /v1/documents/{document_id}/pages/{page_number}": {},
    "PATCH /v1/documents/{document_id}": {"json": {"title": "Mine"}},
    "POST /v1/documents/{document_id}/retry": {},
    "DELETE /v1/documents/{document_id}": {},
}
"""What to send to each route whose path names something."""
NAMED_WITHIN: dict[str, dict[str, Any]] = {
    "GET /v1/documents": {},
    "POST /v1/search": {"json": QUESTION | {"filter": {"documentIds": [FOREIGN]}}},
    "POST /v1/ask": {"json": QUESTION | {"filter": {"documentIds": [FOREIGN]}}},
}
"""What to send to routes that could find it, or are told of it."""
UPLOADS = "/v1/uploads/{upload_id}"
NAMING_UPLOADS = {
    *(f"{verb} {UPLOADS}" for verb in ("GET", "DELETE")),
    *(f"POST {UPLOADS}/{what}" for what in ("parts", "complete")),
    f"PUT {UPLOADS}/parts/{{number}}",
}
"""Asked with another person's upload by the tests of uploads, `test_a_foreign_upload_is_an_unknown_one`."""
NAMING_PEOPLE = {
    "DELETE /v1/keys/{key_id}",
    "PATCH /v1/people/{user_id}",
    "DELETE /v1/people/{user_id}/grants/{grant_id}",
}
"""Asked for what is another's or another building's by the tests of signing in, `test_what_is_of_others_is_unknown`."""
NAMING_LEVELS = {"PUT /v1/levels/{level}"}
"""Levels are nobody's own: who may not change them is refused alike for known and unknown ones, by their tests."""
CONVERSATION = "/v1/conversations/{conversation_id}"
NAMING_CONVERSATIONS: dict[str, dict[str, Any]] = {
    f"GET {CONVERSATION}": {},
    f"POST {CONVERSATION}/messages": {"json": {"text": "And on Sundays?"}},
    f"DELETE {CONVERSATION}": {},
}
LISTING_CONVERSATIONS = "GET /v1/conversations"
PERSONA = "/v1/personas/{persona_id}"
NAMING_PERSONAS: dict[str, dict[str, Any]] = {
    f"GET {PERSONA}": {},
    f"DELETE {PERSONA}": {},
    f"PUT {PERSONA}": {"json": {"name": "Mine"}},
}
TELLING_OF_PERSONAS: dict[str, dict[str, Any]] = {
    "GET /v1/personas": {},
    "POST /v1/conversations": {"json": {"personaId": FOREIGN}},
}
NAMING_NOTHING = {
    *("GET /v1/building", "PATCH /v1/building", "GET /v1/buildings"),
    *("GET /v1/models", "POST /v1/chat/completions"),
    *("POST /v1/documents", "POST /v1/uploads", "GET /health", "GET /ready", "GET /metrics"),
    *(
        "GET /v1/me",
        "PATCH /v1/me",
        "GET /v1/keys",
        "POST /v1/keys",
        "GET /v1/levels",
        "GET /v1/spend",
        "GET /v1/usage",
    ),
    *(
        "GET /v1/access",
        "GET /v1/audit",
        "GET /v1/people",
        "GET /v1/grants",
        "POST /v1/grants",
        "POST /v1/grants/import",
    ),
}


def test_every_route_is_held_to_it(client: TestClient, footnote: Footnote) -> None:
    """A route that no test here asks with a foreign id does not get in."""
    paths = create_app(footnote).openapi()["paths"]
    routes = {f"{verb.upper()} {path}" for path, verbs in paths.items() for verb in verbs}
    naming = {*NAMING, *NAMING_UPLOADS, *NAMING_PEOPLE, *NAMING_LEVELS, *NAMING_CONVERSATIONS, *NAMING_PERSONAS}
    within = {*NAMED_WITHIN, LISTING_CONVERSATIONS, *TELLING_OF_PERSONAS}
    assert routes == {*naming, *within, *NAMING_NOTHING}
    assert {one for one in routes if "{" in one} == naming


def asked(client: TestClient, route: str, sent: dict[str, Any], header: dict[str, str]) -> tuple[int, Any, bytes]:
    verb, path = route.split(" ")
    place = re.sub(r"\{page_number\}", "1", path)
    place = re.sub(r"\{\w+_id\}", FOREIGN, place)
    reply = client.request(verb, place, headers=header, **sent)
    return reply.status_code, {k: v for k, v in reply.headers.items() if k != "x-request-id"}, reply.content


@pytest.mark.parametrize("route", [*NAMING, *NAMED_WITHIN])
@pytest.mark.parametrize("header", [{}, {"if-match": "*"}, {"if-none-match": "*"}], ids=["plain", "if", "if-none"])
def test_a_foreign_document_is_an_unknown_one(
    client: TestClient, footnote: Footnote, route: str, header: dict[str, str]
) -> None:
    """The same request before the document exists, while it is another's, and once that person has removed it."""
    upload(client, footnote, name="mine.md")
    sent = NAMING.get(route, NAMED_WITHIN.get(route, {}))
    unknown = asked(client, route, sent, header)
    ann = footnote.local_scope("ann")
    footnote.uploads.put(ann, FOREIGN, "secret.md", RULES.replace(b"nine", b"ten"))
    assert asked(client, route, sent, header) == unknown  # while it is uploaded
    while footnote.ingestor.drain(footnote.queue):
        pass
    assert asked(client, route, sent, header) == unknown
    kept = footnote.documents.get(FOREIGN)
    assert kept
    assert (kept.status, kept.title, kept.deleted_at) == ("ready", "Rules", "")
    footnote.uploads.remove(ann, FOREIGN)
    assert asked(client, route, sent, header) == unknown
    if route in NAMING:
        assert unknown[0] == 404


def test_what_is_named_in_a_change_is_unknown_too(client: TestClient, footnote: Footnote) -> None:
    """A document cannot be said to supersede another person's, and that is no way to find out that it exists."""
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    unknown = client.patch(place, json={"supersedes": FOREIGN})
    footnote.uploads.put(footnote.local_scope("ann"), FOREIGN, "secret.md", RULES)
    foreign = client.patch(place, json={"supersedes": FOREIGN})
    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content) == (404, unknown.content)


@pytest.mark.parametrize("route", [*NAMING_CONVERSATIONS, LISTING_CONVERSATIONS])
@pytest.mark.parametrize(
    "header",
    [{}, {"if-match": "*"}, {"if-none-match": "*"}, {"accept": "text/event-stream"}],
    ids=["plain", "if", "if-none", "events"],
)
def test_a_foreign_conversation_is_an_unknown_one(
    client: TestClient, footnote: Footnote, route: str, header: dict[str, str]
) -> None:
    """The same request before the conversation exists, while it is another's, and in another building."""
    sent = NAMING_CONVERSATIONS.get(route, {})
    unknown = asked(client, route, sent, header)
    records = footnote.converser.conversations
    ann, now = footnote.local_scope("ann"), "2026-11-21T09:00:00.000Z"
    records.begin(Conversation(FOREIGN, "ann", ann.tenant_id, now, now))
    footnote.converser.say(ann, FOREIGN, "When does the pool open?")
    assert asked(client, route, sent, header) == unknown
    assert len(records.messages(records.mine(ann, FOREIGN), 10)[0]) == 2
    records.remove(records.mine(ann, FOREIGN))
    records.begin(Conversation(FOREIGN, "local", "elsewhere", now, now))
    assert asked(client, route, sent, header) == unknown
    if route in NAMING_CONVERSATIONS:
        assert unknown[0] == 404


@pytest.mark.parametrize("route", [*NAMING_PERSONAS, *TELLING_OF_PERSONAS])
def test_a_foreign_persona_is_an_unknown_one(footnote: Footnote, client: TestClient, route: str) -> None:
    """Another building's persona is not to be had, told of or written, whatever its id."""
    sent = NAMING_PERSONAS.get(route, TELLING_OF_PERSONAS.get(route, {}))
    unknown = asked(client, route, sent, {})
    personas = footnote.converser.personas
    if mine := personas.get("home", FOREIGN):
        personas.remove(mine)
    kept = personas.put(Persona(FOREIGN, "elsewhere", "Theirs", is_default=True))
    assert asked(client, route, sent, {}) == unknown
    assert personas.get("elsewhere", FOREIGN) == kept
    if not route.startswith(("PUT", "GET /v1/personas")) or route.startswith(f"GET {PERSONA}"):
        assert unknown[0] == 404
