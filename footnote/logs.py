"""Log lines: one event each, a constant message and its fields; never a text, a prompt, a token or an e-mail."""

from __future__ import annotations

import logging
import sys

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class Line(logging.Formatter):
    """`time LEVEL logger: message key=value …`, and a traceback where there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- logging's name
        """Return the line with the fields that the event came with."""
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        return super().formatMessage(record) + "".join(f" {name}={value}" for name, value in fields.items())


def set_up(*, verbose: bool) -> None:
    """Write what our own code logs to standard error; only doors call this."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line())
    for name in ("corpus", "ingest", "search", "footnote"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(logging.INFO if verbose else logging.ERROR)
        logger.propagate = False
