"""The OpenAI protocol, as the `openai` package speaks it, against a server as people run it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from fastapi.testclient import TestClient

from corpus.errors import Unavailable
from footnote.client import Client
from footnote.connect import Footnote
from search.answer import NOT_FOUND
from tests.flows.test_api import RULES, SERVE, client, footnote, upload
from tests.flows.test_streams import Waiting, left_behind, served

__all__ = ["client", "footnote"]
pytestmark = pytest.mark.service
QUESTION: Any = [{"role": "user", "content": "When does the pool open?"}]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    command = [sys.executable, "-c", SERVE, "--home", str(tmp_path / "home"), "serve", "--port", "0"]
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as server:
        assert server.stdout
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert found
        path = tmp_path / "rules.md"
        path.write_bytes(RULES)
        with Client(found[0]) as footnote:
            footnote.upload(path, wait=30)
        yield found[0]
        server.send_signal(signal.SIGINT)


def key(address: str) -> str:
    body = b'{"name": "chat", "allowedActions": ["ask", "converse", "stream"]}'
    request = urllib.request.Request(f"{address}/v1/keys", body, {"content-type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 -- our own
        found = re.search(r'"key":"(fn_[^"]+)"', reply.read().decode())
    assert found
    return found[1]


def test_the_openai_package_asks(address: str) -> None:
    """Models are personas; an answer's marks are annotated with pages that can be opened; a follow-up is understood."""
    with openai.OpenAI(base_url=f"{address}/v1", api_key=key(address)) as client:
        (model,) = client.models.list().data
        assert model.id == "footnote"
        reply = client.chat.completions.create(model=model.id, messages=QUESTION)
        message = reply.choices[0].message
        assert message.content == "The pool opens at nine in the morning. [1]"
        assert message.annotations
        cited = message.annotations[0].url_citation
        assert (message.content[cited.start_index : cited.end_index], cited.title) == ("[1]", "rules.md, page 1")
        with urllib.request.urlopen(address + cited.url, timeout=10) as page:  # noqa: S310 -- our own
            assert b"The pool opens at nine in the morning." in page.read()

        turns = [*QUESTION, {"role": "assistant", "content": message.content}, {"role": "user", "content": "And why?"}]
        assert client.chat.completions.create(model="other", messages=turns).model == "footnote"
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model=model.id, messages=[{"role": "system", "content": "Obey."}])
        assert (refused.value.code, refused.value.type) == ("bad_request", "invalid_request_error")
        assert "The last message is to be a user's" in refused.value.message
        with pytest.raises(openai.UnprocessableEntityError) as malformed:
            client.chat.completions.create(model=model.id, messages=[])
        assert (malformed.value.code, malformed.value.param) == ("bad_request", "messages")


def test_the_openai_package_streams(address: str) -> None:
    """A streamed answer is the same, in chunks that end with a reason; the package puts it together with citations."""
    with openai.OpenAI(base_url=f"{address}/v1", api_key=key(address)) as client:
        chunks = list(client.chat.completions.create(model="footnote", messages=QUESTION, stream=True))
        whole = client.chat.completions.create(model="footnote", messages=QUESTION).choices[0].message
        with client.chat.completions.stream(model="footnote", messages=QUESTION) as stream:
            put_together = stream.get_final_completion().choices[0].message
    assert "".join(one.choices[0].delta.content or "" for one in chunks) == "The pool opens at nine in the morning. [1]"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert whole.annotations
    assert (put_together.content, put_together.annotations) == (whole.content, whole.annotations)


def asking(port: int) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=key(f"http://127.0.0.1:{port}"), max_retries=0)


def test_a_chunk_arrives_while_the_model_writes(client: TestClient, footnote: Footnote) -> None:
    """A verified sentence is there before the model has ended; the pieces of a longer answer are all of its text."""
    upload(client, footnote)
    upload(client, footnote, RULES.replace(b"nine", b"ten"), "new.md")
    footnote.llm = model = Waiting()
    with served(footnote) as port, asking(port) as program:
        with program.chat.completions.create(model="footnote", messages=QUESTION, stream=True) as stream:
            arriving = (one.choices[0] for one in stream)
            said = [next(one.delta.content for one in arriving if one.delta.content)]
            assert not model.left.is_set()
            model.go.set()
            rest = list(arriving)
        whole = program.chat.completions.create(model="footnote", messages=QUESTION).choices[0].message
    said += [one.delta.content for one in rest if one.delta.content]
    assert said[0] == "It opens at nine. [1]"
    assert len(said) > 1
    assert "".join(said) == whole.content
    assert rest[-1].finish_reason == "stop"


def test_a_stream_without_an_answer(client: TestClient, footnote: Footnote) -> None:
    """Where nothing is found the chunks say so; who may not stream is refused before there are any."""
    with served(footnote) as port, asking(port) as program:
        stream = program.chat.completions.create(model="footnote", messages=QUESTION, stream=True)
        assert "".join(one.choices[0].delta.content or "" for one in stream) == NOT_FOUND
        bears = client.post("/v1/keys", json={"name": "whole", "allowedActions": ["ask", "converse"]}).json()["key"]
        with (
            program.with_options(api_key=bears) as other,
            pytest.raises(openai.PermissionDeniedError, match="stream"),
        ):
            other.chat.completions.create(model="footnote", messages=QUESTION, stream=True)


@pytest.mark.parametrize(("error", "code"), [(Unavailable("It rests."), "unavailable"), (OSError("/x"), "internal")])
def test_what_fails_within_the_chunks(
    client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    """What fails later is an error of that protocol, which tells nothing of a bug, and no end; the trail says it."""

    def broken(*_: object) -> None:
        raise error

    upload(client, footnote)
    monkeypatch.setattr(footnote.blobs, "get", broken)
    with served(footnote) as port, asking(port) as program:
        stream = program.chat.completions.create(model="footnote", messages=QUESTION, stream=True)
        with pytest.raises(openai.APIError) as said:
            list(stream)
    assert (said.value.code, said.value.type) == (code, "server_error")
    assert "/x" not in str(said.value.body)
    assert client.get("/v1/access").json()["accesses"][0]["outcome"] == code


def test_who_leaves_the_chunks_ends_the_model(client: TestClient, footnote: Footnote) -> None:
    """Leaving in the middle ends what the model writes, and the trail says who left, and what they had read."""
    document = upload(client, footnote)
    footnote.llm = model = Waiting()
    with served(footnote) as port, asking(port) as program:
        with program.chat.completions.create(model="footnote", messages=QUESTION, stream=True) as stream:
            assert next(text for one in stream if (text := one.choices[0].delta.content)) == "It opens at nine. [1]"
        assert model.left.wait(20)
        assert not model.go.is_set()
        (left,) = left_behind(client)
    assert (left["action"], left["documentIds"]) == ("ask", [document["documentId"]])


def test_who_may_not_ask_is_told(address: str) -> None:
    """A key that nobody made is refused as that protocol refuses."""
    with openai.OpenAI(base_url=f"{address}/v1", api_key="sk-other", max_retries=0) as client:
        for refused in (
            lambda: client.chat.completions.create(model="footnote", messages=QUESTION),
            client.models.list,
        ):
            with pytest.raises(openai.AuthenticationError) as said:
                refused()
            assert (said.value.code, said.value.type) == ("unauthenticated", "authentication_error")
            assert "There is no identity provider here whose token this could be." in said.value.message
