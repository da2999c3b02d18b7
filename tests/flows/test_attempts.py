"""What somebody tries who wants to see more than they may: people, programs and guests with tokens of one provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient

from corpus.errors import NotFound
from corpus.keys import iso_time
from corpus.records.grants import Grant, Role
from footnote import adapters
from footnote.api.app import create_app
from footnote.connect import Footnote
from footnote.identity import Verifier
from footnote.settings import Settings
from tests.fakes import Clock, HashEmbedder
from tests.jwks import CLIENT, id_claims, jwk, rsa_key

KEY = rsa_key()
ISSUER = "https://id.example.org"
POOL = b"# Rules\n\n## Pool\n\nThe pool opens at nine in the morning.\n"
ASKED = {"question": "When does the pool open?"}
DAY = 86_400
ELM = {"footnote-building": "elm"}


def fetched(url: str) -> bytes:
    """What the provider says of itself, and its keys."""
    described = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
    return json.dumps({"keys": [jwk("k1", KEY)]} if url == described["jwks_uri"] else described).encode()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def footnote(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Footnote]:
    embedder = HashEmbedder()
    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_EMBEDDER", {"local": lambda *_: embedder})
    environ = {"FOOTNOTE_ISSUER": ISSUER, "FOOTNOTE_AUDIENCE": CLIENT, "FOOTNOTE_OCR": "off"}
    with Footnote(Settings.from_env(environ, home=tmp_path / "home"), clock) as one:
        monkeypatch.setitem(vars(one), "verifier", Verifier(one.settings.identity, clock, fetched))
        yield one


class Someone:
    """A person with a token, or what they made a key for."""

    def __init__(self, footnote: Footnote, clock: Clock, client: TestClient, name: str, key: str = "") -> None:
        self.footnote, self.name, self._clock, self._client, self._key = footnote, name, clock, client, key

    def __call__(self, verb: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> Any:
        self._clock.sleep(0.002)
        told = id_claims(ISSUER, self._clock(), sub=self.name, email=f"{self.name}@example.org")
        bearer = self._key or jwt.encode(told, KEY, "RS256", {"kid": "k1"})
        sent = {"authorization": f"Bearer {bearer}", **(headers or {})}
        return self._client.request(verb, f"/v1{path}", headers=sent, **more)

    def granted(self, role: Role, tenant_id: str = "home") -> None:
        self.footnote.grants.put(Grant(f"{role}-{tenant_id}", self.name, tenant_id, role, iso_time(0)))

    def program(self, *actions: str, **headers: str) -> Someone:
        """A program of theirs, with a key for these actions, made in the building that the headers name."""
        self("GET", "/me")
        known = self.footnote.people.get(self.name)
        assert known
        self.footnote.people.put(replace(known, service_level="premium"))
        made = self("POST", "/keys", headers, json={"name": "k", "allowedActions": actions})
        assert made.status_code == 201, made.text
        return Someone(self.footnote, self._clock, self._client, self.name, made.json()["key"])

    def upload(self, data: bytes, name: str, access: Any = None, **headers: str) -> str:
        """Upload a document, have it read, open it to somebody, and return its id."""
        sent = self("POST", "/documents", headers, files={"file": (name, data)})
        assert sent.status_code == 202, sent.text
        found = str(sent.json()["documentId"])
        assert self("PATCH", f"/documents/{found}", headers, json={"access": access or {}}).status_code == 200
        while self.footnote.ingestor.drain(self.footnote.queue):
            pass
        return found


@pytest.fixture
def people(footnote: Footnote, clock: Clock) -> Iterator[dict[str, Someone]]:
    app = create_app(footnote)
    with TestClient(app, base_url="https://api.example.org", raise_server_exceptions=False) as client:
        yield {name: Someone(footnote, clock, client, name) for name in ("ann", "bob")}


@pytest.fixture
def ann(people: dict[str, Someone]) -> Someone:
    return people["ann"]


@pytest.fixture
def bob(people: dict[str, Someone]) -> Someone:
    return people["bob"]


def test_each_building_lists_its_own(ann: Someone) -> None:
    """What somebody uploaded in one building is listed there, and neither to them nor to a key of theirs elsewhere."""
    ann.granted("resident", "elm")
    here, there = ann.upload(POOL, "home.md"), ann.upload(POOL, "elm.md", **ELM)
    program = ann.program("search")
    for who, headers, name in ((ann, {}, here), (program, {}, here), (ann, ELM, there)):
        assert [one["documentId"] for one in who("GET", "/documents", headers).json()["documents"]] == [name]
    pages, cursor = list[str](), ""
    while cursor is not None:
        page = program("GET", "/documents", params={"limit": 1, **({"cursor": cursor} if cursor else {})}).json()
        pages += [one["fileName"] for one in page["documents"]]
        cursor = page["cursor"]
    assert pages == ["home.md"]


def test_one_building_s_document_is_unknown_in_another(ann: Someone, footnote: Footnote) -> None:
    """Nobody, its owner neither, changes, removes or supersedes it from there, and nothing is said of it."""
    ann.granted("resident", "elm")
    here, there = ann.upload(POOL, "home.md"), ann.upload(POOL, "elm.md", **ELM)
    before = footnote.documents.get(there)
    unknown = ann("PATCH", f"/documents/{here}", json={"supersedes": "none"})
    told = ann("PATCH", f"/documents/{here}", json={"supersedes": there})
    assert (told.status_code, told.content) == (404, unknown.content.replace(b"none", there.encode()))
    for verb, sent in (("PATCH", {"title": "Mine"}), ("DELETE", None)):
        assert ann(verb, f"/documents/{there}", json=sent).status_code == 404
    with pytest.raises(NotFound):
        footnote.uploads.put(footnote.local_scope("ann"), there, "new.md", POOL)
    with pytest.raises(NotFound):
        footnote.uploads.remove(footnote.local_scope("ann"), there)
    assert footnote.documents.get(there) == before


def test_a_key_of_an_upload_is_a_building_s_own(ann: Someone, footnote: Footnote, clock: Clock) -> None:
    """Once a kept reply is forgotten, its Idempotency-Key makes a new document elsewhere, and no version of the old."""
    ann.granted("resident", "elm")
    once = {"idempotency-key": "nightly"}
    here = ann.upload(POOL, "home.md", **once)
    clock.sleep(2 * DAY)
    there = ann.upload(POOL.replace(b"nine", b"ten"), "elm.md", **once, **ELM)
    told = [(one.tenant_id, one.file_name) for one in map(footnote.documents.get, (here, there)) if one]
    assert told == [("home", "home.md"), ("elm", "elm.md")]


@pytest.mark.parametrize("events", [False, True], ids=["json", "events"])
@pytest.mark.parametrize("conversing", [False, True], ids=["ask", "say"])
def test_a_kept_reply_is_no_way_around_a_share_that_is_revoked(
    ann: Someone, bob: Someone, *, events: bool, conversing: bool
) -> None:
    """An answer that was kept for an Idempotency-Key is told again only while all that it cites may be read."""
    name = ann.upload(POOL, "pool.md", {"sharedWith": ["bob"]})
    path, sent = "/ask", dict[str, str](ASKED)
    if conversing:
        begun = bob("POST", "/conversations", json={}).json()["conversationId"]
        path, sent = f"/conversations/{begun}/messages", {"text": ASKED["question"]}
    headers = {"idempotency-key": "k", "accept": "text/event-stream" if events else "application/json"}

    def asked() -> Any:
        return bob("POST", path, headers, json=sent)

    assert all("nine" in asked().text for _ in range(2))
    for readers, status in ([], 409), (["bob"], 200 if events or not conversing else 201):
        ann("PATCH", f"/documents/{name}", json={"access": {"sharedWith": readers}})
        told = asked()
        assert (told.status_code, "nine" in told.text) == (status, status != 409)
    ann("DELETE", f"/documents/{name}")
    assert (asked().status_code, "nine" in asked().text) == (409, False)


def test_a_key_goes_no_further_than_its_actions(ann: Someone, footnote: Footnote) -> None:
    """A key to search and ask changes and removes nothing, and sees neither conversations nor other keys."""
    name = ann.upload(POOL, "pool.md")
    talk = ann("POST", "/conversations", json={"title": "private"}).json()["conversationId"]
    file = {"fileName": "a.md", "fileSize": 1, "checksumSHA256": "0" * 64}
    upload = ann("POST", "/uploads", json=file).json()["uploadId"]
    program = ann.program("search", "ask")
    (key,) = ann("GET", "/keys").json()["keys"]
    asked: dict[str, Any] = {
        f"PATCH /documents/{name}": {"json": {"title": "Mine"}},
        f"DELETE /documents/{name}": {},
        f"POST /documents/{name}/retry": {},
        "POST /conversations": {"json": {}},
        "GET /conversations": {},
        f"GET /conversations/{talk}": {},
        f"DELETE /conversations/{talk}": {},
        "POST /uploads": {"json": file},
        f"GET /uploads/{upload}": {},
        f"POST /uploads/{upload}/parts": {"json": {"number": 1, "size": 1, "checksumSHA256": "0" * 64}},
        f"DELETE /uploads/{upload}": {},
        "GET /keys": {},
        f"DELETE /keys/{key['keyId']}": {},
    }
    for route, sent in asked.items():
        verb, path = route.split(" ")
        refused = program(verb, path, **sent)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), route
        assert "private" not in refused.text
    assert program("GET", f"/documents/{name}").json()["metadata"]["title"] == "Rules"
    assert program("POST", "/ask", json=ASKED).json()["type"] == "grounded"
    known = footnote.people.get("ann")
    assert known
    footnote.people.put(replace(known, service_level="basic"))
    assert len(ann("GET", "/keys").json()["keys"]) == 1
    assert ann("DELETE", f"/keys/{key['keyId']}").status_code == 204


def test_times_beyond_the_calendar(ann: Someone) -> None:
    """A grant whose times no clock shows is refused, in words, as it is from a file."""
    ann.granted("admin")
    for name in ("from", "until"):
        for time in ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"):
            refused = ann("POST", "/grants", json={"userId": "bob", "role": "guest", name: time})
            assert (refused.status_code, name in refused.json()["detail"]) == (422, True)
    twice = {"csv": "userId,userId,role,unitId,from,until\nann,bob,guest,,,\n"}
    assert ann("POST", "/grants/import", json=twice).status_code == 400


def test_half_a_character_in_a_cursor(ann: Someone) -> None:
    """A cursor that no page gave is refused, whatever is in it."""
    for path in ("/documents", "/documents?shared=true", "/keys", "/conversations"):
        refused = ann(
            "GET", path, params={"cursor": r'["\ud800", "a", "b"]', **({"shared": "1"} if "?" in path else {})}
        )
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")


def test_a_key_of_somebody_switched_off(ann: Someone, footnote: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens nothing, with an identity provider or, when that was taken out of the settings, without one."""
    program = ann.program("search")
    assert program("POST", "/search", json=ASKED).status_code == 200
    known = footnote.people.get("ann")
    assert known
    footnote.people.put(replace(known, is_active=False))
    for verifier in (footnote.verifier, None):
        monkeypatch.setitem(vars(footnote), "verifier", verifier)
        assert program("POST", "/search", json=ASKED).status_code == 401
