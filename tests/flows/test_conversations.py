"""Conversations and personas over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from corpus.errors import Unavailable
from footnote.connect import Footnote
from search.answer import BROKE_OFF, INSTRUCTIONS
from search.converse import LEFT
from tests.flows.test_api import client, footnote, upload
from tests.flows.test_streams import STREAM, Waiting, events, eventually, left_behind, said_to, served
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


def test_a_message_as_events(client: TestClient, footnote: Footnote) -> None:
    """A stream tells what was searched for, each sentence, and at last the message that JSON would have been."""
    upload(client, footnote, RULES)
    upload(client, footnote, RULES.replace(b"nine", b"ten"), "new.md")
    client.put("/v1/personas/linden", json={**PERSONA, "contact": CONTACT})
    told, places = [], [begun(client), begun(client)]
    for header, place in zip(({}, STREAM), places, strict=True):
        client.post(f"{place}/messages", json={"text": "When does the sauna open?"})
        told.append(client.post(f"{place}/messages", json={"text": "And the pool?"}, headers=header))
    whole = told[0].json()
    assert (told[1].status_code, told[1].headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    (first, query), *sentences, (last, message) = events(told[1].text)

    assert (first, query) == ("usedQuery", {"usedQuery": "When does the pool open?"})
    assert {name for name, _ in sentences} == {"sentence"}
    assert " ".join(one["text"] for _, one in sentences).split() == whole["text"].split()
    own = {"messageId", "conversationId", "timestamp"}
    assert last == "answer"
    assert {**message, **{one: whole[one] for one in own}} == whole
    assert (whole["answerType"], whole["contact"]) == ("conflict", CONTACT)
    assert client.get(places[1]).json()["messages"][0] == message


def test_a_message_is_streamed_once(client: TestClient, footnote: Footnote) -> None:
    """Who says it again with the key gets the first message, as events or as JSON, whichever it was first."""
    upload(client, footnote, RULES)
    for first, then in ((STREAM, {}), ({}, STREAM)):
        place = begun(client)
        key = {"idempotency-key": f"say {place}"}
        replies = [
            client.post(f"{place}/messages", json={"text": "When does the pool open?"}, headers={**key, **one})
            for one in (first, then)
        ]
        assert replies[1].headers["idempotent-replayed"] == "true"
        assert [one.status_code for one in replies] == [200 if one else 201 for one in (first, then)]
        told = [
            events(one.text)[-1][1] if head else one.json() for one, head in zip(replies, (first, then), strict=True)
        ]
        assert told[0] == told[1]
        assert len(client.get(place).json()["messages"]) == 2


def test_a_streamed_message_that_fails(client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused or fails before the first event is a problem with its status; later it is an event."""
    upload(client, footnote, RULES)
    place, sent = begun(client), {"text": "When does the pool open?"}

    def down(*_: object) -> None:
        raise Unavailable("It rests.", retry_after=7)

    def say() -> Any:
        return client.post(f"{place}/messages", json=sent, headers={**STREAM, "idempotency-key": "1"})

    scope = footnote.local_scope()
    with monkeypatch.context() as patched:
        actions = scope.allowed_actions - {"stream"}
        patched.setattr(footnote, "local_scope", lambda: replace(scope, allowed_actions=actions))
        assert (say().status_code, say().json()["code"]) == (403, "forbidden")
    assert [one["allowed"] for one in client.get(place).json()["messages"]] == [False, False]
    with monkeypatch.context() as patched:
        patched.setattr(footnote.index, "legs", down)
        reply = say()
    assert (reply.status_code, reply.json()["code"], reply.headers["retry-after"]) == (503, "unavailable", "7")
    with monkeypatch.context() as patched:
        patched.setattr(footnote.blobs, "get", down)
        (first, _), (last, problem) = events(say().text)
    assert (first, last, problem["code"], problem["status"]) == ("usedQuery", "problem", "unavailable", 503)
    assert len(client.get(place).json()["messages"]) == 2
    assert events(say().text)[-1][1]["answerType"] == "grounded"
    assert client.post(f"{place}/messages", json={"text": " "}, headers=STREAM).status_code == 422


@pytest.mark.service
def test_who_leaves_a_conversation(client: TestClient, footnote: Footnote) -> None:
    """A sentence is there while the model writes; who leaves then finds it kept, and what was read is on the trail."""
    upload(client, footnote, RULES)
    footnote.llm = model = Waiting('It opens at nine [1 "opens at nine in the morning"]. And ')
    place = begun(client)
    with served(footnote) as port:
        connection, reply = said_to(port, f"{place}/messages", {"text": "When does the pool open?"})
        first = b"".join(reply.readline() for _ in range(5))
        reply.close()
        connection.close()
        assert model.left.wait(20)
        found = eventually(lambda: client.get(place).json()["messages"])
        model.go.set()
        connection, reply = said_to(port, f"{place}/messages", {"text": "When does the sauna open?"})
        ((_, whole),) = [one for one in events(reply.read().decode()) if one[0] == "answer"]
        connection.close()
    assert [name for name, _ in events(first.decode().removesuffix("event: sentence\n") + "\n")] == [
        "usedQuery",
        "sentence",
    ]
    assert [one["text"] for one in found] == ["It opens at nine. [1]", "When does the pool open?"]
    assert (found[0]["answerType"], found[0]["notes"]) == ("partial", [LEFT])
    assert BROKE_OFF in whole["notes"] or whole["answerType"] == "grounded"
    assert [len(one["documentIds"]) for one in left_behind(client)] == [1]


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
    """A building's personas are listed, replaced as they were read, and removed; one is the default; all is audited."""
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
    left = sorted((one["action"], one["target"]) for one in client.get("/v1/audit").json()["entries"])
    assert left == [("remove persona", "elm"), *[("set persona", "elm")] * 2, ("set persona", "linden")]


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
