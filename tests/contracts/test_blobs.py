from __future__ import annotations

import urllib.request

import pytest

from corpus.errors import BadRequest, BlobMissing, Conflict, TooLarge
from corpus.model import Change
from corpus.ports import BlobStore, Queue
from tests.contracts.adapters import Opened

ORIGINAL = "documents/u1/d1/original"
DERIVED = "processed/u1/d1/v1/r1/extracted-text.txt"
BIG = 10**9


def changes(queue: Queue) -> list[Change]:
    found = []
    while deliveries := queue.receive(10, 0):
        for one in deliveries:
            found.append(one.change)
            queue.done(one)
    return found


def test_what_was_put_is_got(blobs: BlobStore) -> None:
    """Return the blob whole: bytes, etag and metadata of one and the same put."""
    data = bytes(range(256)) * 10
    etag = blobs.put(ORIGINAL, data, {"originalname": "Grüße & more.pdf"})

    blob = blobs.get(ORIGINAL, BIG)

    assert (blob.key, blob.data, blob.etag) == (ORIGINAL, data, etag)
    assert blob.metadata == {"originalname": "Grüße & more.pdf"}


def test_an_empty_blob_is_a_blob(blobs: BlobStore) -> None:
    blobs.put(ORIGINAL, b"", {})

    assert blobs.get(ORIGINAL, 0).data == b""


def test_nothing_there(blobs: BlobStore) -> None:
    """Raises `BlobMissing` when nothing is there."""
    with pytest.raises(BlobMissing):
        blobs.get(ORIGINAL, BIG)


def test_too_large(blobs: BlobStore) -> None:
    """Raises `TooLarge`, without reading the body, when it holds more than `limit` bytes."""
    blobs.put(ORIGINAL, b"12345", {})

    assert blobs.get(ORIGINAL, 5).data == b"12345"
    with pytest.raises(TooLarge):
        blobs.get(ORIGINAL, 4)


@pytest.mark.parametrize(
    "key", ["documents/u1/../../etc", "/etc/passwd", "documents", "x/y", "documents//a", "documents/./a", ""]
)
def test_keys_stay_inside(blobs: BlobStore, key: str) -> None:
    """Raises `BadRequest` for a key that could step outside the store."""
    with pytest.raises(BadRequest):
        blobs.get(key, BIG)
    with pytest.raises(BadRequest):
        blobs.put(key, b"x", {})
    with pytest.raises(BadRequest):
        blobs.delete(key)
    with pytest.raises(BadRequest):
        blobs.link(key, "text/plain", "attachment", 60)


def test_link(blobs: BlobStore) -> None:
    """Return where anybody may read the blob for so long, with these headers; None if it is read by `get` only."""
    blobs.put(ORIGINAL, b"%PDF-1", {"originalname": "rules.pdf"})
    address = blobs.link(ORIGINAL, "application/pdf", "attachment; filename*=UTF-8''H%C3%A4user.pdf", 60)
    if address:
        with urllib.request.urlopen(address, timeout=10) as reply:  # noqa: S310 -- of our own double
            assert reply.read() == b"%PDF-1"
            assert reply.headers["Content-Type"] == "application/pdf"
            assert reply.headers["Content-Disposition"] == "attachment; filename*=UTF-8''H%C3%A4user.pdf"


def test_a_put_is_there_for_others(store: tuple[Opened[BlobStore], Queue]) -> None:
    """Store the bytes, durably and never in part, and return their etag."""
    etag = store[0].it.put(ORIGINAL, b"first", {})
    other = store[0].again()

    assert other.get(ORIGINAL, BIG).etag == etag
    other.put(ORIGINAL, b"second, and longer", {})
    assert store[0].it.get(ORIGINAL, BIG).data == b"second, and longer"


def test_a_put_is_announced(blobs: BlobStore, announced: Queue) -> None:
    """Putting an original sends a `put` change with its key, etag and version to the queue of the store."""
    etag = blobs.put(ORIGINAL, b"hello", {})

    (change,) = changes(announced)
    assert change == Change("put", ORIGINAL, change.version, etag)
    assert change.version


def test_versions_increase(store: tuple[Opened[BlobStore], Queue]) -> None:
    """The versions of a key's changes strictly increase, whatever the clock says."""
    etags = []
    for data in (b"a", b"b", b"a", b"a"):
        etags.append(store[0].it.put(ORIGINAL, data, {}))
        etags.append(store[0].again().put(ORIGINAL, data * 2, {}))

    found = sorted(changes(store[1]), key=lambda change: change.version)
    assert [change.etag for change in found] == etags
    assert len({change.version for change in found}) == len(etags)


def test_derived_blobs_are_silent(blobs: BlobStore, announced: Queue) -> None:
    """A put under any other key sends nothing."""
    blobs.put(DERIVED, b"text", {})
    blobs.put("documents/u1/d1/other", b"text", {})
    blobs.put("documents/u1/d1/original/more", b"text", {})
    blobs.delete(DERIVED)

    assert changes(announced) == []


def test_put_if_absent(blobs: BlobStore, announced: Queue) -> None:
    """With `absent`, raises `Conflict` and changes nothing when something is there already."""
    etag = blobs.put(ORIGINAL, b"first", {"a": "1"}, absent=True)
    blobs.put(DERIVED, b"first", {}, absent=True)

    for key in (ORIGINAL, DERIVED):
        with pytest.raises(Conflict):
            blobs.put(key, b"second", {"a": "2"}, absent=True)

    assert (blobs.get(ORIGINAL, BIG).data, blobs.get(ORIGINAL, BIG).metadata) == (b"first", {"a": "1"})
    assert blobs.get(DERIVED, BIG).data == b"first"
    assert [change.etag for change in changes(announced)] == [etag]


def test_delete(blobs: BlobStore) -> None:
    """Remove the blob and its metadata."""
    blobs.put(ORIGINAL, b"hello", {"originalname": "a"})
    blobs.delete(ORIGINAL)

    with pytest.raises(BlobMissing):
        blobs.get(ORIGINAL, BIG)
    blobs.put(ORIGINAL, b"again", {})
    assert blobs.get(ORIGINAL, BIG).metadata == {}


def test_a_removal_is_announced(blobs: BlobStore, announced: Queue) -> None:
    """Deleting an original sends a `removed` change with a greater version than any before it."""
    first = blobs.put(ORIGINAL, b"hello", {})
    blobs.delete(ORIGINAL)
    last = blobs.put(ORIGINAL, b"hello again", {})

    by_version = sorted(changes(announced), key=lambda change: change.version)
    assert [(change.kind, change.etag) for change in by_version] == [("put", first), ("removed", ""), ("put", last)]
    assert len({change.version for change in by_version}) == len(by_version)


def test_deleting_nothing(blobs: BlobStore) -> None:
    """Deleting what is not there is no error."""
    blobs.delete(ORIGINAL)
    blobs.delete(DERIVED)


def test_keys(blobs: BlobStore) -> None:
    """Yield the keys that begin with `prefix`, in order, and nothing the store keeps for itself."""
    keys = ["processed/u1/d1/v1/r1/a", "processed/u1/d1/v1/r1/b", "processed/u1/d10/v1/r1/a", ORIGINAL]
    for key in reversed(keys):
        blobs.put(key, b"x", {"originalname": "x"})

    assert list(blobs.keys("processed/")) == keys[:3]
    assert list(blobs.keys("processed/u1/d1/")) == keys[:2]
    assert list(blobs.keys("processed/u1/d1")) == keys[:3]
    assert list(blobs.keys("documents/")) == [ORIGINAL]
    assert list(blobs.keys("exports/")) == []
    assert list(blobs.keys("")) == [ORIGINAL, *keys[:3]]


def test_ping(blobs: BlobStore) -> None:
    """Return if the store can be used, else raise `ConfigError` or `Unavailable` with the reason."""
    blobs.ping()
