from __future__ import annotations

import base64
import inspect
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from botocore.credentials import Credentials
from opensearchpy import exceptions

from corpus.errors import BadRequest, ConfigError, Forbidden, Throttled, Unavailable
from corpus.model import Space
from corpus.vectors.opensearch import OpenSearchIndex, client
from corpus.vectors.opensearch.bulk import MAX_BODY_BYTES, Bulk, bodies, pause
from corpus.vectors.opensearch.client import connected, meaning, signer
from corpus.vectors.opensearch.mapping import Design
from tests.contracts.adapters import SPACE
from tests.contracts.test_index import TEXTS, generation, ids, legs
from tests.services.needed import up
from tests.services.scripted import Reply, Request
from tests.services.scripted import scripted as served

LUCENE = Design(SPACE, "lucene")


@pytest.fixture
def prefix() -> str:
    """What the names of the test's own indexes begin with."""
    return f"odd-{uuid.uuid4().hex}"


@pytest.fixture
def real(prefix: str) -> Iterator[Any]:
    """A client of the real server."""
    found = connected(up("opensearch").address)
    yield found
    found.indices.delete(index=f"{prefix}*")
    found.close()


@contextmanager
def scripted(*answers: tuple[int, dict[str, Any]]) -> Iterator[tuple[Any, list[Request]]]:
    """A client of a server that gives these answers one after another, and what it was asked."""
    left = list(answers)

    def answer(_: Request) -> Reply:
        status, body = left.pop(0)
        return Reply(status, json.dumps(body).encode(), {"content-type": "application/json"})

    with served(answer) as server:
        found = connected(server.address)
        yield found, server.asked
        found.close()


def bulk(found: Any, sleeps: list[float] | None = None) -> Bulk:
    return Bulk(found, "one", (sleeps if sleeps is not None else []).append, lambda: 0.5)


def items(*statuses: int, kind: str = "some_exception") -> dict[str, Any]:
    def item(status: int) -> dict[str, Any]:
        return {"status": status} if status < 300 else {"status": status, "error": {"type": kind, "reason": "secret"}}

    return {"items": [{"index": item(status)} for status in statuses]}


@pytest.mark.service
def test_a_missing_index_is_refused(real: Any, prefix: str) -> None:
    """Nothing is written into an index that is not there: OpenSearch would make one of its own invention."""
    index = OpenSearchIndex(real, LUCENE, name=prefix)

    for call in (index.ping, lambda: index.write(generation()), lambda: legs(index)):
        with pytest.raises(ConfigError, match="is not there"):
            call()
    assert not real.indices.exists(index=index.name)


@pytest.mark.service
def test_setup_twice(real: Any, prefix: str) -> None:
    """`setup` makes what is missing, says so, and changes nothing the second time."""
    index = OpenSearchIndex(real, LUCENE, name=prefix)
    assert index.setup()
    index.write(generation())

    assert not index.setup()

    assert len(legs(index).nearest) == 4


@pytest.mark.service
def test_a_foreign_or_drifted_index_is_refused(real: Any, prefix: str) -> None:
    """An index of another space, another field type, or with another threshold is refused with the difference."""
    index = OpenSearchIndex(real, LUCENE, name=prefix)
    index.setup()

    def refused(design: Design, difference: str) -> None:
        with pytest.raises(ConfigError, match=difference):
            OpenSearchIndex(real, design, name=index.name).ping()

    refused(replace(LUCENE, space=Space("test/other", 8)), "_meta.space: wanted test/other, found test/space")
    refused(replace(LUCENE, space=Space("test/space", 16)), "_meta.dimensions: wanted 16, found 8")
    refused(Design(SPACE, "faiss"), "properties.embedding.method.engine: wanted faiss, found lucene")
    refused(replace(LUCENE, exact_below=50), "filtered_exact_search_threshold: wanted 50, found 10000")
    OpenSearchIndex(real, replace(LUCENE, exact_below=50), name=index.name).setup()  # what can be changed is
    refused(LUCENE, "filtered_exact_search_threshold: wanted 10000, found 50")

    real.indices.put_mapping(index=index.name, body={"properties": {"owner": {"type": "keyword"}}})
    refused(replace(LUCENE, exact_below=50), "properties.owner: wanted nothing")
    other = f"{prefix}-other"
    real.indices.create(index=other)
    with pytest.raises(ConfigError, match="dynamic: wanted strict, found nothing"):
        OpenSearchIndex(real, LUCENE, name=other).setup()


@pytest.mark.service
def test_an_older_index_is_brought_up_to_date(real: Any, prefix: str) -> None:
    """An index that was made before a field about chunks was thought of is given it by `setup`."""
    body: dict[str, Any] = LUCENE.body()
    del body["mappings"]["properties"]["metadata"]["properties"]["tableHeader"]
    real.indices.create(index=prefix, body=body)
    index = OpenSearchIndex(real, LUCENE, name=prefix)
    with pytest.raises(ConfigError, match="tableHeader"):
        index.ping()

    assert not index.setup()

    index.ping()


@pytest.mark.service
def test_read_only(real: Any, prefix: str) -> None:
    """An index opened for reading refuses whatever would change it."""
    OpenSearchIndex(real, LUCENE, name=prefix).setup()
    index = OpenSearchIndex(real, LUCENE, name=prefix, read_only=True)

    for call in (index.setup, lambda: index.write(generation()), lambda: index.prune("d1", None, "9")):
        with pytest.raises(Forbidden):
            call()
    assert legs(index).nearest == ()


@pytest.mark.service
def test_repeats_without_our_ids_count_once(real: Any, prefix: str) -> None:
    """Where the server chooses the ids a repeat leaves two copies: they count once, show once, and go together."""
    index = OpenSearchIndex(real, LUCENE, name=prefix)
    index.setup()
    index.write(generation())
    copies = [hit["_source"] for hit in real.search(index=index.name)["hits"]["hits"]]
    for copy in copies[:3]:
        real.index(index=index.name, body=copy, params={"refresh": "true"})

    found = legs(index, k=100)

    assert index.count(generation().id) == 4
    assert sorted(ids(found.nearest)) == [("d1", "1", n) for n in range(4)]
    assert len({hit.chunk_id for hit in found.matching}) == len(found.matching) == 2
    index.prune("d1", None, "1")
    assert real.count(index=index.name)["count"] == 0


@pytest.mark.service
def test_a_large_document(real: Any, prefix: str) -> None:
    """A document of many requests is there when the write returns, and goes page by page."""
    texts = [f"{n} {'word ' * 1000}" for n in range(1500)]
    assert sum(map(len, texts)) > MAX_BODY_BYTES
    index = OpenSearchIndex(real, LUCENE, name=prefix)
    index.setup()
    index.write(generation(texts=texts))

    assert index.count(generation().id) == 1500
    index.prune("d1", None, "1")
    assert index.count(generation().id) == 0


@pytest.mark.service
def test_no_vector_and_no_words_come_back(real: Any, prefix: str) -> None:
    """A hit carries neither its vector nor its search words over the wire, and a section of any length is whole."""
    index = OpenSearchIndex(real, LUCENE, name=prefix)
    index.setup()
    one = generation(texts=TEXTS[:1])
    long = "x" * 40_000
    index.write(replace(one, chunks=(replace(one.chunks[0], headings=(long,)),), title=long))
    answers, send = list[str](), real.transport.perform_request

    def recorded(*arguments: Any, **named: Any) -> Any:
        answer = send(*arguments, **named)
        answers.append(json.dumps(answer))
        return answer

    real.transport.perform_request = recorded
    (hit,) = legs(index).nearest

    assert (hit.section, hit.title) == (long, long)
    (answer,) = answers
    assert "embedding" not in answer
    assert "searchText" not in answer


@pytest.mark.service
def test_only_what_was_throttled_is_sent_again() -> None:
    """Of a body only the items that were throttled are sent again, after pauses that grow and differ."""
    sleeps = list[float]()
    with scripted(
        (200, items(201, 429, 429)), (429, {"error": {"type": "x"}}), (200, items(201, 429)), (200, items(201))
    ) as (found, asked):
        bulk(found, sleeps).send([b"a\n", b"b\n", b"c\n"])

    assert [request.body for request in asked] == [b"a\nb\nc\n", b"b\nc\n", b"b\nc\n", b"c\n"]
    assert sleeps == sorted(sleeps)
    assert len(set(sleeps)) == 3


@pytest.mark.service
def test_what_stays_throttled_is_delivered_again() -> None:
    """A cluster that is busy for long makes the whole write come back later."""
    with scripted(*[(200, items(429))] * 6) as (found, _), pytest.raises(Throttled):
        bulk(found).send([b"a\n"])


@pytest.mark.service
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, items(201, 400, kind="mapper_parsing_exception")), BadRequest),
        ((200, items(201, 503, kind="unavailable_shards_exception")), Unavailable),
        ((200, items(201)), Unavailable),
        ((403, {"error": {"type": "security_exception", "reason": "secret"}}), ConfigError),
        ((404, {"error": {"type": "index_not_found_exception", "reason": "secret"}}), ConfigError),
        ((400, {"error": {"type": "illegal_argument_exception", "reason": "secret"}}), RuntimeError),
        ((500, {"error": {"type": "x", "reason": "secret"}}), Unavailable),
    ],
)
def test_every_items_fate_is_read(answer: tuple[int, dict[str, Any]], error: type[Exception]) -> None:
    """One item that was refused fails the write, as what it is, and no document's text is in the error."""
    with scripted(answer) as (found, _), pytest.raises(error) as raised:
        bulk(found).send([b"a\n", b"b\n"])
    assert "secret" not in str(raised.value)
    assert "secret" not in str(raised.value.__cause__)


@pytest.mark.service
@pytest.mark.parametrize(
    "answer",
    [
        {"responses": [{"status": 503, "error": {"type": "search_phase_execution_exception"}}]},
        {"responses": [{"timed_out": True, "_shards": {"failed": 0}, "hits": {"hits": []}}]},
        {"responses": [{"timed_out": False, "_shards": {"failed": 1}, "hits": {"hits": []}}]},
    ],
)
def test_a_part_of_the_truth_is_not_passed_on(answer: dict[str, Any]) -> None:
    """A search in which a shard failed or time ran out is unavailable, not short."""
    with scripted((200, answer)) as (found, _):
        index = OpenSearchIndex(found, LUCENE)
        index._version = 2
        with pytest.raises(Unavailable):
            legs(index, ())


def test_bodies_are_bounded() -> None:
    """Actions go in bodies of bounded size, in order; one that is larger than that goes alone."""
    actions = [b"x" * size for size in (4, 5, 6, 30, 1, 1)]

    found = list(bodies(actions, limit=10))

    assert [one for body in found for one in body] == actions
    assert [len(body) for body in found] == [2, 1, 1, 2]
    assert list(bodies([])) == []


def test_pauses_part_callers() -> None:
    """A pause lies between half and all of a span that doubles, up to a limit."""
    for attempt in range(1, 12):
        span = min(16.0, 0.5 * 2 ** (attempt - 1))
        assert [pause(attempt, chance) for chance in (0.0, 1.0)] == [span / 2, span]


def test_every_error_of_the_client_is_translated() -> None:
    """Every exception the client has is transient, a setting's, a bug or told by its status, and none is unknown."""
    known = [
        one
        for _, one in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(one, Exception) and not issubclass(one, Warning)
    ]
    names = {one.__name__ for one in known}
    assert names == client.TRANSIENT | client.SETTINGS | client.BUGS | client.BY_STATUS
    for name in client.TRANSIENT:
        assert isinstance(meaning(getattr(exceptions, name)("N/A", "x", None), "it"), Unavailable)
    for status, error in (
        (429, Throttled),
        (500, Unavailable),
        (503, Unavailable),
        (401, ConfigError),
        (404, ConfigError),
    ):
        assert type(meaning(exceptions.TransportError(status, "x", {}), "it")) is error
    assert meaning(exceptions.RequestError(400, "x", {}), "it") is None


def test_vectors_are_written_as_they_are() -> None:
    """float32 numbers come back from their JSON bit for bit."""
    row = np.random.default_rng(0).normal(size=1536).astype(np.float32)

    assert (np.array(orjson.loads(client.encoded({"v": row}))["v"], np.float32) == row).all()


def test_signing() -> None:
    """Requests to AWS are signed for `es`, or `aoss` for Serverless, and the session's token goes with them."""
    for host, service in (("x.eu-west-1.es.amazonaws.com", "es"), ("x.eu-west-1.aoss.amazonaws.com", "aoss")):
        sign = signer(Credentials("AKID", "secret", "token"), "eu-west-1", f"https://{host}")
        headers = sign("POST", f"https://{host}/_msearch", b"{}")
        assert f"/eu-west-1/{service}/aws4_request" in headers["Authorization"]
        assert headers["X-Amz-Security-Token"] == "token"


@pytest.mark.service
def test_signing_in_by_name() -> None:
    """A name and a password go with every request, and in no error that a refusal becomes."""
    seen = list[str]()

    def answer(request: Request) -> Reply:
        seen.append(request.headers["authorization"])
        return Reply(401, b'{"error": {"type": "security_exception"}}', {"content-type": "application/json"})

    with served(answer) as server, pytest.raises(ConfigError) as raised:
        OpenSearchIndex(connected(server.address, ("ann", "pass word")), LUCENE).ping()

    assert seen == ["Basic " + base64.b64encode(b"ann:pass word").decode()]
    assert "pass word" not in str(raised.value)
