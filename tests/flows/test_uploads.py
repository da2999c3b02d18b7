"""Large uploads over HTTP: in parts, interrupted, resumed, and whatever may be wrong with them."""

from __future__ import annotations

import hashlib
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

from corpus.keys import original_key
from corpus.records.api_keys import KeyTerms
from corpus.uploads import UploadPart
from footnote import adapters
from footnote.api.app import create_app
from footnote.api.asker import asker
from footnote.connect import Footnote
from footnote.settings import IdentityProvider, Settings
from ingest.outcomes import DECLARED_SHA256
from ingest.upload_parts import MOST_PARTS, MOST_UNFINISHED, part_size
from tests.fakes import Clock, HashEmbedder
from tests.flows.test_api import HERE

LINE = b"The pool opens at nine in the morning, and here is a line that fills the file.\n"
FILE = LINE * (12 * 2**20 // len(LINE))
LIMIT = 13 * 2**20
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def clock() -> Clock:
    return Clock(time.time())


@pytest.fixture
def footnote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[Footnote]:
    embedder = HashEmbedder()
    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_EMBEDDER", {"local": lambda *_: embedder})
    environ = {"FOOTNOTE_MAX_BYTES": str(LIMIT), "FOOTNOTE_MAX_CHARACTERS": "1000"}
    with Footnote(Settings.from_env(environ, home=tmp_path / "home"), clock) as one:
        yield one


@pytest.fixture
def client(footnote: Footnote) -> Iterator[TestClient]:
    with TestClient(create_app(footnote), base_url=HERE, raise_server_exceptions=False) as one:
        yield one


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def announced(data: bytes = FILE, **other: Any) -> dict[str, Any]:
    return {"fileName": "minutes.txt", "fileSize": len(data), "checksumSHA256": sha(data), **other}


def begin(client: TestClient, data: bytes = FILE, **other: Any) -> dict[str, Any]:
    """Announce a file, and return the upload with the path it is at."""
    reply = client.post("/v1/uploads", json=announced(data, **other))
    assert reply.status_code == 201, reply.text
    return {**reply.json(), "place": f"/v1/uploads/{reply.json()['uploadId']}"}


def piece(upload: dict[str, Any], number: int, data: bytes = FILE) -> bytes:
    return data[(number - 1) * upload["partSize"] : number * upload["partSize"]]


def tell(client: TestClient, upload: dict[str, Any], number: int, data: bytes) -> Any:
    told = {"number": number, "size": len(data), "checksumSHA256": sha(data)}
    return client.post(f"{upload['place']}/parts", json=told)


def send(client: TestClient, upload: dict[str, Any], number: int, data: bytes = FILE) -> None:
    """Send one part as a client would: to wherever it is told to."""
    one = piece(upload, number, data)
    told = tell(client, upload, number, one).json()
    assert client.request(told["method"], told["uploadUrl"], content=one, headers=told["headers"]).status_code == 204


def stored(footnote: Footnote) -> list[str]:
    return list(footnote.blobs.keys(""))


def work(footnote: Footnote) -> None:
    while footnote.ingestor.drain(footnote.queue):
        pass


def test_interrupted_and_resumed(client: TestClient, footnote: Footnote) -> None:
    """A file of 12 MB comes in parts, in any order; whoever was interrupted goes on with what is not there yet."""
    upload = begin(client, fileType="text/plain")
    assert (upload["parts"], upload["partSize"], upload["doneParts"]) == (2, 8 * 2**20, [])
    send(client, upload, 2)
    assert client.post(f"{upload['place']}/complete").status_code == 400
    assert client.get(f"/v1/documents/{upload['documentId']}").status_code == 404

    resumed = client.get(upload["place"]).json()
    assert (resumed["state"], resumed["doneParts"]) == ("open", [2])
    for number in set(range(1, resumed["parts"] + 1)) - set(resumed["doneParts"]):
        send(client, upload, number)
    reply = client.post(f"{upload['place']}/complete")

    assert (reply.status_code, reply.json()["status"]) == (202, "uploading")
    assert reply.json()["documentId"] == upload["documentId"]
    (key,) = stored(footnote)
    blob = footnote.blobs.get(key, LIMIT)
    assert (key, sha(blob.data)) == (original_key("local", upload["documentId"]), sha(FILE))
    assert blob.metadata == {"originalname": "minutes.txt", "declaredtype": "text/plain", DECLARED_SHA256: sha(FILE)}
    work(footnote)  # the pipeline takes it up: its text is longer than this test's settings allow
    assert client.get(f"/v1/documents/{upload['documentId']}").json()["reason"]["code"] == "too_large"


def test_it_answers(client: TestClient, footnote: Footnote) -> None:
    """What came in parts is a document like any other."""
    rules = b"# Rules\n\nThe pool opens at nine in the morning.\n"
    upload = begin(client, rules, fileName="rules.md")
    send(client, upload, 1, rules)
    client.post(f"{upload['place']}/complete")
    work(footnote)

    answer = client.post("/v1/ask", json={"question": "When does the pool open?"}).json()
    assert [one["documentId"] for one in answer["citations"]] == [upload["documentId"]]


def test_completed_twice(client: TestClient, footnote: Footnote) -> None:
    """Completing again is replied to alike and makes nothing again; nothing can be sent or forgotten any more."""
    upload = begin(client)
    for number in (1, 2):
        send(client, upload, number)
    assert len(footnote.table.query(1, "USER#local#UPLOAD").items) == 1
    first, again = (client.post(f"{upload['place']}/complete") for _ in range(2))

    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert len(footnote.queue.receive(10, 0)) == 1
    assert footnote.table.query(1, "USER#local#UPLOAD").items == ()
    assert client.get(upload["place"]).json()["state"] == "completed"
    assert client.get(upload["place"]).json()["doneParts"] == [1, 2]
    assert tell(client, upload, 1, piece(upload, 1)).status_code == 409
    assert client.put(f"{upload['place']}/parts/1", content=piece(upload, 1)).status_code == 409
    assert client.delete(upload["place"]).status_code == 409


@pytest.mark.parametrize("joined", [False, True])
def test_completing_that_died(
    client: TestClient, footnote: Footnote, monkeypatch: pytest.MonkeyPatch, *, joined: bool
) -> None:
    """Completing goes on after it died on either side of the moment when the parts become one."""
    complete = footnote.part_store.complete

    def dies(*parts: Any) -> str:
        if joined:
            complete(*parts)
        raise RuntimeError("killed")

    upload = begin(client, LINE)
    send(client, upload, 1, LINE)
    with monkeypatch.context() as patched:
        patched.setattr(footnote.part_store, "complete", dies)
        assert client.post(f"{upload['place']}/complete").status_code == 500
    assert client.get(upload["place"]).json()["state"] == "completing"
    assert client.post(f"{upload['place']}/complete").status_code == 202
    assert footnote.blobs.get(original_key("local", upload["documentId"]), LIMIT).data == LINE
    assert len(footnote.queue.receive(10, 0)) == 1


def test_a_wrong_part(client: TestClient, footnote: Footnote) -> None:
    """A part of another size or of other bytes than it should have is refused, before it is sent or when it is."""
    upload = begin(client)
    assert client.put(f"{upload['place']}/parts/1", content=b"x").json()["code"] == "bad_request"
    for number, data in ((1, b"short"), (2, piece(upload, 1)), (3, b"more"), (1, FILE)):
        assert (tell(client, upload, number, data).status_code) == 400

    right = piece(upload, 2)
    url = tell(client, upload, 2, right).json()["uploadUrl"]
    for wrong in (right[:-1], right + b"x", right[:-1] + b"x"):
        reply = client.put(url, content=wrong)
        assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")
    assert client.get(upload["place"]).json()["doneParts"] == []
    assert client.put(url, content=right, headers={"content-type": "application/json"}).status_code == 204
    assert client.get(upload["place"]).json()["doneParts"] == [2]


def test_a_wrong_file(client: TestClient, footnote: Footnote) -> None:
    """A file whose SHA-256 is not the one announced is refused before it is a document, and can still be mended."""
    upload = begin(client)
    changed = b"t" + FILE[1:]
    for number in (1, 2):
        send(client, upload, number, changed)
    reply = client.post(f"{upload['place']}/complete")

    assert (reply.status_code, reply.json()["code"]) == (422, "unreadable")
    assert client.get("/v1/documents").json()["documents"] == []
    send(client, upload, 1)
    assert client.post(f"{upload['place']}/complete").status_code == 202


def test_a_wrong_file_that_nobody_could_look_at(client: TestClient, footnote: Footnote) -> None:
    """Where nobody can read the parts before they are one blob, the pipeline compares, and says what is wrong."""
    metadata = {"originalname": "rules.txt", DECLARED_SHA256: sha(b"other")}
    footnote.uploads.expect(footnote.local_scope(), "d1", "rules.txt")
    footnote.blobs.put(original_key("local", "d1"), LINE, metadata)
    work(footnote)

    found = client.get("/v1/documents/d1").json()
    assert (found["status"], found["reason"]["code"]) == ("error", "unreadable")
    assert "SHA-256" in found["processingStatus"]["errorMessage"]
    footnote.blobs.put(original_key("local", "d1"), LINE, {**metadata, DECLARED_SHA256: sha(LINE)})
    work(footnote)
    assert client.get("/v1/documents/d1").json()["status"] == "ready"


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"fileSize": LIMIT + 1}, 413, "too_large"),
        ({"fileSize": 0}, 422, "bad_request"),
        ({"fileName": ""}, 422, "bad_request"),
        ({"checksumSHA256": "abc"}, 422, "bad_request"),
        ({"documentId": "d1"}, 422, "bad_request"),
    ],
)
def test_what_is_refused_at_once(
    client: TestClient, footnote: Footnote, wrong: dict[str, Any], status: int, code: str
) -> None:
    """A file beyond the limit, or announced without sense, is refused before anything of it is sent."""
    reply = client.post("/v1/uploads", json=announced(**wrong))
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert stored(footnote) == []


def asked(client: TestClient, upload_id: str) -> list[tuple[int, dict[str, str], bytes]]:
    """What every route of uploads says of an id, without the id and the name of the request."""
    place = f"/v1/uploads/{upload_id}"
    told = {"number": 1, "size": len(LINE), "checksumSHA256": sha(LINE)}
    replies = [
        client.get(place),
        client.post(f"{place}/parts", json=told),
        client.put(f"{place}/parts/1", content=LINE),
        client.post(f"{place}/complete"),
        client.delete(place),
    ]
    return [
        (
            one.status_code,
            {name: value for name, value in one.headers.items() if name != "x-request-id"},
            one.content.replace(upload_id.encode(), b"ID"),
        )
        for one in replies
    ]


def test_a_foreign_upload_is_an_unknown_one(
    client: TestClient, footnote: Footnote, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another person's upload answers byte for byte like one that never was, and so does one that has expired."""
    upload = begin(client, LINE)
    send(client, upload, 1, LINE)
    unknown = asked(client, "01J00000000000000000000000")
    assert {status for status, *_ in unknown} == {404}

    with monkeypatch.context() as patched:
        patched.setattr(footnote, "local_scope", partial(footnote.local_scope, "ann"))
        assert asked(client, upload["uploadId"]) == unknown
    assert client.get(upload["place"]).json()["doneParts"] == [1]

    clock.sleep(24 * 3600)
    assert asked(client, upload["uploadId"]) == unknown
    assert len(stored(footnote)) == 2
    clock.sleep(1)
    begin(client, LINE)
    assert not any(upload["uploadId"] in key for key in stored(footnote))
    assert client.get("/v1/uploads/not.an.id").status_code == 404


def test_forgotten(client: TestClient, footnote: Footnote) -> None:
    """An upload that was called off is unknown, and nothing of it is left."""
    upload = begin(client, LINE)
    send(client, upload, 1, LINE)

    assert client.delete(upload["place"]).status_code == 204
    assert client.get(upload["place"]).status_code == client.delete(upload["place"]).status_code == 404
    assert stored(footnote) == []


def test_announced_once(client: TestClient) -> None:
    """An announcement with the same Idempotency-Key is one upload."""
    key = {"idempotency-key": "u1"}
    first, again = (client.post("/v1/uploads", json=announced(), headers=key) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"


@pytest.fixture
def ann(footnote: Footnote) -> Iterator[TestClient]:
    """A person who has a level."""
    made = create_app(footnote)
    made.dependency_overrides[asker] = lambda: replace(footnote.local_scope("ann"), service_level="enterprise")
    with TestClient(made, base_url=HERE, raise_server_exceptions=False) as one:
        yield one


def test_unfinished(ann: TestClient, client: TestClient, footnote: Footnote, clock: Clock) -> None:
    """A person has at most 100 unfinished uploads, and is told which to finish; then, or a day later, there is room."""
    data = LINE
    begun = []
    for _ in range(MOST_UNFINISHED):
        begun.append(begin(ann, data))
        clock.sleep(1)
    lying = stored(footnote)
    refused = ann.post("/v1/uploads", json=announced(data))
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert str(MOST_UNFINISHED) in refused.json()["detail"]
    assert begun[0]["uploadId"] in refused.json()["hint"]
    assert begun[0]["expiresAt"] in refused.json()["hint"]
    assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600 - MOST_UNFINISHED + 1
    assert stored(footnote) == lying
    assert client.post("/v1/uploads", json=announced(data)).status_code == 201  # another person

    send(ann, begun[1], 1, data)
    assert ann.post(f"{begun[1]['place']}/complete").status_code == 202
    begin(ann, data)
    assert ann.post("/v1/uploads", json=announced(data)).status_code == 429
    assert ann.delete(begun[2]["place"]).status_code == 204
    begin(ann, data)
    assert ann.post("/v1/uploads", json=announced(data)).status_code == 429
    clock.sleep(int(refused.headers["retry-after"]))
    begin(ann, data)


def test_few_parts(client: TestClient, footnote: Footnote) -> None:
    """However large a file is, its parts make up all of it, and what is told of them fits into its record."""
    records, mb = footnote.uploads_in_parts.records, 2**20
    begun = records.get(begin(client)["uploadId"])
    assert begun
    for size in (1, 8 * mb, 8 * mb + 1, 1600 * mb + 1, 5 * 2**40):
        upload = replace(begun, file_size=size, part_size=part_size(size))
        sizes = [upload.size_of(number) for number in range(1, upload.count + 1)]
        assert (sum(sizes), min(sizes) > 0, len(sizes) <= MOST_PARTS) == (size, True, True)
    full = replace(begun, told=dict.fromkeys(range(1, MOST_PARTS + 1), "f" * 64))
    assert records.put(full).told == full.told


def test_parts_at_once(client: TestClient, footnote: Footnote) -> None:
    """Parts that are told of and sent at the same time are all known, and all there."""
    uploads, scope, mb = footnote.uploads_in_parts, footnote.local_scope(), 2**20
    begun = uploads.records.get(begin(client)["uploadId"])
    assert begun
    small = uploads.records.put(replace(begun, part_size=mb))

    def send_one(number: int) -> None:
        data = FILE[(number - 1) * mb : number * mb]
        uploads.tell(scope, small.upload_id, UploadPart(number, len(data), sha(data)))
        uploads.take(scope, small.upload_id, number, data)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send_one, range(1, small.count + 1)))
    assert uploads.look(scope, small.upload_id)[1] == list(range(1, 13))
    assert uploads.complete(scope, small.upload_id) == small.document_id


def test_behind_a_gateway(footnote: Footnote) -> None:
    """Behind API Gateway a form of more than 4 MB is refused, with the way that larger files go."""
    footnote.settings = replace(footnote.settings, identity=IdentityProvider("https://issuer.example", ("client",)))
    footnote.people.add("ann", "home")
    terms = KeyTerms("scanner", frozenset({"upload"}))
    key, _ = footnote.api_keys.make("ann", "home", terms, {"upload"}, b"s" * 32, footnote.clock())
    app, bears = create_app(footnote, behind_gateway=True), {"authorization": f"Bearer {key}"}
    with TestClient(app, base_url="https://api.example", headers=bears) as client:
        for size in (4 * 2**20 + 1, 5 * 2**20):
            reply = client.post("/v1/documents", files={"file": ("a.txt", b"x" * size)})
            assert (reply.status_code, reply.json()["code"]) == (413, "too_large")
            assert "POST /v1/uploads" in reply.json()["detail"]
        assert client.post("/v1/documents", files={"file": ("a.txt", b"x" * 4 * 2**20)}).status_code == 202


@pytest.mark.service
def test_the_lines_of_the_page(footnote: Footnote, tmp_path: Path) -> None:
    """The lines of docs/api.md upload a file in parts as they stand, and go on after an interruption."""
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    head, loop = re.findall(r"^```sh\n(file=.+?)\n\n(done=.+?)\n```", page, re.MULTILINE | re.DOTALL)[0]
    cut = loop.replace('"$url"\n', '"$url"; break\n').rpartition("\n")[0]
    (tmp_path / "minutes.pdf").write_bytes(FILE)

    server = uvicorn.Server(uvicorn.Config(create_app(footnote), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        address = "http://127.0.0.1:" + str(server.servers[0].sockets[0].getsockname()[1])
        script = f"{head}\n{cut}\ncurl -s $upload\n{loop}".replace(HERE, address)
        done = subprocess.run(
            ["bash", "-c", script],  # noqa: S607
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    finally:
        server.should_exit = True
        thread.join()

    assert '"doneParts":[1]' in done.stdout, done.stdout + done.stderr
    (key,) = stored(footnote)
    assert sha(footnote.blobs.get(key, LIMIT).data) == sha(FILE)
