"""What others share with somebody by name, as a list: the documents' own records say what is on it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
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
from ingest.editions import MOST_NEWER, amend
from ingest.terms import MAX_READERS, Terms
from ingest.upload import Uploads
from tests.flows.test_api import HERE, client, footnote, upload
from tests.worlds import ME, Fuse, Fused, Killed, World

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


def shares(world: World, document_id: str, *readers: str) -> list[str]:
    """Whose list still holds a document."""
    return [reader for reader in readers if world.table.get(f"USER#{reader}", f"SHARED#{document_id}")]


def given(world: World, document_id: str, *readers: str) -> None:
    world.put(document_id, "The pool opens at nine.")
    world.work()
    amend(world.table, ME, document_id, Terms(shared_with=readers))
    assert shares(world, document_id, *readers) == [*readers]


@pytest.mark.parametrize("blob_only", [False, True])
def test_the_records_go_with_the_document(world: World, *, blob_only: bool) -> None:
    """However a document is removed, nothing stays in any reader's partition, and other documents stay shared."""
    readers = [f"reader{n}" for n in range(MAX_READERS)]
    given(world, "d1", *readers)
    given(world, "d2", *readers[:2])
    if blob_only:
        world.blobs.delete(world.document("d1").key)
        world.work()
    else:
        world.uploads.remove(ME, "d1")
    assert shares(world, "d1", *readers) == []
    assert shares(world, "d2", *readers) == readers[:2]
    item = world.table.get("DOCUMENT#d1", "DOCUMENT")
    assert item
    assert set(item.data) == {"documentId", "userId", "version", "deletedAt"}


def crowded(world: World) -> list[str]:
    """A document with as many readers and newer editions as it may have: more records than a transaction takes."""
    readers = [f"reader{n}" for n in range(MAX_READERS)]
    given(world, "old", *readers)
    world.put("oldest", "The pool opens at ten.")
    amend(world.table, ME, "old", Terms(supersedes="oldest"))
    for n in range(MOST_NEWER):
        world.put(f"new{n}", f"The pool opens at {n}.")
        amend(world.table, ME, f"new{n}", Terms(supersedes="old"))
    world.work()
    return readers


@pytest.mark.parametrize("blob_only", [False, True])
def test_more_records_than_go_at_once(world: World, *, blob_only: bool) -> None:
    """What a removal has no room for goes with the change that follows it, wherever the worker dies."""
    readers = crowded(world)
    if blob_only:
        world.blobs.delete(world.document("old").key)
    else:
        world.uploads.remove(ME, "old")
        left = shares(world, "old", *readers)
        assert 0 < len(left) < 10
        assert list(world.document("old").access.shared_with) == left
    for point in range(1, 12):
        with suppress(Killed):
            world.work(world.ingestor(Fuse(point, after=bool(point % 2))))
        world.clock.sleep(70)
    world.work()
    assert shares(world, "old", *readers) == []
    assert world.document("old").access.shared_with == ()
    assert world.document("old").deleted_at
    assert world.document("new0").force.supersedes == "oldest"


def test_uploaded_again_before_everybody_is_taken(world: World) -> None:
    """Whom a removal left is taken before the document is there again: it begins anew, and is shared with nobody."""
    readers = crowded(world)
    world.uploads.remove(ME, "old")
    assert shares(world, "old", *readers)
    world.uploads.put(ME, "old", "rules.md", b"# Rules again\n")
    assert shares(world, "old", *readers) == []
    again = world.documents.get("old")
    assert again
    assert (again.deleted_at, again.access.shared_with) == ("", ())


def test_a_removal_that_dies(world: World) -> None:
    """Wherever a removal ends, a document is there for all of its readers, or gone for all and in no list."""
    for point in itertools.count(1):
        name = f"d{point}"
        given(world, name, "bob", "eve")
        table: Any = Fused(world.table, Fuse(point, after=bool(point % 2)))
        try:
            Uploads(world.blobs, table, world.clock).remove(ME, name)
        except Killed:
            gone = bool(world.document(name).deleted_at)
            assert shares(world, name, "bob", "eve") == ([] if gone else ["bob", "eve"])
        else:
            break
    assert point > 3


def test_shared_while_it_is_removed(world: World) -> None:
    """A document that is shared with one more while it is removed is in nobody's list afterwards."""
    given(world, "d1", "bob")
    more = [lambda: amend(world.table, ME, "d1", Terms(shared_with=("bob", "eve")))]

    class Between:
        def __getattr__(self, name: str) -> Any:
            if name == "transact" and more:
                more.pop()()
            return getattr(world.table, name)

    table: Any = Between()
    Uploads(world.blobs, table, world.clock).remove(ME, "d1")
    assert world.document("d1").deleted_at
    assert shares(world, "d1", "bob", "eve") == []
