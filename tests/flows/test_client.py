"""The client, against a server as people run it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from footnote.client import Client, Refused
from tests.flows.test_api import RULES, SERVE
from tests.services.scripted import Reply, scripted

pytestmark = pytest.mark.service


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    command = [sys.executable, "-c", SERVE, "--home", str(tmp_path / "home"), "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent.parent
    ) as server:
        assert server.stdout
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert found
        yield found[0]
        server.send_signal(signal.SIGINT)


@pytest.mark.parametrize("status", [200, 403])
def test_an_original_from_elsewhere(status: int) -> None:
    """Where the service leads to S3 the client goes there, and takes neither its key nor its building along."""
    with scripted(lambda _: Reply(status, RULES)) as store:
        place = f"{store.address}/documents/ann/d1/original?X-Amz-Signature=a%2Fb&x=1"
        with (
            scripted(lambda _: Reply(307, b"", {"Location": place})) as service,
            Client(service.address, "fn_secret", building="mill-lane") as footnote,
        ):
            if status == HTTPStatus.OK:
                assert footnote.content("d1") == RULES
            else:
                with pytest.raises(Refused, match="replied 403"):
                    footnote.content("d1")
    (sent,), (asked,) = store.asked, service.asked
    assert (asked.path, asked.headers["Authorization"]) == ("/v1/documents/d1/content", "Bearer fn_secret")
    assert sent.path == "/documents/ann/d1/original?X-Amz-Signature=a%2Fb&x=1"
    assert {name.lower() for name in sent.headers} == {"host", "accept-encoding"}


def test_a_program_asks(address: str, tmp_path: Path) -> None:
    """A file is uploaded, searched, asked, opened at its citation, listed and removed; what is refused is raised."""
    path = tmp_path / 'Hausordnung "größer".md'
    path.write_bytes(RULES)
    with Client(address) as footnote:
        document = footnote.upload(path, wait=30)
        assert (document.status, document.file_name) == ("ready", path.name.replace('"', "%22"))
        assert [one.document_id for one in footnote.documents(status="ready")] == [document.document_id]
        assert list(footnote.documents(shared=True)) == []

        assert footnote.content(document.document_id) == RULES
        answer = footnote.ask("When does the pool open?")
        assert (answer.type, answer.text) == ("grounded", "The pool opens at nine in the morning. [1]")
        (citation,) = answer.citations
        assert footnote.page(citation.document_id, citation.page)[citation.start : citation.end] == citation.quote
        assert [hit.document_id for hit in footnote.search("pool", 3)] == [document.document_id]
        assert footnote.search("pool", filter={"types": ["application/pdf"]}, as_of="2027-01-31") == ()
        assert footnote.ask("When does the pool open?", filter={"tags": ["none"]}).type == "not_found"
        assert list(footnote.documents(type="application/pdf", since="2026-01-01")) == []

        footnote.remove(document.document_id)
        with pytest.raises(Refused, match="There is no document") as refused:
            footnote.document(document.document_id)
        assert (refused.value.status, refused.value.code) == (404, "not_found")
        with pytest.raises(Refused) as nonsense:
            footnote.search("pool", 0)
        assert nonsense.value.status == 422
