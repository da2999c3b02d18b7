"""Many writes in few requests: bodies of bounded size, and the fate of every single item.

The loop is ours: the client's helpers do not retry what was throttled unless told to, and the parallel one does not
retry at all and keeps everything in memory.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

from corpus.errors import BadRequest, Throttled, Unavailable
from corpus.vectors.opensearch.client import translated

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 5 * 2**20
"""Well under the 10 MB that the smallest managed domains take."""
TRIES = 6
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 16.0


class Bulk:
    """Sends actions to one index."""

    def __init__(
        self,
        client: Any,
        index: str,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._client, self._index = client, index
        self._sleep, self._chance = sleep, chance

    def send(self, actions: Iterable[bytes]) -> None:
        """Have all actions done, each a line of a bulk body (a write: two), and return when a search should see them.

        Raises `Throttled` or `Unavailable` for what may be repeated as a whole, and `BadRequest` for an item that the
        index will never take.
        """
        groups = bodies(actions)
        group, following = next(groups, None), next(groups, None)
        if group and not following:
            self._send(group, {"refresh": "wait_for"})
            return
        while group:
            self._send(group, {})
            group, following = following, next(groups, None)
        with translated(f"The index {self._index}"):
            self._client.indices.refresh(index=self._index)  # waiting for the last group would leave out other shards

    def _send(self, actions: list[bytes], params: dict[str, str]) -> None:
        for attempt in range(TRIES):
            if attempt:
                self._sleep(pause(attempt, self._chance()))
            try:
                actions = self._refused(actions, params)
            except Throttled:
                if attempt == TRIES - 1:
                    raise
                continue
            if not actions:
                return
        raise Throttled(f"{self._index}: OpenSearch has too much to do.", retry_after=30)

    def _refused(self, actions: list[bytes], params: dict[str, str]) -> list[bytes]:
        """Send a body once; return the actions that were throttled."""
        body = b"".join(actions)
        with translated(f"The index {self._index}"):
            answer = self._client.transport.perform_request(
                "POST",
                f"/{self._index}/_bulk",
                params=params,
                body=body,
                headers={"content-type": "application/x-ndjson"},
            )
        items = [next(iter(item.values())) for item in answer["items"]]
        if len(items) != len(actions):
            raise Unavailable(f"The index {self._index} did not say what became of every item.", retry_after=5)
        throttled = []
        for action, item in zip(actions, items, strict=True):
            if item["status"] == HTTPStatus.TOO_MANY_REQUESTS:
                throttled.append(action)
            elif item["status"] >= HTTPStatus.MULTIPLE_CHOICES:
                self._fail(item)
        return throttled

    def _fail(self, item: dict[str, Any]) -> None:
        """Raise what an item's refusal means; a deletion that finds nothing is none."""
        status, kind = item["status"], item.get("error", {}).get("type", "")
        if status == HTTPStatus.NOT_FOUND and not kind:
            return
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable(f"The index {self._index} could not store a chunk ({kind}).", retry_after=5)
        raise BadRequest(f"The index {self._index} refused a chunk ({status}, {kind}).")


def bodies(actions: Iterable[bytes], limit: int = MAX_BODY_BYTES) -> Iterator[list[bytes]]:
    """Yield the actions in groups of at most `limit` bytes; one that is larger goes alone."""
    group: list[bytes] = []
    size = 0
    for action in actions:
        if group and size + len(action) > limit:
            yield group
            group, size = [], 0
        group.append(action)
        size += len(action)
    if group:
        yield group


def pause(attempt: int, chance: float) -> float:
    """Return how long to wait before an attempt: between half and all of a span that doubles, so that callers part."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (attempt - 1)) * (1 + chance) / 2
