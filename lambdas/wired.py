"""What the handlers of one process share: the parts, opened by the first event and kept while the process lives."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from footnote.connect import Footnote


@lru_cache(maxsize=2)
def wired(*, read_only: bool = False) -> Footnote:
    """Return everything wired as the environment says; with `read_only`, over an index that refuses to be changed."""
    from footnote.connect import connect  # noqa: PLC0415 -- here and in the handlers: a cold start imports what it needs
    from footnote.settings import Settings  # noqa: PLC0415

    return connect(Settings.from_env(), read_only=read_only)
