from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from corpus import aws
from corpus.blobs.s3 import NOTIFICATION, PART_BYTES, S3Blobs
from corpus.errors import BadRequest, ConfigError, Conflict, FootnoteError, Throttled, TooLarge, Unavailable
from corpus.model import Change
from ingest.upload import plain_name
from tests.services import doubles
from tests.services.aws import CREDENTIALS
from tests.services.doubles import Bucket
from tests.services.needed import up
from tests.services.scripted import Reply, Request, scripted

pytestmark = pytest.mark.service

KEY = "documents/u1/d1/original"
BIG = bytes(range(256)) * 4 * 1024 * 6  # 6 MB
LIMIT = 10**9


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with doubles.bucket(up("moto").address) as made:
        yield made


def changes(bucket: Bucket) -> list[Change]:
    """What was announced, by version; a duplicate counts once."""
    found = set()
    while deliveries := bucket.announced.receive(10, 0):
        for one in deliveries:
            found.add(one.change)
            bucket.queue.done(one)
    return sorted(found, key=lambda change: change.version)


def unfinished(bucket: Bucket) -> list[Any]:
    return list(bucket.s3.list_multipart_uploads(Bucket=bucket.name).get("Uploads", []))


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_what_a_link_binds(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    """A link is for one blob, for so long, as it is to be sent, and names the region's own host."""
    for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": region}.items():
        monkeypatch.setenv(name, value)
    with closing(S3Blobs(aws.client("s3"), "bucket", aws.linking_client)) as blobs:
        url = urlsplit(str(blobs.link(KEY, "text/markdown", "attachment; filename*=UTF-8''a%20b.md", 60)))

    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert url.netloc == ("bucket.s3.amazonaws.com" if region == "us-east-1" else f"bucket.s3.{region}.amazonaws.com")
    assert (url.path, asked["X-Amz-Expires"], asked["X-Amz-SignedHeaders"]) == (f"/{KEY}", "60", "host")
    assert asked["response-content-disposition"] == "attachment; filename*=UTF-8''a%20b.md"
    assert (asked["response-content-type"], asked["response-cache-control"]) == ("text/markdown", "private, no-cache")


@pytest.mark.parametrize("data", [BIG, BIG[:PART_BYTES], BIG[: 2 * PART_BYTES], BIG[: PART_BYTES - 1]])
def test_parts(bucket: Bucket, data: bytes) -> None:
    """From 5 MB on a blob is sent in parts, and is one blob of its bucket, whose etag is that of its event."""
    etag = bucket.blobs.put(KEY, data, {"originalname": "big.pdf"})

    blob = bucket.blobs.get(KEY, len(data))
    assert (blob.data == data, blob.etag, blob.metadata) == (True, etag, {"originalname": "big.pdf"})
    assert blob.bucket == bucket.name
    assert [(change.kind, change.etag) for change in changes(bucket)] == [("put", etag)]
    assert ("-" in etag) == (len(data) >= PART_BYTES)
    assert unfinished(bucket) == []


def test_parts_if_absent(bucket: Bucket) -> None:
    """A blob in parts, put if absent, takes nobody's place, and leaves no parts behind."""
    etag = bucket.blobs.put(KEY, BIG, {}, absent=True)
    with pytest.raises(Conflict):
        bucket.blobs.put(KEY, BIG + b"other", {}, absent=True)

    assert bucket.blobs.get(KEY, LIMIT).etag == etag
    assert [change.etag for change in changes(bucket)] == [etag]
    assert unfinished(bucket) == []


def test_an_upload_that_fails(bucket: Bucket) -> None:
    """When a part cannot be sent, nothing is there, nothing is announced, and no parts stay behind."""
    numbers = []

    def fail(params: dict[str, Any], **_: object) -> None:
        numbers.append(params["query_string"]["partNumber"])
        if len(numbers) == 2:
            raise KeyboardInterrupt

    bucket.s3.meta.events.register("before-call.s3.UploadPart", fail)
    with pytest.raises(KeyboardInterrupt):
        bucket.blobs.put(KEY, BIG, {})

    assert (list(bucket.blobs.keys("")), changes(bucket), unfinished(bucket)) == ([], [], [])


def test_checksums() -> None:
    """Every put, and every part of one, carries the SHA-256 of its bytes, plainly in a header."""
    begun = b"<Result><UploadId>1</UploadId><ETag>e</ETag></Result>"
    with scripted(lambda _: Reply(200, begun, {"ETag": '"e"'})) as server, closing(opened(server.address)) as blobs:
        blobs.put(KEY, b"hello", {})
        blobs.put(KEY, BIG, {})
        sent = [request for request in server.asked if request.method == "PUT"]
    assert [len(request.body) for request in sent] == [5, PART_BYTES, len(BIG) - PART_BYTES]
    for request in sent:
        assert b64decode(request.headers["x-amz-checksum-sha256"]) == hashlib.sha256(request.body).digest()


NAMES = [
    "Grüße & more.pdf",
    " a  b ",
    "100%.pdf",
    "1+1=2",
    "%2F",
    "規約.pdf",
    "🏠",
    "a\r\nX-Evil: 1",
    "\x00\x1f\x7f",
    "",
]


def test_metadata(bucket: Bucket) -> None:
    """Metadata comes back as it was given, whatever letters, blanks, percents and control characters are in it."""
    for name in NAMES:
        bucket.blobs.put(KEY, b"x", {"originalname": name})

        assert bucket.blobs.get(KEY, 1).metadata == {"originalname": name}


def test_the_declared_type(bucket: Bucket) -> None:
    """The content type that a sender gave its object is metadata; what S3 puts where none was given is not."""
    bucket.s3.put_object(Bucket=bucket.name, Key=KEY, Body=b"x", ContentType="text/html")
    assert bucket.blobs.get(KEY, 1).metadata == {"declaredtype": "text/html"}
    bucket.s3.put_object(Bucket=bucket.name, Key=KEY, Body=b"x")
    assert bucket.blobs.get(KEY, 1).metadata == {}


def test_long_names(bucket: Bucket) -> None:
    """Any file's name that an upload keeps fits beside its blob; what is beyond S3's 2 KB is refused."""
    for letter in ("a", "é", "規", "🏠", " "):
        name = plain_name(letter * 1000 + ".pdf")
        bucket.blobs.put(KEY, b"x", {"originalname": name})
        assert bucket.blobs.get(KEY, 1).metadata == {"originalname": name}
        assert name.endswith(".pdf")

    with pytest.raises(BadRequest, match="2048"):
        bucket.blobs.put(KEY, b"y", {"originalname": "規" * 1000})
    assert bucket.blobs.get(KEY, 1).data == b"x"


def test_the_order_of_one_key(bucket: Bucket) -> None:
    """Put, put, delete, put of one key: versions that strictly increase, and a removal in its place."""
    first = bucket.blobs.put(KEY, b"a", {})
    second = bucket.blobs.put(KEY, b"b", {})
    bucket.blobs.delete(KEY)
    bucket.blobs.delete(KEY)
    third = bucket.blobs.put(KEY, b"a", {})

    found = changes(bucket)
    assert [change.kind for change in found] == ["put", "put", "removed", "removed", "put"]
    assert [change.etag for change in found] == [first, second, "", "", third]
    assert all(early.version < late.version for early, late in pairwise(found))
    assert {len(change.version) for change in found} == {40}


def test_setup_twice(bucket: Bucket) -> None:
    """Setting up again changes nothing; the bucket is versioned, encrypted, private, and has lifetimes."""
    bucket.blobs.setup()
    bucket.blobs.ping()

    s3, named = bucket.s3, {"Bucket": bucket.name}
    assert s3.get_bucket_versioning(**named)["Status"] == "Enabled"
    assert s3.get_bucket_encryption(**named)["ServerSideEncryptionConfiguration"]["Rules"]
    assert all(s3.get_public_access_block(**named)["PublicAccessBlockConfiguration"].values())
    lifetimes = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(**named)["Rules"]}
    assert lifetimes["footnote-1"]["Filter"] == {"Prefix": "temp-uploads/"}
    assert lifetimes["footnote-3"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30


def test_other_notifications_stay(bucket: Bucket) -> None:
    """Announcing originals leaves the bucket's other notifications as they are, and is there once."""
    known = bucket.s3.get_bucket_notification_configuration(Bucket=bucket.name)
    (ours,) = known["QueueConfigurations"]
    other = {"Id": "theirs", "QueueArn": ours["QueueArn"], "Events": ["s3:ObjectTagging:*"]}
    bucket.s3.put_bucket_notification_configuration(
        Bucket=bucket.name, NotificationConfiguration={"QueueConfigurations": [ours, other]}
    )
    bucket.blobs.notify(ours["QueueArn"])

    found = bucket.s3.get_bucket_notification_configuration(Bucket=bucket.name)["QueueConfigurations"]
    assert [one["Id"] for one in found] == ["theirs", NOTIFICATION]
    assert found[1]["Events"] == ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
    rules = {rule["Name"].lower(): rule["Value"] for rule in found[1]["Filter"]["Key"]["FilterRules"]}
    assert rules == {"prefix": "documents/", "suffix": "/original"}


def test_a_bucket_that_is_not_as_it_should_be(bucket: Bucket) -> None:
    """A bucket that is missing, or not versioned, is named, and so is what makes it."""
    bucket.s3.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Suspended"})

    for blobs, complaint in (
        (bucket.blobs, "is not versioned"),
        (S3Blobs(bucket.s3, "footnote-no-such", lambda: bucket.s3), "is no bucket"),
    ):
        with pytest.raises(ConfigError, match=complaint) as caught:
            blobs.ping()
        assert "footnote setup" in caught.value.hint
    with pytest.raises(ConfigError):
        S3Blobs(bucket.s3, "footnote-no-such", lambda: bucket.s3).get(KEY, 1)


def told(status: int, code: str) -> Reply:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return Reply(status, body, {"Content-Type": "application/xml"})


def each_call(blobs: S3Blobs) -> list[Callable[[], object]]:
    return [
        lambda: blobs.get(KEY, LIMIT),
        lambda: blobs.put(KEY, b"x", {}),
        lambda: blobs.put(KEY, BIG, {}, absent=True),
        lambda: blobs.delete(KEY),
        lambda: list(blobs.keys("")),
        blobs.ping,
        blobs.setup,
        lambda: blobs.notify("arn:aws:sqs:eu-central-1:123456789012:q"),
    ]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (told(503, "SlowDown"), Throttled),
        (told(500, "InternalError"), Unavailable),
        (Reply(502, b"<html>"), Unavailable),
        (told(403, "AccessDenied"), ConfigError),
    ],
)
def test_what_a_store_says_is_translated(reply: Reply, expected: type[FootnoteError]) -> None:
    """Whatever call it is that a store refuses, the error is ours and says whether another try would help."""
    with scripted(lambda _: reply) as server, closing(opened(server.address)) as blobs:
        for call in each_call(blobs):
            with pytest.raises(FootnoteError) as caught:
                call()
            head = reply.status == 503 and server.asked[-1].method == "HEAD"  # no body says that it is throttled
            assert isinstance(caught.value, Unavailable if head else expected)


def test_two_puts_at_once() -> None:
    """Who puts if absent while another does is told to try again: which of them was first is not known yet."""
    reply = told(409, "ConditionalRequestConflict")
    with scripted(lambda _: reply) as server, closing(opened(server.address)) as blobs, pytest.raises(Unavailable):
        blobs.put(KEY, b"x", {}, absent=True)
    assert server.asked[-1].headers["If-None-Match"] == "*"


def test_parts_that_went_missing() -> None:
    """When the store has forgotten an upload in parts, the put is to be tried again."""
    begun = Reply(200, b"<Result><UploadId>1</UploadId></Result>", {"ETag": '"e"'})

    def answer(request: Request) -> Reply:
        return told(404, "NoSuchUpload") if "uploadId" in request.path and request.method == "POST" else begun

    with scripted(answer) as server, closing(opened(server.address)) as blobs, pytest.raises(Unavailable):
        blobs.put(KEY, BIG, {})
    assert server.asked[-1].method == "DELETE"


def opened(address: str) -> S3Blobs:
    client = doubles.client("s3", address, attempts=1)
    return S3Blobs(client, "b", lambda: client)


def test_nobody_there() -> None:
    """A store that cannot be reached is unavailable."""
    with scripted(lambda _: Reply()) as server:
        address = server.address
    with closing(opened(address)) as blobs:
        for call in each_call(blobs):
            with pytest.raises(Unavailable):
                call()


def test_too_large_reads_nothing() -> None:
    """A blob beyond the limit is refused by what its headers say, without waiting for a body."""
    reply = Reply(200, b"", {"ETag": '"e"'}, length=LIMIT)
    with scripted(lambda _: reply) as server, closing(opened(server.address)) as blobs, pytest.raises(TooLarge):
        blobs.get(KEY, LIMIT - 1)


def test_a_body_that_ends_early() -> None:
    """Half a blob is no blob: the store is unavailable."""
    reply = Reply(200, b"half", {"ETag": '"e"'}, length=8)
    with scripted(lambda _: reply) as server, closing(opened(server.address)) as blobs, pytest.raises(Unavailable):
        blobs.get(KEY, LIMIT)


def test_a_store_that_can_do_less() -> None:
    """A store that knows no encryption, public access or lifetimes is set up without them."""

    def answer(request: Request) -> Reply:
        if request.method == "HEAD":
            return Reply(404)
        if any(word in request.path for word in ("encryption", "publicAccessBlock", "lifecycle")):
            return told(501, "NotImplemented")
        return Reply()

    with scripted(answer) as server, closing(opened(server.address)) as blobs:
        blobs.setup()
        asked = [request.path.partition("?")[2].rstrip("=") for request in server.asked]
    assert asked == ["", "", "encryption", "publicAccessBlock", "lifecycle", "versioning"]
