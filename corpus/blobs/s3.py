"""Blobs in a bucket of S3, or of any store that speaks like it.

The bucket announces changes itself, by its notification; S3 stamps each with a sequencer, which becomes the version
(`lambdas/events.py`). The bucket is versioned, so no byte that was announced is ever overwritten, and a delete leaves a
marker. Every put carries a SHA-256, which S3 checks before it says yes. Metadata travels percent-encoded, for headers
know ASCII only.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import cache
from typing import Any
from urllib.parse import quote, unquote

from corpus.aws import ClientError, code_of, translated
from corpus.errors import BadRequest, BlobMissing, ConfigError, Conflict, FootnoteError, TooLarge, Unavailable
from corpus.keys import checked_key
from corpus.model import Blob

PART_BYTES = 5 * 2**20
"""From this size on a blob is sent in parts of it; S3 allows none smaller, except the last."""
MAX_METADATA_BYTES = 2048
UNDECLARED = "binary/octet-stream"
"""The content type that S3 gives a blob whose sender named none."""
NOTIFICATION = "footnote-originals"
EVENTS = ("s3:ObjectCreated:*", "s3:ObjectRemoved:*")

_MISSING = {"NoSuchKey", "404", "NotFound"}
_ABSENT_BUCKET = {"NoSuchBucket", "404", "NotFound"}
_UNSUPPORTED = {"NotImplemented", "MethodNotAllowed", "XNotImplemented", "UnsupportedOperation", "501", "405"}
_SETUP = "Run `footnote setup`, which makes what is missing."
_LIFECYCLE = (
    ("temp-uploads/", {"Expiration": {"Days": 1}}),
    ("exports/", {"Expiration": {"Days": 7}}),
    (
        "",
        {
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
    ),
)


class S3Blobs:
    """A `BlobStore` in one bucket. Safe to share between threads.

    `linking` makes the client that signs links, once one is asked for.
    """

    def __init__(self, client: Any, bucket: str, linking: Callable[[], Any]) -> None:
        self._client = client
        self._bucket = bucket
        self._linking = cache(linking)

    def get(self, key: str, limit: int) -> Blob:
        with self._translated():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=checked_key(key))
            except ClientError as error:
                if code_of(error) in _MISSING:
                    raise BlobMissing(f"There is no blob {key}.") from error
                raise
            with closing(answer["Body"]) as body:
                size = answer["ContentLength"]
                if size > limit:
                    raise TooLarge(f"{key} holds {size} bytes, more than the {limit} that are allowed.")
                data = body.read()
        metadata = {name: unquote(value) for name, value in answer["Metadata"].items()}
        if (kind := answer.get("ContentType", UNDECLARED)) != UNDECLARED:
            metadata.setdefault("declaredtype", kind)
        return Blob(key, data, bare(answer["ETag"]), metadata, self._bucket)

    def put(self, key: str, data: bytes, metadata: Mapping[str, str], *, absent: bool = False) -> str:
        target = {"Bucket": self._bucket, "Key": checked_key(key)}
        named = headers(metadata)
        condition = {"IfNoneMatch": "*"} if absent else {}
        with self._translated():
            try:
                if len(data) >= PART_BYTES:
                    return self._put_parts(target, data, named, condition)
                answer = self._client.put_object(
                    **target, Body=data, Metadata=named, ChecksumSHA256=_sha256(data), **condition
                )
            except ClientError as error:
                if code_of(error) in {"PreconditionFailed", "412"}:
                    raise Conflict(f"{key} is there already.") from error
                if code_of(error) == "NoSuchUpload":  # its parts were cleared away, or only the answer was lost
                    raise Unavailable(f"The parts of {key} are not there any more.", retry_after=1) from error
                raise
        return bare(answer["ETag"])

    def _put_parts(
        self, target: Mapping[str, str], data: bytes, named: Mapping[str, str], condition: Mapping[str, str]
    ) -> str:
        """Send the blob in parts, which become one blob or none."""
        begun = self._client.create_multipart_upload(**target, Metadata=named, ChecksumAlgorithm="SHA256")
        upload = {**target, "UploadId": begun["UploadId"]}
        try:
            parts = []
            for number, start in enumerate(range(0, len(data), PART_BYTES), 1):
                part = data[start : start + PART_BYTES]
                checksum = _sha256(part)
                sent = self._client.upload_part(**upload, PartNumber=number, Body=part, ChecksumSHA256=checksum)
                parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": checksum})
            answer = self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **condition)
        except BaseException:
            with suppress(ClientError, FootnoteError), self._translated():  # what stays behind expires after 7 days
                self._client.abort_multipart_upload(**upload)
            raise
        return bare(answer["ETag"])

    def delete(self, key: str) -> None:
        with self._translated():
            self._client.delete_object(Bucket=self._bucket, Key=checked_key(key))

    def link(self, key: str, media_type: str, disposition: str, seconds: int) -> str | None:
        wanted = {
            "Bucket": self._bucket,
            "Key": checked_key(key),
            "ResponseContentType": media_type,
            "ResponseContentDisposition": disposition,
            "ResponseCacheControl": "private, no-cache",
        }
        with self._translated():
            url: str = self._linking().generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)
        return url

    def keys(self, prefix: str) -> Iterator[str]:
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix))
        while True:
            with self._translated():  # a page at a time: what the caller does meanwhile is not the bucket's fault
                page = next(pages, None)
            if page is None:
                return
            yield from (one["Key"] for one in page.get("Contents", ()))

    def ping(self) -> None:
        with self._translated():
            if not self._exists():
                raise ConfigError(f"There is no bucket {self._bucket}.", hint=_SETUP)
            versioning = self._client.get_bucket_versioning(Bucket=self._bucket).get("Status", "off")
        if versioning != "Enabled":
            raise ConfigError(f"The bucket {self._bucket} is not versioned.", hint=_SETUP)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def setup(self) -> None:
        """Make the bucket if there is none: private, encrypted, versioned, with lifetimes; what it has stays.

        A store that knows no encryption, no public access or no lifetimes is left without.
        """
        with self._translated():
            if not self._exists():
                region = self._client.meta.region_name
                place = {} if region == "us-east-1" else {"LocationConstraint": region}
                self._client.create_bucket(
                    Bucket=self._bucket, **({"CreateBucketConfiguration": place} if place else {})
                )
                self._furnish()
            versioned = {"Status": "Enabled"}
            self._client.put_bucket_versioning(Bucket=self._bucket, VersioningConfiguration=versioned)

    def _furnish(self) -> None:
        """Give a new bucket all that the store supports of what ours should have."""
        encryption = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        private = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        rules = [
            {"ID": f"footnote-{number}", "Status": "Enabled", "Filter": {"Prefix": prefix}, **lifetime}
            for number, (prefix, lifetime) in enumerate(_LIFECYCLE, 1)
        ]
        with _if_supported():
            self._client.put_bucket_encryption(
                Bucket=self._bucket, ServerSideEncryptionConfiguration={"Rules": [encryption]}
            )
        with _if_supported():
            self._client.put_public_access_block(
                Bucket=self._bucket, PublicAccessBlockConfiguration=dict.fromkeys(private, True)
            )
        with _if_supported():
            self._client.put_bucket_lifecycle_configuration(
                Bucket=self._bucket, LifecycleConfiguration={"Rules": rules}
            )

    def notify(self, queue_arn: str) -> None:
        """Announce what happens to originals, and to nothing else, to this queue; other notifications stay.

        The queue must let the bucket send already: S3 tries, and sends a test event.
        """
        filtered = {"Key": {"FilterRules": [_rule("prefix", "documents/"), _rule("suffix", "/original")]}}
        ours = {"Id": NOTIFICATION, "QueueArn": queue_arn, "Events": list(EVENTS), "Filter": filtered}
        with self._translated():
            known = self._client.get_bucket_notification_configuration(Bucket=self._bucket)
            known.pop("ResponseMetadata", None)
            queues = [one for one in known.get("QueueConfigurations", ()) if one.get("Id") != NOTIFICATION]
            self._client.put_bucket_notification_configuration(
                Bucket=self._bucket, NotificationConfiguration={**known, "QueueConfigurations": [*queues, ours]}
            )

    def _exists(self) -> bool:
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if code_of(error) in _ABSENT_BUCKET:
                return False
            raise
        return True

    def _translated(self) -> AbstractContextManager[None]:
        return translated(f"The bucket {self._bucket}")


@contextmanager
def _if_supported() -> Iterator[None]:
    """Pass over what a store says it does not know."""
    try:
        yield
    except ClientError as error:
        if code_of(error) not in _UNSUPPORTED:
            raise


def headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata as headers can carry it. Raises `BadRequest` for more than S3 keeps."""
    encoded = {name.lower(): quote(value, safe="", errors="replace") for name, value in metadata.items()}
    if (size := sum(len(name) + len(value) for name, value in encoded.items())) > MAX_METADATA_BYTES:
        raise BadRequest(
            f"A name or other metadata takes {size} bytes percent-encoded; S3 keeps {MAX_METADATA_BYTES}.",
            hint="Give the file a shorter name.",
        )
    return encoded


def _sha256(data: bytes) -> str:
    return b64encode(hashlib.sha256(data).digest()).decode("ascii")


def bare(etag: str) -> str:
    """Return an ETag as the events carry it: without its quotes."""
    return etag.strip('"')


def _rule(name: str, value: str) -> dict[str, str]:
    return {"Name": name, "Value": value}
