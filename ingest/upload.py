"""Uploading and removing: the record first, then the blob, so that a change never comes before its record."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from corpus.allowance import Allowance
from corpus.errors import Conflict
from corpus.keys import iso_time
from corpus.model import Document
from corpus.ports import BlobStore, Table
from corpus.records.documents import Documents, unknown
from corpus.scope import Scope
from ingest.editions import amend, bury
from ingest.sniff import media_type
from ingest.terms import NO_TERMS, Terms

MAX_NAME, MAX_NAME_BYTES = 255, 600
"""The bytes leave room for the name, percent-encoded, in the 2 KB that S3 keeps beside a blob."""


@dataclass(frozen=True, slots=True)
class Uploads:
    """Puts originals into the store and takes them out, for the person who owns them."""

    blobs: BlobStore
    table: Table
    clock: Callable[[], float]

    @property
    def allowance(self) -> Allowance:
        """What decides whether there is room for a document, and counts it."""
        return Allowance(self.table, self.clock)

    def put(
        self,
        scope: Scope,
        document_id: str,
        file_name: str,
        data: bytes,
        declared: str = "",
        terms: Terms = NO_TERMS,
    ) -> Document:
        """Store the bytes as the newest version of the asker's document, and return its record as it was before.

        `declared` is their sender's media type; `terms` count from the moment it answers. Raises `NotFound` if the
        document is another's, and what `amend` and `Allowance.uploading` raise.
        """
        with self.allowance.uploading(scope, document_id, len(data)):
            self.expect(scope, document_id, file_name)
            document = amend(self.table, scope, document_id, terms)
            self.blobs.put(document.key, data, metadata_of(file_name, declared))
        return document

    def expect(self, scope: Scope, document_id: str, file_name: str) -> None:
        """Make the record of a document whose bytes are about to come, unless it is there.

        Raises `NotFound` if it is another's, or another building's.
        """
        documents = Documents(self.table)
        while (document := documents.get(document_id)) is None or document.deleted_at:
            try:
                while document and document.access.shared_with:  # whom its removal had no room for
                    document = bury(self.table, document)
                documents.put(self._fresh(scope, document_id, file_name, document))
            except Conflict:  # another put was faster: it is there now
                continue
        if not document.is_of(scope):
            raise unknown(document_id)

    def _fresh(self, scope: Scope, document_id: str, file_name: str, before: Document | None) -> Document:
        return Document(
            document_id=document_id,
            user_id=scope.user_id,
            tenant_id=scope.tenant_id,
            file_name=plain_name(file_name),
            upload_date=iso_time(self.clock()),
            version=before.version if before else "",
            rev=before.rev if before else 0,
        )

    def remove(self, scope: Scope, document_id: str) -> None:
        """Remove the asker's document: no search, citation or list knows it from now on.

        Raises `NotFound` if there is none, or if it is another's.
        """
        documents = Documents(self.table)
        while True:
            document = documents.get(document_id)
            if document is None or document.user_id != scope.user_id:
                raise unknown(document_id)
            if not document.deleted_at:  # a tombstone names no building
                if not document.is_of(scope):
                    raise unknown(document_id)
                try:
                    bury(self.table, replace(document, deleted_at=iso_time(self.clock())))
                except Conflict:  # its record was written meanwhile: look again
                    continue
            self.blobs.delete(document.key)  # again, even if it was removed before: that removal may have died here
            self.allowance.removed(scope.user_id, document_id)
            if document.deleted_at:
                raise unknown(document_id)
            return


def metadata_of(file_name: str, declared: str) -> dict[str, str]:
    """Return what is kept beside an original: its name, and the media type that its sender declared, if it is one."""
    kind = media_type(declared)
    return {"originalname": plain_name(file_name), **({"declaredtype": kind} if kind else {})}


def plain_name(file_name: str) -> str:
    """Return a file's own name, without its folders and without characters that nobody can see."""
    name = re.split(r"[\\/]", file_name)[-1]
    name = "".join(c for c in name if c.isprintable())[-MAX_NAME:]
    return name.encode()[-MAX_NAME_BYTES:].decode(errors="ignore") or "document"
