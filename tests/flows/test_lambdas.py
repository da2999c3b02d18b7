"""S3 put → notification → SQS → Lambda → DynamoDB and OpenSearch → an answer, real parts throughout.

The handlers run under AWS's own runtime client, in processes of their own, wired by the environment alone.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.fernet import Fernet

from corpus.keys import original_key
from corpus.model import Document
from corpus.records.jobs import Jobs
from footnote.connect import Footnote, connect
from footnote.settings import Settings
from tests.conftest import MODEL_DIR
from tests.jwks import CLIENT, IdentityServer, id_claims, jwk, rsa_key
from tests.lambda_runtime import Function, deliver, function, http, records
from tests.services import doubles
from tests.services.aws import CREDENTIALS, dynamodb
from tests.services.doubles import Bucket
from tests.services.needed import up

pytestmark = pytest.mark.service
SAMPLES = Path(__file__).parent.parent.parent / "sample_docs"
WAIT_SECONDS = 240
KEY = rsa_key()


@dataclass
class Cloud:
    """A bucket, a queue, a table and an index of the test's own, what is wired over them, and who runs the handlers."""

    bucket: Bucket
    environment: Mapping[str, str]
    footnote: Footnote
    uploads: Function
    provider: IdentityServer
    others: list[Function] = field(default_factory=list)

    def put(self, document_id: str, data: bytes, name: str, user: str = "local") -> None:
        """Put a file straight into the bucket, as an application with a presigned address does."""
        self.bucket.blobs.put(original_key(user, document_id), data, {"originalname": name})

    def work(self, until: Callable[[], bool]) -> None:
        """Hand what waits to the handler, until something is so."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not until():
            assert time.monotonic() < deadline, "it did not happen in time"
            self.bucket.poller.pump()
            deliver(self.uploads, self.bucket.sqs, self.bucket.url)

    def received(self, visibility: int) -> list[Mapping[str, Any]]:
        """What waits in the queue, but for S3's test event."""
        found: list[Mapping[str, Any]] = []
        while page := self.bucket.sqs.receive_message(
            QueueUrl=self.bucket.url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=visibility,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        ).get("Messages"):
            found += [one for one in page if "s3:TestEvent" not in one["Body"]]
            if not visibility:
                break
        return found

    def redrive(self) -> None:
        """Move the dead letters back, as a person does who has mended what killed them."""
        dead = f"{self.bucket.url}-dead"
        for one in self.bucket.sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages", ()):
            self.bucket.sqs.send_message(QueueUrl=self.bucket.url, MessageBody=one["Body"])
            self.bucket.sqs.delete_message(QueueUrl=dead, ReceiptHandle=one["ReceiptHandle"])

    def document(self, document_id: str) -> Document | None:
        return self.footnote.documents.get(document_id)

    def ready(self, *document_ids: str) -> bool:
        found = self.footnote.documents.get_many(document_ids)
        return len(found) == len(document_ids) and all(one.status == "ready" for one in found.values())

    def ask(self, questions: Function, question: str) -> dict[str, Any]:
        """Ask over HTTP, through the gateway's event."""
        return self.told(questions, "POST", "/v1/ask", {"question": question})

    def told(self, questions: Function, method: str, path: str, body: object = None) -> dict[str, Any]:
        """What the API replies to whoever owns the documents."""
        reply: dict[str, Any] = json.loads(self.reply(questions, method, path, body)["body"])
        return reply

    def reply(self, questions: Function, method: str, path: str, body: object = None) -> dict[str, Any]:
        """The reply as the gateway gets it."""
        token = jwt.encode(id_claims(self.provider.url, time.time(), sub="local"), KEY, "RS256", {"kid": "k1"})
        reply: dict[str, Any] = questions.invoke(http(method, path, body, token))
        return reply

    @contextmanager
    def questions(self) -> Iterator[Function]:
        """The HTTP API, which people sign in to."""
        keys = Fernet.generate_key().decode()
        signing_in = {
            "FOOTNOTE_ISSUER": self.provider.url,
            "FOOTNOTE_AUDIENCE": CLIENT,
            "FOOTNOTE_PRIVACY_KEYS": keys,
        }
        with function("lambdas.questions.handler", {**self.environment, **signing_in}) as one:
            yield one


def _sequencer(body: str) -> str:
    return str(json.loads(body)["Records"][0]["s3"]["object"]["sequencer"])


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
    if importlib.util.find_spec("awslambdaric") is None:
        pytest.skip("awslambdaric is not installed in this environment: make services")
    moto, search = up("moto").address, up("opensearch").address
    label = secrets.token_hex(6)
    with doubles.bucket(moto) as bucket, dynamodb() as (_, table):
        environment = {
            **CREDENTIALS,
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL_S3": moto,
            "AWS_ENDPOINT_URL_DYNAMODB": up("dynamodb").address,
            "FOOTNOTE_HOME": str(tmp_path),
            "FOOTNOTE_BLOBS": f"s3:{bucket.name}",
            "FOOTNOTE_QUEUE": f"sqs:{bucket.url}",
            "FOOTNOTE_TABLE": f"dynamodb:{table}",
            "FOOTNOTE_INDEX": f"opensearch:{search}#{label}",
            "FOOTNOTE_ENGINE": "lucene",
            "FOOTNOTE_MODEL_DIR": str(MODEL_DIR),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with (
            IdentityServer([jwk("k1", KEY)]) as provider,
            connect(Settings.from_env()) as footnote,
            function("lambdas.uploads.handler", environment) as uploads,
        ):
            index: Any = footnote.index
            index.setup()
            footnote.people.add("local", "home")
            yield Cloud(bucket, environment, footnote, uploads, provider)
            index._client.indices.delete(index=index.name)


def test_from_a_put_to_an_answer(cloud: Cloud) -> None:
    """What is put into the bucket is answered from over HTTP, what replaces it takes its place, what goes is gone."""
    cloud.put("rules", (SAMPLES / "house-rules.pdf").read_bytes(), "house rules (Grüße).pdf")
    cloud.put("minutes", (SAMPLES / "minutes-2026-05.md").read_bytes(), "minutes.md")
    cloud.work(lambda: cloud.ready("rules", "minutes"))

    with cloud.questions() as questions:
        answer = cloud.ask(questions, "How much is the fee for the party room?")
        assert answer["type"] == "grounded"
        assert answer["citations"][0]["pageNumber"] == 4
        assert answer["citations"][0]["fileName"] == "house rules (Grüße).pdf"
        assert "80.00" in answer["text"]
        assert cloud.ask(questions, "May I keep bees on my balcony?")["type"] == "not_found"

        moved = cloud.reply(questions, "GET", "/v1/documents/rules/content")
        assert moved["statusCode"] == 307
        with urllib.request.urlopen(moved["headers"]["location"], timeout=10) as original:  # noqa: S310 -- our own
            assert original.read() == (SAMPLES / "house-rules.pdf").read_bytes()
            assert original.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''house%20rules")

        cloud.put(
            "rules", b"# House rules\n\n## Fees\n\nThe fee for the party room is 95 euros per evening.\n", "rules.md"
        )
        before = cloud.document("rules")
        cloud.work(lambda: cloud.document("rules") != before and cloud.ready("rules"))
        assert "95 euros" in cloud.ask(questions, "How much is the fee for the party room?")["text"]

        cloud.bucket.blobs.delete(original_key("local", "rules"))  # a delete marker: the bucket is versioned
        cloud.work(lambda: bool((document := cloud.document("rules")) and document.deleted_at))
        assert cloud.ask(questions, "How much is the fee for the party room?")["type"] == "not_found"

        listed = cloud.told(questions, "GET", "/v1/documents")
        assert [one["documentId"] for one in listed["documents"]] == ["minutes"]
        assert questions.invoke(http("GET", "/health"))["statusCode"] == 200


def test_any_fault_of_the_delivery(cloud: Cloud) -> None:
    """Events that come twice, late, in any order or only after a redrive end in the newest version, each chunk once."""
    chance = random.Random(7)  # noqa: S311 -- an order, not a secret
    texts = {f"d{n}": [f"# Rules\n\nPool {n} opens at {hour}.\n" for hour in ("nine", "ten")] for n in range(4)}
    for version in range(2):
        for name, versions in texts.items():
            cloud.put(name, versions[version].encode(), f"{name}.md")
    cloud.bucket.poller.pump()
    held = cloud.received(visibility=2)
    bodies = [message["Body"] for message in held]
    assert len(bodies) >= 8
    for message in held:
        cloud.bucket.sqs.delete_message(QueueUrl=cloud.bucket.url, ReceiptHandle=message["ReceiptHandle"])
    dropped = max((body for body in bodies if "d0" in body), key=_sequencer)
    again = [body for body in bodies * 2 if body != dropped]
    chance.shuffle(again)
    for body in again:
        cloud.bucket.sqs.send_message(
            QueueUrl=cloud.bucket.url, MessageBody=body, DelaySeconds=chance.choice((0, 0, 2))
        )
    cloud.bucket.sqs.send_message(QueueUrl=f"{cloud.bucket.url}-dead", MessageBody=dropped)

    def settled(*names: str) -> bool:
        waits = cloud.bucket.sqs.get_queue_attributes(QueueUrl=cloud.bucket.url, AttributeNames=["All"])["Attributes"]
        left = int(waits["ApproximateNumberOfMessages"]) + int(waits["ApproximateNumberOfMessagesNotVisible"])
        return not left and not int(waits["ApproximateNumberOfMessagesDelayed"]) and cloud.ready(*names)

    cloud.work(lambda: settled("d1", "d2", "d3"))
    assert not cloud.ready("d0")  # its bytes are those of the event that was dropped: another change is on its way
    assert cloud.footnote.queue.dead_letters() == 1
    cloud.redrive()
    cloud.work(lambda: settled(*texts))

    for name, versions in texts.items():
        hits = cloud.footnote.search(cloud.footnote.local_scope(), f"Pool {name[1:]}", 100).hits
        mine = [hit.content for hit in hits if hit.generation.document_id == name]
        assert mine == [versions[1].strip()]
    assert cloud.footnote.queue.dead_letters() == 0


def test_a_handler_that_is_killed(cloud: Cloud) -> None:
    """A handler that is killed in the middle loses nothing: when its lease is over, another goes on."""
    cloud.put("rules", (SAMPLES / "house-rules.pdf").read_bytes(), "house-rules.pdf")
    cloud.bucket.poller.pump()
    found = cloud.received(visibility=0)
    cloud.uploads._running()
    cloud.uploads._waiting.put(("killed", records(found)))
    deadline = time.monotonic() + WAIT_SECONDS
    while not (document := cloud.document("rules")) or not document.job_id:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    cloud.uploads.kill()
    job = Jobs(cloud.footnote.table).get("rules", document.job_id)
    assert job
    assert job.unfinished

    cloud.work(lambda: cloud.ready("rules"))

    (live,) = [one.live.values() for one in [cloud.document("rules")] if one]
    assert [one.chunk_count for one in live] == [4]


def test_what_time_does_not_suffice_for_is_handed_back(cloud: Cloud) -> None:
    """Messages that are not begun when time runs short are in the reply, and in the queue again at once."""
    for n in range(3):
        cloud.put(f"d{n}", b"The pool opens at nine.", "pool.txt")
    cloud.bucket.poller.pump()
    with function("lambdas.uploads.handler", cloud.environment, seconds=15) as hurried:
        found = cloud.received(visibility=600)
        reply = hurried.invoke(records(found))

    assert {one["itemIdentifier"] for one in reply["batchItemFailures"]} == {one["MessageId"] for one in found}
    cloud.work(lambda: cloud.ready("d0", "d1", "d2"))


def test_strangers_and_others(cloud: Cloud) -> None:
    """An upload under nobody's name, or under another's for a known document, leaves a failed job and nothing else."""
    cloud.put("d1", b"The pool opens at nine.", "pool.txt")
    cloud.work(lambda: cloud.ready("d1"))
    before = cloud.document("d1")
    cloud.put("d1", b"mine now", "pool.txt", user="eve")
    cloud.put("d2", b"nobody's", "pool.txt", user="nobody")

    def failed(tenant_id: str) -> list[str]:
        items = cloud.footnote.table.query(2, f"TENANT#{tenant_id}#JOB", ("failed", "failed~")).items
        return [str(item.data["error"]["code"]) for item in items]  # type: ignore[index, call-overload]

    cloud.work(lambda: len(failed("unknown")) == 2)

    assert sorted(failed("unknown")) == ["owner_mismatch", "unknown_owner"]
    assert (cloud.document("d1"), cloud.document("d2")) == (before, None)
    with function("lambdas.upkeep.handler", cloud.environment) as upkeep:
        assert upkeep.invoke({}) == {"resent": 0, "closed": 0}


@pytest.mark.parametrize("name", ["uploads", "questions", "upkeep"])
def test_nothing_heavy_is_imported_before_an_event(name: str) -> None:
    """Importing a handler imports no SDK, no web framework and no parser; its first event imports what it needs."""
    heavy = ("boto3", "botocore", "opensearchpy", "numpy", "onnxruntime", "fastapi", "mangum", "openai", "tiktoken")
    code = f"import sys, lambdas.{name}; print([one for one in {heavy} if one in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
