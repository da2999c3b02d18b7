"""`mcp`: offers the tools to the program that started it, over its standard input and output."""

from __future__ import annotations

import os
import signal
from typing import NoReturn

from corpus.errors import ConfigError, FootnoteError
from corpus.keys import ulid
from corpus.scope import Scope
from footnote.admission import scope_of
from footnote.connect import Footnote

STOPPED = 130
"""The exit code of whatever is stopped."""


def offer(footnote: Footnote) -> None:
    """Offer the tools until standard input ends, to the local user or whoever FOOTNOTE_API_KEY belongs to.

    Raises `ConfigError` if nobody can know who is asking, or the key is not believed.
    """
    from footnote.api.mcp_server import speak  # noqa: PLC0415 -- first say what is wrong, then wait for the protocol

    key = footnote.settings.api_key
    if footnote.settings.identity.issuer and not key:
        raise ConfigError(
            "`footnote mcp` cannot know who is asking: where people sign in, nobody is the local user.",
            hint="Make a key with POST /v1/keys, and set FOOTNOTE_API_KEY to it.",
        )

    def asker() -> Scope:
        return scope_of(footnote, f"Bearer {key}" if key else "")  # each time: a key may be taken back meanwhile

    try:
        asker()
    except FootnoteError as error:
        raise ConfigError(f"FOOTNOTE_API_KEY is of no use: {error.message}", hint=error.hint) from error
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, _stop)
    speak(footnote, asker, lambda: ulid(footnote.clock()))


def _stop(*_: object) -> NoReturn:
    """End at once: a thread that waits for input would keep the process, and what is raised here may get lost.

    Tools only read, and what they leave in the trail is written or not.
    """
    os._exit(STOPPED)
