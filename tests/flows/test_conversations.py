"""Conversations and personas over HTTP."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from footnote.connect import Footnote
from search.answer import INSTRUCTIONS
from tests.flows.test_api import client, footnote, upload
from tests.test_converse import Model

__all__ = ["client", "footnote"]
RULES = b"# Rules\n\n## Hours\n\nThe pool opens at nine in the morning.\n\nThe sauna opens at four in the afternoon.\n"
PERSONA = {"name": "Linden", "tone": "warm", "instructions": "Call people neighbours.", "isDefault": True}
CONTACT = {"name": "Mr Okafor", "email": "", "phone": "555 0141", "hours": ""}


def begun(client: TestClient, **told: str) -> str:
    reply = client.post("/v1/conversations", json=told)
    assert reply.status_code == 201, reply.text
    return f"/v1/conversations/{reply.json()['conversationId']}"


def test_a_conversation(client: TestClient, footnote: Footnote) -> None:
    """A follow-up is answered as what it means, which is told; both sides are kept, newest first."""
    upload(client, footnote, RULES)
    place = begun(client, title="Hours")
    first = client.post(f"{place}/messages", json={"text": "When does the pool open?"}).json()
    second = client.post(f"{place}/messages", json={"text": "And the sauna?"}).json()

    assert (first["userId"], first["answerType"], first["usedQuery"]) == ("bot", "grounded", "When does the pool open?")
    assert second["usedQuery"] == "When does the sauna open?"
    assert second["text"] == "The sauna opens at four in the afternoon. [1]"
    assert second["citations"][0]["quote"] == "The sauna opens at four in the afternoon."
    assert second["contact"] is None

    whole = client.get(place).json()
    assert (whole["title"], whole["cursor"]) == ("Hours", None)
    assert [one["text"] for one in whole["messages"]][::2] == [second["text"], first["text"]]
    assert whole["messages"][0] == second
    assert whole["messages"][1]["userId"] == "local"
    assert whole["lastMessageAt"] == second["timestamp"]
    page = client.get(place, params={"limit": 3}).json()
    (oldest,) = client.get(place, params={"limit": 3, "cursor": page["cursor"]}).json()["messages"]
    assert oldest["text"] == "When does the pool open?"

    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == 404
    assert client.get("/v1/conversations").json() == {"conversations": [], "cursor": None}


def test_my_conversations(client: TestClient) -> None:
    """They are listed with the newest message first, page by page, and sent once for one key."""
    places = [begun(client, title=str(n)) for n in range(3)]
    client.post(f"{places[0]}/messages", json={"text": "When does the pool open?"})
    page = client.get("/v1/conversations", params={"limit": 2}).json()
    rest = client.get("/v1/conversations", params={"limit": 2, "cursor": page["cursor"]}).json()
    assert [one["title"] for one in (*page["conversations"], *rest["conversations"])] == ["0", "2", "1"]

    key = {"idempotency-key": "say 1"}
    twice = [client.post(f"{places[1]}/messages", json={"text": "The sauna?"}, headers=key) for _ in range(2)]
    assert twice[0].content == twice[1].content
    assert len(client.get(places[1]).json()["messages"]) == 2
    for text in ("", " \n", "x" * 4001):
        assert client.post(f"{places[1]}/messages", json={"text": text}).status_code == 422


def test_who_to_turn_to(client: TestClient, footnote: Footnote) -> None:
    """What the documents do not answer bears the contact of the conversation's persona, else of the default one."""
    upload(client, footnote, RULES)
    upload(client, footnote, RULES.replace(b"nine", b"ten"), "other.md")
    assert client.put("/v1/personas/linden", json={**PERSONA, "contact": CONTACT}).status_code == 200
    assert client.put("/v1/personas/other", json={"name": "Other"}).status_code == 200
    place = begun(client)
    replies = [
        client.post(f"{place}/messages", json={"text": text}).json()
        for text in ("Who won the football championship?", "When does the pool open?", "When does the sauna open?")
    ]
    assert [one["answerType"] for one in replies] == ["not_found", "conflict", "grounded"]
    assert [one["contact"] for one in replies] == [CONTACT, CONTACT, None]
    kept = client.get(place).json()["messages"]
    assert [one["contact"] for one in kept] == [None, None, CONTACT, None, CONTACT, None]

    bare = begun(client, personaId="other")
    assert client.post(f"{bare}/messages", json={"text": "Who won the cup?"}).json()["contact"] is None


def test_personas(client: TestClient, footnote: Footnote) -> None:
    """A building's personas are listed, replaced as they were read, at most one is the default, and they can go."""
    client.put("/v1/personas/linden", json=PERSONA)
    client.put("/v1/personas/elm", json={"name": "Elm", "isDefault": True})
    found = client.get("/v1/personas").json()["personas"]
    assert [(one["personaId"], one["isDefault"]) for one in found] == [("elm", True), ("linden", False)]

    read = client.get("/v1/personas/elm")
    stale = {"if-match": '"another"'}
    assert client.put("/v1/personas/elm", json={"name": "Ash"}, headers=stale).status_code == 412
    tagged = {"if-match": read.headers["etag"]}
    assert client.put("/v1/personas/elm", json={"name": "Ash"}, headers=tagged).json()["name"] == "Ash"
    assert client.delete("/v1/personas/elm", headers=tagged).status_code == 412
    assert client.delete("/v1/personas/elm").status_code == 204
    assert client.get("/v1/personas/elm").status_code == 404
    assert client.put("/v1/personas/a b", json={"name": "Ash"}).status_code == 422
    assert client.put("/v1/personas/elm", json={"name": "Ash", "voice": "low"}).status_code == 422


def test_only_administrators_write_personas(
    client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may not administer may read who answers, and change nothing."""
    client.put("/v1/personas/linden", json=PERSONA)
    scope = footnote.local_scope()
    monkeypatch.setattr(footnote, "local_scope", lambda: replace(scope, allowed_actions=frozenset({"ask"})))
    assert client.get("/v1/personas/linden").status_code == 200
    for verb, sent in (("PUT", PERSONA), ("DELETE", None)):
        reply = client.request(verb, "/v1/personas/linden", json=sent)
        assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")


def test_the_voice(client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    """A persona's tone and instructions come before what every model is told, and nothing unverified comes of them."""
    upload(client, footnote, RULES)
    client.put("/v1/personas/linden", json=PERSONA)
    marked = 'The pool opens at nine in the morning. [1 "The pool opens at nine in the morning."]'
    model = Model(iter([f"Dear neighbour, it is free. {marked}"]))
    monkeypatch.setitem(vars(footnote), "llm", model)
    reply = client.post(f"{begun(client)}/messages", json={"text": "When does the pool open?"}).json()
    (prompt,) = model.prompts
    assert prompt.instructions.startswith("You answer as Linden. Your tone is: warm. Call people neighbours.")
    assert prompt.instructions.endswith(INSTRUCTIONS)
    assert reply["text"] == "The pool opens at nine in the morning. [1]"
