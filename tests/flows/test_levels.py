"""Service levels over HTTP: what each allows, how much of it, and what is said when that is used up."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from corpus.records.levels import ACTIONS, Levels
from corpus.scope import Scope
from footnote import adapters
from footnote.api.app import create_app
from footnote.api.asker import asker
from footnote.connect import Footnote
from footnote.settings import Settings
from tests.fakes import Clock, HashEmbedder
from tests.flows.test_api import HERE, RULES

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
QUESTION = {"question": "When does the pool open?"}
CHANGE = {"allowedActions": ["ask"], "maxDocuments": 1, "maxBytes": None, "maxAsksPerDay": 0}
Limit = Callable[..., None]


@pytest.fixture
def footnote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Footnote]:
    embedder = HashEmbedder()
    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_EMBEDDER", {"local": lambda *_: embedder})
    with Footnote(Settings.from_env({}, home=tmp_path / "home"), Clock(NOON)) as one:
        yield one


@pytest.fixture
def owner(footnote: Footnote) -> Iterator[TestClient]:
    with TestClient(create_app(footnote), base_url=HERE, raise_server_exceptions=False) as one:
        yield one


@pytest.fixture
def ann(footnote: Footnote) -> Iterator[TestClient]:
    """A person of the level basic, who is no administrator."""
    app = create_app(footnote)
    app.dependency_overrides[asker] = lambda: Scope(
        "ann", "home", frozenset({"user:ann", "tenant:home"}), frozenset(ACTIONS), footnote.clock(), "basic"
    )
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as one:
        yield one


@pytest.fixture
def limit(footnote: Footnote) -> Limit:
    def limited(**limits: Any) -> None:
        levels = Levels(footnote.table)
        levels.put(replace(levels.get("basic"), **limits))

    return limited


def upload(client: TestClient, headers: dict[str, str] | None = None) -> Any:
    return client.post("/v1/documents", files={"file": ("rules.md", RULES)}, headers=headers)


def said(reply: Any) -> tuple[int, str, str | None]:
    return reply.status_code, reply.json()["code"], reply.headers.get("retry-after")


def used(client: TestClient) -> tuple[int, ...]:
    reply = client.get("/v1/usage").json()
    return tuple(reply[name] for name in ("documents", "bytes", "asks", "searches"))


def test_levels_are_listed_and_changed(owner: TestClient) -> None:
    """The levels are listed as they hold; one that is changed holds at once, and what makes no sense is refused."""
    listed = owner.get("/v1/levels")
    assert [one["level"] for one in listed.json()["levels"]] == ["basic", "premium", "enterprise"]
    assert owner.get("/v1/levels", headers={"if-none-match": listed.headers["etag"]}).status_code == 304

    changed = owner.put("/v1/levels/basic", json=CHANGE)
    assert (changed.status_code, changed.json()) == (200, CHANGE | {"level": "basic", "supportPriority": "standard"})
    assert owner.get("/v1/levels").json()["levels"][0] == changed.json()
    assert owner.put("/v1/levels/basic", json=CHANGE | {"maxDocuments": 2}).json()["maxDocuments"] == 2

    assert said(owner.put("/v1/levels/gold", json=CHANGE))[:2] == (404, "not_found")
    for wrong in ({"maxBytes": -1}, {"allowedActions": ["fly"]}, {"supportPriority": "now"}, {"price": 3}):
        assert said(owner.put("/v1/levels/basic", json=CHANGE | wrong))[:2] == (422, "bad_request")


def test_only_administrators_change_levels(ann: TestClient) -> None:
    """Whoever is no administrator may read the levels, and change none, known or unknown."""
    assert ann.get("/v1/levels").status_code == 200
    known, unknown = (ann.put(f"/v1/levels/{name}", json=CHANGE) for name in ("basic", "gold"))
    assert said(known) == said(unknown) == (403, "forbidden", None)
    assert known.content == unknown.content


def test_asks_of_a_day(ann: TestClient, limit: Limit) -> None:
    """Asks are counted, as events too; the one too many says when to come again, and nothing is sent before that."""
    limit(max_asks_per_day=2)
    assert ann.post("/v1/ask", json=QUESTION).status_code == 200
    events = {"accept": "text/event-stream"}
    assert "event: answer" in ann.post("/v1/ask", json=QUESTION, headers=events).text
    for headers in ({}, events):
        refused = ann.post("/v1/ask", json=QUESTION, headers=headers)
        assert said(refused) == (429, "quota_exceeded", str(12 * 3600))
        assert "maxAsksPerDay" in refused.json()["detail"]
    assert ann.post("/v1/search", json=QUESTION).status_code == 200
    assert used(ann) == (0, 0, 2, 1)
    assert ann.get("/v1/usage").json()["resetsAt"] == "2026-11-22T00:00:00.000Z"


def test_what_is_replayed_is_not_counted_again(ann: TestClient) -> None:
    """A request with an Idempotency-Key counts once, however often it is repeated."""
    events = {"accept": "text/event-stream"}
    for headers in ({}, {}, events):
        assert ann.post("/v1/ask", json=QUESTION, headers={"idempotency-key": "one"} | headers).status_code == 200
        upload(ann, {"idempotency-key": "two"})
    assert used(ann) == (1, len(RULES), 1, 0)


def test_documents(ann: TestClient, limit: Limit) -> None:
    """A document too many is refused and leaves no trace; removing one makes room, its bytes are given back."""
    limit(max_documents=1)
    first = upload(ann).json()["documentId"]
    refused = upload(ann)
    assert said(refused) == (429, "quota_exceeded", None)
    assert "maxDocuments" in refused.json()["detail"]
    assert [one["documentId"] for one in ann.get("/v1/documents").json()["documents"]] == [first]
    assert used(ann) == (1, len(RULES), 0, 0)

    assert ann.delete(f"/v1/documents/{first}").status_code == 204
    assert ann.delete(f"/v1/documents/{first}").status_code == 404
    assert used(ann) == (0, 0, 0, 0)
    assert upload(ann).status_code == 202


def test_uploads_in_parts(ann: TestClient, limit: Limit) -> None:
    """A file for which there is no room is refused when it is announced, and one is counted once, when it is whole."""
    limit(max_bytes=2 * len(RULES) - 1)
    told = {"checksumSHA256": hashlib.sha256(RULES).hexdigest()}
    announced = {"fileName": "rules.md", "fileSize": len(RULES), **told}
    places = [f"/v1/uploads/{ann.post('/v1/uploads', json=announced).json()['uploadId']}" for _ in range(2)]
    for place in places:
        url = ann.post(f"{place}/parts", json={"number": 1, "size": len(RULES), **told}).json()["uploadUrl"]
        assert ann.put(url, content=RULES).status_code == 204
    assert used(ann) == (0, 0, 0, 0)

    document_id = ann.post(f"{places[0]}/complete").json()["documentId"]
    assert ann.post(f"{places[0]}/complete").status_code == 202
    assert used(ann) == (1, len(RULES), 0, 0)
    assert said(ann.post(f"{places[1]}/complete")) == (429, "quota_exceeded", None)
    assert said(ann.post("/v1/uploads", json=announced)) == (429, "quota_exceeded", None)
    assert len(ann.get("/v1/documents").json()["documents"]) == 1

    ann.delete(f"/v1/documents/{document_id}")
    assert ann.post(f"{places[1]}/complete").status_code == 202
    assert used(ann) == (1, len(RULES), 0, 0)


ROUTES: dict[str, set[str]] = {
    "search": {"search"},
    "ask": {"ask"},
    "ask as events": {"ask", "stream"},
    "begin": {"converse"},
    "say": {"converse", "ask"},
    "say as events": {"converse", "ask", "stream"},
    "chat": {"converse", "ask"},
    "chat as events": {"converse", "ask", "stream"},
    "upload": {"upload"},
    "announce": {"upload"},
    "complete": {"upload"},
    "retry": {"upload"},
    "share": {"share"},
    "make a key": {"apiKeys"},
    "title": set(),
    "read": set(),
    "list": set(),
    "content": set(),
    "keys": set(),
}
"""What each route needs, that needs anything, and some that need nothing."""


def asked_in_every_way(ann: TestClient, place: str, talk: str, upload_place: str) -> dict[str, Any]:
    """The replies of the routes above."""
    events, said_so = {"accept": "text/event-stream"}, {"text": "When does the pool open?"}
    chat = {"model": "footnote", "messages": [{"role": "user", "content": "When does the pool open?"}]}
    announced = {"fileName": "a.md", "fileSize": 1, "checksumSHA256": "0" * 64}
    return {
        "search": ann.post("/v1/search", json=QUESTION),
        "ask": ann.post("/v1/ask", json=QUESTION),
        "ask as events": ann.post("/v1/ask", json=QUESTION, headers=events),
        "begin": ann.post("/v1/conversations", json={}),
        "say": ann.post(f"{talk}/messages", json=said_so),
        "say as events": ann.post(f"{talk}/messages", json=said_so, headers=events),
        "chat": ann.post("/v1/chat/completions", json=chat),
        "chat as events": ann.post("/v1/chat/completions", json=chat | {"stream": True}),
        "upload": upload(ann),
        "announce": ann.post("/v1/uploads", json=announced),
        "complete": ann.post(f"{upload_place}/complete"),
        "retry": ann.post(f"{place}/retry"),
        "share": ann.patch(place, json={"access": {"isPublic": True}}),
        "make a key": ann.post("/v1/keys", json={"name": "mine", "allowedActions": ["ask"]}),
        "title": ann.patch(place, json={"title": "Rules"}),
        "read": ann.get(place),
        "list": ann.get("/v1/documents"),
        "content": ann.get(f"{place}/content"),
        "keys": ann.get("/v1/keys"),
    }


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_that_the_level_does_not_have(ann: TestClient, limit: Limit, action: str) -> None:
    """What the level does not allow is refused by its name wherever it is done, and everything else goes on."""
    limit(allowed_actions=frozenset(ACTIONS))
    place = f"/v1/documents/{upload(ann).json()['documentId']}"
    talk = f"/v1/conversations/{ann.post('/v1/conversations', json={}).json()['conversationId']}"
    announced = {"fileName": "a.md", "fileSize": 1, "checksumSHA256": "0" * 64}
    upload_place = f"/v1/uploads/{ann.post('/v1/uploads', json=announced).json()['uploadId']}"
    limit(allowed_actions=frozenset(ACTIONS) - {action})

    replies = asked_in_every_way(ann, place, talk, upload_place)
    assert replies.keys() == ROUTES.keys()
    refused = {name for name, reply in replies.items() if reply.status_code == 403}
    assert refused == {name for name, needed in ROUTES.items() if action in needed}
    for name in refused:
        assert f"does not allow '{action}'" in replies[name].text
    assert ann.delete(place).status_code == 204


def test_the_local_user_has_no_limits(owner: TestClient, limit: Limit) -> None:
    """Of the local user nothing is counted and nothing refused, whatever the levels say."""
    limit(max_asks_per_day=0, max_documents=0, allowed_actions=frozenset())
    assert upload(owner).status_code == 202
    assert owner.post("/v1/ask", json=QUESTION).status_code == 200
    usage = owner.get("/v1/usage").json()
    assert (usage["level"], usage["maxDocuments"], usage["documents"], usage["asks"]) == ("unlimited", None, 0, 0)
