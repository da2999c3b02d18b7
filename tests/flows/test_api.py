from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from corpus import errors
from corpus.errors import FootnoteError, Unavailable
from footnote import adapters, connect
from footnote.api.app import create_app
from footnote.api.problems import OPENAI, of_error
from footnote.commands.serving import serve
from footnote.connect import Footnote
from footnote.settings import Settings
from ingest.claim import Stopped
from tests.fakes import HashEmbedder
from tests.pdfs import pdf

RULES = b"# Rules\n\n## Pool\n\nThe pool opens at nine in the morning.\n"
HERE = "http://127.0.0.1:8000"


@pytest.fixture
def footnote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Footnote]:
    embedder = HashEmbedder()
    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_EMBEDDER", {"local": lambda *_: embedder})
    environ = {"FOOTNOTE_MAX_BYTES": "100000"}
    with connect.connect(Settings.from_env(environ, home=tmp_path / "home")) as one:
        yield one


@pytest.fixture
def client(footnote: Footnote) -> Iterator[TestClient]:
    with TestClient(create_app(footnote), base_url=HERE, raise_server_exceptions=False) as one:
        yield one


def upload(client: TestClient, footnote: Footnote, data: bytes = RULES, name: str = "rules.md") -> dict[str, Any]:
    """Upload a document, have it worked on, and return its record."""
    sent = client.post("/v1/documents", files={"file": (name, data)})
    assert sent.status_code == 202, sent.text
    assert sent.json()["status"] == "uploading"
    while footnote.ingestor.drain(footnote.queue):
        pass
    found: dict[str, Any] = client.get(f"/v1/documents/{sent.json()['documentId']}").json()
    return found


def test_upload_and_ask(client: TestClient, footnote: Footnote) -> None:
    """An upload is accepted, worked on, and answers with a citation that can be checked."""
    document = upload(client, footnote)
    assert (document["status"], document["fileName"], document["fileType"]) == ("ready", "rules.md", "text/markdown")

    reply = client.post("/v1/ask", json={"question": "When does the pool open?"}).json()
    assert (reply["type"], reply["text"]) == ("grounded", "The pool opens at nine in the morning. [1]")
    (citation,) = reply["citations"]
    assert citation["documentId"] == document["documentId"]
    assert RULES.decode()[citation["startPosition"] : citation["endPosition"]] == citation["quote"]

    (hit,) = client.post("/v1/search", json={"question": "pool", "k": 3}).json()["hits"]
    assert hit["content"] == RULES.decode().strip()


def test_how_far_a_document_is(client: TestClient, footnote: Footnote) -> None:
    """While a document is worked on its record says how far it is; once it is ready there is nothing to say."""
    data = pdf([f"Page {number} tells of the pool." for number in range(150)])
    name = client.post("/v1/documents", files={"file": ("rules.pdf", data)}).json()["documentId"]
    assert client.get(f"/v1/documents/{name}").json()["progress"] is None

    asked = itertools.count(1)
    with pytest.raises(Stopped):
        footnote.ingestor.drain(footnote.queue, stop=lambda: next(asked) == 4)
    document = client.get(f"/v1/documents/{name}").json()
    assert document["status"] == "processing"
    assert document["progress"] == {
        "stage": "extract",
        "donePages": 128,
        "totalPages": 150,
        "chunks": 0,
        "embedded": 0,
        "percent": 17,
        "secondsLeft": None,
        "attempt": 0,
        "error": None,
    }

    while footnote.ingestor.drain(footnote.queue):
        pass
    document = client.get(f"/v1/documents/{name}").json()
    assert (document["status"], document["progress"]) == ("ready", None)


def test_the_declared_type(client: TestClient, footnote: Footnote) -> None:
    """What a part's header declares decides for a name without a suffix; a contradiction is in the page ledger."""
    for name, declared, kind, flags in (
        ("page", "text/html", "text/html", []),
        ("rules.html", "application/pdf", "text/html", []),
        ("rules.pdf", "application/pdf", "text/plain", ["type-mismatch"]),
    ):
        sent = client.post("/v1/documents", files={"file": (name, b"<p>The pool opens at nine.", declared)}).json()
        while footnote.ingestor.drain(footnote.queue):
            pass
        found = client.get(f"/v1/documents/{sent['documentId']}").json()
        assert (found["fileType"], found["coverage"]["flags"]) == (kind, flags)


def test_what_is_not_there(client: TestClient) -> None:
    """An empty corpus finds nothing, and says so without an error."""
    assert client.post("/v1/search", json={"question": "pool"}).json() == {"hits": []}
    assert client.post("/v1/ask", json={"question": "pool"}).json()["type"] == "not_found"
    assert client.get("/v1/documents").json() == {"documents": [], "cursor": None}


def test_list_and_cursor(client: TestClient, footnote: Footnote) -> None:
    """Documents are listed newest first, page by page."""
    names = [upload(client, footnote, name=f"{n}.md")["fileName"] for n in range(5)]
    found: list[str] = []
    cursor = None
    while True:
        page = client.get("/v1/documents", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        found += [one["fileName"] for one in page["documents"]]
        cursor = page["cursor"]
        if cursor is None:
            break

    assert found == names[::-1]
    assert client.get("/v1/documents", params={"cursor": "nonsense"}).status_code == 400


def test_a_list_that_grows_while_it_is_read(client: TestClient, footnote: Footnote) -> None:
    """Whatever is added or removed between two pages, those that were there come once, and the list ends."""
    names = [upload(client, footnote, name=f"{n}.md") for n in range(5)]
    found, cursor, later = list[str](), "", 0
    while later == 0 or cursor:
        page = client.get("/v1/documents", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        found += [one["fileName"] for one in page["documents"]]
        cursor = page["cursor"] or ""
        if later == 1:  # the one that the cursor points at
            client.delete(f"/v1/documents/{names[1]['documentId']}")
        later += 1
        upload(client, footnote, name=f"later{later}.md")
        assert later < 10
    assert found == ["4.md", "3.md", "2.md", "1.md", "0.md"]


def test_delete(client: TestClient, footnote: Footnote) -> None:
    """A removed document is unknown to every route at once."""
    document_id = upload(client, footnote)["documentId"]

    assert client.delete(f"/v1/documents/{document_id}").status_code == 204
    assert client.get(f"/v1/documents/{document_id}").status_code == 404
    assert client.delete(f"/v1/documents/{document_id}").status_code == 404
    assert client.get("/v1/documents").json()["documents"] == []
    assert client.post("/v1/search", json={"question": "pool"}).json() == {"hits": []}


@pytest.mark.parametrize("verb", ["get", "delete"])
def test_a_foreign_document_is_an_unknown_one(client: TestClient, footnote: Footnote, verb: str) -> None:
    """Another person's document answers byte for byte like one that does not exist."""
    other, nobody = "3f0c1f5e-6a35-4c53-9a0f-0a9c6a5a4c11", "00000000-0000-4000-8000-000000000000"
    footnote.uploads.put(footnote.local_scope("ann"), other, "secret.txt", b"The pool is haunted.")
    while footnote.ingestor.drain(footnote.queue):
        pass

    foreign, unknown = (getattr(client, verb)(f"/v1/documents/{name}") for name in (other, nobody))

    assert foreign.status_code == unknown.status_code == 404
    assert [{k: v for k, v in one.headers.items() if k != "x-request-id"} for one in (foreign, unknown)] == [
        {"cache-control": "no-store", "content-length": "191", "content-type": "application/problem+json"}
        | {"x-content-type-options": "nosniff"}
    ] * 2
    assert foreign.content.replace(other.encode(), nobody.encode()) == unknown.content
    assert "haunted" not in client.post("/v1/search", json={"question": "pool haunted"}).text
    assert footnote.documents.get(other)


def test_a_rejected_document_says_why(client: TestClient, footnote: Footnote) -> None:
    """A document that cannot be read is in error, with a code and what would help."""
    reason = upload(client, footnote, b"caf\x00\xe9", "a.txt")["reason"]

    assert (reason["code"], reason["transient"]) == ("unreadable", False)
    assert "UTF-8" in reason["hint"]


def test_coverage_is_told(client: TestClient, footnote: Footnote) -> None:
    """A document's record says which of its pages were read."""
    shown = upload(client, footnote, pdf(["one", "", "three"], roman=1), "a.pdf")
    assert shown["coverage"] == {
        "pages": 3, "readable": 2, "empty": ["2"], "images": [], "garbage": [], "flags": [], "recognised": [],
    }  # fmt: skip
    first, second, _ = client.get(f"/v1/documents/{shown['documentId']}/pages").json()["pages"]
    assert first == {
        "pageNumber": 1, "pageLabel": "i", "characters": 3, "method": "text", "confidence": 100, "problem": "",
    }  # fmt: skip
    assert (second["pageNumber"], second["characters"], second["problem"]) == (2, 0, "empty")
    assert client.get("/v1/documents/unknown/pages").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/v1/search", {"question": ""}, 422, "bad_request"),
        ("POST", "/v1/search", {"question": "x", "k": 0}, 422, "bad_request"),
        ("POST", "/v1/search", {"question": "x", "filter": "all"}, 422, "bad_request"),
        ("POST", "/v1/ask", {"question": "x" * 4001}, 422, "bad_request"),
        ("POST", "/v1/ask", None, 422, "bad_request"),
        ("POST", "/v1/documents", None, 422, "bad_request"),
        ("GET", "/v1/documents?limit=0", None, 422, "bad_request"),
        ("GET", "/v1/documents/a.b", None, 404, "not_found"),
        ("GET", "/v1/documents/..%2f..%2fetc", None, 404, "not_found"),
        ("GET", "/v1/nothing", None, 404, "not_found"),
        ("PUT", "/v1/documents", None, 405, "method_not_allowed"),
        ("GET", "/v1/documents/", None, 404, "not_found"),
        ("GET", "/docs", None, 404, "not_found"),
    ],
)
def test_problems(client: TestClient, method: str, path: str, body: object, status: int, code: str) -> None:
    """Whatever is wrong with a request is said as problem details, with a stable code."""
    reply = client.request(method, path, json=body) if body is not None else client.request(method, path)

    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert set(reply.json()) == {"type", "title", "status", "detail", "code", "hint"}
    assert (reply.json()["status"], reply.json()["code"]) == (status, code)


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("request_", "sentence", "hint"),
    [
        (("POST", "/v1/ask", "{}", JSON), "`question` is missing.", "/openapi.json"),
        (("POST", "/v1/ask", '{"question": ""}', JSON), "`question` may not be empty.", "/openapi.json"),
        (("POST", "/v1/ask", '{"question": " "}', JSON), "`question` needs a character that is no blank.", ""),
        (("POST", "/v1/ask", '{"question": 5}', JSON), "`question` has to be a text.", ""),
        (("POST", "/v1/ask", '{"question"', JSON), "The body is not JSON: Expecting ':' delimiter", "JSON object"),
        (("POST", "/v1/ask", "[1]", JSON), "The body has to be a JSON object.", "/openapi.json"),
        (("POST", "/v1/ask", "", {}), "The request has no body.", "content-type: application/json"),
        (
            ("POST", "/v1/ask", '{"question": "x"}', {"content-type": "application/x-www-form-urlencoded"}),
            "The body came as application/x-www-form-urlencoded, not as JSON.",
            "content-type: application/json",
        ),
        (("POST", "/v1/search", '{"question": "x", "k": 0}', JSON), "`k` has to be 1 or more.", ""),
        (("POST", "/v1/search", '{"question": "x", "kk": 1}', JSON), "`kk` is not known here.", ""),
        (("POST", "/v1/ask", '{"question": "x", "asOf": "soon"}', JSON), "`asOf` has to be a day like 2027-01-31.", ""),
        (("POST", "/v1/ask", '{"question": "x", "asOf": 5}', JSON), "`asOf` has to be a day like 2027-01-31.", ""),
        (
            ("POST", "/v1/ask", '{"question": "x", "filter": {"since": "2026-02-30"}}', JSON),
            "`filter.since` has to be a day like 2027-01-31.",
            "",
        ),
        (("GET", "/v1/documents?limit=0", "", {}), "`limit` (query) has to be 1 or more.", ""),
        (
            ("GET", "/v1/documents?type=pdf", "", {}),
            "`type` (query) has to be a media type like application/pdf.",
            "",
        ),
        (
            ("POST", "/v1/search", '{"question": "x", "filter": {"types": ["pdf"]}}', JSON),
            "`filter.types.0` has to be a media type like application/pdf.",
            "",
        ),
        (("GET", "/v1/documents?since=0", "", {}), "`since` (query) has to be a day like 2027-01-31.", ""),
        (
            ("GET", "/v1/documents?status=done", "", {}),
            "`status` (query) has to be 'uploading', 'processing', 'ready' or 'error'.",
            "",
        ),
        (
            ("GET", "/v1/documents?stauts=ready", "", {}),
            "This route has no query parameter `stauts`.",
            "`cursor`, `limit`, `shared`, `since`, `status`, `type`, `until`",
        ),
        (("GET", "/v1/usage?of=me", "", {}), "This route has no query parameter `of`.", "It takes none."),
        (("POST", "/v1/documents", "", {}), "The request has no file.", "-F file=@"),
        (("GET", "/v1/nothing", "", {}), "There is no such route.", "/openapi.json"),
        (("GET", "/", "", {}), "There is no such route.", "/openapi.json"),
        (
            ("POST", "/v1/grants", '{"userId": "ann", "role": "guest", "from": "2026-01-01T00:00"}', JSON),
            "`from` has to be a day like 2027-01-31, or a time with its zone, like 2027-01-31T00:00:00Z.",
            "",
        ),
        (
            ("POST", "/v1/grants", '{"userId": "ann", "role": "guest", "from": 1798761600}', JSON),
            "`from` has to be a day like 2027-01-31, or a time with its zone, like 2027-01-31T00:00:00Z.",
            "",
        ),
        (
            ("POST", "/v1/grants", '{"userId": "ann", "role": "guest", "until": "2027-02-30"}', JSON),
            "`until` has to be a day like 2027-01-31, or a time with its zone, like 2027-01-31T00:00:00Z.",
            "",
        ),
        (
            ("POST", "/v1/grants/import", '{"csv": "userId,role,unitId,from,until\\nann,guest,,1798761600,\\n"}', JSON),
            "Line 2: from '1798761600' is no time.",
            "Z",
        ),
        (("GET", "/v1/documents?limit=" + "9" * 5000, "", {}), "`limit` (query) has to be a whole number.", ""),
        (("GET", "/v1/spend?month=January", "", {}), "`month` (query) has to be a month like 2027-01.", ""),
        (
            ("PATCH", "/v1/me", '{"preferences": {"language": "German"}}', JSON),
            "`preferences.language` has to be the code of a language, like de or de-CH.",
            "",
        ),
        (("GET", "/v1/documents?=1", "", {}), "This route has no query parameter without a name.", "`limit`"),
        (("GET", "/v1/documents?limit=1&limit=2", "", {}), "`limit` (query) may be given once.", ""),
        (("GET", "/v1/documents?status=ready&status=error", "", {}), "`status` (query) may be given once.", ""),
        (
            ("POST", "/v1/keys", '{"name": "k", "allowedActions": ["fly"]}', JSON),
            "You may not give",
            "You may do admin",
        ),
        (("PUT", "/v1/ask", "", {}), "This route does not take that method; `Allow` names those it does.", ""),
    ],
)
def test_a_refusal_is_a_sentence(
    client: TestClient, request_: tuple[str, str, str, dict[str, str]], sentence: str, hint: str
) -> None:
    """Of a request that makes no sense a sentence names the part, what is wrong with it, and what would help."""
    method, path, body, headers = request_
    said = client.request(method, path, content=body, headers=headers).json()
    assert said["detail"].startswith(sentence), said
    assert hint in said["hint"]
    assert said["hint"]


def test_what_a_refusal_says_besides(client: TestClient) -> None:
    """Of a method that there is not, what may be asked; of a body that nobody can read, why; of an outage, when."""
    assert client.put("/v1/documents").headers["allow"] in {"GET", "POST"}
    unread = client.post("/v1/documents", content=b"--x", headers={"content-type": "multipart/form-data"})
    assert (unread.status_code, unread.json()["detail"]) == (400, "Missing boundary in multipart.")
    assert of_error(Unavailable("later", retry_after=0.4)).headers["Retry-After"] == "1"


def test_one_file_at_a_time(client: TestClient) -> None:
    """A form with two files, or with what an upload does not take, is refused: nothing of it is dropped in silence."""
    one, two = ("file", ("a.txt", b"one")), ("file", ("b.txt", b"two"))
    for files, data, says in (
        ([one, two], {}, "`file` may be given once."),
        ([one], {"file": "x"}, "`file` may be given once."),
        ([one], {"title": "Rules"}, "`title` is not known here."),
        ([one, ("files", ("b.txt", b"two"))], {}, "`files` is not known here."),
    ):
        reply = client.post("/v1/documents", files=files, data=data)
        assert (reply.status_code, reply.json()["detail"]) == (422, says)
        assert reply.json()["hint"]
    assert client.get("/v1/documents").json()["documents"] == []


def test_too_large(client: TestClient) -> None:
    """An upload beyond the limit is refused, with the limit that would have to be raised."""
    for size in (100_001, 10**6):
        reply = client.post("/v1/documents", files={"file": ("a.txt", b"x" * size)})
        assert (reply.status_code, reply.json()["code"]) == (413, "too_large")
        assert "FOOTNOTE_MAX_BYTES" in reply.json()["detail"]
    assert client.get("/v1/documents").json()["documents"] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:8000"},
        {"host": ""},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1.evil.example"},
        {"origin": "null"},
    ],
)
def test_pages_of_others_may_not_ask(client: TestClient, headers: dict[str, str]) -> None:
    """What a foreign page sends through the local user's browser is refused."""
    assert client.get("/v1/documents", headers=headers).status_code == 403
    assert client.post("/v1/documents", headers=headers, files={"file": ("a.txt", b"x")}).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"host": "localhost:8000"}, {"host": "[::1]:8000"}, {"host": "[::1]"}, {"origin": HERE}]
)
def test_this_machines_pages_may_ask(client: TestClient, headers: dict[str, str]) -> None:
    """Names of this machine itself, and pages served from it, are let in."""
    assert client.get("/health", headers=headers).json()["status"] == "ok"


def test_every_error_has_a_status() -> None:
    """Each error of the tree becomes a problem with its code; an outage says when to come again, 401 how to sign in."""
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, FootnoteError)]
    for kind in kinds:
        reply = of_error(kind("what and why"))
        assert json.loads(bytes(reply.body))["code"] == kind.code
        assert 400 <= reply.status_code < 600
    assert of_error(Unavailable("later", retry_after=7)).headers["Retry-After"] == "7"
    unknown = of_error(errors.Unauthenticated("who?"))
    assert (unknown.status_code, unknown.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_bug_says_nothing_of_itself(client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is a problem of status 500 that tells nothing of the inside."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(footnote, "search", broken)
    reply = client.post("/v1/search", json={"question": "pool"})

    assert (reply.status_code, reply.json()["code"]) == (500, "internal")
    assert "secret" not in reply.text


def test_openapi(client: TestClient) -> None:
    """The OpenAPI document names every route, with examples, and problem details for what goes wrong."""
    schema = client.get("/openapi.json").json()

    assert {f"{verb.upper()} {path}" for path, verbs in schema["paths"].items() for verb in verbs} == {
        "POST /v1/documents",
        "GET /v1/documents",
        "GET /v1/documents/{document_id}",
        "GET /v1/documents/{document_id}/content",
        "GET /v1/documents/{document_id}/events",
        "GET /v1/documents/{document_id}/pages",
        "GET /v1/documents/{document_id}/pages/{page_number}",
        "POST /v1/documents/{document_id}/retry",
        "PATCH /v1/documents/{document_id}",
        "DELETE /v1/documents/{document_id}",
        "POST /v1/uploads",
        "GET /v1/uploads/{upload_id}",
        "POST /v1/uploads/{upload_id}/parts",
        "PUT /v1/uploads/{upload_id}/parts/{number}",
        "POST /v1/uploads/{upload_id}/complete",
        "DELETE /v1/uploads/{upload_id}",
        "POST /v1/search",
        "POST /v1/ask",
        "GET /v1/me",
        "PATCH /v1/me",
        "GET /v1/keys",
        "POST /v1/keys",
        "DELETE /v1/keys/{key_id}",
        "GET /v1/people",
        "PATCH /v1/people/{user_id}",
        "DELETE /v1/people/{user_id}/grants/{grant_id}",
        "GET /v1/models",
        "POST /v1/chat/completions",
        "GET /v1/access",
        "GET /v1/audit",
        "GET /v1/grants",
        "POST /v1/grants",
        "POST /v1/grants/import",
        "GET /v1/building",
        "PATCH /v1/building",
        "GET /v1/buildings",
        "GET /v1/levels",
        "PUT /v1/levels/{level}",
        "GET /v1/spend",
        "GET /v1/usage",
        "POST /v1/conversations",
        "GET /v1/conversations",
        "GET /v1/conversations/{conversation_id}",
        "POST /v1/conversations/{conversation_id}/messages",
        "DELETE /v1/conversations/{conversation_id}",
        "GET /v1/personas",
        "GET /v1/personas/{persona_id}",
        "PUT /v1/personas/{persona_id}",
        "DELETE /v1/personas/{persona_id}",
        "GET /health",
        "GET /ready",
        "GET /metrics",
    }
    for path, verbs in schema["paths"].items():
        for operation in verbs.values():
            assert operation["description"]
            kind = "application/json" if path in OPENAI else "application/problem+json"
            assert list(operation["responses"]["404"]["content"]) == [kind]
            assert operation["responses"].keys() >= {
                "400",
                "401",
                "403",
                "409",
                "412",
                "413",
                "422",
                "429",
                "500",
                "503",
            }
            for status, header in (("401", "WWW-Authenticate"), ("429", "Retry-After"), ("503", "Retry-After")):
                assert header in operation["responses"][status]["headers"]
    for path, verbs in schema["paths"].items():
        if "get" in verbs and "{" not in path:
            tagged = "etag" in client.get(path).headers
            assert tagged == ("304" in verbs["get"]["responses"]), path
    for kept in ("", "/content", "/events", "/pages", "/pages/{page_number}"):
        assert "304" in schema["paths"][f"/v1/documents/{{document_id}}{kept}"]["get"]["responses"]
    assert "307" in schema["paths"]["/v1/documents/{document_id}/content"]["get"]["responses"]
    assert schema["components"]["schemas"]["SearchRequest"]["examples"]
    assert "HTTPValidationError" not in json.dumps(schema)


def unexampled(schema: dict[str, Any], parts: dict[str, Any], name: str) -> list[str]:
    """The fields of a schema that are text or objects, and of which nothing says how they look."""
    if {"examples", "example", "default", "const", "enum"} & schema.keys():
        return []
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return unexampled(parts[name], parts, name)
    if "anyOf" in schema or "items" in schema:
        return unexampled(schema["anyOf"][0] if "anyOf" in schema else schema["items"], parts, name)
    if "properties" in schema:
        return [one for key, each in schema["properties"].items() for one in unexampled(each, parts, f"{name}.{key}")]
    return [] if schema.get("type") in {"integer", "boolean", "null", "number"} else [name]


def test_every_body_and_reply_has_an_example(client: TestClient) -> None:
    """Of whatever goes in and comes out over HTTP the OpenAPI document says how it looks."""
    schema = client.get("/openapi.json").json()
    contents = {
        f"{verb} {path} {status} {kind}": content
        for path, verbs in schema["paths"].items()
        for verb, operation in verbs.items()
        for status, told in {**operation["responses"], "asked": operation.get("requestBody", {})}.items()
        for kind, content in told.get("content", {}).items()
    }
    assert len(contents) > 500
    lacking = [
        one
        for name, content in contents.items()
        if "example" not in content
        for one in unexampled(content["schema"], schema["components"]["schemas"], name)
    ]
    assert lacking == []


SERVE = """
from footnote import adapters, connect
from footnote.cli import main
from tests.fakes import HashEmbedder
adapters.ADAPTERS["FOOTNOTE_EMBEDDER"]["local"] = lambda *_: HashEmbedder()
main()
"""


@pytest.mark.service
def test_serve(tmp_path: Path) -> None:
    """`footnote serve` answers on loopback, works on what is uploaded, and ends on Ctrl-C."""
    arguments = ["--home", str(tmp_path / "home"), "serve", "--port", "0"]
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
    )
    assert server.stdout
    address = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
    assert address

    def call(path: str, data: bytes | None = None, kind: str = "application/json") -> dict[str, Any]:
        request = urllib.request.Request(address[0] + path, data, {"content-type": kind})  # noqa: S310 -- our own
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            found: dict[str, Any] = json.load(reply)
        return found

    form = b'--x\r\ncontent-disposition: form-data; name="file"; filename="rules.md"\r\n\r\n' + RULES + b"\r\n--x--\r\n"
    name = call("/v1/documents", form, "multipart/form-data; boundary=x")["documentId"]
    for _ in range(100):
        if call(f"/v1/documents/{name}")["status"] == "ready":
            break
        time.sleep(0.1)
    assert call("/v1/ask", b'{"question": "When does the pool open?"}')["type"] == "grounded"
    server.send_signal(signal.SIGINT)
    out, err = server.communicate(timeout=20)
    assert (server.returncode, "Traceback" in err) == (0, False), out + err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "example.org", "::"])  # noqa: S104 -- refused
def test_serving_elsewhere_is_refused(footnote: Footnote, host: str) -> None:
    """Serving to other machines is refused: everybody would be the local user."""
    with pytest.raises(errors.ConfigError, match="everybody who reaches it would be the local user"):
        serve(footnote, host, 0)


def test_dates_over_http(client: TestClient, footnote: Footnote) -> None:
    """A document can be said to count from a day on, and to take another's place; questions may name a day."""
    old, new = upload(client, footnote), upload(client, footnote, RULES.replace(b"nine", b"ten"), "new.md")
    place = f"/v1/documents/{new['documentId']}"
    said = client.patch(place, json={"inForceFrom": "2100-01-01", "supersedes": old["documentId"]}).json()

    assert (said["inForceFrom"], said["inForceUntil"], said["supersedes"]) == ("2100-01-01", None, old["documentId"])
    assert client.get(f"/v1/documents/{old['documentId']}").json()["supersededBy"] == [new["documentId"]]
    question = {"question": "When does the pool open?"}
    today, later = (client.post("/v1/ask", json=question | day).json() for day in ({}, {"asOf": "2100-01-01"}))
    assert ([one["fileName"] for one in today["citations"]], today["asOf"]) == (["rules.md"], None)
    assert [(one["fileName"], one["inForceFrom"]) for one in later["citations"]] == [("new.md", "2100-01-01")]
    assert later["asOf"] == "2100-01-01"
    hits = client.post("/v1/search", json=question | {"asOf": "2100-01-01"}).json()["hits"]
    assert {one["fileName"] for one in hits} == {"new.md"}

    assert client.patch(place, json={"supersedes": None}).json()["inForceFrom"] == "2100-01-01"
    assert client.patch(place, json={"inForceFrom": None}).json()["inForceFrom"] is None
    assert client.patch(place, json={"inForceFrom": "soon"}).status_code == 422
    assert client.patch(place, json={"supersedes": "../x"}).status_code == 404
    assert client.patch("/v1/documents/none", json={}).status_code == 404


def test_what_a_list_does_not_know_is_refused(client: TestClient) -> None:
    """A filter that is misspelled is refused, and never left out: else it would find what was not asked for."""
    paths = client.get("/openapi.json").json()["paths"]
    lists = [
        re.sub(r"\{\w+\}", "x", path)
        for path, verbs in paths.items()
        if "query" in {one["in"] for one in verbs.get("get", {}).get("parameters", ())}
    ]
    assert len(lists) == 11
    for path in lists:
        reply = client.get(path, params={"state": "error"})
        assert (reply.status_code, reply.json()["detail"]) == (422, "This route has no query parameter `state`."), path
    for path in ("/v1/audit", "/v1/spend"):
        assert client.get(path, params={"month": "2026-13"}).status_code == 422, path
