"""Uploads in parts into a bucket, past this product: clients put them under links that are signed for one part each.

A link names the part's size and SHA-256 in what is signed, so S3 refuses any other body. Nobody can read the parts
before they are one object; whoever reads that compares it with what was declared.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from corpus.aws import ClientError, code_of, translated
from corpus.blobs.parts import absent, check, wrong_size
from corpus.blobs.s3 import bare, headers
from corpus.errors import BadRequest, BlobMissing
from corpus.keys import checked_key
from corpus.uploads import BegunUpload, Link, UploadPart

CHECKSUM = "x-amz-checksum-sha256"
_NO_PARTS = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall"}


class S3Parts:
    """A `PartStore` in one bucket. Safe to share between threads."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def begin(self, upload_id: str, key: str, metadata: Mapping[str, str]) -> BegunUpload:
        del upload_id  # S3 has a name of its own for it
        target = {"Bucket": self._bucket, "Key": checked_key(key)}
        with self._translated(key):
            begun = self._client.create_multipart_upload(
                **target, Metadata=headers(metadata), ChecksumAlgorithm="SHA256"
            )
        return BegunUpload(key, begun["UploadId"])

    def link(self, begun: BegunUpload, part: UploadPart, seconds: int) -> Link | None:
        checksum = _checksum(part)
        wanted = {**self._named(begun), **_numbered(part), "ContentLength": part.size}
        with self._translated(begun.key):
            url = self._client.generate_presigned_url("upload_part", Params=wanted, ExpiresIn=seconds)
        return Link(url, {CHECKSUM: checksum})

    def put(self, begun: BegunUpload, part: UploadPart, data: bytes) -> None:
        check(part, data)
        with self._translated(begun.key):
            self._client.upload_part(**self._named(begun), **_numbered(part), Body=data)

    def parts(self, begun: BegunUpload) -> list[int]:
        return sorted(self._listed(begun))

    def digest(self, begun: BegunUpload, parts: Sequence[UploadPart]) -> str:
        del begun, parts
        return ""

    def complete(self, begun: BegunUpload, parts: Sequence[UploadPart]) -> str:
        there = self._listed(begun)
        for part in parts:
            if part.number not in there:
                raise absent(part.number)
            if there[part.number]["Size"] != part.size:
                raise wrong_size(part, there[part.number]["Size"])
        listed = [{**_numbered(part), "ETag": there[part.number]["ETag"]} for part in parts]
        with self._translated(begun.key):
            answer = self._client.complete_multipart_upload(**self._named(begun), MultipartUpload={"Parts": listed})
        return bare(answer["ETag"])

    def abort(self, begun: BegunUpload) -> None:
        try:
            with self._translated(begun.key):
                self._client.abort_multipart_upload(**self._named(begun))
        except BlobMissing:
            pass

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _listed(self, begun: BegunUpload) -> dict[int, Mapping[str, Any]]:
        """What S3 knows of the parts that are there, by number."""
        with self._translated(begun.key):
            pages = self._client.get_paginator("list_parts").paginate(**self._named(begun))
            return {part["PartNumber"]: part for page in pages for part in page.get("Parts", ())}

    def _named(self, begun: BegunUpload) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": begun.key, "UploadId": begun.name}

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        with translated(f"The bucket {self._bucket}"):
            try:
                yield
            except ClientError as error:
                if code_of(error) == "NoSuchUpload":
                    raise BlobMissing(f"There is no upload in parts for {key} any more.") from error
                if code_of(error) in _NO_PARTS:
                    raise BadRequest(f"S3 does not take the parts of {key} together ({code_of(error)}).") from error
                raise


def _numbered(part: UploadPart) -> dict[str, Any]:
    return {"PartNumber": part.number, "ChecksumSHA256": _checksum(part)}


def _checksum(part: UploadPart) -> str:
    return b64encode(bytes.fromhex(part.sha256)).decode("ascii")
