"""What holds for every route: names of requests, states, repeats, filters, and what may be kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from corpus.errors import ConfigError, Unavailable
from corpus.records.replies import Replies, Reply
from footnote.connect import Footnote
from tests.flows.test_api import RULES, client, footnote, upload

__all__ = ["client", "footnote"]
POOL = {"question": "When does the pool open?"}


def test_a_request_has_a_name(client: TestClient) -> None:
    """Every reply bears the request's id: the asker's own if it is one, else a new one."""
    for path in ("/health", "/v1/documents", "/v1/documents/none", "/nowhere"):
        assert client.get(path, headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    first, second = (client.get("/health", headers={"x-request-id": "not an id"}) for _ in range(2))
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    refused = client.get("/health", headers={"host": "evil.example", "x-request-id": "mine-2"})
    assert (refused.status_code, refused.headers["x-request-id"]) == (403, "mine-2")


def test_a_bug_has_a_name_too(client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply to a request that met a bug bears its id, by which the log can be searched."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("oh")

    monkeypatch.setattr(footnote, "search", broken)
    reply = client.post("/v1/search", json=POOL, headers={"x-request-id": "mine-3"})
    assert (reply.status_code, reply.headers["x-request-id"]) == (500, "mine-3")


def test_errors_in_the_openai_protocol(client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where that protocol is spoken whatever goes wrong is said as it says it, and nowhere else."""
    ask, there = "/v1/chat/completions", {"model": "x", "messages": [{"role": "user", "content": "When?"}]}
    key = client.post("/v1/keys", json={"name": "search", "allowedActions": ["search"]}).json()["key"]

    def broken(*_: object, **__: object) -> None:
        raise Unavailable("The records do not answer.", retry_after=7)

    def said(reply: Any) -> tuple[int, str, str, str | None]:
        error = reply.json()["error"]
        assert (reply.headers["content-type"], sorted(reply.json())) == ("application/json", ["error"])
        assert error["message"]
        return reply.status_code, error["type"], error["code"], error["param"]

    foreign = client.post(ask, json=there, headers={"host": "evil.example"})
    assert said(foreign) == (403, "permission_error", "forbidden", None)
    may_not = client.post(ask, json=there, headers={"authorization": f"Bearer {key}"})
    assert said(may_not) == (403, "permission_error", "forbidden", None)
    large = client.post(ask, content=b"x" * 200_000)
    assert said(large) == (413, "invalid_request_error", "too_large", None)
    assert said(client.post("/v1/models")) == (405, "invalid_request_error", "method_not_allowed", None)
    wrong = client.post(ask, json={**there, "messages": [{"content": "When?"}]})
    assert said(wrong) == (422, "invalid_request_error", "bad_request", "messages.0.role")
    with monkeypatch.context() as patched:
        patched.setattr(footnote.documents.table, "query", broken)
        away = client.get("/v1/models")
        assert (said(away), away.headers["retry-after"]) == ((503, "server_error", "unavailable", None), "7")
        patched.setattr(footnote.documents.table, "query", None)
        assert said(client.get("/v1/models")) == (500, "server_error", "internal", None)
    assert client.get("/v1/documents/none").headers["content-type"] == "application/problem+json"


def test_states_have_tags(client: TestClient, footnote: Footnote) -> None:
    """What was read is not sent again while it is the same; nothing is kept without asking whether it still holds."""
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    for path in (place, "/v1/documents", f"{place}/pages"):
        first = client.get(path)
        assert first.headers["cache-control"] == "private, no-cache"
        again = client.get(path, headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])

    tag = client.get(place).headers["etag"]
    client.patch(place, json={"inForceFrom": "2027-01-01"})
    changed = client.get(place, headers={"if-none-match": tag})
    assert (changed.status_code, changed.json()["inForceFrom"]) == (200, "2027-01-01")
    assert client.post("/v1/search", json=POOL).headers["cache-control"] == "no-store"


def test_nobody_writes_over_what_they_did_not_see(client: TestClient, footnote: Footnote) -> None:
    """With If-Match a change or a removal happens only to the state that is named."""
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    seen = {"if-match": client.get(place).headers["etag"]}

    assert client.patch(place, json={"inForceFrom": "2027-01-01"}, headers=seen).status_code == 200
    late = client.patch(place, json={"inForceFrom": "2028-01-01"}, headers=seen)
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert client.delete(place, headers=seen).status_code == 412
    assert client.get(place).json()["inForceFrom"] == "2027-01-01"
    assert client.delete(place, headers={"if-match": "*"}).status_code == 204


def test_a_repeated_request_gets_the_first_reply(client: TestClient, footnote: Footnote) -> None:
    """An upload or a question with the same Idempotency-Key happens once, and is replied to alike."""
    key = {"idempotency-key": "upload 1"}
    first, again = (client.post("/v1/documents", files={"file": ("rules.md", RULES)}, headers=key) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert len(client.get("/v1/documents").json()["documents"]) == 1

    other = client.post("/v1/documents", files={"file": ("other.md", RULES)}, headers=key)
    assert (other.status_code, other.json()["code"]) == (400, "bad_request")
    assert client.post("/v1/ask", json=POOL, headers=key).status_code == 400
    assert client.post("/v1/ask", json=POOL, headers={"idempotency-key": "x" * 256}).status_code == 400
    asked = [client.post("/v1/ask", json=POOL, headers={"idempotency-key": "ask"}) for _ in range(2)]
    assert asked[0].json() == asked[1].json()


def test_a_request_that_came_to_nothing_may_be_repeated(
    client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply is kept only if there was one: after a bug the same key works; while it is worked on it is a conflict."""
    key = {"idempotency-key": "ask 1"}

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("oh")

    with monkeypatch.context() as patched:
        patched.setattr(footnote, "ask", broken)
        assert client.post("/v1/ask", json=POOL, headers=key).status_code == 500
    assert client.post("/v1/ask", json=POOL, headers=key).json()["type"] == "not_found"

    replies = Replies(footnote.table, footnote.clock)
    assert replies.begin("local", "slow", "f") is None
    with pytest.raises(Exception, match="still worked on"):
        replies.begin("local", "slow", "f")
    later = Replies(footnote.table, lambda: footnote.clock() - 200)
    assert later.begin("ann", "slow", "f") is None
    assert replies.begin("ann", "slow", "f") is None  # whoever began it died
    replies.keep("ann", "slow", "f", Reply(200, "{}"))
    assert replies.begin("ann", "slow", "f") == (200, "{}", ())


def test_a_body_without_a_length_is_bounded(client: TestClient) -> None:
    """A body that comes in pieces and does not say how long it is is refused at the limit too."""

    def pieces() -> Iterator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(100):
            yield b"x" * 10_000

    reply = client.post("/v1/documents", content=pieces(), headers={"content-type": "multipart/form-data; boundary=x"})
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


def names(client: TestClient, **query: str) -> list[str]:
    return [one["fileName"] for one in client.get("/v1/documents", params=query).json()["documents"]]


def test_lists_are_filtered(client: TestClient, footnote: Footnote) -> None:
    """A list is of documents in a state, of a kind, of some days, newest first; an unknown state is refused."""
    upload(client, footnote)
    upload(client, footnote, b"<p>The pool opens at nine.", "page.html")
    upload(client, footnote, b"\x00\xff", "broken.txt")

    assert names(client) == ["broken.txt", "page.html", "rules.md"]
    assert names(client, status="error") == ["broken.txt"]
    assert names(client, status="ready") == ["page.html", "rules.md"]
    assert names(client, type="text/html") == ["page.html"]
    assert names(client, status="error", type="text/html") == []
    assert names(client, since="2000-01-01") == ["broken.txt", "page.html", "rules.md"]
    assert names(client, since="2200-01-01") == names(client, until="2000-01-01") == []
    assert client.get("/v1/documents", params={"status": "done"}).status_code == 422


def test_a_filtered_list_goes_on(client: TestClient, footnote: Footnote) -> None:
    """However few of the documents a list is of, its pages lead to all of them, each once."""
    for n in range(7):
        upload(client, footnote, RULES if n % 3 == 0 else b"\x00\xff", f"{n}.md")
    found: list[str] = []
    page: dict[str, Any] = {"cursor": None}
    while True:
        cursor = {"cursor": page["cursor"]} if page["cursor"] else {}
        page = client.get("/v1/documents", params={"limit": "1", "status": "ready", **cursor}).json()
        found += [one["fileName"] for one in page["documents"]]
        if page["cursor"] is None:
            break
    assert found == ["6.md", "3.md", "0.md"]


def test_questions_are_filtered(client: TestClient, footnote: Footnote) -> None:
    """Search and answers look through what the filter lets pass, and through nothing for what is not there."""
    rules = upload(client, footnote)
    upload(client, footnote, RULES.replace(b"nine", b"ten"), "other.md")

    def found(**only: Any) -> tuple[set[str], set[str]]:
        hits = client.post("/v1/search", json={**POOL, "filter": only}).json()["hits"]
        cited = client.post("/v1/ask", json={**POOL, "filter": only}).json()["citations"]
        return {one["fileName"] for one in hits}, {one["fileName"] for one in cited}

    assert found(documentIds=[rules["documentId"]]) == ({"rules.md"}, {"rules.md"})
    assert found(types=["text/markdown"])[0] == {"rules.md", "other.md"}
    assert found(types=["application/pdf"]) == found(tags=["x"]) == found(since="2200-01-01") == (set(), set())
    assert found(until="2200-01-01")[0] == {"rules.md", "other.md"}
    assert client.post("/v1/search", json={**POOL, "filter": {"owner": "ann"}}).status_code == 422


def test_ready(
    client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`/ready` says to anybody which parts cannot be used, and the log why; `/health` that the process answers."""

    def down(*_: object) -> None:
        raise ConfigError("10.0.0.7:9200 does not answer.", hint="Look at 10.0.0.7.")

    assert client.get("/ready").json()["status"] == "ready"
    shutil.rmtree(footnote.settings.home / "blobs")
    monkeypatch.setattr(footnote.index, "ping", down)
    reply = client.get("/ready")
    assert (reply.status_code, reply.json()["code"]) == (503, "unavailable")
    assert reply.json()["detail"] == "Cannot be used: blobs, index."
    assert not any(told in reply.text for told in ("10.0.0.7", str(footnote.settings.home)))
    assert [vars(one)["reason"] for one in caplog.records if one.msg == "a part cannot be used"][1:] == [
        "10.0.0.7:9200 does not answer."
    ]
    assert client.get("/health").json()["status"] == "ok"


def test_requests_are_counted(client: TestClient, footnote: Footnote) -> None:
    """`/metrics` counts requests by the template of their route, so that no path or question is in it."""
    client.get("/v1/documents/secret-name")
    client.get("/nowhere/secret-name")
    client.request("SECRET-NAME", "/health")
    told = client.get("/metrics").text
    assert 'footnote_http_requests_total{method="GET",route="/v1/documents/{document_id}",status="404"} 1.0' in told
    assert 'footnote_http_requests_total{method="GET",route="none",status="404"} 1.0' in told
    assert 'footnote_http_request_seconds_count{method="GET",route="/v1/documents/{document_id}"} 1.0' in told
    assert "footnote_recall_at_10" in told
    assert "secret-name" not in told.casefold()
