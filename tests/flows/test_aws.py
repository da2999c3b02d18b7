"""From a file to an answer by way of S3 and SQS, wired by settings as a user would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.errors import ConfigError
from footnote.commands.doctor import findings
from footnote.commands.setting_up import setup
from footnote.connect import connect
from footnote.settings import Settings
from ingest.extract import Reader
from tests.fakes import Clock, HashEmbedder, MemoryIndex, MemoryTable
from tests.services import doubles
from tests.services.aws import CREDENTIALS
from tests.services.doubles import Bucket
from tests.services.needed import up
from tests.services.poller import polling
from tests.worlds import ME, World

pytestmark = pytest.mark.service


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with doubles.bucket(up("moto").address) as made:
        yield made


@pytest.fixture
def world(bucket: Bucket, reader: Reader) -> World:
    clock, embedder = Clock(), HashEmbedder()
    index = MemoryIndex(embedder.space)
    return World(clock, bucket.announced, bucket.blobs, MemoryTable(clock), index, embedder, reader)


def test_from_upload_to_removal(world: World) -> None:
    """What is put into the bucket is found, what replaces it takes its place, and what is removed is gone."""
    world.put("d1", "The pool opens at nine.", name="Grüße & rules.txt")
    world.work()
    assert world.visible() == {"d1": ["The pool opens at nine."]}
    assert world.document("d1").file_name == "Grüße & rules.txt"

    world.put("d1", "The pool opens at ten.")
    world.put("d2", "The pool is closed on Mondays. " + "x" * 6_000_000)
    world.uploads.remove(ME, "d2")
    world.work()
    assert world.visible() == {"d1": ["The pool opens at ten."]}

    world.uploads.remove(ME, "d1")
    world.work()
    assert world.visible() == {}
    assert list(world.blobs.keys("")) == []
    assert world.queue.dead_letters() == 0


def test_by_settings(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two addresses and AWS's own variables are all it takes; a change comes through while another thread polls."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", up("moto").address)
    addresses = {"FOOTNOTE_BLOBS": f"s3:{bucket.name}", "FOOTNOTE_QUEUE": f"sqs:{bucket.url}"}

    with connect(Settings.from_env(addresses)) as footnote, polling(bucket.poller):
        footnote.blobs.ping()
        footnote.queue.ping()
        key = "documents/u1/d1/original"
        etag = footnote.blobs.put(key, b"hello", {})
        deadline = time.monotonic() + 60
        while not (found := footnote.queue.receive(10, 1)) and time.monotonic() < deadline:
            pass
    assert [(one.change.key, one.change.etag) for one in found] == [(key, etag)]


def test_setup_by_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`footnote setup` makes bucket, queue and dead letters, and ties them together; then all can be used."""
    address, name = up("moto").address, doubles.fresh()
    for variable, value in CREDENTIALS.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address)
    monkeypatch.setenv("FOOTNOTE_BLOBS", f"s3:{name}")
    monkeypatch.setenv("FOOTNOTE_QUEUE", f"sqs:{address}/{doubles.ACCOUNT}/{name}")
    settings = Settings.from_env(home=tmp_path)
    with connect(settings) as footnote:
        for part in (footnote.blobs, footnote.queue):
            with pytest.raises(ConfigError) as caught:
                part.ping()
            assert "footnote setup" in caught.value.hint
        asked = {one.part: one for one in findings(footnote)}
        assert [name for name, one in asked.items() if not one.works] == ["blobs", "queue"]
        assert all("footnote setup" in asked[name].hint for name in ("blobs", "queue"))

        setup(footnote)
        said = {one.part: one.says for one in findings(footnote) if one.works}
        assert said["credentials"] == "found by env, region eu-west-1"
        assert said["clock"] == "within 1 s of s3's"
        assert said["blobs"] == f"s3:{name}"
        footnote.blobs.ping()
        footnote.queue.ping()
        assert footnote.queue.receive(10, 0) == []  # S3's test event is no change
        assert footnote.queue.dead_letters() == 0


def test_a_bucket_without_its_queue() -> None:
    """A bucket announces to SQS: with another queue no change would ever come, and that is said at once."""
    with connect(Settings.from_env({"FOOTNOTE_BLOBS": "s3:b"})) as footnote, pytest.raises(ConfigError, match="SQS"):
        footnote.blobs  # noqa: B018 -- opening it is what is tried
