"""Large uploads: announced, sent in parts, gone on with after an interruption, and put together.

Sizes follow from what was announced, so a part is told of by its SHA-256 alone. Completing writes `completing` before
the parts are put together: whoever finds that, and no parts any more, knows that it was done and only not written down.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from corpus.errors import BadRequest, BlobMissing, Conflict, QuotaExceeded, Rejected, TooLarge, Unavailable
from corpus.keys import ID, iso_time, original_key
from corpus.ports import PartStore
from corpus.records.uploads import PartedUpload, PartedUploads, unknown_upload
from corpus.scope import UNLIMITED, Scope
from corpus.uploads import Link, UploadPart
from ingest.outcomes import DECLARED_SHA256, other_bytes
from ingest.upload import Uploads, metadata_of, plain_name

LINK_SECONDS = 3600
PART_BYTES = 8 * 2**20
"""S3 takes no parts below 5 MB, and each costs a request."""
MOST_PARTS = 200
"""What is told of them has to fit into one record."""
MOST_UNFINISHED = 100
"""Uploads that a person may have begun and not completed; a few more, if many are begun at the same moment."""
MB = 2**20
TRIES = 20


@dataclass(frozen=True, slots=True)
class Announced:
    """What is said of a file before it comes; `checksum_sha256` in hex, `declared` its sender's media type."""

    file_name: str
    file_size: int
    checksum_sha256: str
    declared: str = ""


@dataclass(frozen=True, slots=True)
class UploadsInParts:
    """Takes large originals, for the person who owns them; nobody else's upload is ever known to anybody."""

    uploads: Uploads
    store: PartStore
    records: PartedUploads
    clock: Callable[[], float]
    limit: int

    def begin(self, scope: Scope, upload_id: str, document_id: str, announced: Announced) -> PartedUpload:
        """Return the upload that a file is to come by.

        Raises `TooLarge` for one beyond the limit, `QuotaExceeded` while too many are unfinished, and what
        `Allowance.expect` raises.
        """
        if announced.file_size > self.limit:
            raise TooLarge(f"The file has {announced.file_size:,} bytes, more than FOOTNOTE_MAX_BYTES={self.limit:,}.")
        self.uploads.allowance.expect(scope, announced.file_size)
        self._expect(scope)
        metadata = metadata_of(announced.file_name, announced.declared)
        metadata[DECLARED_SHA256] = announced.checksum_sha256
        upload = PartedUpload(
            upload_id=upload_id,
            user_id=scope.user_id,
            tenant_id=scope.tenant_id,
            document_id=document_id,
            file_name=plain_name(announced.file_name),
            declared=metadata.get("declaredtype", ""),
            file_size=announced.file_size,
            checksum_sha256=announced.checksum_sha256,
            part_size=part_size(announced.file_size),
            begun=self.store.begin(upload_id, original_key(scope.user_id, document_id), metadata),
            created_at=iso_time(self.clock()),
        )
        return self.records.put(upload)

    def _expect(self, scope: Scope) -> None:
        """Raise `QuotaExceeded` if the asker has as many unfinished uploads as they may; an owner has no limit."""
        if scope.service_level == UNLIMITED:
            return
        unfinished = self.records.unfinished(scope.user_id, MOST_UNFINISHED)
        if len(unfinished) == MOST_UNFINISHED:
            oldest = unfinished[0]
            raise QuotaExceeded(
                f"Of your uploads {MOST_UNFINISHED} are unfinished, and no more may be at a time.",
                hint=f"Complete or delete some. The oldest, {oldest.upload_id}, ends at {iso_time(oldest.expires)}.",
                counter="uploads",
                retry_after=max(1.0, oldest.expires - self.clock()),
            )

    def tell(self, scope: Scope, upload_id: str, part: UploadPart) -> tuple[PartedUpload, Link | None]:
        """Note what a part will be, and return where it may be put past us, if it may.

        Raises `BadRequest` for a part that the upload does not have, or not in this size.
        """
        for _ in range(TRIES):
            upload = self._open(scope, upload_id)
            if not 1 <= part.number <= upload.count:
                raise BadRequest(f"There is no part {part.number}: the upload has parts 1 to {upload.count}.")
            if part.size != (size := upload.size_of(part.number)):
                raise BadRequest(
                    f"Part {part.number} would have {part.size:,} bytes, and has to have {size:,}.",
                    hint="Cut the file into pieces of partSize bytes; only the last is smaller.",
                )
            told = replace(upload, told={**upload.told, part.number: part.sha256})
            try:
                if told != upload:
                    self.records.put(told)
            except Conflict:  # another part was told of meanwhile
                continue
            return told, self.store.link(upload.begun, part, LINK_SECONDS)
        raise Unavailable("The upload changes all the time.", retry_after=1)

    def take(self, scope: Scope, upload_id: str, number: int, data: bytes) -> None:
        """Store a part that comes by way of us.

        Raises `BadRequest` for one that nobody told of, and for other bytes than were told of.
        """
        upload = self._open(scope, upload_id)
        if number not in upload.told:
            raise BadRequest(f"Nothing was said of part {number}.", hint="POST its size and SHA-256 first.")
        self.store.put(upload.begun, upload.part(number), data)

    def look(self, scope: Scope, upload_id: str) -> tuple[PartedUpload, list[int]]:
        """Return an upload and the numbers of the parts that are there."""
        upload = self._mine(scope, upload_id)
        return upload, self._there(upload) if upload.state == "open" else list(range(1, upload.count + 1))

    def complete(self, scope: Scope, upload_id: str) -> str:
        """Put the parts together and return the id of the document they are; again, if it was done before.

        Raises `BadRequest` if parts are missing, `Unreadable` if the whole is not what was announced, as far as its
        store can tell; where it cannot, the pipeline will; and what `Allowance.uploading` raises.
        """
        for _ in range(TRIES):
            upload = self._mine(scope, upload_id)
            try:
                if upload.state != "completed":
                    with self.uploads.allowance.uploading(scope, upload.document_id, upload.file_size):
                        self._complete(scope, upload)
            except Conflict:  # somebody completes it too, or tells of a part
                continue
            return upload.document_id
        raise Unavailable("The upload changes all the time.", retry_after=1)

    def abort(self, scope: Scope, upload_id: str) -> None:
        """Forget an upload and its parts. Raises `Conflict` for one that is completed, or just now changed."""
        upload = self._open(scope, upload_id)
        self.records.delete(upload)
        self.store.abort(upload.begun)

    def _complete(self, scope: Scope, upload: PartedUpload) -> None:
        if upload.state == "open":
            self._check(upload)
            self.uploads.expect(scope, upload.document_id, upload.file_name)
            upload = self.records.put(replace(upload, state="completing"))
        self._join(upload)

    def _check(self, upload: PartedUpload) -> None:
        """Raise what is wrong with the parts of an upload, taken together."""
        there = self._there(upload)
        missing = [number for number in range(1, upload.count + 1) if number not in there]
        if missing:
            raise BadRequest(
                f"{len(missing)} of {upload.count} parts are missing, part {missing[0]} first.",
                hint="Send them, then complete the upload.",
            )
        if self.store.digest(upload.begun, _parts(upload)) not in {"", upload.checksum_sha256}:
            raise other_bytes()

    def _there(self, upload: PartedUpload) -> list[int]:
        try:
            return [number for number in self.store.parts(upload.begun) if number in upload.told]
        except BlobMissing as error:  # its store has forgotten it
            raise unknown_upload(upload.upload_id) from error

    def _join(self, upload: PartedUpload) -> None:
        try:
            with suppress(BlobMissing):  # that was done, and only not written down
                self.store.complete(upload.begun, _parts(upload))
        except Rejected:  # a part is not as it was told: another may take its place
            self.records.put(replace(upload, state="open"))
            raise
        self.records.put(replace(upload, state="completed"))

    def _mine(self, scope: Scope, upload_id: str) -> PartedUpload:
        found = self.records.get(upload_id) if ID.fullmatch(upload_id) else None
        if found is None or (found.user_id, found.tenant_id) != (scope.user_id, scope.tenant_id):
            raise unknown_upload(upload_id)
        return found

    def _open(self, scope: Scope, upload_id: str) -> PartedUpload:
        upload = self._mine(scope, upload_id)
        if upload.state != "open":
            raise Conflict("The upload is completed.", hint="Its document can be read, and deleted.")
        return upload


def part_size(file_size: int) -> int:
    """Return in parts of how many bytes a file is to come: whole MB, and few enough of them."""
    return max(PART_BYTES, -(-file_size // (MOST_PARTS * MB)) * MB)


def _parts(upload: PartedUpload) -> list[UploadPart]:
    return [upload.part(number) for number in range(1, upload.count + 1)]
