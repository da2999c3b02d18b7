from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import pytest

from corpus import aws
from corpus.blobs.s3_parts import S3Parts
from corpus.errors import BadRequest, BlobMissing, FootnoteError, Throttled, Unavailable
from corpus.uploads import BegunUpload, UploadPart
from tests.services import doubles
from tests.services.aws import CREDENTIALS
from tests.services.scripted import Reply, Request, scripted

pytestmark = pytest.mark.service

BEGUN = BegunUpload("documents/u1/d1/original", "upload-1")
DATA = b"the end"
SHA256 = hashlib.sha256(DATA)
PART = UploadPart(1, len(DATA), SHA256.hexdigest())
CHECKSUM = b64encode(SHA256.digest()).decode()
LISTED = b"<R><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber><Size>7</Size><ETag>e1</ETag></Part></R>"


def opened(address: str) -> S3Parts:
    return S3Parts(doubles.client("s3", address, attempts=1), "b")


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_what_a_link_binds(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    """A link is signed over size and SHA-256 of its part, in every region, and names the region's own host."""
    for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": region}.items():
        monkeypatch.setenv(name, value)
    with closing(S3Parts(aws.linking_client(), "bucket")) as parts:
        link = parts.link(BEGUN, PART, 60)
    assert link

    url = urlsplit(link.url)
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert url.netloc == ("bucket.s3.amazonaws.com" if region == "us-east-1" else f"bucket.s3.{region}.amazonaws.com")
    assert asked["X-Amz-SignedHeaders"] == "content-length;host;x-amz-checksum-sha256"
    assert (asked["uploadId"], asked["partNumber"], asked["X-Amz-Expires"]) == ("upload-1", "1", "60")
    assert link.headers == {"x-amz-checksum-sha256": CHECKSUM}


def test_a_store_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link into another store than AWS's leads to the address that the settings name, whatever its name is."""
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": "http://store.example:9000"}.items():
        monkeypatch.setenv(name, value)
    with closing(S3Parts(aws.linking_client(), "bucket")) as parts:
        link = parts.link(BEGUN, PART, 60)
    assert link
    assert link.url.startswith("http://store.example:9000/bucket/documents/u1/d1/original?")


def told(status: int, code: str) -> Reply:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return Reply(status, body, {"Content-Type": "application/xml"})


def test_parts_are_named_by_their_checksums() -> None:
    """Whoever completes an upload names each part's SHA-256, so that S3 compares what lies there once more."""

    def answer(request: Request) -> Reply:
        return Reply(200, LISTED if request.method == "GET" else b"<R><ETag>whole</ETag></R>")

    with scripted(answer) as server, closing(opened(server.address)) as parts:
        assert parts.complete(BEGUN, [PART]) == "whole"
    assert f"<ChecksumSHA256>{CHECKSUM}</ChecksumSHA256>".encode() in server.asked[-1].body
    assert b"<ETag>e1</ETag>" in server.asked[-1].body


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (told(404, "NoSuchUpload"), BlobMissing),
        (told(400, "InvalidPart"), BadRequest),
        (told(400, "EntityTooSmall"), BadRequest),
        (told(503, "SlowDown"), Throttled),
        (told(500, "InternalError"), Unavailable),
    ],
)
def test_what_a_store_says_is_translated(reply: Reply, expected: type[FootnoteError]) -> None:
    """Whatever it is that a store says of an upload in parts, the error is ours."""

    def answer(request: Request) -> Reply:
        return Reply(200, LISTED) if request.method == "GET" and expected is BadRequest else reply

    calls: list[Callable[[S3Parts], object]] = [
        lambda parts: parts.put(BEGUN, PART, DATA),
        lambda parts: parts.complete(BEGUN, [PART]),
    ]
    with scripted(answer) as server, closing(opened(server.address)) as parts:
        for call in calls:
            with pytest.raises(expected):
                call(parts)
        if expected is BlobMissing:
            parts.abort(BEGUN)


def test_a_name_that_is_too_long() -> None:
    """Metadata that S3 would not keep is refused before anything begins."""
    with scripted(lambda _: Reply()) as server, closing(opened(server.address)) as parts:
        with pytest.raises(BadRequest, match="2048"):
            parts.begin("u", BEGUN.key, {"originalname": "規" * 1000})
        assert server.asked == []
