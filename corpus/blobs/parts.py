"""Uploads in parts for any store of blobs: the parts are blobs of their own until they are put together.

`temp-uploads/{uploadId}/begun` holds the metadata, `temp-uploads/{uploadId}/part-{00001}` the first part. What nobody
completed within a day is cleared away when somebody begins another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from corpus.errors import BadRequest, TooLarge
from corpus.keys import checked_id, checked_key, ulid
from corpus.ports import BlobStore
from corpus.uploads import BegunUpload, Link, UploadPart

PREFIX = "temp-uploads/"
ABANDONED_SECONDS = 24 * 3600


class BlobParts:
    """A `PartStore` over a `BlobStore`. The ids of uploads have to be ULIDs: those say when an upload was begun."""

    def __init__(self, blobs: BlobStore, clock: Callable[[], float]) -> None:
        self._blobs = blobs
        self._clock = clock

    def begin(self, upload_id: str, key: str, metadata: Mapping[str, str]) -> BegunUpload:
        self._clear_abandoned()
        begun = BegunUpload(checked_key(key), checked_id("uploadId", upload_id))
        self._blobs.put(_mark(begun), b"", metadata)
        return begun

    def link(self, begun: BegunUpload, part: UploadPart, seconds: int) -> Link | None:
        del begun, part, seconds
        return None

    def put(self, begun: BegunUpload, part: UploadPart, data: bytes) -> None:
        check(part, data)
        self._blobs.put(_place(begun, part.number), data, {})

    def parts(self, begun: BegunUpload) -> list[int]:
        self._blobs.get(_mark(begun), 0)
        start = f"{_folder(begun)}part-"
        return [int(key.removeprefix(start)) for key in self._blobs.keys(start)]

    def digest(self, begun: BegunUpload, parts: Sequence[UploadPart]) -> str:
        whole = hashlib.sha256()
        for data in self._read(begun, parts):
            whole.update(data)
        return whole.hexdigest()

    def complete(self, begun: BegunUpload, parts: Sequence[UploadPart]) -> str:
        metadata = self._blobs.get(_mark(begun), 0).metadata
        missing = {part.number for part in parts} - set(self.parts(begun))
        if missing:
            raise absent(min(missing))
        whole = bytearray()
        for part, data in zip(parts, self._read(begun, parts), strict=True):
            check(part, data)
            whole += data
        etag = self._blobs.put(begun.key, bytes(whole), metadata)
        self.abort(begun)
        return etag

    def abort(self, begun: BegunUpload) -> None:
        for key in list(self._blobs.keys(_folder(begun))):  # the mark first: without it, it is no upload any more
            self._blobs.delete(key)

    def _read(self, begun: BegunUpload, parts: Sequence[UploadPart]) -> Iterator[bytes]:
        for part in parts:
            try:
                yield self._blobs.get(_place(begun, part.number), part.size).data
            except TooLarge as error:
                raise wrong_size(part) from error

    def _clear_abandoned(self) -> None:
        oldest = PREFIX + ulid(self._clock() - ABANDONED_SECONDS)
        for key in list(self._blobs.keys(PREFIX)):
            if key < oldest:
                self._blobs.delete(key)


def check(part: UploadPart, data: bytes) -> None:
    """Raise `BadRequest` if these are not the bytes of the part."""
    if len(data) != part.size:
        raise wrong_size(part, len(data))
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise BadRequest(
            f"The SHA-256 of part {part.number} is not the one that was told.", hint="Send the part once more."
        )


def wrong_size(part: UploadPart, size: int | None = None) -> BadRequest:
    """Return what is said of a part of another size than its own."""
    has = "another size" if size is None else f"{size:,} bytes"
    return BadRequest(f"Part {part.number} has {has}, and should have {part.size:,} bytes.", hint="Send it once more.")


def absent(number: int) -> BadRequest:
    """Return what is said of a part that did not come."""
    return BadRequest(f"Part {number} is not there.", hint="Send it, then complete the upload.")


def _folder(begun: BegunUpload) -> str:
    return f"{PREFIX}{begun.name}/"


def _mark(begun: BegunUpload) -> str:
    return f"{_folder(begun)}begun"


def _place(begun: BegunUpload, number: int) -> str:
    return f"{_folder(begun)}part-{number:05}"
