"""The HTTP API as Lambda runs it behind API Gateway: whoever asks says by a token or a key who they are, or is nobody.

The handler runs under AWS's own runtime client, in a process of its own, over the stores of one machine.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from fastapi.testclient import TestClient

from corpus.blobs.folder import FolderBlobs
from corpus.errors import ConfigError
from corpus.keys import iso_day, original_key
from corpus.records.api_keys import KeyTerms
from footnote import adapters
from footnote.api.app import create_app
from footnote.connect import Footnote, connect
from footnote.settings import Settings
from tests.jwks import CLIENT, IdentityServer, PrivateKey, access_claims, algorithm, id_claims, jwk, rsa_key
from tests.lambda_runtime import Failed, Function, function, http
from tests.provider import Provider
from tests.services.aws import CREDENTIALS, dynamodb
from tests.services.servers import SERVERS

pytestmark = pytest.mark.service
KEY, FOREIGN = rsa_key(), rsa_key()
RULES = b"# Rules\n\n## Pool\n\nThe pool opens at nine in the morning.\n"


@pytest.fixture
def provider() -> Iterator[IdentityServer]:
    with IdentityServer([jwk("k1", KEY)]) as one:
        yield one


@pytest.fixture
def environment(tmp_path: Path, provider: IdentityServer) -> Mapping[str, str]:
    if importlib.util.find_spec("awslambdaric") is None:
        pytest.skip("awslambdaric is not installed in this environment: make services")
    return {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "FOOTNOTE_HOME": str(tmp_path / "home"),
        "FOOTNOTE_ISSUER": provider.url,
        "FOOTNOTE_AUDIENCE": CLIENT,
    }


@pytest.fixture
def questions(environment: Mapping[str, str]) -> Iterator[Function]:
    with function("lambdas.questions.handler", environment) as one:
        yield one


@pytest.fixture
def footnote(environment: Mapping[str, str]) -> Iterator[Footnote]:
    with connect(Settings.from_env(environment)) as one:
        yield one


def signed(claims: Mapping[str, Any], key: PrivateKey = KEY, **header: str) -> str:
    return jwt.encode(dict(claims), key, algorithm(key), {"kid": "k1", **header})


def upload(questions: Function, token: str) -> str:
    """Upload a file as the gateway hands it on, and return the document's id."""
    form = b'--x\r\ncontent-disposition: form-data; name="file"; filename="rules.md"\r\n\r\n' + RULES + b"\r\n--x--\r\n"
    event = http("POST", "/v1/documents", token=token)
    event["headers"]["content-type"] = "multipart/form-data; boundary=x"
    reply = questions.invoke({**event, "body": base64.b64encode(form).decode(), "isBase64Encoded": True})
    assert reply["statusCode"] == 202, reply
    return str(told(reply)["documentId"])


def told(reply: Mapping[str, Any]) -> Any:
    """The object in a reply, which the gateway decodes where it has to."""
    body = reply["body"]
    return json.loads(base64.b64decode(body) if reply["isBase64Encoded"] else body)


def listed(questions: Function, token: str) -> set[str]:
    reply = questions.invoke(http("GET", "/v1/documents", token=token))
    assert reply["statusCode"] == 200, reply
    return {one["documentId"] for one in told(reply)["documents"]}


def test_whoever_signs_in_has_their_own(questions: Function, provider: IdentityServer, footnote: Footnote) -> None:
    """Tokens of Cognito's kind, id and access alike, and API keys open a person's own documents and nobody else's."""
    now = time.time()
    ann, ann_too, bob = (
        signed(id_claims(provider.url, now, sub="ann")),
        signed(access_claims(provider.url, now, sub="ann")),
        signed(id_claims(provider.url, now, sub="bob", jti="b", email="bob@example.org")),
    )
    document = upload(questions, ann)
    terms = KeyTerms("report", frozenset({"search"}))
    key, _ = footnote.api_keys.make("ann", "home", terms, {"search"}, b"s" * 32, now)

    assert [listed(questions, token) for token in (ann, ann_too, key, bob)] == [
        {document},
        {document},
        {document},
        set(),
    ]
    assert questions.invoke(http("GET", f"/v1/documents/{document}", token=bob))["statusCode"] == 404
    person = footnote.people.get("ann")
    assert person
    footnote.people.put(replace(person, is_active=False))
    assert [questions.invoke(http("GET", "/v1/me", token=one))["statusCode"] for one in (ann, key)] == [403, 401]


def test_nobody_is_the_local_user(questions: Function, provider: IdentityServer, footnote: Footnote) -> None:
    """Without a token or key, and with one that is not the provider's for us, it is 401; nobody is made a person."""
    footnote.people.add("local", "home")
    now = time.time()
    claims = id_claims(provider.url, now, sub="local")
    hostile = (
        "",
        "x.y.z",
        "fn_" + "x" * 43,
        jwt.encode(claims, "", "none", {"kid": "k1"}),
        jwt.encode(claims, "secret" * 8, "HS256", {"kid": "k1"}),
        signed(claims, FOREIGN),
        signed(claims, FOREIGN, jku=f"{provider.url}/.well-known/jwks.json"),
        signed({**claims, "aud": "another"}),
        signed({**claims, "iss": "https://elsewhere.example"}),
        signed({**claims, "exp": int(now) - 600}),
        signed(access_claims(provider.url, now, client_id="another")),
    )
    for token in hostile:
        for method, path in (("GET", "/v1/documents"), ("POST", "/v1/ask"), ("GET", "/v1/me")):
            reply = questions.invoke(http(method, path, {"question": "?"} if method == "POST" else None, token))
            assert (reply["statusCode"], told(reply)["code"]) == (401, "unauthenticated"), token
            assert reply["headers"]["content-type"] == "application/problem+json"
            assert reply["headers"]["www-authenticate"] == "Bearer"
    person = footnote.people.get("local")
    assert person
    assert person.login_count == 0
    assert questions.invoke(http("GET", "/health"))["statusCode"] == 200


def test_what_the_gateway_says_of_the_asker_is_not_believed(questions: Function) -> None:
    """Whoever API Gateway says signed a request, or what an authorizer of it found, is nobody to the application."""
    event = http("GET", "/v1/documents")
    event["requestContext"]["authorizer"] = {
        "iam": {"userArn": "arn:aws:iam::123456789012:user/local", "userId": "local"},
        "jwt": {"claims": {"sub": "local"}, "scopes": None},
    }
    assert questions.invoke(event)["statusCode"] == 401


class LinkingBlobs(FolderBlobs):
    """A folder that leads elsewhere, as a bucket does."""

    def link(self, key: str, media_type: str, disposition: str, seconds: int) -> str:  # type: ignore[override]
        return f"https://bucket.example/{key}?{urlencode({'type': media_type, 'as': disposition, 'for': seconds})}"


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Footnote]:
    """One machine's stores, with people who have API keys."""
    environ = {"FOOTNOTE_ISSUER": "https://id.example", "FOOTNOTE_AUDIENCE": CLIENT, "FOOTNOTE_OCR": "off"}
    with connect(Settings.from_env(environ, home=tmp_path / "home")) as one:
        yield one


def key_of(footnote: Footnote, name: str) -> dict[str, str]:
    footnote.people.add(name, "home")
    terms = KeyTerms("program", frozenset({"upload"}))
    key, _ = footnote.api_keys.make(name, "home", terms, {"upload"}, name.encode().ljust(32), footnote.clock())
    return {"authorization": f"Bearer {key}"}


def uploaded(client: TestClient, bears: dict[str, str]) -> str:
    sent = client.post("/v1/documents", files={"file": ("Häuser & co.md", RULES)}, headers=bears)
    return f"/v1/documents/{sent.json()['documentId']}/content"


def test_an_original_is_fetched_from_its_store(homes: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the gateway whoever may read is led to the store for a minute, which is in the trail; others are not."""

    def linking(rest: str, parts: Footnote) -> LinkingBlobs:
        return LinkingBlobs(Path(rest), parts.queue)

    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_BLOBS", {"folder": linking})
    ann, bob = key_of(homes, "ann"), key_of(homes, "bob")
    with TestClient(create_app(homes, behind_gateway=True), follow_redirects=False) as client:
        path = uploaded(client, ann)
        reply = client.get(path, headers=ann)
        foreign, unknown = (client.get(one, headers=bob) for one in (path, path.replace(path.split("/")[3], "x" * 26)))
        assert client.get(path).status_code == 401

    assert (reply.status_code, reply.content, reply.headers["cache-control"]) == (307, b"", "no-store")
    place = urlsplit(reply.headers["location"])
    assert (place.netloc, place.path) == ("bucket.example", f"/{original_key('ann', path.split('/')[3])}")
    kind = "application/octet-stream"  # it is not read yet
    disposition = "attachment; filename*=UTF-8''H%C3%A4user%20%26%20co.md"
    assert parse_qs(place.query) == {"type": [kind], "as": [disposition], "for": ["60"]}
    assert (foreign.status_code, "location" in foreign.headers) == (404, False)
    assert foreign.content.replace(path.split("/")[3].encode(), b"x" * 26) == unknown.content
    day = iso_day(homes.clock())
    noted = [(one["userId"], one["outcome"]) for one in homes.trails.accesses("home", day, 10)[0]]
    assert sorted(noted) == [("ann", "ok"), ("bob", "not_found"), ("bob", "not_found")]


def test_an_original_in_a_folder(homes: Footnote) -> None:
    """Where the store leads nowhere, the function itself sends the original, behind the gateway as elsewhere."""
    ann = key_of(homes, "ann")
    for behind_gateway in (True, False):
        with TestClient(create_app(homes, behind_gateway=behind_gateway)) as client:
            reply = client.get(uploaded(client, ann), headers=ann)
            assert (reply.status_code, reply.content) == (200, RULES)


def test_strangers_learn_nothing_of_the_parts(homes: Footnote) -> None:
    """Behind the gateway there is `/health`, and neither `/ready`, which asks every part, nor `/metrics`."""
    with TestClient(create_app(homes, behind_gateway=True)) as client:
        assert [client.get(path).status_code for path in ("/health", "/ready", "/metrics")] == [200, 404, 404]
        assert not {"/ready", "/metrics"} & set(client.get("/openapi.json").json()["paths"])


def test_over_dynamodb(
    environment: Mapping[str, str], provider: IdentityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Lambda over DynamoDB events arrive whole, tools answer, and an administrator sees what both cost."""
    (server,) = (one for one in SERVERS if one.name == "dynamodb")
    with Provider() as models, dynamodb() as (_, table):
        models_and_table = {
            "FOOTNOTE_TABLE": f"dynamodb:{table}",
            "FOOTNOTE_PRIVACY_KEYS": "A" * 43 + "=",
            "FOOTNOTE_EMBEDDER": "openai:text-embedding-3-small",
            "FOOTNOTE_LLM": "openai:gpt-4o-mini",
            "OPENAI_BASE_URL": models.url,
            "AWS_ENDPOINT_URL_DYNAMODB": server.address,
            **CREDENTIALS,
        }
        for name, value in models_and_table.items():
            monkeypatch.setenv(name, value)
        told_to = {**environment, **models_and_table}
        token = signed(id_claims(provider.url, time.time(), sub="ann"))
        with connect(Settings.from_env(told_to)) as parts, function("lambdas.questions.handler", told_to) as questions:
            parts.people.add("ann", "home", "admin")
            upload(questions, token)
            while parts.ingestor.drain(parts.queue):
                pass
            before = told(questions.invoke(http("GET", "/v1/spend", token=token)))

            event = http("POST", "/v1/ask", {"question": "When does the pool open?"}, token)
            event["headers"]["accept"] = "text/event-stream"
            streamed = questions.invoke(event)
            call = {"name": "ask", "arguments": {"question": "When does the pool open?"}}
            event = http("POST", "/mcp", {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call}, token)
            event["headers"] |= {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
            tool = told(questions.invoke(event))
            after = told(questions.invoke(http("GET", "/v1/spend", token=token)))

    assert streamed["headers"]["content-type"].startswith("text/event-stream")
    body = base64.b64decode(streamed["body"]).decode() if streamed["isBase64Encoded"] else streamed["body"]
    assert re.findall("^event: (.*)$", body, re.MULTILINE) == ["sentence", "answer"]
    assert tool["result"]["structuredContent"]["type"] == "grounded"
    assert (before["inputTokens"], after["inputTokens"]) == (0, 200)  # the double reads 100, whatever it is given
    assert after["costMicros"] == sum(day["costMicros"] for day in after["days"]) > before["costMicros"] > 0


def test_it_does_not_start_without_an_identity_provider(environment: Mapping[str, str], tmp_path: Path) -> None:
    """Without an identity provider the function serves nothing at all, and its error says which setting is missing."""
    bare = {name: value for name, value in environment.items() if name not in {"FOOTNOTE_ISSUER", "FOOTNOTE_AUDIENCE"}}
    with function("lambdas.questions.handler", bare) as questions:
        for path in ("/health", "/v1/documents"):
            with pytest.raises(Failed, match="FOOTNOTE_ISSUER"):
                questions.invoke(http("GET", path))

    with (
        connect(Settings.from_env({}, home=tmp_path / "other")) as footnote,
        pytest.raises(ConfigError, match="local user"),
    ):
        create_app(footnote, behind_gateway=True)
