"""Every setting of the product, read once, here and nowhere else.

`Settings.from_env()` collects all problems before it raises, so that one look mends them all. What the variables mean
to a user stands in docs/settings.md, which a test holds against this file.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar, get_args

from corpus.errors import ConfigError
from corpus.ports import Limits
from corpus.prices import LISTED, Price, Prices
from corpus.ways import CACHE_BYTES, EXACT_BELOW, Engine

PREFIX = "FOOTNOTE_"
OTHERS = ("OPENAI_API_KEY", "OPENAI_BASE_URL")
"""Variables that are read under the name that everybody gives them."""
OPENAI_URL = "https://api.openai.com/v1"
SCHEMES: Mapping[str, tuple[str, ...]] = {
    "FOOTNOTE_BLOBS": ("folder:DIR", "s3:BUCKET"),
    "FOOTNOTE_TABLE": ("sqlite:FILE", "dynamodb:TABLE"),
    "FOOTNOTE_QUEUE": ("sqlite:FILE", "sqs:URL"),
    "FOOTNOTE_INDEX": ("sqlite:FILE", "opensearch:URL"),
    "FOOTNOTE_EMBEDDER": ("local", "openai:MODEL"),
    "FOOTNOTE_LLM": ("quotes", "openai:MODEL"),
}
"""What each address may look like; the word before the colon chooses the adapter."""
ENGINES: Mapping[str, Engine] = {name: name for name in get_args(Engine)}
DEFAULT = Limits()
PATHS = frozenset({"folder", "sqlite"})
"""The adapters whose address is a path; what the others' means, they know themselves."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Ocr:
    """Whether and how text is recognised in pages that are pictures.

    `engine` is the absolute path of tesseract, "off", or "" if none is installed; without `languages` it expects those
    that are installed.
    """

    engine: str = ""
    languages: tuple[str, ...] = ()
    pages: int = 200
    minutes: int = 30


OCR = Ocr()


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """Whose tokens are believed, and for whom they have to be made; without an issuer nobody's are.

    Without `jwks_url` the issuer's own discovery document says where its keys lie.
    """

    issuer: str = ""
    audiences: tuple[str, ...] = ()
    jwks_url: str = ""


NOBODY = IdentityProvider()


@dataclass(frozen=True, slots=True)
class Settings:
    """Where everything lies and what one document may cost. Paths in addresses are absolute."""

    home: Path
    blobs: str
    table: str
    queue: str
    index: str
    embedder: str
    llm: str
    model_dir: Path
    limits: Limits
    ocr: Ocr = OCR
    exact_below: int = EXACT_BELOW
    cache_bytes: int = CACHE_BYTES
    recall_sample: float = 0.01
    engine: Engine = "faiss"
    index_user: str = ""
    index_password: str = field(default="", repr=False)
    identity: IdentityProvider = NOBODY
    prices: Prices = LISTED
    privacy_keys: tuple[str, ...] = field(default=(), repr=False)
    api_key: str = field(default="", repr=False)
    openai_url: str = OPENAI_URL
    openai_key: str = field(default="", repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, home: Path | None = None) -> Settings:
        """Return the settings of the environment; `home`, if given, wins over `FOOTNOTE_HOME`.

        Raises `ConfigError` that names every variable that is wrong, its value and what was expected.
        """
        import platformdirs  # noqa: PLC0415 -- only whoever reads the settings waits for it

        reader = _Reader(os.environ if environ is None else environ)
        base = reader.path("FOOTNOTE_HOME", Path("footnote-data").absolute())
        base = home.expanduser().absolute() if home else base
        settings = cls(
            home=base,
            blobs=reader.address("FOOTNOTE_BLOBS", "folder:{home}/blobs", base),
            table=reader.address("FOOTNOTE_TABLE", "sqlite:{home}/footnote.db", base),
            queue=reader.address("FOOTNOTE_QUEUE", "sqlite:{home}/footnote.db", base),
            index=reader.address("FOOTNOTE_INDEX", "sqlite:{home}/footnote.db", base),
            embedder=reader.address("FOOTNOTE_EMBEDDER", "local", base),
            llm=reader.address("FOOTNOTE_LLM", "quotes", base),
            model_dir=reader.path("FOOTNOTE_MODEL_DIR", platformdirs.user_cache_path("footnote") / "minilm-l6-v2"),
            limits=Limits(
                bytes=reader.whole("FOOTNOTE_MAX_BYTES", DEFAULT.bytes),
                pages=reader.whole("FOOTNOTE_MAX_PAGES", DEFAULT.pages),
                characters=reader.whole("FOOTNOTE_MAX_CHARACTERS", DEFAULT.characters),
                rows=reader.whole("FOOTNOTE_MAX_ROWS", DEFAULT.rows),
                nesting=reader.whole("FOOTNOTE_MAX_NESTING", DEFAULT.nesting),
                expanded=reader.whole("FOOTNOTE_MAX_EXPANDED", DEFAULT.expanded),
                ratio=reader.whole("FOOTNOTE_MAX_RATIO", DEFAULT.ratio),
                memory=reader.whole("FOOTNOTE_MAX_MEMORY", DEFAULT.memory),
                seconds=reader.whole("FOOTNOTE_MAX_SECONDS", int(DEFAULT.seconds)),
                password=reader.text("FOOTNOTE_DOCUMENT_PASSWORD"),
            ),
            ocr=Ocr(
                engine=reader.program("FOOTNOTE_OCR", "tesseract"),
                languages=reader.names("FOOTNOTE_OCR_LANGUAGES"),
                pages=reader.whole("FOOTNOTE_OCR_PAGES", OCR.pages),
                minutes=reader.whole("FOOTNOTE_OCR_MINUTES", OCR.minutes),
            ),
            exact_below=reader.whole("FOOTNOTE_EXACT_BELOW", EXACT_BELOW),
            cache_bytes=reader.whole("FOOTNOTE_CACHE_BYTES", CACHE_BYTES),
            recall_sample=reader.share("FOOTNOTE_RECALL_SAMPLE", 0.01),
            engine=reader.one_of("FOOTNOTE_ENGINE", ENGINES),
            index_user=reader.text("FOOTNOTE_INDEX_USER"),
            index_password=reader.text("FOOTNOTE_INDEX_PASSWORD"),
            identity=reader.identity(),
            prices=reader.prices("FOOTNOTE_PRICES"),
            privacy_keys=reader.privacy_keys(),
            api_key=reader.api_key("FOOTNOTE_API_KEY"),
        )
        if settings.identity.issuer and settings.table.startswith("dynamodb:"):
            reader.needs_privacy()
        if any(address.startswith("openai:") for address in (settings.embedder, settings.llm)):
            settings = reader.with_openai(settings)
        reader.finish()
        return settings


class _Reader:
    """Takes variables out of an environment and remembers what was wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._given = {name: value for name, value in environ.items() if name.startswith(PREFIX) or name in OTHERS}
        self._path = environ.get("PATH", "")
        self._known: list[str] = []
        self._problems: list[str] = []

    def path(self, name: str, default: Path) -> Path:
        return self._take(name, default, lambda value: Path(value).expanduser().absolute(), "a folder")

    def whole(self, name: str, default: int) -> int:
        return self._take(name, default, _positive, "a whole number above 0")

    def share(self, name: str, default: float) -> float:
        return self._take(name, default, _share, "a share from 0 to 1, such as 0.01")

    def text(self, name: str) -> str:
        return self._take(name, "", _printable, "text on one line")

    def api_key(self, name: str) -> str:
        return self._take(name, "", _api_key, "an API key, which begins with fn_")

    def program(self, name: str, default: str) -> str:
        """Return where a program lies: `auto` looks for the default; "" if that is not installed; `off` stays."""

        def parse(value: str) -> str:
            if value == "off":
                return value
            if value == "auto":
                return shutil.which(default, path=self._path) or ""
            return str(_program(value))

        return self._take(name, parse("auto"), parse, "auto, off, or the path of a program")

    def names(self, name: str) -> tuple[str, ...]:
        return self._take(name, (), _names, "names with + between them, such as deu+eng")

    def prices(self, name: str) -> Prices:
        expected = (
            "MODEL=READ/WRITTEN in dollars for a million tokens, with commas between, such as gpt-4o-mini=0.15/0.60"
        )
        return self._take(name, LISTED, _prices, expected)

    def one_of(self, name: str, words: Mapping[str, _T]) -> _T:
        return self._take(name, next(iter(words.values())), words.__getitem__, " or ".join(words))

    def address(self, name: str, default: str, home: Path) -> str:
        def parse(value: str) -> str:
            scheme, colon, rest = value.partition(":")
            kinds = [form.partition(":")[2] for form in SCHEMES[name] if form.partition(":")[:2] == (scheme, colon)]
            if not kinds or bool(colon) != bool(rest):
                raise ValueError(value)
            if scheme in PATHS:
                return f"{scheme}:{Path(rest.replace('{home}', str(home))).expanduser().absolute()}"
            return f"{scheme}:{_CHECKED.get(scheme, str)(rest)}" if colon else value

        return self._take(name, parse(default), parse, " or ".join(SCHEMES[name]))

    def identity(self) -> IdentityProvider:
        """Return whose tokens are believed: an issuer with an audience, or nobody."""
        expected = "an address that begins with https://, or with http:// on this machine"
        issuer = self._take("FOOTNOTE_ISSUER", "", _secure, expected)
        audiences = self._take("FOOTNOTE_AUDIENCE", NOBODY.audiences, _audiences, "client ids with commas between them")
        jwks_url = self._take("FOOTNOTE_JWKS_URL", "", _secure, expected)
        given = [name for name in ("FOOTNOTE_ISSUER", "FOOTNOTE_AUDIENCE") if self._given.get(name)]
        if len(given) == 1 or (jwks_url and not given):
            self._problems.append("FOOTNOTE_ISSUER and FOOTNOTE_AUDIENCE belong together: expected both of them")
        return IdentityProvider(issuer, audiences, jwks_url)

    def privacy_keys(self) -> tuple[str, ...]:
        """Return the keys that seal what names people; the first one seals, all of them open."""
        expected = "32 random bytes in URL-safe base64, or several such keys with commas between them"
        return self._take("FOOTNOTE_PRIVACY_KEYS", (), _fernet_keys, expected)

    def needs_privacy(self) -> None:
        """Note it as a problem if there are no such keys."""
        if not self._given.get("FOOTNOTE_PRIVACY_KEYS"):
            self._problems.append(
                "FOOTNOTE_PRIVACY_KEYS is not set: expected a key, as the names and e-mails of whoever signs in are "
                "sealed in DynamoDB"
            )

    def with_openai(self, settings: Settings) -> Settings:
        """Return the settings with whom to ask; looked at only where somebody is, as other programs read it too."""
        url = self._take("OPENAI_BASE_URL", OPENAI_URL, _url, "an address that begins with https:// or http://")
        key = self._take("OPENAI_API_KEY", "", _key, "a key, without blanks")
        if not key and "OPENAI_API_KEY" not in self._given and url == OPENAI_URL:
            self._problems.append(
                "OPENAI_API_KEY is not set: expected a key, or in OPENAI_BASE_URL a service that needs none"
            )
        return replace(settings, openai_url=url, openai_key=key)

    def _take(self, name: str, default: _T, parse: Callable[[str], _T], expected: str) -> _T:
        self._known.append(name)
        value = self._given.get(name, "")
        if not value:
            return default
        try:
            return parse(value)
        except (ValueError, KeyError):
            self._problems.append(f"{name}={masked(name, value)}: expected {expected}")
            return default

    def finish(self) -> None:
        for name in sorted(set(self._given) - set(self._known) - set(OTHERS)):
            import difflib  # noqa: PLC0415 -- it is slow to load, and seldom needed

            near = difflib.get_close_matches(name, self._known, n=1)
            advice = f"did you mean {near[0]}?" if near else "see docs/settings.md"
            self._problems.append(f"{name}={masked(name, self._given[name])}: there is no such setting; {advice}")
        if self._problems:
            raise ConfigError("The settings are wrong:\n  " + "\n  ".join(self._problems))


def masked(name: str, value: str) -> str:
    """Return the value as it may be shown: secrets as dots, the rest as it is."""
    secret = any(word in name for word in ("KEY", "SECRET", "TOKEN", "PASSWORD")) or ("://" in value and "@" in value)
    return "••••" if secret else repr(value)


def _model(value: str) -> str:
    if not re.fullmatch(r"[\w@./:+-]+", value):
        raise ValueError(value)
    return value


def _url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?", value):
        raise ValueError(value)
    return value.rstrip("/")


def _secure(value: str) -> str:
    """An address as it is, to its last slash: an issuer is compared letter by letter."""
    local = re.match(r"http://(?:127\.0\.0\.1|localhost|\[::1\])[:/]", value)
    if not re.fullmatch(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?", value) or not (local or value.startswith("https://")):
        raise ValueError(value)
    return value


def _audiences(value: str) -> tuple[str, ...]:
    found = tuple(one.strip() for one in value.split(","))
    if not all(re.fullmatch(r"[!-~]+", one) for one in found):
        raise ValueError(value)
    return found


def _fernet_keys(value: str) -> tuple[str, ...]:
    found = tuple(one.strip() for one in value.split(","))
    if len(set(found)) < len(found) or not all(re.fullmatch(r"[A-Za-z0-9_-]{43}=", one) for one in found):
        raise ValueError(value)
    return found


def _node(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?(?:#[a-z0-9-]{1,32})?", value):
        raise ValueError(value)
    return value


def _program(value: str) -> Path:
    path = Path(value).expanduser().absolute()
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise ValueError(value)
    return path


def _names(value: str) -> tuple[str, ...]:
    if not re.fullmatch(r"\w[\w/-]*(\+\w[\w/-]*)*", value):
        raise ValueError(value)
    return tuple(value.split("+"))


def _prices(value: str) -> Prices:
    said = (one.strip().rpartition("=") for one in value.split(","))
    return Prices({_model(name): Price.of(price) for name, _, price in said})


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError(value)
    return value


def _key(value: str) -> str:
    if not re.fullmatch(r"[!-~]+", value.strip()):
        raise ValueError(value)
    return value.strip()


def _api_key(value: str) -> str:
    if not re.fullmatch(r"fn_[!-~]+", value.strip()):
        raise ValueError(value)
    return value.strip()


_CHECKED: Mapping[str, Callable[[str], str]] = {"openai": _model, "opensearch": _node}
"""What the part behind a colon is held to; adapters that are not here know better themselves."""


def _positive(value: str) -> int:
    number = int(value.replace("_", ""))
    if number <= 0:
        raise ValueError(value)
    return number


def _share(value: str) -> float:
    share = float(value)
    if not 0 <= share <= 1:
        raise ValueError(value)
    return share
