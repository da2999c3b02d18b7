"""Buildings over HTTP: what holds in one, who may say so, and what that leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from corpus.keys import iso_day
from corpus.records.levels import ACTIONS
from corpus.records.tenants import Tenant, Tenants, tenant_data
from corpus.scope import Scope
from footnote.api.app import create_app
from footnote.api.asker import asker
from footnote.connect import Footnote
from tests.flows.test_api import HERE, client, footnote

__all__ = ["client", "footnote"]
As = Callable[..., TestClient]
TOLD: dict[str, Any] = {
    "name": "Linden Court",
    "units": ["12", "13"],
    "language": "de-CH",
    "timeZone": "Europe/Zurich",
    "defaultLevel": "premium",
    "conversationDays": 7,
    "accessLogDays": 14,
    "auditDays": 365,
    "caps": {"costMicrosPerMonth": 0},
}


@pytest.fixture
def asking(footnote: Footnote) -> As:
    """A client of somebody in a building, who may do this besides what everybody may."""

    def made(user: str, tenant: str, *more: str) -> TestClient:
        app = create_app(footnote)
        may = frozenset((*ACTIONS, *more))
        app.dependency_overrides[asker] = lambda: Scope(user, tenant, frozenset({f"user:{user}"}), may, 0.0)
        return TestClient(app, base_url=HERE, raise_server_exceptions=False)

    return made


def test_what_holds_in_a_building(client: TestClient) -> None:
    """A building holds to the defaults until something else is said; what is left out stays, null takes it back."""
    assert client.get("/v1/building").json() == tenant_data(Tenant("home"))
    assert client.get("/v1/buildings").json() == {"buildings": [], "cursor": None}
    for name, value in TOLD.items():
        before = client.get("/v1/building").json()
        assert client.patch("/v1/building", json={name: value}).json() == before | {name: value}
    assert client.get("/v1/building").json() == {"tenantId": "home", **TOLD}
    nothing = {"auditDays": None, "caps": {"costMicrosPerMonth": None}}
    assert client.patch("/v1/building", json=nothing).json() == {"tenantId": "home", **TOLD, **nothing}


@pytest.mark.parametrize(
    "wrong",
    [
        *({name: days} for name in TOLD if name.endswith("Days") for days in (0, -1, 36_501, 1.5, "soon")),
        *({name: None} for name in TOLD if name != "auditDays"),
        *({"language": one} for one in ("german", "DE", "d")),
        *({"timeZone": one} for one in ("Mars/Olympus", "Europe", "", "/etc/passwd", "../UTC")),
        *({"caps": one} for one in ({}, {"costMicrosPerMonth": -1}, {"costMicrosPerMonth": 10**16}, {"more": 1})),
        *({"units": one} for one in (["a b"], ["12", "12"], "12", [12])),
        {"defaultLevel": "unlimited"},
        {"tenantId": "elsewhere"},
        {"name": "x" * 201},
    ],
    ids=json.dumps,
)
def test_what_cannot_hold(client: TestClient, wrong: dict[str, Any]) -> None:
    """What cannot hold is refused, and leaves the building as it was."""
    assert client.patch("/v1/building", json={"name": "Linden", **wrong}).status_code in {400, 422}
    assert client.get("/v1/building").json() == tenant_data(Tenant("home"))


def test_a_state_that_was_not_read(client: TestClient) -> None:
    """With If-Match a building changes only if it is as it was read; with If-None-Match it is not sent again."""
    tag = client.get("/v1/building").headers["etag"]
    assert client.get("/v1/building", headers={"if-none-match": tag}).status_code == 304
    assert client.patch("/v1/building", json={"name": "Linden"}, headers={"if-match": tag}).status_code == 200
    assert client.patch("/v1/building", json={"name": "Oak"}, headers={"if-match": tag}).status_code == 412
    assert client.get("/v1/building").json()["name"] == "Linden"


def test_administrators_say_what_holds_in_theirs(asking: As, footnote: Footnote) -> None:
    """Administrators read and change their own building and no other; residents and guests neither."""
    ann, bob, carl = asking("ann", "linden", "admin"), asking("bob", "linden"), asking("carl", "acorn", "admin")
    for verb, path in (("GET", "/v1/building"), ("PATCH", "/v1/building"), ("GET", "/v1/buildings")):
        assert bob.request(verb, path, json={"name": "Bob's"} if verb == "PATCH" else None).status_code == 403
    assert Tenants(footnote.table).listed(10) == ([], None)
    assert ann.patch("/v1/building", json={"name": "Linden Court"}).json()["tenantId"] == "linden"
    assert carl.get("/v1/building").json() == tenant_data(Tenant("acorn"))
    assert ann.get("/v1/buildings").status_code == 403


def test_the_installations_own_see_all(asking: As, client: TestClient) -> None:
    """Who may operate the installation sees every building that was told of, page by page, by id."""
    for name in ("linden", "acorn", "oak"):
        asking("ann", name, "admin").patch("/v1/building", json={"name": name.title()})
    page = client.get("/v1/buildings", params={"limit": 2}).json()
    last = client.get("/v1/buildings", params={"limit": 2, "cursor": page["cursor"]}).json()
    assert [one["name"] for one in (*page["buildings"], *last["buildings"])] == ["Acorn", "Linden", "Oak"]


def test_a_change_leaves_a_trail(client: TestClient) -> None:
    """The audit names who changed which fields of a building, and never what they say."""
    client.patch("/v1/building", json={"name": "Linden Court", "language": "de"})
    client.patch("/v1/building", json={"name": "x", "auditDays": 0})
    (entry,) = client.get("/v1/audit").json()["entries"]
    assert (entry["actor"], entry["action"], entry["target"]) == ("local", "change building", "home")
    assert entry["details"] == {"fields": ["language", "name"]}


def test_it_holds_at_once(client: TestClient, footnote: Footnote) -> None:
    """What is read or said right after a change is kept for as long as that says, and what was before as it was."""
    name = client.post("/v1/conversations", json={}).json()["conversationId"]
    client.get("/v1/documents")
    days = {"accessLogDays": 2, "conversationDays": 3, "auditDays": 4}
    client.patch("/v1/building", json=days)
    client.get("/v1/documents")
    client.post(f"/v1/conversations/{name}/messages", json={"text": "When does the pool open?"})

    def left(partition: str) -> list[int | None]:
        items = footnote.table.query(0, partition).items
        return [None if one.ttl is None else round((one.ttl - footnote.clock()) / 86_400) for one in items]

    day = iso_day(footnote.clock())
    assert left(f"ACCESS#home#{day}") == [90, 2, 2]
    assert left(f"AUDIT#home#{day[:7]}") == [4]
    assert left(f"CONVERSATION#{name}") == [3, 3, 3]
