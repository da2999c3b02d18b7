"""What others share with somebody by name, as a list: the documents' own records say what is on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from corpus.items import Item
from corpus.keys import iso_time
from corpus.model import Access
from footnote.api.app import create_app
from footnote.api.asker import asker
from footnote.cli import app
from footnote.connect import Footnote
from ingest.terms import Terms
from tests.flows.test_api import HERE, client, footnote, upload

__all__ = ["client", "footnote"]
NAMES = ["a.md", "b.md", "c.md", "d.md", "e.md"]
Listed = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def bob(footnote: Footnote) -> Iterator[TestClient]:
    made = create_app(footnote)
    made.dependency_overrides[asker] = lambda: footnote.local_scope("bob")
    with TestClient(made, base_url=HERE, raise_server_exceptions=False) as one:
        yield one


@pytest.fixture
def listed(bob: TestClient) -> Listed:
    """All that is shared with Bob, read page by page."""

    def pages(limit: int = 2, **wanted: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            asked: dict[str, Any] = {"shared": True, "limit": limit, **wanted, **({"cursor": cursor} if cursor else {})}
            page = bob.get("/v1/documents", params=asked).json()
            assert len(page["documents"]) <= limit
            found += page["documents"]
            cursor = page["cursor"]
        return found

    return pages


def shared(client: TestClient, footnote: Footnote, name: str, *readers: str) -> str:
    document_id = str(upload(client, footnote, name=name)["documentId"])
    client.patch(f"/v1/documents/{document_id}", json={"access": {"sharedWith": list(readers)}})
    return document_id


def test_what_is_shared_with_me(client: TestClient, bob: TestClient, footnote: Footnote, listed: Listed) -> None:
    """Whoever something is shared with finds it listed, with whose it is; nobody else does, nor the owner."""
    ids = sorted(shared(client, footnote, name, "bob") for name in NAMES)
    shared(client, footnote, "eves.md", "eve")
    found = listed()
    assert [one["documentId"] for one in found] == ids
    assert {one["fileName"] for one in found} == set(NAMES)
    told = [one["shared"] for one in found]
    assert {(one["ownerId"], one["sharedBy"]) for one in told} == {("local", "local")}
    assert all("2020" < one["sharedAt"] <= iso_time(footnote.clock()) for one in told)
    assert bob.get("/v1/documents").json() == {"documents": [], "cursor": None}
    assert client.get("/v1/documents", params={"shared": True}).json() == {"documents": [], "cursor": None}


def test_what_is_no_longer(client: TestClient, footnote: Footnote, listed: Listed) -> None:
    """What is taken back or removed is gone at once, also where the record of the share was left behind."""
    kept, back, gone, behind, moved = (shared(client, footnote, name, "bob") for name in NAMES)
    client.patch(f"/v1/documents/{back}", json={"access": {"sharedWith": ["eve"]}})
    client.delete(f"/v1/documents/{gone}")
    for name, changed in ((behind, {"access": Access(is_public=True)}), (moved, {"tenant_id": "elsewhere"})):
        document = footnote.documents.get(name)
        assert document
        footnote.documents.put(replace(document, **changed))
    assert [one["documentId"] for one in listed()] == [kept]


def test_it_is_filtered(client: TestClient, footnote: Footnote, listed: Listed) -> None:
    """The list of what is shared takes the same filters as one's own."""
    name = shared(client, footnote, "a.md", "bob")
    day = client.get(f"/v1/documents/{name}").json()["uploadDate"][:10]
    for wanted in ({"status": "ready"}, {"type": "text/markdown"}, {"since": day}, {"until": "2999-01-01"}):
        assert len(listed(**wanted)) == 1, wanted
    for other in ({"status": "error"}, {"type": "text/html"}, {"since": "2999-01-01"}, {"until": day}):
        assert listed(**other) == [], other


def test_a_cursor_is_of_ones_own_list(client: TestClient, bob: TestClient, footnote: Footnote, listed: Listed) -> None:
    """A cursor of another list, or another person's, opens nothing that is not on one's own."""
    ids = sorted(shared(client, footnote, name, "bob", "eve") for name in NAMES)
    cursors = [client.get("/v1/documents", params={"limit": 1}).json()["cursor"]]
    cursors.append(bob.get("/v1/documents", params={"limit": 1, "shared": True}).json()["cursor"])
    for cursor in cursors:
        mine = client.get("/v1/documents", params={"shared": True, "cursor": cursor})
        assert mine.status_code == 400 or mine.json()["documents"] == []
        theirs = bob.get("/v1/documents", params={"shared": True, "cursor": cursor})
        assert theirs.status_code == 400 or {one["documentId"] for one in theirs.json()["documents"]} <= set(ids)


def test_an_older_record(client: TestClient, footnote: Footnote, listed: Listed) -> None:
    """A share that was written before its time was kept is listed too."""
    name = shared(client, footnote, "a.md", "bob")
    key = ("USER#bob", f"SHARED#{name}")
    found = footnote.table.get(*key)
    assert found
    data = {what: value for what, value in found.data.items() if what != "sharedAt"}
    footnote.table.put(Item(*key, "shared", data), found.rev)
    assert [one["shared"]["sharedAt"] for one in listed()] == [None]


def test_on_one_machine(tmp_path: Path, footnote: Footnote, client: TestClient) -> None:
    """`footnote list --shared` lists what others share with somebody, and says so if that is nothing."""
    name = str(upload(client, footnote)["documentId"])
    footnote.amend(footnote.local_scope(), name, Terms(shared_with=("bob",)))

    def told(*more: str) -> str:
        return CliRunner().invoke(app, ["--home", str(tmp_path / "home"), "list", "--shared", *more]).stdout

    assert [json.loads(line)["documentId"] for line in told("--user", "bob", "--json").splitlines()] == [name]
    assert "rules.md" in told("--user", "bob")
    assert told() == "Nothing is shared with you by name.\n"


def test_more_readers_than_change_at_once(client: TestClient, footnote: Footnote) -> None:
    """Whoever replaces more readers than one transaction changes is told to do it in two steps; nothing changes."""
    first, others = ([f"{name}{n}" for n in range(60)] for name in ("resident", "guest"))
    place = f"/v1/documents/{shared(client, footnote, 'a.md', *first)}"
    refused = client.patch(place, json={"access": {"sharedWith": others}})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
    assert "first" in refused.json()["hint"]
    assert client.get(place).json()["access"]["sharedWith"] == first

    for readers in ([], others):
        assert client.patch(place, json={"access": {"sharedWith": readers}}).status_code == 200
