"""A small client for programs: typed, synchronous, and nothing but the standard library.

    from footnote.client import Client

    with Client("http://127.0.0.1:8000") as footnote:
        answer = footnote.ask("When is the pool open?")
        print(answer.text, [one.quote for one in answer.citations])

What the service refuses is raised as `Refused`, with its status, code and hint.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import SplitResult, quote, urlencode, urlsplit

SECONDS = 60.0
POLL_SECONDS = 0.25
NONE: Mapping[str, str] = {}


class Refused(Exception):
    """The service said no: `status` and `code` say which no, `hint` what would help."""

    def __init__(self, status: int, code: str, detail: str, hint: str = "") -> None:
        super().__init__(f"{detail} {hint}".strip())
        self.status, self.code, self.detail, self.hint = status, code, detail, hint


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a sentence comes from: `quote` stands in that version's text from `start` to `end`, on that page."""

    number: int
    document_id: str
    file_name: str
    page: int
    section: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: `type` is grounded, partial, conflict or not_found; `[n]` in the text is the citation numbered n."""

    type: str
    text: str
    citations: tuple[Citation, ...]
    notes: tuple[str, ...]
    contact: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that fits a question."""

    document_id: str
    file_name: str
    page: int
    section: str
    content: str
    score: float


@dataclass(frozen=True, slots=True)
class Document:
    """A document's record; `cost_micros`, in millionths of a dollar, is what its embeddings cost.

    `data` is all of it, with the names of the API.
    """

    document_id: str
    file_name: str
    status: str
    cost_micros: int
    data: Mapping[str, Any]


class Client:
    """Talks to one service, as whoever bears the key or token; to be used in a `with`, by one thread at a time."""

    def __init__(self, url: str, key: str = "", *, building: str = "", seconds: float = SECONDS) -> None:
        split = urlsplit(url)
        self._secure, self._seconds = split.scheme == "https", seconds
        self._connection = _connection(split, seconds)
        self._path = split.path.rstrip("/")
        self._headers = {"Accept": "application/json"}
        self._headers |= {"Authorization": f"Bearer {key}"} if key else {}
        self._headers |= {"Footnote-Building": building} if building else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def upload(self, path: Path, *, wait: float = 0) -> Document:
        """Upload a file; with `wait`, return it only once it can be searched, or so many seconds later.

        Trying again after a lost connection uploads it once: the request bears a key of its own.
        """
        boundary = uuid.uuid4().hex
        name = path.name.translate({10: "%0A", 13: "%0D", 34: "%22"})  # as browsers send it
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        body = f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + path.read_bytes()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Idempotency-Key": uuid.uuid4().hex}
        document = _document(self._call("POST", "/v1/documents", body + f"\r\n--{boundary}--\r\n".encode(), headers))
        until = time.monotonic() + wait
        while wait and document.status not in {"ready", "error"} and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
            document = self.document(document.document_id)
        return document

    def document(self, document_id: str) -> Document:
        """Return a document's record."""
        return _document(self._call("GET", f"/v1/documents/{quote(document_id, safe='')}"))

    def documents(
        self,
        *,
        status: str = "",
        type: str = "",  # noqa: A002 -- the API's name, as is `filter` below
        since: str = "",
        until: str = "",
        shared: bool = False,
    ) -> Iterator[Document]:
        """Yield your documents, newest first: of a `status`, a media `type`, `since` one day and `until` another.

        With `shared` those that others share with you by name, by id.
        """
        named = {"status": status, "type": type, "since": since, "until": until, "shared": "true" if shared else ""}
        wanted = {name: value for name, value in named.items() if value}
        cursor: str | None = ""
        while cursor is not None:
            query = urlencode({**wanted, **({"cursor": cursor} if cursor else {})})
            page = self._call("GET", f"/v1/documents?{query}")
            yield from map(_document, page["documents"])
            cursor = page["cursor"]

    def page(self, document_id: str, number: int) -> str:
        """Return the stored text of a page, which citations are cut out of."""
        return str(self._call("GET", f"/v1/documents/{quote(document_id, safe='')}/pages/{number}")["text"])

    def content(self, document_id: str) -> bytes:
        """Return the original as it was uploaded last. Where it lies elsewhere, it is fetched without key or token."""
        reply, data = self._asked("GET", f"/v1/documents/{quote(document_id, safe='')}/content")
        if reply.status == http.HTTPStatus.TEMPORARY_REDIRECT:
            return self._elsewhere(urlsplit(reply.headers["Location"]))
        return data

    def remove(self, document_id: str) -> None:
        """Remove a document."""
        self._call("DELETE", f"/v1/documents/{quote(document_id, safe='')}")

    def search(
        self,
        question: str,
        k: int = 10,
        *,
        filter: Mapping[str, Any] | None = None,  # noqa: A002
        as_of: str = "",
    ) -> Sequence[Hit]:
        """Return the chunks that fit best, of documents in force now or `as_of` a day; `filter` as the API takes it."""
        asked = {"question": question, "k": k, "filter": filter, "asOf": as_of or None}
        found = self._call("POST", "/v1/search", asked)
        return tuple(
            Hit(one["documentId"], one["fileName"], one["pageNumber"], one["section"], one["content"], one["score"])
            for one in found["hits"]
        )

    def ask(self, question: str, *, filter: Mapping[str, Any] | None = None, as_of: str = "") -> Answer:  # noqa: A002
        """Return an answer whose every sentence can be opened; `filter` and `as_of` as in `search`."""
        return _answer(self._call("POST", "/v1/ask", {"question": question, "filter": filter, "asOf": as_of or None}))

    def _call(
        self, verb: str, path: str, sent: bytes | Mapping[str, Any] | None = None, headers: Mapping[str, str] = NONE
    ) -> Any:
        """Send a request and return the reply's object."""
        _, data = self._asked(verb, path, sent, headers)
        return json.loads(data) if data else None

    def _asked(
        self, verb: str, path: str, sent: bytes | Mapping[str, Any] | None = None, headers: Mapping[str, str] = NONE
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Send a request and return the reply; a connection that was left idle too long is made anew once."""
        kind = {"Content-Type": "application/json"} if isinstance(sent, Mapping) else {}
        body = json.dumps(sent).encode() if isinstance(sent, Mapping) else sent
        told = {**self._headers, **kind, **headers}
        try:
            reply = self._sent(verb, path, body, told)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self._connection.close()
            reply = self._sent(verb, path, body, told)
        data = reply.read()
        if reply.status >= http.HTTPStatus.BAD_REQUEST:
            raise _refused(reply.status, data)
        return reply, data

    def _elsewhere(self, place: SplitResult) -> bytes:
        """Fetch what the service leads to; from https never to http."""
        if place.scheme != "https" and self._secure:
            raise Refused(http.HTTPStatus.BAD_GATEWAY, "unknown", "The service leads to an address without https.")
        with closing(_connection(place, self._seconds)) as connection:
            connection.request("GET", f"{place.path}?{place.query}")
            reply = connection.getresponse()
            data = reply.read()
        if reply.status != http.HTTPStatus.OK:
            raise _refused(reply.status, b"")
        return data

    def _sent(self, verb: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        self._connection.request(verb, self._path + path, body, dict(headers))
        return self._connection.getresponse()


def _connection(place: SplitResult, seconds: float) -> http.client.HTTPConnection:
    host = place.hostname or ""
    if place.scheme != "https":
        return http.client.HTTPConnection(host, place.port, timeout=seconds)
    return http.client.HTTPSConnection(host, place.port, timeout=seconds, context=ssl.create_default_context())


def _refused(status: int, data: bytes) -> Refused:
    try:
        told = json.loads(data)
        return Refused(status, told["code"], told["detail"], told["hint"])
    except (ValueError, KeyError, TypeError):
        return Refused(status, "unknown", f"The service replied {status}.")


def _document(data: Mapping[str, Any]) -> Document:
    return Document(data["documentId"], data["fileName"], data["status"], data["costMicros"], data)


def _answer(data: Mapping[str, Any]) -> Answer:
    citations = tuple(
        Citation(
            one["number"],
            one["documentId"],
            one["fileName"],
            one["pageNumber"],
            one["section"],
            one["startPosition"],
            one["endPosition"],
            one["quote"],
        )
        for one in data["citations"]
    )
    return Answer(data["type"], data["text"], citations, tuple(data["notes"]), data.get("contact"))
