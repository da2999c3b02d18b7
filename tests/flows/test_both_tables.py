"""One story over two tables: SQLite, as on one machine, and DynamoDB, as on AWS; nobody can tell which it was."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from corpus.answers import Prompt, Tokens
from corpus.errors import Throttled
from corpus.items import Item
from corpus.tables.dynamodb.items import loaded
from corpus.tables.sqlite import _COLUMNS, _item
from footnote import adapters
from footnote.api.app import create_app
from footnote.commands.setting_up import add_person
from footnote.connect import Footnote
from footnote.settings import Settings
from ingest import upload_parts
from tests.fakes import Clock
from tests.flows.test_api import HERE, RULES
from tests.flows.test_gateway import KEY, signed
from tests.flows.test_mcp import called
from tests.flows.test_spending import PRICES, Sold, Writing
from tests.flows.test_uploads import begin, send
from tests.jwks import CLIENT, IdentityServer, id_claims, jwk
from tests.services.aws import CREDENTIALS, dynamodb
from tests.services.servers import SERVERS
from tests.template.partitions import CHANGED, TAKEN_BACK

pytestmark = pytest.mark.service
POOL = {"question": "When does the pool open?"}
EVENTS = {"accept": "text/event-stream"}
QUIETLY = {"x-quietly": "yes"}
"""What a request bears that is told of in another way, and takes no time."""
SAUNA = b"# Sauna\n\nThe sauna opens at four in the afternoon.\n"
LEVEL = {"allowedActions": ["search", "ask", "upload", "converse", "share", "stream", "apiKeys"]} | {
    "maxDocuments": 100,
    "maxBytes": 10**9,
    "maxAsksPerDay": 50,
    "supportPriority": "standard",
}
BUILDING = {"name": "Linden Court", "units": ["12"], "conversationDays": 7, "accessLogDays": 14, "auditDays": 365}
PERSONA = {"name": "Linden", "contact": {"name": "The office"}, "isDefault": True}
CHANGES = ("Put", "Update", "Delete")
MADE = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"  # UUIDs
    r"|\b[0-9A-HJKMNP-TV-Z]{26}\b"  # ULIDs
    r"|\b[0-9a-f]{32}\b|\b[0-9a-f]{64}\b"  # what is hashed of them, or random
    r"|\b[0-9]{20}\b|\bfn_[\w-]{43}|gAAAA[\w=-]+"  # versions, keys, what is sealed
)
"""What is another each time."""


class Moody(Writing):
    """A model that is paid for, and may decline."""

    declines = False

    def stream(self, prompt: Prompt) -> Generator[str, None, Tokens | None]:  # type: ignore[override]
        if self.declines:
            raise Throttled("Not now.")
        return (yield from super().stream(prompt))


@dataclass
class Told:
    """What was replied, in order, over one table; `asked` is what its HTTP API asked DynamoDB to change."""

    footnote: Footnote
    worker: Footnote
    clock: Clock
    tokens: dict[str, str]
    replies: list[str] = field(default_factory=list)
    asked: set[tuple[str, str]] = field(default_factory=set)
    _known: dict[str, str] = field(default_factory=dict)

    def note(self, *parts: object) -> None:
        """Keep what was replied, whatever is another each time by a number."""
        text = " ".join(map(str, parts))
        self.replies.append(MADE.sub(lambda found: self._known.setdefault(found[0], f"<{len(self._known)}>"), text))

    def client(self, name: str) -> TestClient:
        """A client of somebody who signs in; each of its requests is a second after the one before."""

        def wait(request: Any) -> None:
            self.clock.sleep(0 if QUIETLY.items() <= request.headers.items() else 1)

        def noted(reply: Any) -> None:
            reply.read()
            if not QUIETLY.items() <= reply.request.headers.items():
                told = "" if reply.status_code == 304 else reply.text
                self.note(reply.request.method, reply.request.url, reply.status_code, reply.headers.get("etag"), told)

        bears = {"authorization": f"Bearer {self.tokens[name]}"}
        made = TestClient(create_app(self.footnote), base_url=HERE, headers=bears, raise_server_exceptions=False)
        made.event_hooks = {"request": [wait], "response": [noted]}
        return made

    def work(self) -> None:
        """Have what waits worked on, by another process than answers."""
        self.clock.sleep(1)
        while self.worker.ingestor.drain(self.worker.queue):
            pass

    def watch(self, *, model: Any, params: dict[str, Any], **_: object) -> None:
        """Note what a request asks of DynamoDB, and which partitions it changes."""
        for step in params.get("TransactItems") or [{model.name: params}]:
            ((name, what),) = step.items()
            verb = name.removesuffix("Item")
            changed = (what.get("Item") or what["Key"])["PK"]["S"].split("#")[0] if verb in CHANGES else ""
            self.asked.add((verb, changed))


@pytest.fixture
def provider() -> Iterator[IdentityServer]:
    with IdentityServer([jwk("k1", KEY)]) as one:
        yield one


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: IdentityServer) -> Callable[[str, str], Any]:
    """Opens the service over a table, and the rest on one machine."""
    begun, model = float(int(time.time()) + 3600), Moody()  # DynamoDB Local deletes by the clock on the wall
    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_EMBEDDER", {"local": lambda *_: Sold()})
    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_LLM", {"quotes": lambda *_: model})
    monkeypatch.setattr(upload_parts, "MOST_UNFINISHED", 3)
    tokens = {
        name: signed(id_claims(provider.url, begun, sub=sub, jti=name, exp=int(begun) + 7200, **more))
        for name, sub, more in (
            ("ann", "ann", {}),
            ("bob", "bob", {"email": "bob@example.org", "given_name": "Robert", "family_name": "Quill"}),
            ("bob, who moved", "bob", {"email": "quill@example.org", "given_name": "Robert", "family_name": "Quill"}),
        )
    }

    @contextmanager
    def over(name: str, table: str) -> Iterator[Told]:
        clock = Clock(begun)
        environ = {
            "FOOTNOTE_TABLE": table,
            "FOOTNOTE_ISSUER": provider.url,
            "FOOTNOTE_AUDIENCE": CLIENT,
            "FOOTNOTE_PRIVACY_KEYS": "A" * 43 + "=",
            "FOOTNOTE_OCR": "off",
            "FOOTNOTE_RECALL_SAMPLE": "0",  # as lambdas/template.yaml has it
        }
        settings = replace(Settings.from_env(environ, home=tmp_path / name), prices=PRICES)
        elsewhere = Settings.from_env({"FOOTNOTE_TABLE": table}, home=tmp_path / "elsewhere")
        with Footnote(elsewhere, clock) as bare:
            add_person(bare, "ann", "home", "admin", "premium")
        assert not (tmp_path / "elsewhere").exists()  # it asks for nothing but the table
        with Footnote(settings, clock) as footnote, Footnote(settings, clock) as worker:
            yield Told(footnote, worker, clock, tokens)

    return over


def listed(client: TestClient, path: str, name: str, **asked: Any) -> str:
    """All of a list, page by page; where a page ends that was full is the table's own affair, and so is its cursor."""
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(path, params={**asked, **({"cursor": cursor} if cursor else {})}, headers=QUIETLY).json()
        found += page[name]
        cursor = page["cursor"]
    return json.dumps(found, sort_keys=True)


def happened(client: TestClient, place: str) -> list[str]:
    """What happened to a document; at one moment all of it, and so in any order."""
    events = client.get(f"{place}/events", headers=QUIETLY).json()["events"]
    return sorted(f"{one['eventType']} {one['stage']} {one['details']}" for one in events)


def the_story(told: Told) -> None:
    """All that two people of a building do within an hour."""
    ann, bob = told.client("ann"), told.client("bob")
    governed(ann, bob)
    documents = shared(told, ann, bob)
    asked(told, bob)
    conversed(told, ann, bob, documents)
    in_parts(told, bob)
    let_in(told, ann, bob)
    paid(told, ann, bob)
    tools(told)
    removed(told, ann, bob, documents)
    looked_at(told, ann, bob)


def governed(ann: TestClient, bob: TestClient) -> None:
    """What holds in the building, and who answers there."""
    for one in (ann, bob):
        one.get("/v1/me")
        one.patch("/v1/me", json={"preferences": {"theme": "dark", "language": "en"}})
    ann.patch("/v1/building", json=BUILDING)
    tag = ann.get("/v1/building").headers["etag"]
    ann.get("/v1/building", headers={"if-none-match": tag})
    ann.patch("/v1/building", json={"name": "x"}, headers={"if-match": '"another"'})
    bob.get("/v1/building")
    ann.put("/v1/levels/basic", json=LEVEL)
    ann.put("/v1/personas/linden", json=PERSONA)
    ann.put("/v1/personas/oak", json={"name": "Oak"})
    ann.delete("/v1/personas/oak")
    ann.get("/v1/personas")


def shared(told: Told, ann: TestClient, bob: TestClient) -> list[str]:
    """Documents of Ann's, which Bob may read, and one of his own."""
    places = []
    for n, data in enumerate((RULES, SAUNA, b"# Empty\n\nNothing of note.\n")):
        key = {"idempotency-key": f"document {n}"}
        sent = [ann.post("/v1/documents", files={"file": (f"d{n}.md", data)}, headers=key) for _ in range(2)]
        places.append(f"/v1/documents/{sent[1].json()['documentId']}")
        told.work()
        told.note(happened(ann, places[-1]))
        ann.patch(places[-1], json={"title": "", "tags": ["rules"], "access": {"sharedWith": ["bob", "eve"]}})
    told.work()
    bob.post("/v1/documents", files={"file": ("mine.md", b"Bob's bicycle is red.")}, headers={"idempotency-key": "b"})
    told.work()
    ann.get(places[0])
    bob.get(f"{places[0]}/pages")
    bob.get(f"{places[0]}/content")
    for limit in (1, 2, 50):
        told.note(listed(bob, "/v1/documents", "documents", shared=True, limit=limit))
        told.note(listed(ann, "/v1/documents", "documents", limit=limit, type="text/markdown"))
    bob.get("/v1/documents", params={"shared": True, "cursor": "x"})
    return places


def asked(told: Told, bob: TestClient) -> None:
    """Questions, once and again."""
    for headers in ({}, EVENTS, {"idempotency-key": "1"}, {"idempotency-key": "1"}):
        bob.post("/v1/ask", json=POOL, headers=headers)
    bob.post("/v1/ask", json={"question": "Another?"}, headers={"idempotency-key": "1"})
    bob.post("/v1/search", json={**POOL, "k": 2})
    chat = {"model": "footnote", "messages": [{"role": "user", "content": POOL["question"]}]}
    told.note(bob.post("/v1/chat/completions", json=chat).json()["choices"])
    bob.get("/v1/usage")


def conversed(told: Told, ann: TestClient, bob: TestClient, documents: list[str]) -> None:
    """A conversation, of which something is taken back, and one that is forgotten."""
    place = f"/v1/conversations/{bob.post('/v1/conversations', json={'title': ''}).json()['conversationId']}"
    gone = bob.post("/v1/conversations", json={}, headers={"idempotency-key": "2"}).json()["conversationId"]
    bob.post(f"{place}/messages", json={"text": POOL["question"]}, headers={"idempotency-key": "3"})
    bob.post(f"{place}/messages", json={"text": "And on Sundays?"}, headers=EVENTS)
    bob.post(f"/v1/conversations/{gone}/messages", json={"text": "When does the sauna open?"})
    bob.delete(f"/v1/conversations/{gone}")
    bob.get(f"/v1/conversations/{gone}")
    ann.get(place)
    ann.patch(documents[0], json={"access": {"sharedWith": ["eve"]}})
    told.note(listed(bob, place, "messages", limit=1))
    bob.post(f"{place}/messages", json={"text": POOL["question"]}, headers={"idempotency-key": "3"})
    bob.post("/v1/ask", json=POOL, headers={"idempotency-key": "1"})
    bob.get("/v1/conversations")
    told.note(listed(bob, "/v1/documents", "documents", shared=True, limit=1))


def in_parts(told: Told, bob: TestClient) -> None:
    """Uploads in parts: one that ends as a document, one that is given up, and one too many."""
    upload = begin(bob, RULES, fileName="more.md")
    send(bob, upload, 1, RULES)
    bob.get(upload["place"])
    bob.post(f"{upload['place']}/complete")
    told.work()
    bob.delete(begin(bob, RULES)["place"])
    for _ in range(3):
        begin(bob, RULES)
    announced = {"fileName": "x", "fileSize": 1, "checksumSHA256": "0" * 64}
    bob.post("/v1/uploads", json=announced)


def let_in(told: Told, ann: TestClient, bob: TestClient) -> None:
    """Keys and grants, given and taken back."""
    made = bob.post("/v1/keys", json={"name": "screen", "allowedActions": ["search", "upload"]}).json()
    for _ in range(2):
        bob.get("/v1/documents", headers={"authorization": f"Bearer {made['key']}"})
        told.note(listed(bob, "/v1/keys", "keys", limit=1))
        bob.delete(f"/v1/keys/{made['keyId']}")
    until = {"until": "2099-01-01T00:00:00Z"}
    ann.post("/v1/grants", json={"userId": "bob", "role": "resident", "unitId": "12"})
    guest = ann.post("/v1/grants", json={"userId": "eve", "role": "guest", **until}).json()["grantId"]
    told.note(listed(ann, "/v1/grants", "grants", limit=1))
    ann.delete(f"/v1/people/eve/grants/{guest}")
    ann.patch("/v1/people/bob", json={"serviceLevel": "enterprise"})
    bob.get("/v1/me")


def paid(told: Told, ann: TestClient, bob: TestClient) -> None:
    """What models cost, under a cap and beyond it; a call that is declined is given back."""
    question = {"question": "When does the sauna open?"}
    model: Any = told.footnote.llm
    ann.patch("/v1/building", json={"caps": {"costMicrosPerMonth": 10**9}})
    bob.post("/v1/ask", json=question)
    model.declines = True
    bob.post("/v1/ask", json=question)
    model.declines = False
    ann.patch("/v1/building", json={"caps": {"costMicrosPerMonth": 1}})
    bob.post("/v1/ask", json=question)
    bob.post("/v1/documents", files={"file": ("late.md", b"The lift stops at ten.")}, headers={"idempotency-key": "l"})
    told.work()
    bob.get("/v1/documents")
    ann.patch("/v1/building", json={"caps": {"costMicrosPerMonth": None}})
    ann.get("/v1/spend")
    ann.get("/v1/spend", params={"month": "2026-01"})
    bob.get("/v1/spend")


def tools(told: Told) -> None:
    """The same by way of tools."""
    bears = {"authorization": f"Bearer {told.tokens['bob']}"}
    for name, arguments in (("list_documents", {}), ("search_documents", POOL), ("ask", POOL)):
        told.clock.sleep(1)
        told.note(called(create_app(told.footnote), name, arguments, **bears).structured_content)


def removed(told: Told, ann: TestClient, bob: TestClient, documents: list[str]) -> None:
    """A document that goes, and an e-mail that changes."""
    ann.delete(documents[1])
    told.work()
    bob.get(documents[1])
    told.note(listed(bob, "/v1/documents", "documents", shared=True, limit=1))
    told.client("bob, who moved").get("/v1/me")


def looked_at(told: Told, ann: TestClient, bob: TestClient) -> None:
    """What administrators see of all of it."""
    day, month = (time.strftime(form, time.gmtime(told.clock())) for form in ("%Y-%m-%d", "%Y-%m"))
    for limit in (2, 100):
        told.note(listed(ann, "/v1/people", "people", limit=limit))
        told.note(listed(ann, "/v1/buildings", "buildings", limit=limit))
        told.note(listed(ann, "/v1/audit", "entries", limit=limit, month=month))
    accesses = json.loads(listed(ann, "/v1/access", "accesses", limit=7, day=day))
    told.note([one["outcome"] for one in accesses if one["action"] != "list"])
    bob.get("/v1/access")
    bob.get("/v1/usage")


def comparable(items: list[Item]) -> list[str]:
    """Records as text in an order, a star for whatever is another each time; accesses to lists are as many as pages."""
    parts = ("pk", "sk", "kind", "data", "keys", "ttl", "counters", "created_at", "updated_at", "rev")
    kept = (one for one in items if one.data.get("action") != "list")
    return sorted(MADE.sub("*", json.dumps([getattr(one, part) for part in parts], sort_keys=True)) for one in kept)


def test_nobody_can_tell_which_table_it_was(
    told: Callable[[str, str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replies and records are the same over both tables, but for what is another each time; names lie there sealed.

    The HTTP API changes exactly the partitions that its role on AWS allows it to.
    """
    path = tmp_path / "records.db"
    with told("sqlite", f"sqlite:{path}") as here:
        the_story(here)
        with closing(here.footnote.table), here.footnote.table._database.read() as connection:
            local = [_item(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM item").fetchall()]
    (server,) = (one for one in SERVERS if one.name == "dynamodb")
    with dynamodb() as (client, name):
        for variable, value in {**CREDENTIALS, "AWS_ENDPOINT_URL_DYNAMODB": server.address}.items():
            monkeypatch.setenv(variable, value)
        with told("dynamodb", f"dynamodb:{name}") as there:
            there.footnote.table._calls.client.meta.events.register("provide-client-params.dynamodb", there.watch)
            the_story(there)
        rows = [row for page in client.get_paginator("scan").paginate(TableName=name) for row in page["Items"]]

    assert there.replies == here.replies
    assert comparable([loaded(row) for row in rows]) == comparable(local)
    assert not [word for word in ("Lee", "xample", "Quill", "Robert") if word in json.dumps(rows)]
    assert {verb for verb, _ in there.asked} == {"Get", "BatchGet", "Query", *CHANGES}
    assert {pk for verb, pk in there.asked if verb in {"Put", "Update"}} == set(CHANGED)
    assert {pk for verb, pk in there.asked if verb == "Delete"} == set(TAKEN_BACK)
