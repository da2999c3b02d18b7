"""What people say of their documents over HTTP, and what they read of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from corpus.model import Passage
from corpus.records.people import Claims
from corpus.ways import Filter
from footnote.connect import Footnote
from tests.fakes import HashEmbedder
from tests.flows.test_api import RULES, client, footnote, upload
from tests.pdfs import pdf

__all__ = ["client", "footnote"]


def work(footnote: Footnote) -> None:
    while footnote.ingestor.drain(footnote.queue):
        pass


def changed(client: TestClient, footnote: Footnote, place: str, **said: Any) -> dict[str, Any]:
    """Say something of a document, have its chunks bear it, and return its record as it was shown at once."""
    reply = client.patch(place, json=said)
    assert reply.status_code == 200, reply.text
    shown: dict[str, Any] = reply.json()
    work(footnote)
    settled = client.get(place).json()
    assert (settled["status"], settled["version"]) == ("ready", shown["version"])
    return shown


def found_by(footnote: Footnote, person: str, *principals: str, only: Filter = Filter()) -> set[str]:  # noqa: B008 -- frozen
    scope = footnote.local_scope(person)
    scope = replace(scope, principals=scope.principals | set(principals))
    return {hit.file_name for hit in footnote.search(scope, "When does the pool open?", only=only).hits}


def test_what_a_document_is_called(client: TestClient, footnote: Footnote) -> None:
    """Title and description are shown at once, outlive a new reading, and null brings back the title that was read."""
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    told = changed(client, footnote, place, title=" Pool  order ", description="As of spring.")
    assert (told["metadata"]["title"], told["metadata"]["description"]) == ("Pool order", "As of spring.")

    again = client.get(place).json()
    assert (again["metadata"]["title"], again["metadata"]["readTitle"]) == ("Pool order", "Rules")
    assert changed(client, footnote, place, title=None)["metadata"]["title"] == "Rules"
    assert client.get(place).json()["metadata"]["description"] == "As of spring."


def test_a_title_is_embedded_and_the_rest_is_not(
    client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another title is embedded with each chunk; tags, readers and descriptions buy nothing."""
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    bought: list[Passage] = []
    embed = HashEmbedder.embed

    def counted(self: HashEmbedder, passages: Any, purpose: Any) -> Any:
        bought.extend(passages if purpose == "document" else [])
        return embed(self, passages, purpose)

    monkeypatch.setattr(HashEmbedder, "embed", counted)
    changed(client, footnote, place, tags=["pool"], description="x", access={"isPublic": True})
    assert bought == []
    changed(client, footnote, place, title="Natatorium")
    assert ["Natatorium" in one.prefix for one in bought] == [True]
    assert footnote.search(footnote.local_scope(), "natatorium").hits[0].title == "Natatorium"


def test_tags_narrow_a_search(client: TestClient, footnote: Footnote) -> None:
    """A document is found by its tags once its chunks bear them, and no longer by one that was taken back, at once."""
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    assert changed(client, footnote, place, tags=["pool", " rules ", "pool"])["metadata"]["tags"] == ["pool", "rules"]
    assert found_by(footnote, "local", only=Filter(tags=frozenset({"pool"}))) == {"rules.md"}

    client.patch(place, json={"tags": ["rules"]})
    assert found_by(footnote, "local", only=Filter(tags=frozenset({"pool"}))) == set()
    work(footnote)
    assert found_by(footnote, "local", only=Filter(tags=frozenset({"rules"}))) == {"rules.md"}


def test_who_may_read(client: TestClient, footnote: Footnote) -> None:
    """A document is found by whom it is open to: everyone of the building, an audience, people by name."""
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    assert found_by(footnote, "bob") == set()

    told = changed(client, footnote, place, access={"sharedWith": ["bob"]})
    assert told["access"] == {"isPublic": False, "sharedWith": ["bob"], "audience": []}
    assert (found_by(footnote, "bob"), found_by(footnote, "eve")) == ({"rules.md"}, set())
    changed(client, footnote, place, access={"audience": ["unit:12", "role:staff"], "sharedWith": []})
    assert found_by(footnote, "bob") == set()
    assert found_by(footnote, "bob", "unit:12") == found_by(footnote, "eve", "role:staff") == {"rules.md"}
    changed(client, footnote, place, access={"isPublic": True})
    assert found_by(footnote, "bob") == {"rules.md"}


@pytest.mark.parametrize(
    "access", [{"isPublic": True}, {"sharedWith": ["bob"]}, {"audience": ["unit:12"]}], ids=lambda one: next(iter(one))
)
def test_a_right_that_is_taken_back_is_gone_at_once(
    client: TestClient, footnote: Footnote, access: dict[str, Any]
) -> None:
    """Who lost a right finds nothing from that moment, before any chunk was written again."""
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    changed(client, footnote, place, access=access)
    assert found_by(footnote, "bob", "unit:12") == {"rules.md"}

    client.patch(place, json={"access": {"isPublic": False, "sharedWith": [], "audience": []}})
    assert found_by(footnote, "bob", "unit:12") == set()


@pytest.mark.parametrize(
    "said",
    [
        {"title": "x" * 301},
        {"title": "a\u0000b"},
        {"description": "x" * 2001},
        {"tags": ["x"] * 21},
        {"tags": [" "]},
        {"tags": ["x" * 51]},
        {"access": {"sharedWith": ["a b"]}},
        {"access": {"sharedWith": [f"u{n}" for n in range(91)]}},
        {"access": {"audience": ["tenant:home"]}},
        {"access": {"audience": ["user:bob"]}},
        {"access": {"owner": "bob"}},
        {"status": "ready"},
        {"inForceFrom": "2027-02-01", "inForceUntil": "2027-01-01"},
    ],
)
def test_what_cannot_be_said(client: TestClient, footnote: Footnote, said: dict[str, Any]) -> None:
    """What makes no sense is refused, and nothing of it is written."""
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    before = client.get(place).json()
    assert client.patch(place, json={"description": "new", **said}).status_code in {400, 422}
    assert client.get(place).json() == before


def test_retry(client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document in error is worked on once more, however it failed; another is not."""
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    refused = client.post(f"{place}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")

    reader = footnote.reader
    small = type(reader.limits)(characters=10)
    with monkeypatch.context() as patched:
        patched.setattr(reader, "limits", small)
        broken = upload(client, footnote, RULES + b"More.\n", "long.md")
        assert (broken["status"], broken["reason"]["code"]) == ("error", "too_large")
        reader.close()
    place = f"/v1/documents/{broken['documentId']}"
    assert client.post(f"{place}/retry").json()["status"] == "uploading"
    work(footnote)
    assert client.get(place).json()["status"] == "ready"


def test_events(client: TestClient, footnote: Footnote) -> None:
    """What happened in a document's jobs is told, newest first, with how long each stage took, and no text."""
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    found = client.get(f"{place}/events").json()
    told = [(one["eventType"], one["stage"]) for one in found["events"]][::-1]
    stages = ("extract", "chunk", "embed", "index")
    assert told == [
        ("job_created", ""),
        *((kind, stage) for stage in stages for kind in ("stage_started", "stage_completed")),
    ]
    assert "pool" not in client.get(f"{place}/events").text
    first = client.get(f"{place}/events", params={"limit": "1"}).json()
    assert first["events"] == found["events"][:1]
    assert (
        client.get(f"{place}/events", params={"limit": "1", "cursor": first["cursor"]}).json()["events"]
        == (found["events"][1:2])
    )

    broken = upload(client, footnote, b"\x00\xff", "broken.txt")
    (last, *_) = client.get(f"/v1/documents/{broken['documentId']}/events").json()["events"]
    assert (last["eventType"], last["stage"], last["details"]["message"]) == ("error_occurred", "extract", "unreadable")


def test_content(client: TestClient, footnote: Footnote) -> None:
    """The original comes back as it was, to be saved under its name, whatever the name is."""
    name = "röntgen (1).md"
    place = f"/v1/documents/{upload(client, footnote, name=name)['documentId']}/content"
    reply = client.get(place)
    assert reply.content == RULES
    assert reply.headers["content-type"].startswith("text/markdown")
    assert reply.headers["content-disposition"] == "attachment; filename*=UTF-8''r%C3%B6ntgen%20%281%29.md"
    assert reply.headers["content-security-policy"].startswith("sandbox")
    assert client.get(place, headers={"if-none-match": reply.headers["etag"]}).status_code == 304


def test_a_page(client: TestClient, footnote: Footnote) -> None:
    """A citation can be opened: the page it names has its quote, at its offsets."""
    document = upload(client, footnote, pdf(["The gate is green.", "The pool opens at nine in the morning."]), "a.pdf")
    place = f"/v1/documents/{document['documentId']}/pages"
    (citation,) = client.post("/v1/ask", json={"question": "When does the pool open?"}).json()["citations"]

    page = client.get(f"{place}/{citation['pageNumber']}").json()
    assert (page["pageNumber"], page["documentId"]) == (2, document["documentId"])
    start = citation["startPosition"] - page["startPosition"]
    assert page["text"][start : citation["endPosition"] - page["startPosition"]] == citation["quote"]
    for number in ("0", "3", "-1"):
        assert client.get(f"{place}/{number}").status_code == 404
    assert client.get(f"{place}/x").status_code == 422


def test_people_are_named_by_id(client: TestClient, footnote: Footnote) -> None:
    """Who is named by e-mail is refused with what helps, and nobody learns by it whether that person is known."""
    footnote.people.signed_in(
        Claims("ann", "token", 2_000_000_000, email="ann@example.org", email_verified=True), "home", 1
    )
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    known, unknown = (
        client.patch(place, json={"access": {"sharedWith": [f"{name}@example.org"]}}) for name in ("ann", "nobody")
    )

    assert known.content == unknown.content
    assert (known.status_code, known.json()["hint"]) == (400, "GET /v1/me tells everybody their own, as `userId`.")
    assert "each named by id, not by e-mail or name" in known.json()["detail"]
