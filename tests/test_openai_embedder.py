from __future__ import annotations

import inspect
import logging
import threading
import time
import traceback
from collections.abc import Iterator

import httpx2
import numpy as np
import openai
import pytest

from corpus.embedders import openai as module
from corpus.embedders.openai import OpenAIEmbedder
from corpus.errors import BadRequest, ConfigError, FootnoteError, Throttled, Unavailable
from corpus.model import Passage
from corpus.openai_api import KINDS, Access, translated, wait_of
from tests.provider import Fault, Provider, vector

SECRET = "sk-very-secret"
TEXTS = [Passage("House Rules", f"Rule {n}: the pool opens at {n}.") for n in range(300)]


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as one:
        yield one


@pytest.fixture
def embedder(provider: Provider) -> Iterator[OpenAIEmbedder]:
    one = OpenAIEmbedder("text-embedding-3-small", Access(provider.url, SECRET))
    yield one
    one.close()


def run(embedder: OpenAIEmbedder, passages: list[Passage]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.concatenate(list(embedder.embed(passages, "document")))


@pytest.mark.service
def test_what_is_sent(provider: Provider, embedder: OpenAIEmbedder) -> None:
    """The model, 1536 dimensions, base64, prefix and body in one text, and the key; nothing of the environment's."""
    run(embedder, [*TEXTS[:1], Passage("", "body"), Passage("", "")])

    (body,) = provider.bodies
    assert body == {
        "model": "text-embedding-3-small",
        "dimensions": 1536,
        "encoding_format": "base64",
        "input": ["House Rules\nRule 0: the pool opens at 0.", "body", "."],
    }
    assert provider.keys == [SECRET]
    assert str(embedder.space) == "openai/text-embedding-3-small@1536"


@pytest.mark.service
def test_other_models_are_not_told_dimensions(provider: Provider) -> None:
    """A model that cannot be shortened is not asked to, and a service without a key is asked without one of ours."""
    embedder = OpenAIEmbedder("nomic", Access(provider.url))
    run(embedder, TEXTS[:1])
    embedder.close()

    assert "dimensions" not in provider.bodies[0]
    assert provider.keys == ["none"]


@pytest.mark.service
def test_rows_are_in_order(provider: Provider, embedder: OpenAIEmbedder) -> None:
    """Each passage gets its own row, whatever the order in which requests and vectors come back, as lists too."""
    expected = np.stack([vector(f"{one.prefix}\n{one.body}", 1536) for one in TEXTS])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)

    assert run(embedder, TEXTS) == pytest.approx(expected, abs=1e-6)
    provider.floats = True
    assert run(embedder, TEXTS) == pytest.approx(expected, abs=1e-6)
    assert provider.texts == 2 * len(TEXTS)


@pytest.mark.service
def test_long_texts_are_averaged(provider: Provider, embedder: OpenAIEmbedder) -> None:
    """A text too long for the model is sent in windows, and its row is their mean, by length."""
    (row,) = run(embedder, [Passage("", "pool " * 1600 + "lift " * 800)])

    first, second = (vector(word * n, 1536) for word, n in (("pool ", 1600), ("lift ", 800)))
    mean = 8000 * first / np.linalg.norm(first) + 4000 * second / np.linalg.norm(second)
    assert row == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)
    assert [len(text) for body in provider.bodies for text in body["input"]] == [8000, 4000]


@pytest.mark.service
def test_another_dimension_is_an_error_at_once(provider: Provider, embedder: OpenAIEmbedder) -> None:
    """A model of another dimension than asked is found out by the first request, which is a small one."""
    provider.dimensions = 768

    with pytest.raises(ConfigError, match="768 dimensions; 1536 were asked for"):
        run(embedder, TEXTS)
    assert provider.texts <= 16


@pytest.mark.service
@pytest.mark.parametrize("header", [{"retry-after": "1"}, {"retry-after-ms": "1000"}])
def test_retry_after_is_honoured(provider: Provider, embedder: OpenAIEmbedder, header: dict[str, str]) -> None:
    """A 429 holds all requests but those on their way for as long as it says; then everything arrives, once."""
    run(embedder, TEXTS[:1])
    provider.faults.append(Fault(429, header))

    assert len(run(embedder, TEXTS)) == len(TEXTS)
    refused, *later = sorted(provider.times)[1:]
    assert max(later) >= refused + 1
    assert sum(one < refused + 0.95 for one in later) < module.PARALLEL
    assert provider.accepted == len(TEXTS) + 1


@pytest.mark.service
def test_a_long_pause_goes_to_the_queue(provider: Provider, embedder: OpenAIEmbedder) -> None:
    """A service that asks for more than two minutes gets the document handed back, with the time to come again."""
    provider.faults.append(Fault(429, {"retry-after": "600"}))

    with pytest.raises(Throttled) as caught:
        run(embedder, TEXTS)
    assert caught.value.retry_after == 600
    assert len(provider.times) == 1


@pytest.mark.service
def test_a_question_does_not_wait(provider: Provider, embedder: OpenAIEmbedder) -> None:
    """A person's question is not held by a pause of minutes: it fails and says when to come again."""
    provider.faults.append(Fault(429, {"retry-after": "30"}))
    begun = time.monotonic()

    with pytest.raises(Throttled):
        list(embedder.embed(TEXTS[:1], "query"))
    assert time.monotonic() - begun < 2


@pytest.mark.service
def test_a_moment_is_mended(provider: Provider, embedder: OpenAIEmbedder) -> None:
    """One 500 on the way is not noticed; a service that stays broken is `Unavailable`."""
    provider.faults.append(Fault(500))
    assert len(run(embedder, TEXTS[:20])) == 20

    provider.faults += [Fault(503)] * 3
    with pytest.raises(Unavailable):
        run(embedder, TEXTS[:1])


@pytest.mark.service
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(401), ConfigError),
        (Fault(403), ConfigError),
        (Fault(404), ConfigError),
        (Fault(402), ConfigError),
        (Fault(200, body="{nonsense"), Unavailable),
        (Fault(200, body='{"object": "list", "data": []}'), Unavailable),
        (Fault(200, body='{"data": [{"index": 0, "embedding": "x"}]}'), Unavailable),
        (Fault(200, body="[1, 2]"), Unavailable),
        (Fault(200, body='"hello"'), Unavailable),
        (Fault(429, body='{"error": {"message": "pay", "code": "insufficient_quota"}}'), Throttled),
    ],
)
def test_what_goes_wrong_is_in_our_tree(
    provider: Provider, embedder: OpenAIEmbedder, fault: Fault, kind: type[FootnoteError]
) -> None:
    """Whatever a service says, it becomes an error of ours, and neither text nor key is told, by a traceback either."""
    provider.faults.append(fault)

    with pytest.raises(FootnoteError) as caught:
        run(embedder, TEXTS[:1])
    assert type(caught.value) is kind
    assert len(provider.times) == 1
    told = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert SECRET not in told
    assert "Rule 0" not in told


@pytest.mark.service
def test_one_text_that_is_refused(provider: Provider, embedder: OpenAIEmbedder) -> None:
    """A 400 is the text's fault if the service takes others, and the settings' if it takes none."""
    provider.refuses = "Rule 7"
    with pytest.raises(BadRequest):
        run(embedder, TEXTS[:10])

    provider.refuses = "."
    with pytest.raises(ConfigError):
        run(embedder, TEXTS[:10])


@pytest.mark.service
def test_a_service_that_is_away(provider: Provider) -> None:
    """A service that cannot be reached is `Unavailable`."""
    embedder = OpenAIEmbedder("m", Access("http://127.0.0.1:9/v1"))
    with pytest.raises(Unavailable):
        run(embedder, TEXTS[:1])
    embedder.close()


@pytest.mark.service
def test_a_reader_that_leaves_stops_what_waits(provider: Provider, embedder: OpenAIEmbedder) -> None:
    """A worker that is stopped while requests wait for their turn leaves at once: no thread, no further request."""
    run(embedder, TEXTS[:1])
    provider.faults += [Fault(429, {"retry-after": "60"})] * 4
    blocks = embedder.embed(TEXTS, "document")
    assert len(next(blocks)) == 0
    begun = time.monotonic()
    blocks.close()
    sent = len(provider.times)

    assert time.monotonic() - begun < 2
    assert not [one for one in threading.enumerate() if one.name.startswith("embed")]
    time.sleep(0.2)
    assert len(provider.times) == sent


@pytest.mark.service
def test_the_caps_are_kept() -> None:
    """Against caps of requests and tokens a minute next to nothing is sent twice; bench.provider says how fast."""
    with Provider(requests_per_minute=20, tokens_per_minute=4000, minute=2) as provider:
        embedder = OpenAIEmbedder("text-embedding-3-small", Access(provider.url))
        texts = [Passage("", f"Rule {n}. " + "The pool opens at nine. " * 4) for n in range(600)]
        run(embedder, texts)
        embedder.close()
        stats = provider.stats()

    assert stats["texts"] <= 1.02 * len(texts) + 1


@pytest.mark.service
def test_nothing_is_logged_of_what_was_sent(
    provider: Provider, embedder: OpenAIEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    """Logs have counts, and never a text or a key."""
    caplog.set_level(logging.DEBUG, "corpus")
    provider.faults.append(Fault(429, {"retry-after": "0.1"}))
    run(embedder, TEXTS[:3])

    ours = [record for record in caplog.records if record.name.startswith("corpus")]
    assert {record.message for record in ours} == {
        "texts were embedded",
        "the embedding service asks for a pause",
    }
    assert not [one for one in ours if "Rule" in str(vars(one)) or SECRET in str(vars(one))]


def test_the_key_is_never_shown() -> None:
    """Whoever prints the access sees no key."""
    assert SECRET not in repr(Access("http://x", SECRET))


def test_an_address_that_is_none() -> None:
    """An address that cannot be one is the settings' fault."""
    with pytest.raises(ConfigError):
        OpenAIEmbedder("m", Access("http://x:port/v1"))


@pytest.mark.service
def test_the_environment_is_not_asked(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says of keys, addresses and organisations is not taken behind the settings' back."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/leaked")
    embedder = OpenAIEmbedder("m", Access(provider.url, "mine"))
    run(embedder, TEXTS[:1])
    embedder.close()

    assert provider.keys == ["mine"]
    assert not [value for value in provider.headers[0].values() if "leaked" in value]


def test_no_public_error_is_forgotten() -> None:
    """Every error the SDK shows is one of those below, but for one of webhooks, which nobody here receives."""
    public = {kind for kind in list(vars(openai).values()) if isinstance(kind, type) and issubclass(kind, Exception)}

    assert public - set(sdk_errors()) == {openai.InvalidWebhookSignatureError}


def sdk_errors() -> list[type[Exception]]:
    """Every error that calling the SDK can raise: those of its base, however far derived."""
    found, new = set[type[Exception]](), {openai.OpenAIError}
    while new:
        found |= new
        new = {kind for one in new for kind in one.__subclasses__()} - found
    return sorted(found, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", sdk_errors())
def test_no_error_of_the_sdk_is_unmapped(kind: type[Exception]) -> None:
    """Each of the SDK's errors has its place in our tree, and none of those of a request falls to the last row."""
    ours = next(KINDS[base] for base in kind.__mro__ if base in KINDS)

    assert issubclass(ours, FootnoteError)
    if issubclass(kind, openai.APIError):
        assert next(base for base in kind.__mro__ if base in KINDS) is not openai.OpenAIError
        assert "openai" in inspect.getmodule(kind).__name__  # type: ignore[union-attr]
    if issubclass(kind, openai.APIStatusError) and not issubclass(kind, openai.OAuthError):
        response = httpx2.Response(418, request=httpx2.Request("POST", "http://x"))
        assert isinstance(translated(kind("said", response=response, body=None)), FootnoteError)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "9"}, 9),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], wait: float | None) -> None:
    """What a service asks to wait is read in all its forms; nonsense is no wait."""
    assert wait_of(headers) == wait


def test_bounds_are_below_the_services() -> None:
    """What is sent in one request is below what OpenAI takes: 2,048 texts, 8,191 and 300,000 tokens."""
    from corpus.embedders import packing  # noqa: PLC0415

    assert packing.MOST_ITEMS <= 2048
    assert packing.WINDOW_BYTES <= 8191
    assert packing.MOST_BYTES <= 300_000
    assert module.SUB_BATCH <= 256
