from __future__ import annotations

import subprocess
import sys
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


def test_whom_to_ask() -> None:
    """An `openai:` address takes its model as it is written, and the key and base URL that everybody has."""
    environ = {"FOOTNOTE_EMBEDDER": "openai:text-embedding-3-small", "FOOTNOTE_LLM": "openai:org/llama3:8b@q4"}
    key = {"OPENAI_API_KEY": " sk-s3cret "}

    settings = Settings.from_env(environ | key)

    assert (settings.embedder, settings.llm) == (environ["FOOTNOTE_EMBEDDER"], environ["FOOTNOTE_LLM"])
    assert (settings.openai_url, settings.openai_key) == ("https://api.openai.com/v1", "sk-s3cret")
    assert "s3cret" not in repr(settings)
    there = Settings.from_env(environ | {"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1/"})
    assert (there.openai_url, there.openai_key) == ("http://127.0.0.1:11434/v1", "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "OPENAI_API_KEY is not set: expected a key, or in OPENAI_BASE_URL a service that needs none"),
        ({"OPENAI_API_KEY": "s3cret s3cret"}, "OPENAI_API_KEY=••••: expected a key, without blanks"),
        (
            {"OPENAI_BASE_URL": "127.0.0.1"},
            "OPENAI_BASE_URL='127.0.0.1': expected an address that begins with https://",
        ),
        ({"OPENAI_BASE_URL": "http://me:s3cret@x/v1"}, "OPENAI_BASE_URL=••••: expected an address"),
        ({"FOOTNOTE_EMBEDDER": "openai:"}, "FOOTNOTE_EMBEDDER='openai:': expected local or openai:MODEL"),
        ({"FOOTNOTE_EMBEDDER": "openai:a b"}, "FOOTNOTE_EMBEDDER='openai:a b': expected local or openai:MODEL"),
    ],
)
def test_whom_to_ask_is_checked(given: dict[str, str], said: str) -> None:
    """A missing key, a key or an address that can be none, and a model that can be none, are named at the start."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({"FOOTNOTE_LLM": "openai:gpt", **given})

    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_what_other_programs_read_is_left_alone() -> None:
    """Without an `openai:` address the variables of that name do not matter, however wrong."""
    environ = {"OPENAI_API_KEY": "a b", "OPENAI_BASE_URL": "nonsense", "OPENAI_ORG_ID": "x"}

    assert Settings.from_env(environ) == Settings.from_env({})


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "CLIENT_SECRET", "AUTH_TOKEN", "PDF_PASSWORD"])
def test_secrets_are_never_shown(name: str) -> None:
    """A value whose name says that it is secret is shown as dots."""
    assert masked(name, "hunter2") == "••••"


def test_tesseract_is_looked_for(tmp_path: Path) -> None:
    """Text recognition is tesseract's, if it is on the path; a path names another, and `off` switches it off."""
    program = tmp_path / "tesseract"
    program.touch(0o700)

    def engine(**environ: str) -> str:
        return Settings.from_env(environ).ocr.engine

    assert (Settings.from_env({}).ocr.pages, Settings.from_env({}).ocr.minutes) == (200, 30)
    assert engine() == engine(PATH="/nowhere") == ""
    assert engine(PATH=str(tmp_path)) == engine(FOOTNOTE_OCR="auto", PATH=str(tmp_path)) == str(program)
    assert engine(FOOTNOTE_OCR=str(program)) == str(program)
    assert engine(FOOTNOTE_OCR="off", PATH=str(tmp_path)) == "off"
    assert Settings.from_env({"FOOTNOTE_OCR_LANGUAGES": "deu+chi_sim"}).ocr.languages == ("deu", "chi_sim")


def test_text_recognition_that_cannot_be(tmp_path: Path) -> None:
    """A program that is not there, or cannot be run, and languages that are none are named."""
    for name, value in {
        "FOOTNOTE_OCR": str(tmp_path / "gone"),
        "FOOTNOTE_OCR_LANGUAGES": "--psm 0",
        "FOOTNOTE_OCR_PAGES": "0",
    }.items():
        with pytest.raises(ConfigError, match=f"{name}="):
            Settings.from_env({name: value})


def test_importing_the_library_is_quick() -> None:
    """`import footnote` loads the settings' own modules: no nouns, and nothing that only reading them needs."""
    heavy = {"corpus.model", "corpus.keys", "platformdirs", "difflib", "numpy"}
    code = f"import sys, footnote; print({heavy} & {{*sys.modules}})"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_who_may_sign_in(tmp_path: Path) -> None:
    """An issuer is kept to the letter, with the applications its tokens are made for; without one there is nobody."""
    given = {"FOOTNOTE_ISSUER": "https://login.example.org/a/", "FOOTNOTE_AUDIENCE": "web, https://api.example.org"}
    identity = Settings.from_env(given, home=tmp_path).identity

    assert (identity.issuer, identity.jwks_url) == ("https://login.example.org/a/", "")
    assert identity.audiences == ("web", "https://api.example.org")
    assert not Settings.from_env({}, home=tmp_path).identity.issuer


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"FOOTNOTE_ISSUER": "https://a.example"}, "belong together"),
        ({"FOOTNOTE_AUDIENCE": "web"}, "belong together"),
        ({"FOOTNOTE_JWKS_URL": "https://a.example/jwks"}, "belong together"),
        ({"FOOTNOTE_ISSUER": "http://a.example", "FOOTNOTE_AUDIENCE": "web"}, "https://"),
        ({"FOOTNOTE_ISSUER": "http://localhost.evil.example", "FOOTNOTE_AUDIENCE": "web"}, "https://"),
        ({"FOOTNOTE_ISSUER": "file:///etc/passwd", "FOOTNOTE_AUDIENCE": "web"}, "https://"),
        ({"FOOTNOTE_ISSUER": "https://a.example", "FOOTNOTE_AUDIENCE": "web,,cli"}, "client ids"),
    ],
)
def test_half_an_identity_provider(tmp_path: Path, wrong: dict[str, str], says: str) -> None:
    """An issuer or an audience alone, and an address anybody could listen to are refused."""
    with pytest.raises(ConfigError, match=says):
        Settings.from_env(wrong, home=tmp_path)


FERNET = "q2Zk9L1nJx4Vb7Ws0Rt3Yp6Uc8Md5Ef2Gh1Ai-Ko_Lw="
OTHER = "A" * 43 + "="


def test_names_in_dynamodb_are_sealed() -> None:
    """Where people sign in and records lie in DynamoDB there has to be a key; on one machine there may be."""
    signing_in = {"FOOTNOTE_ISSUER": "https://id.example/pool", "FOOTNOTE_AUDIENCE": "client"}
    cloud, key = {"FOOTNOTE_TABLE": "dynamodb:footnote"}, {"FOOTNOTE_PRIVACY_KEYS": f"{FERNET}, {OTHER}"}

    with pytest.raises(ConfigError, match="FOOTNOTE_PRIVACY_KEYS is not set"):
        Settings.from_env(signing_in | cloud)
    assert [Settings.from_env(one).privacy_keys for one in (signing_in, cloud, {})] == [()] * 3
    for environ in (signing_in | cloud | key, key):
        assert Settings.from_env(environ).privacy_keys == (FERNET, OTHER)
        assert FERNET not in repr(Settings.from_env(environ))


@pytest.mark.parametrize(
    "value", ["short", FERNET[:-1], f"{FERNET},", f"{FERNET},{FERNET}", FERNET.replace("-", "+"), f"{FERNET} {OTHER}"]
)
def test_what_is_no_key(value: str) -> None:
    """A key that is none is said to be none, and not shown."""
    with pytest.raises(ConfigError, match="FOOTNOTE_PRIVACY_KEYS=••••: expected 32 random bytes") as caught:
        Settings.from_env({"FOOTNOTE_PRIVACY_KEYS": value})
    assert FERNET[:-2] not in str(caught.value)
