"""moto on a port of its own, whose clock is the caller's: `python -m tests.services.moto_clock` prints its address.

SQS's leases and delays run on the server's clock, and no test waits a minute. Each request says in a header what time
it is; within a request time passes by itself, a little at each look and as far as a long poll would wait, which the
answer says in the same header. The server ends when its standard input does, so it never outlives who started it.
"""

from __future__ import annotations

import itertools
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core import utils
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sqs.models import Queue
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.services.servers import CLOCK_HEADER

HEADER = "HTTP_" + CLOCK_HEADER.upper().replace("-", "_")
START = datetime(2026, 5, 28)  # noqa: DTZ001 -- moto's own times know no zone
LOOK = timedelta(microseconds=10)
_looks = itertools.count(1)
_request = threading.local()


def now() -> datetime:
    """The time of the request that this thread serves; each look is later than all before, within and between them."""
    said: datetime = getattr(_request, "now", START)
    return said + next(_looks) * LOOK


def wait_for_messages(queue: Queue, timeout: int) -> None:
    """Let the time of a long poll pass at once."""
    _request.now = getattr(_request, "now", START) + timedelta(seconds=timeout)
    _request.waited = getattr(_request, "waited", 0) + timeout


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 -- its name there
        pass


def main() -> None:
    utils.utcnow = now
    queues: Any = Queue
    queues.wait_for_messages = wait_for_messages
    moto = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        said = environ.get(HEADER)
        if said:
            _request.now = datetime.fromtimestamp(float(said), UTC).replace(tzinfo=None)
        _request.waited = 0

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, (CLOCK_HEADER, str(_request.waited))], *rest)

        return moto(environ, start)

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
