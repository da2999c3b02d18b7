"""What was made of a document and was lost or damaged since: nobody sees a crash, and who asks gets it anew."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from footnote.commands.ingesting import reindex
from footnote.connect import Footnote
from ingest.derived import damaged
from ingest.editions import amend
from ingest.replay import replay
from ingest.terms import Terms
from tests.flows.test_api import client, footnote, upload
from tests.flows.test_changes import work
from tests.worlds import ME, World

__all__ = ["client", "footnote"]

LONG = "\n\n".join(f"Pool rule {n}. " + f"water{n} " * 200 for n in range(4))
FILES = ("chunks.jsonl.gz", "embeddings.npz", "extracted-text.txt", "metadata.json")
DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "gone": lambda _: None,
    "empty": lambda _: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "overwritten": lambda data: data[:40] + bytes(40) + data[80:],
    "nested": lambda _: b"[" * 200_000,
    "another's": lambda _: gzip.compress(b'{"a": 1}'),
    "a list": lambda _: b"[1, 2, 3]",
}


def destroy(world: World | Footnote, file: str, damage: str) -> None:
    (key,) = [key for key in world.blobs.keys("processed/") if key.endswith(file)]
    data = DAMAGES[damage](world.blobs.get(key, 10**9).data)
    world.blobs.delete(key)
    if data is not None:
        world.blobs.put(key, data, {})


def files(world: World | Footnote) -> dict[str, bytes]:
    return {key.rpartition("/")[2]: world.blobs.get(key, 10**9).data for key in world.blobs.keys("processed/")}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_each_file_is_made_anew(world: World, file: str, damage: str) -> None:
    """Whichever file was destroyed, and however, a replay makes it as it was, and buys vectors only if they are gone;
    the next replay finds everything whole, and does nothing.
    """
    world.put("d1", LONG)
    world.work()
    before, seen, bought = files(world), world.visible(), world.embedder.bought
    destroy(world, file, damage)

    revs = []
    for _ in range(2):
        for _, change in replay(world.table, "home"):
            world.ingestor().apply(change)
        revs.append(world.document("d1").rev)

    assert world.visible() == seen
    assert {name: data for name, data in files(world).items() if name != "chunks.jsonl.gz"} == {
        name: data for name, data in before.items() if name != "chunks.jsonl.gz"
    }
    assert files(world).keys() == before.keys()
    assert damaged(world.blobs, world.document("d1"), world.index.name) == ()
    assert revs[0] == revs[1]
    again = bought if file == "embeddings.npz" else 0
    assert world.embedder.bought == bought + again


def test_vectors_of_another_title_are_not_believed(world: World) -> None:
    """Where the chunks are gone and the title changed since, nothing says what the vectors are of: they are bought."""
    world.put("d1", LONG)
    world.work()
    bought = world.embedder.bought
    amend(world.table, ME, "d1", Terms(title="Another"))
    destroy(world, "chunks.jsonl.gz", "gone")
    for _, change in replay(world.table, "home"):
        world.ingestor().apply(change)
    assert world.embedder.bought == 2 * bought


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", ["extracted-text.txt", "metadata.json"])
def test_a_lost_text_is_no_crash(
    client: TestClient,
    footnote: Footnote,
    caplog: pytest.LogCaptureFixture,
    file: str,
    damage: str,
) -> None:
    """Whoever reads a text that is lost or damaged is told when to try again and what mends it, with nothing of it; the
    log names the document; `retry` has it made anew, and then there is nothing to retry.
    """
    name = upload(client, footnote)["documentId"]
    place = f"/v1/documents/{name}"
    pages, page = client.get(f"{place}/pages").json(), client.get(f"{place}/pages/1").json()
    destroy(footnote, file, damage)

    with caplog.at_level(logging.ERROR):
        for path in ("pages", "pages/1"):
            said = client.get(f"{place}/{path}")
            assert (said.status_code, said.json()["code"]) == (503, "unavailable")
            assert said.headers["Retry-After"] == "60"
            assert "retry" in said.json()["hint"]
    assert "a stored text is lost or damaged" in caplog.messages
    assert page["text"][:20] not in caplog.text

    kept = client.post(f"{place}/retry")
    assert (kept.status_code, kept.json()["status"]) == (202, "ready")
    work(footnote)
    assert client.get(f"{place}/pages").json() == pages
    assert client.get(f"{place}/pages/1").json() == page
    assert client.post(f"{place}/retry").status_code == 409


def test_reindex_makes_it_anew(client: TestClient, footnote: Footnote) -> None:
    """`footnote reindex` finds what is damaged, though the index has all of it."""
    place = f"/v1/documents/{upload(client, footnote)['documentId']}"
    page = client.get(f"{place}/pages/1").json()
    destroy(footnote, "extracted-text.txt", "truncated")
    assert reindex(footnote, "home", as_json=True)
    assert client.get(f"{place}/pages/1").json() == page
