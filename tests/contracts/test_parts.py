from __future__ import annotations

import hashlib
import urllib.request
from dataclasses import replace

import pytest

from corpus.errors import BadRequest, BlobMissing
from corpus.keys import ulid
from corpus.ports import BlobStore, PartStore, Queue
from corpus.uploads import BegunUpload, UploadPart
from tests.contracts.test_blobs import BIG, ORIGINAL, changes
from tests.fakes import Clock

Stores = tuple[PartStore, BlobStore, Queue]
FIRST, LAST = b"a" * 5 * 2**20, b"the end"
METADATA = {"originalname": "Grüße.pdf", "declaredsha256": "00"}


def part(number: int, data: bytes) -> UploadPart:
    return UploadPart(number, len(data), hashlib.sha256(data).hexdigest())


PARTS = [part(1, FIRST), part(2, LAST)]


def begin(store: PartStore) -> BegunUpload:
    return store.begin(ulid(Clock()()), ORIGINAL, METADATA)


def filled(store: PartStore) -> BegunUpload:
    """An upload both of whose parts are there, the last of which came first."""
    begun = begin(store)
    store.put(begun, PARTS[1], LAST)
    store.put(begun, PARTS[0], FIRST)
    return begun


def test_begin(part_store: Stores) -> None:
    """Begin an upload in parts; what is under the key stays as it is until it is completed."""
    store, blobs, announced = part_store
    blobs.put(ORIGINAL, b"before", {})
    before = changes(announced)
    filled(store)

    assert blobs.get(ORIGINAL, BIG).data == b"before"
    assert (len(before), changes(announced)) == (1, [])


def test_keys_stay_inside(part_store: Stores) -> None:
    """An upload whose key could step outside the store is refused."""
    with pytest.raises(BadRequest):
        part_store[0].begin(ulid(0), "documents/../etc", {})


def test_link(part_store: Stores) -> None:
    """Return where anybody may put this part and no other bytes, for so long; None if it comes by `put` only."""
    store = part_store[0]
    begun = begin(store)
    link = store.link(begun, PARTS[1], 60)
    if link:
        headers = {**link.headers, "Content-Type": "application/octet-stream"}  # else urllib says that it is a form
        put = urllib.request.Request(link.url, LAST, headers, method="PUT")  # noqa: S310 -- of our own double
        with urllib.request.urlopen(put, timeout=10):  # noqa: S310
            assert store.parts(begun) == [2]


def test_put(part_store: Stores) -> None:
    """Store the bytes of a part, in place of those it had."""
    store, blobs, _ = part_store
    begun = begin(store)
    store.put(begun, part(1, b"other"), b"other")
    store.put(begun, part(1, LAST), LAST)
    store.complete(begun, [part(1, LAST)])

    assert blobs.get(ORIGINAL, BIG).data == LAST


def test_other_bytes(part_store: Stores) -> None:
    """Raises `BadRequest`, storing nothing, for bytes of another size or SHA-256 than the part's."""
    store = part_store[0]
    begun = begin(store)
    for data in (b"the  end", b"the eNd", b""):
        with pytest.raises(BadRequest, match=r"[Pp]art 2"):
            store.put(begun, PARTS[1], data)

    assert store.parts(begun) == []


def test_parts(part_store: Stores) -> None:
    """Return the numbers of the parts that are there, in order."""
    store = part_store[0]
    begun = begin(store)
    assert store.parts(begun) == []
    for number in (11, 2, 100):
        store.put(begun, part(number, LAST), LAST)

    assert store.parts(begun) == [2, 11, 100]
    assert store.parts(begin(store)) == []


def test_ended(part_store: Stores) -> None:
    """Raises `BlobMissing` once the upload is completed or aborted."""
    store = part_store[0]
    for end in (lambda begun: store.complete(begun, PARTS), store.abort):
        begun = filled(store)
        end(begun)
        with pytest.raises(BlobMissing):
            store.parts(begun)
        with pytest.raises(BlobMissing):
            store.complete(begun, PARTS)


def test_digest(part_store: Stores) -> None:
    """Return the SHA-256 of the parts in a row, in hex; "" where nobody can read them before they are whole."""
    assert part_store[0].digest(filled(part_store[0]), PARTS) in {"", hashlib.sha256(FIRST + LAST).hexdigest()}


def test_complete(part_store: Stores) -> None:
    """Make the parts one blob, in their order, with the metadata it was begun with, and return its etag."""
    store, blobs, _ = part_store
    etag = store.complete(filled(store), PARTS)

    blob = blobs.get(ORIGINAL, BIG)
    assert (blob.data == FIRST + LAST, blob.metadata, blob.etag) == (True, METADATA, etag)
    assert list(blobs.keys("")) == [ORIGINAL]


def test_announced(part_store: Stores) -> None:
    """It is announced as a put is."""
    store, blobs, announced = part_store
    etags = [blobs.put(ORIGINAL, b"before", {}), store.complete(filled(store), PARTS)]

    found = sorted(set(changes(announced)), key=lambda change: change.version)
    assert [(change.kind, change.key, change.etag) for change in found] == [("put", ORIGINAL, etag) for etag in etags]


def test_incomplete(part_store: Stores) -> None:
    """Raises `BadRequest`, completing nothing, if a part is not there or has another size."""
    store, blobs, announced = part_store
    begun = begin(store)
    store.put(begun, PARTS[0], FIRST)
    for parts in (PARTS, [replace(PARTS[0], size=PARTS[0].size + 1)], [replace(PARTS[0], size=1)]):
        with pytest.raises(BadRequest):
            store.complete(begun, parts)

    assert (list(blobs.keys("documents/")), changes(announced), store.parts(begun)) == ([], [], [1])


def test_abort(part_store: Stores) -> None:
    """Forget the upload and its parts; what is under the key stays as it is."""
    store, blobs, _ = part_store
    blobs.put(ORIGINAL, b"before", {})
    store.abort(filled(store))

    assert blobs.get(ORIGINAL, BIG).data == b"before"
    assert list(blobs.keys("")) == [ORIGINAL]


def test_aborting_nothing(part_store: Stores) -> None:
    """Aborting what is not there is no error."""
    begun = filled(part_store[0])
    part_store[0].abort(begun)
    part_store[0].abort(begun)
