from __future__ import annotations

from pathlib import Path

import pytest

from corpus.errors import ConfigError
from footnote.settings import Settings, masked


def test_without_a_variable_everything_lies_in_one_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With no variable set, everything lies in `footnote-data` beside where it is run."""
    monkeypatch.chdir(tmp_path)

    settings = Settings.from_env({})

    assert settings.home == tmp_path / "footnote-data"
    assert settings.blobs == f"folder:{tmp_path}/footnote-data/blobs"
    assert settings.index == settings.table == settings.queue == f"sqlite:{tmp_path}/footnote-data/footnote.db"
    assert (settings.embedder, settings.llm) == ("local", "quotes")


def test_an_address_may_name_the_home(tmp_path: Path) -> None:
    """`{home}` in an address is the home folder, and the home that is handed in wins over the variable."""
    environ = {"FOOTNOTE_HOME": "/elsewhere", "FOOTNOTE_BLOBS": "folder:{home}/a{b}", "FOOTNOTE_MAX_BYTES": "1_000"}

    settings = Settings.from_env(environ, home=tmp_path)

    assert (settings.home, settings.blobs, settings.limits.bytes) == (tmp_path, f"folder:{tmp_path}/a{{b}}", 1000)


def test_only_a_path_is_taken_for_one(tmp_path: Path) -> None:
    """An address that names something else than a file or folder stays as it was given."""
    given = {
        "FOOTNOTE_BLOBS": "s3:my-bucket",
        "FOOTNOTE_TABLE": "dynamodb:footnote-prod",
        "FOOTNOTE_QUEUE": "sqs:https://sqs.eu-west-1.amazonaws.com/1/my-queue",
    }
    settings = Settings.from_env(given, home=tmp_path)

    assert [settings.blobs, settings.table, settings.queue] == list(given.values())


def test_all_problems_are_named_at_once() -> None:
    """One error names every wrong variable, its value, and what was expected."""
    environ = {
        "FOOTNOTE_HOEM": "/data",
        "FOOTNOTE_MAX_PAGES": "-3",
        "FOOTNOTE_MAX_BYTES": "many",
        "FOOTNOTE_INDEX": "faiss:/x",
        "FOOTNOTE_TABLE": "sqlite:",
        "FOOTNOTE_LLM": "quotes:7",
        "FOOTNOTE_API_KEY": "s3cret",
        "UNRELATED": "1",
    }

    with pytest.raises(ConfigError) as caught:
        Settings.from_env(environ)

    said = str(caught.value)
    assert "FOOTNOTE_HOEM='/data': there is no such setting; did you mean FOOTNOTE_HOME?" in said
    assert "FOOTNOTE_MAX_PAGES='-3': expected a whole number above 0" in said
    assert "FOOTNOTE_MAX_BYTES='many': expected a whole number above 0" in said
    assert "FOOTNOTE_INDEX='faiss:/x': expected sqlite:FILE" in said
    assert "FOOTNOTE_TABLE='sqlite:': expected sqlite:FILE or dynamodb:TABLE" in said
    assert "FOOTNOTE_LLM='quotes:7': expected quotes" in said
    assert "s3cret" not in said
    assert "UNRELATED" not in said


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "CLIENT_SECRET", "AUTH_TOKEN", "PDF_PASSWORD"])
def test_secrets_are_never_shown(name: str) -> None:
    """A value whose name says that it is secret is shown as dots."""
    assert masked(name, "hunter2") == "••••"
