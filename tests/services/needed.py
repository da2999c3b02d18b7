"""What a test says that needs a real server."""

from __future__ import annotations

import pytest

from tests.services.servers import SERVERS, Server


def up(name: str) -> Server:
    """Return the server of this name; skips the test if it does not run."""
    (server,) = (one for one in SERVERS if one.name == name)
    if not server.answers():
        pytest.skip(f"{name} does not run: make services starts it")
    return server
