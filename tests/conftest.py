"""What holds for every test: no environment of ours leaks in, and no socket is opened unless the test says so."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from collections.abc import Iterator

import pytest

from footnote.settings import Settings

MODEL_DIR = Settings.from_env().model_dir
"""Where the model lies for whoever runs the suite; `make test` fetches it first."""

collect_ignore = [] if importlib.util.find_spec("samtranslator") else ["template"]
"""`make check` runs those in an environment of their own: their tools want another pydantic than the HTTP door."""

if importlib.util.find_spec("hypothesis"):  # there as little as the other way round
    import hypothesis

    hypothesis.settings.register_profile(
        "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("unhurried")  # no test is about how long anything takes: the machine may be busy

_REFUSED = {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"}
_allowed = False


def _refuse_sockets(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse what would leave this process; pairs of pipes and sockets of the file system are not refused."""
    address = arguments[1] if len(arguments) > 1 else None
    if event in _REFUSED and not _allowed and not isinstance(address, (str, bytes)):
        raise RuntimeError(f"{event} {address!r}: a test that needs a socket is marked `service`")


sys.addaudithook(_refuse_sockets)


@pytest.fixture(autouse=True)
def _hermetic(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    global _allowed  # noqa: PLW0603 -- an audit hook can only be told through a global
    for name in [name for name in os.environ if name.startswith(("FOOTNOTE_", "AWS_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    _allowed = request.node.get_closest_marker("service") is not None
    yield
    _allowed = False


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Whatever a command sets up of the logs ends with its test."""
    loggers = [logging.getLogger(name) for name in ("corpus", "ingest", "search", "footnote")]
    before = [(list(one.handlers), one.level, one.propagate) for one in loggers]
    yield
    for one, (handlers, level, propagate) in zip(loggers, before, strict=True):
        one.handlers[:] = handlers
        one.setLevel(level)
        one.propagate = propagate
