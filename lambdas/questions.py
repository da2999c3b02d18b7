"""The HTTP API behind API Gateway: the same application as `footnote serve`, over an index opened for reading only.

The gateway lets everybody through: the application itself verifies every token and API key, and without an identity
provider it does not start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lambdas.wired import wired


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request."""
    return _application()(event, context)


@lru_cache(maxsize=1)
def _application() -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    from mangum import Mangum  # noqa: PLC0415

    from footnote.api.app import create_app  # noqa: PLC0415

    return Mangum(create_app(wired(read_only=True), behind_gateway=True), lifespan="off")
