"""Who is asking over HTTP: people with tokens, programs with keys, guests by the clock, and nobody else."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from corpus.answers import Prompt
from corpus.keys import iso_day, iso_time
from corpus.llms.quotes import Quotes
from corpus.records.grants import Grant
from corpus.records.people import id_of
from corpus.records.tenants import Tenant
from footnote import adapters
from footnote.api.app import create_app
from footnote.cli import app
from footnote.connect import Footnote
from footnote.settings import Settings
from tests.fakes import Clock, HashEmbedder
from tests.jwks import CLIENT, IdentityServer, id_claims, jwk, rsa_key

pytestmark = pytest.mark.service
KEY = rsa_key()

RULES = b"# Rules\n\n## Pool\n\nThe pool opens at nine in the morning.\n"
ASKED = {"question": "When does the pool open?"}
DAY = 86_400


@pytest.fixture
def provider() -> Iterator[IdentityServer]:
    with IdentityServer([jwk("k1", KEY)]) as one:
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def footnote(
    tmp_path: Path, provider: IdentityServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Footnote]:
    embedder = HashEmbedder()
    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_EMBEDDER", {"local": lambda *_: embedder})
    environ = {"FOOTNOTE_ISSUER": provider.url, "FOOTNOTE_AUDIENCE": CLIENT, "FOOTNOTE_OCR": "off"}
    with Footnote(Settings.from_env(environ, home=tmp_path / "home"), clock) as one:
        yield one


@pytest.fixture
def client(footnote: Footnote) -> Iterator[TestClient]:
    with TestClient(create_app(footnote), base_url="https://api.example.org") as one:
        yield one


class Someone:
    """A person with a token, who asks."""

    def __init__(self, client: TestClient, provider: IdentityServer, clock: Clock, name: str) -> None:
        self._client, self._provider, self._clock, self.name = client, provider, clock, name

    def header(self) -> dict[str, str]:
        told = id_claims(self._provider.url, self._clock(), sub=self.name, email=f"{self.name}@example.org")
        return {"authorization": f"Bearer {jwt.encode(told, KEY, 'RS256', {'kid': 'k1'})}"}

    def __call__(self, verb: str, path: str, **more: Any) -> Any:
        self._clock.sleep(0.002)
        return self._client.request(verb, f"/v1{path}", headers={**self.header(), **more.pop("headers", {})}, **more)


@pytest.fixture
def ann(client: TestClient, provider: IdentityServer, clock: Clock) -> Someone:
    return Someone(client, provider, clock, "ann")


@pytest.fixture
def bob(client: TestClient, provider: IdentityServer, clock: Clock) -> Someone:
    return Someone(client, provider, clock, "bob")


def admin(footnote: Footnote, name: str) -> None:
    """Make somebody an administrator of the building."""
    footnote.grants.put(Grant(f"admin-{name}", name, "home", "admin", iso_time(0)))


def premium(footnote: Footnote, who: Someone) -> None:
    """Give somebody the level at which people make keys."""
    who("GET", "/me")
    person = footnote.people.get(who.name)
    assert person
    footnote.people.put(replace(person, service_level="premium"))


def upload(footnote: Footnote, who: Someone, **access: Any) -> str:
    sent = who("POST", "/documents", files={"file": ("rules.md", RULES)})
    assert sent.status_code == 202, sent.text
    work(footnote)
    name = str(sent.json()["documentId"])
    if access:
        assert who("PATCH", f"/documents/{name}", json={"access": access}).status_code == 200
        work(footnote)
    return name


def work(footnote: Footnote) -> None:
    while footnote.ingestor.drain(footnote.queue):
        pass


def found(who: Someone) -> set[str]:
    """The documents that somebody finds by asking; what answers is among them."""
    hits = {hit["documentId"] for hit in who("POST", "/search", json=ASKED).json()["hits"]}
    cited = {one["documentId"] for one in who("POST", "/ask", json=ASKED).json()["citations"]}
    assert cited <= hits
    return hits


def test_nobody_is_let_in_unknown(client: TestClient) -> None:
    """Without a token every route but those of the service's health answers 401, and says what to send."""
    paths = client.get("/openapi.json").json()["paths"]
    for path, verbs in paths.items():
        for verb in verbs:
            reply = client.request(verb, path.replace("{", "x").replace("}", ""))
            if path in {"/health", "/ready"}:
                assert reply.status_code == 200
            else:
                told = reply.json()
                assert (reply.status_code, told.get("error", told)["code"]) == (401, "unauthenticated"), (verb, path)
                assert reply.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer x.y.z", "Bearer fn_" + "x" * 43, "token"])
def test_what_is_not_believed(client: TestClient, header: str) -> None:
    """A header that is no token of the provider, or a key that nobody made, is told to sign in again."""
    assert client.get("/v1/me", headers={"authorization": header}).status_code == 401


def test_a_person_is_made_by_signing_in(ann: Someone, footnote: Footnote) -> None:
    """The first token makes a person; their documents are theirs, and nobody else's."""
    me = ann("GET", "/me").json()
    assert (me["userId"], me["email"], me["loginCount"], me["principals"]) == (
        "ann",
        "ann@example.org",
        1,
        ["user:ann"],
    )
    assert "admin" not in me["actions"]
    changed = ann("PATCH", "/me", json={"preferences": {"language": "de"}}).json()
    assert changed["preferences"] == {"theme": "light", "notifications": True, "language": "de"}
    assert ann("PATCH", "/me", json={"preferences": {"language": "Deutsch!"}}).status_code == 422


def test_documents_of_others(ann: Someone, bob: Someone, footnote: Footnote) -> None:
    """What one person uploads no other finds, opens, changes or removes, unless it is shared with them."""
    name = upload(footnote, ann)
    assert (found(ann), found(bob)) == ({name}, set())
    for verb, path in (("GET", ""), ("GET", "/content"), ("GET", "/pages/1"), ("DELETE", ""), ("POST", "/retry")):
        assert bob(verb, f"/documents/{name}{path}").status_code == 404

    ann("PATCH", f"/documents/{name}", json={"access": {"sharedWith": ["bob"]}})
    work(footnote)
    assert found(bob) == {name}
    assert bob("GET", f"/documents/{name}/content").content == RULES
    for verb, path, sent in (("DELETE", "", None), ("PATCH", "", {"title": "Mine"}), ("POST", "/retry", None)):
        assert bob(verb, f"/documents/{name}{path}", json=sent).status_code == 404
    ann("PATCH", f"/documents/{name}", json={"access": {"sharedWith": []}})
    assert found(bob) == set()
    assert bob("GET", f"/documents/{name}").status_code == 404


@pytest.mark.parametrize(
    ("access", "reads"),
    [
        ({"isPublic": True}, False),
        ({"audience": ["unit:12"]}, True),
        ({"audience": ["role:guest"]}, True),
        ({"audience": ["unit:14", "role:resident"]}, False),
    ],
)
def test_a_guest_reads_during_the_stay(
    ann: Someone, bob: Someone, footnote: Footnote, clock: Clock, access: dict[str, Any], reads: bool
) -> None:
    """By the clock: not before the stay, what is open to guests or their unit during it, and not after it."""
    admin(footnote, "ann")
    name = upload(footnote, ann, **access)
    first, last = iso_time(clock() + DAY), iso_time(clock() + 3 * DAY)
    asked = {"userId": "bob", "role": "guest", "unitId": "12", "from": first, "until": last}
    assert ann("POST", "/grants", json=asked).status_code == 201

    assert found(bob) == set()
    clock.sleep(DAY)
    assert found(bob) == ({name} if reads else set())
    assert bob("GET", f"/documents/{name}").status_code == (200 if reads else 404)
    clock.sleep(2 * DAY)
    assert found(bob) == set()
    assert bob("GET", f"/documents/{name}").status_code == 404


def test_a_grant_is_from_one_day_to_another(ann: Someone, footnote: Footnote) -> None:
    """A day alone is its first moment, in UTC, whether grants come one by one or from CSV; so is a time in any zone."""
    admin(footnote, "ann")
    for first, last in (
        ("2027-07-03", "2027-07-10"),
        ("2027-07-03T02:00:00+02:00", "2027-07-09T14:00-10:00"),
        ("2027-07-03t00:00:00z", "2027-07-10T00:00:00.000Z"),
    ):
        asked = {"userId": "bob", "role": "guest", "from": first, "until": last}
        assert ann("POST", "/grants", json=asked).status_code == 201
        line = f"userId,role,unitId,from,until\nbob,guest,,{first},{last}\n"
        assert ann("POST", "/grants/import", json={"csv": line}).json() == {"lines": 1, "granted": 1}
    bobs = [one for one in ann("GET", "/grants").json()["grants"] if one["userId"] == "bob"]
    span = ("2027-07-03T00:00:00.000Z", "2027-07-10T00:00:00.000Z")
    assert [(one["from"], one["until"]) for one in bobs] == [span] * 6
    none = ann("POST", "/grants", json={"userId": "bob", "role": "guest", "from": "2027-07-03", "until": None}).json()
    assert (none["from"], none["until"]) == ("2027-07-03T00:00:00.000Z", None)


def test_a_resident_is_everyone_in_the_building(ann: Someone, bob: Someone, footnote: Footnote, clock: Clock) -> None:
    """What is public is found by residents, from the moment of their grant to that of its end or its removal."""
    admin(footnote, "ann")
    name = upload(footnote, ann, isPublic=True)
    assert found(bob) == set()
    grant = ann("POST", "/grants", json={"userId": "bob", "role": "resident"}).json()
    assert found(bob) == {name}
    assert ann("DELETE", f"/people/bob/grants/{grant['grantId']}").status_code == 204
    assert found(bob) == set()


def test_only_administrators_administer(ann: Someone, bob: Someone, footnote: Footnote) -> None:
    """Who is no administrator of the building sees no people and no grants, and gives none."""
    admin(footnote, "ann")
    bob("GET", "/me")
    for verb, path, sent in (
        ("GET", "/people", None),
        ("PATCH", "/people/ann", {"isActive": False}),
        ("GET", "/grants", None),
        ("POST", "/grants", {"userId": "bob", "role": "admin"}),
        ("POST", "/grants/import", {"csv": ""}),
        ("DELETE", "/people/ann/grants/admin-ann", None),
    ):
        refused = bob(verb, path, json=sent)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path
    ann("GET", "/me")
    assert {one["userId"] for one in ann("GET", "/people").json()["people"]} == {"ann", "bob"}
    assert [one["userId"] for one in ann("GET", "/grants").json()["grants"]] == ["ann"]


def test_an_account_that_is_switched_off(ann: Someone, bob: Someone, footnote: Footnote) -> None:
    """Switched off, every door is closed at once, to tokens that hold and to keys; switched on, they are open again."""
    admin(footnote, "ann")
    premium(footnote, bob)
    key = bob("POST", "/keys", json={"name": "k", "allowedActions": ["search"]}).json()["key"]
    by_key = {"authorization": f"Bearer {key}"}
    assert ann("PATCH", "/people/bob", json={"isActive": False}).json()["isActive"] is False

    assert bob("GET", "/me").status_code == 403
    assert bob("POST", "/search", json=ASKED, headers=by_key).status_code == 401
    assert ann("PATCH", "/people/ann", json={"isActive": False}).status_code == 409
    assert ann("PATCH", "/people/nobody", json={"isActive": False}).status_code == 404
    ann("PATCH", "/people/bob", json={"isActive": True})
    assert bob("GET", "/me").status_code == 200


def test_api_keys(ann: Someone, bob: Someone, client: TestClient, footnote: Footnote, clock: Clock) -> None:
    """A key opens what it was made for and no more, for as long as it was made for, until it is taken back."""
    name = upload(footnote, ann)
    assert ann("POST", "/keys", json={"name": "x", "allowedActions": ["search"]}).status_code == 403
    premium(footnote, ann)
    made = ann("POST", "/keys", json={"name": "lobby", "allowedActions": ["search"], "days": 2})
    assert made.status_code == 201
    header = {"authorization": f"Bearer {made.json()['key']}"}
    assert [hit["documentId"] for hit in client.post("/v1/search", json=ASKED, headers=header).json()["hits"]] == [name]
    for path, sent in (("/ask", ASKED), ("/keys", {"name": "more", "allowedActions": ["search"]})):
        assert client.post(f"/v1{path}", json=sent, headers=header).status_code == 403
    assert ann("POST", "/keys", json={"name": "x", "allowedActions": ["admin"]}).status_code == 403

    listed = ann("GET", "/keys").json()["keys"]
    assert [(one["name"], "key" in one, one["lastUsedAt"] is None) for one in listed] == [("lobby", False, False)]
    assert bob("GET", "/keys").json()["keys"] == []
    assert bob("DELETE", f"/keys/{listed[0]['keyId']}").status_code == bob("DELETE", "/keys/none").status_code == 404
    clock.sleep(2 * DAY)
    assert client.post("/v1/search", json=ASKED, headers=header).status_code == 401

    lasting = ann("POST", "/keys", json={"name": "lasting", "allowedActions": ["search"]}).json()
    header = {"authorization": f"Bearer {lasting['key']}"}
    assert client.post("/v1/search", json=ASKED, headers=header).status_code == 200
    assert ann("DELETE", f"/keys/{lasting['keyId']}").status_code == 204
    assert client.post("/v1/search", json=ASKED, headers=header).status_code == 401


def test_grants_from_csv(ann: Someone, bob: Someone, footnote: Footnote, clock: Clock) -> None:
    """A file of grants is taken as a whole, once however often it is sent, or refused with the line that is wrong."""
    admin(footnote, "ann")
    start, end = iso_time(clock() - DAY), iso_time(clock() + DAY)
    good = f"userId,role,unitId,from,until\nbob,guest,12,{start},{end}\ncy,resident,14,,\n"
    assert ann("POST", "/grants/import", json={"csv": good}).json() == {"lines": 2, "granted": 2}
    assert ann("POST", "/grants/import", json={"csv": good}).json() == {"lines": 2, "granted": 0}
    assert set(bob("GET", "/me").json()["principals"]) == {"user:bob", "unit:12", "role:guest"}
    for bad, says in (
        (good + "dee,owner,1,,\n", "Line 4"),
        (good + "dee,guest,1,soon,\n", "Line 4"),
        (good + "dee,guest\n", "Line 4"),
        ("userId,role\nbob,guest\n", "first line"),
    ):
        refused = ann("POST", "/grants/import", json={"csv": bad})
        assert (refused.status_code, says in refused.json()["detail"]) == (400, True)
    assert len(ann("GET", "/grants").json()["grants"]) == 3


def test_another_building(ann: Someone, bob: Someone, footnote: Footnote) -> None:
    """A person asks in the building they name, if they are somebody there; else there is no such building."""
    elm = {"headers": {"footnote-building": "elm"}}
    unknown = bob("GET", "/me", headers={"footnote-building": "nowhere"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert bob("GET", "/me", **elm).content == unknown.content.replace(b"nowhere", b"elm")
    footnote.grants.put(Grant("g", "bob", "elm", "resident", iso_time(0)))
    assert bob("GET", "/me", **elm).json()["principals"] == ["role:resident", "tenant:elm", "user:bob"]

    admin(footnote, "ann")
    upload(footnote, ann, isPublic=True)
    assert bob("POST", "/search", json=ASKED, **elm).json()["hits"] == []


def test_what_is_of_others_is_unknown(ann: Someone, bob: Someone, footnote: Footnote) -> None:
    """Another's key, and people and grants of another building, answer byte for byte like what is not there."""
    admin(footnote, "ann")
    premium(footnote, bob)
    key_id = bob("POST", "/keys", json={"name": "k", "allowedActions": ["ask"]}).json()["keyId"]
    elsewhere = footnote.people.get("bob")
    assert elsewhere
    footnote.people.put(replace(elsewhere, tenant_id="elm"))
    footnote.grants.put(Grant("g-elm", "bob", "elm", "resident", iso_time(0)))

    for verb, foreign, unknown in (
        ("DELETE", f"/keys/{key_id}", "/keys/none"),
        ("PATCH", "/people/bob", "/people/none"),
        ("DELETE", "/people/bob/grants/g-elm", "/people/bob/grants/none"),
        ("DELETE", "/people/bob/grants/g-elm", "/people/none/grants/none"),
    ):
        sent = {"json": {"isActive": False}} if verb == "PATCH" else {}
        replies = [ann(verb, path, **sent) for path in (foreign, unknown)]
        names = [path.rsplit("/", 1)[1].encode() for path in (foreign, unknown)]
        told = [(one.status_code, one.content.replace(name, b"ID")) for one, name in zip(replies, names, strict=True)]
        assert told[0] == told[1]
        assert told[0][0] == 404


def test_the_trails(ann: Someone, bob: Someone, footnote: Footnote) -> None:
    """Each read and search leaves who, when and which documents, each change of rights what it was; none any text."""
    admin(footnote, "ann")
    name = upload(footnote, ann, isPublic=True)
    bob("GET", "/me")
    grant = ann("POST", "/grants", json={"userId": "bob", "role": "resident"}).json()
    assert bob("POST", "/search", json=ASKED, headers={"x-request-id": "r-1"}).status_code == 200
    bob("POST", "/ask", json=ASKED)
    bob("GET", f"/documents/{name}/content")
    bob("GET", "/documents/none")
    ann("DELETE", f"/people/bob/grants/{grant['grantId']}")
    ann("DELETE", f"/documents/{name}")

    told = [one for one in ann("GET", "/access").json()["accesses"] if one["userId"] == "bob"][::-1]
    assert [(one["action"], one["documentIds"], one["outcome"]) for one in told] == [
        ("search", [name], "ok"),
        ("ask", [name], "ok"),
        ("read", [name], "ok"),
        ("read", ["none"], "not_found"),
    ]
    assert told[0]["requestId"] == "r-1"
    entries = ann("GET", "/audit").json()["entries"][::-1]
    assert [(one["actor"], one["action"], one["target"]) for one in entries] == [
        ("ann", "share", name),
        ("ann", "grant", "bob"),
        ("ann", "take back grant", "bob"),
        ("ann", "remove", name),
    ]
    for path, past in (("/access", {"day": "2020-01-01"}), ("/audit", {"month": "2020-01"})):
        assert "pool" not in ann("GET", path).text
        assert ann("GET", path, params=past).json()["cursor"] is None
        assert bob("GET", path).status_code == 403


def test_whom_to_turn_to(ann: Someone, footnote: Footnote) -> None:
    """What the documents do not answer comes with the contact of the building's persona; what they answer does not."""
    admin(footnote, "ann")
    upload(footnote, ann)
    contact = {"name": "Concierge", "email": "", "phone": "555 0187", "hours": "day and night"}
    persona = {"name": "Linden", "contact": contact, "isDefault": True}
    assert ann("PUT", "/personas/linden", json=persona).status_code in {200, 201}
    assert ann("POST", "/ask", json=ASKED).json()["contact"] is None
    missing = ann("POST", "/ask", json={"question": "Who won the football championship?"}).json()
    assert (missing["type"], missing["contact"]) == ("not_found", contact)


def test_a_preferred_language(ann: Someone, footnote: Footnote) -> None:
    """What a person prefers to read, or else their building, is told to the model, if a question does not show it."""
    told: list[str] = []

    class Listening(Quotes):
        def stream(self, prompt: Prompt) -> Generator[str, None, None]:
            told.append(prompt.instructions)
            yield from super().stream(prompt)

    footnote.llm = Listening()
    upload(footnote, ann)
    ann("POST", "/ask", json=ASKED)
    footnote.tenants.put(Tenant("home", language="fr"))
    ann("POST", "/ask", json=ASKED)
    ann("PATCH", "/me", json={"preferences": {"language": "de"}})
    ann("POST", "/ask", json=ASKED)
    assert [one.partition(" answer in ")[2][:2] for one in told] == ["", "fr", "de"]


def test_a_kept_reply_is_for_whoever_could_get_it(ann: Someone, bob: Someone, footnote: Footnote) -> None:
    """The same Idempotency-Key in another building, or with a key that may do less, gets no reply that was kept."""
    premium(footnote, ann)
    upload(footnote, ann)
    once = {"idempotency-key": "k-1"}
    assert ann("POST", "/ask", json=ASKED, headers=once).status_code == 200
    assert ann("POST", "/ask", json=ASKED, headers=once).headers["idempotent-replayed"] == "true"
    footnote.grants.put(Grant("g", "ann", "elm", "resident", iso_time(0)))
    elsewhere = ann("POST", "/ask", json=ASKED, headers={**once, "footnote-building": "elm"})
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (400, "bad_request")
    less = ann("POST", "/keys", json={"name": "k", "allowedActions": ["search"]}).json()["key"]
    refused = ann("POST", "/ask", json=ASKED, headers={**once, "authorization": f"Bearer {less}"})
    assert refused.status_code == 400


def test_the_first_administrator(footnote: Footnote, ann: Someone, bob: Someone, clock: Clock) -> None:
    """Whoever runs the installation makes one by `sub`, before they ever signed in or after; it stays, audited."""
    identity = footnote.settings.identity
    environ = {"FOOTNOTE_ISSUER": identity.issuer, "FOOTNOTE_AUDIENCE": CLIENT}
    begun = iso_day(time.time())[:7]

    def person(*told: str) -> Result:
        command = ["--home", str(footnote.settings.home), "person", *told]
        return CliRunner().invoke(app, command, env=environ, catch_exceptions=False)

    assert person("add", "auth0|ann", "--role", "admin", "--level", "premium").exit_code == 0
    ann.name = "auth0|ann"
    assert [one["role"] for one in ann("GET", "/people").json()["people"]] == ["admin"]
    clock.sleep(DAY)
    assert [ann("GET", "/me").json()[name] for name in ("role", "serviceLevel", "loginCount")] == [
        "admin",
        "premium",
        2,
    ]

    assert bob("GET", "/people").status_code == 403
    refused = person("add", "bob", "--role", "admin")
    assert (refused.exit_code, "footnote person set bob" in refused.stderr) == (1, True)
    assert bob("GET", "/people").status_code == 403
    assert person("set", "bob", "--role", "admin").stdout == "bob has role admin, at home in home\n"
    told = bob("GET", "/people").json()["people"]
    assert [(one["firstName"], one["serviceLevel"]) for one in told if one["userId"] == "bob"] == [("Ann", "basic")]

    months = {begun, iso_day(time.time())[:7]}
    entries = [one for month in months for one in bob("GET", f"/audit?month={month}").json()["entries"]]
    said = {(one["actor"], one["action"], one["target"]): one["details"] for one in entries}
    assert said["local", "add person", id_of("auth0|ann")] == {"role": "admin", "serviceLevel": "premium"}
    assert said["local", "change person", "bob"] == {"role": "admin"}


def test_levels_are_the_installations(ann: Someone, footnote: Footnote) -> None:
    """A level holds in every building, so only administrators of the installation's own set it."""
    footnote.grants.put(Grant("g", "ann", "elm", "admin", iso_time(0)))
    level = {
        "allowedActions": ["ask"],
        "maxDocuments": 9,
        "maxBytes": 9,
        "maxAsksPerDay": 9,
        "supportPriority": "standard",
    }
    elm = {"headers": {"footnote-building": "elm"}}
    assert ann("GET", "/grants", **elm).status_code == 200
    assert ann("PUT", "/levels/basic", json=level, **elm).status_code == 403
    admin(footnote, "ann")
    assert ann("PUT", "/levels/basic", json=level).status_code == 200
