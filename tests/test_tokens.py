from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from corpus.errors import ConfigError
from ingest import tokens


def test_golden_tokens() -> None:
    """Texts get the numbers that cl100k_base gives them."""
    assert tokens.encoded("Hello, world! It's 2026.").tolist() == [9906, 11, 1917, 0, 1102, 596, 220, 2366, 21, 13]


def test_special_tokens_are_text() -> None:
    """Text that looks like a special token is text, and lone surrogates are counted."""
    assert tokens.encoded("<|endoftext|>").tolist() == [27, 91, 8862, 728, 428, 91, 29]
    assert len(tokens.encoded("a\ud800b\x00")) == len(tokens.encoded("a\ufffdb\x00"))
    assert len(tokens.encoded("")) == 0


def test_a_token_knows_its_bytes() -> None:
    """The sizes of a text's tokens add up to the text."""
    text = "Grüße aus 東京 🏢 " * 50

    assert tokens.token_bytes()[tokens.encoded(text)].sum() == len(text.encode())


def test_a_damaged_vocabulary_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vocabulary with another hash is refused before it counts anything wrongly."""
    (tmp_path / "v.gz").write_bytes(gzip.compress(b"YQ== 0\n"))
    monkeypatch.setattr(tokens, "VOCABULARY", tmp_path / "v.gz")
    tokens.encoding.cache_clear()

    with pytest.raises(ConfigError, match="is damaged"):
        tokens.encoding()
