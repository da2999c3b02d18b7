"""Embeddings of OpenAI, or of any service that speaks its protocol.

Passages go out in sub-batches. The requests of one are sent side by side, its rows are yielded, and whoever reads them
keeps them before the next begins: a worker that dies loses one sub-batch at most. While requests wait, for their turn
or for a reply, empty blocks say that the work goes on.
"""

from __future__ import annotations

import base64
import logging
import math
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import numpy as np
import openai
from openai.types import CreateEmbeddingResponse

from corpus.answers import Tokens
from corpus.embedders.pace import Pace
from corpus.embedders.packing import BLANK, Ratio, Window, packed, windows
from corpus.errors import BadRequest, ConfigError, FootnoteError, Throttled, Unavailable
from corpus.model import Passage, Purpose, Space
from corpus.openai_api import KEY_HINT, Access, client, headers_of, translated

if TYPE_CHECKING:
    from openai._legacy_response import LegacyAPIResponse
    from openai.types import Embedding

    from corpus.model import Matrix, Vector

log = logging.getLogger(__name__)

DIMENSIONS = 1536
SHORTENED = "text-embedding-3"
"""Models that begin so can be asked for fewer dimensions than they have, and are told how many."""
SUB_BATCH = 256
PARALLEL = 4
PROBE = 16
"""Texts of the very first request, which finds out what is allowed and how long vectors are."""
SHARE_OF_LIMIT = 8
"""One request takes at most this part of all the tokens allowed."""
BEAT_SECONDS = 1.0
READ_SECONDS = 30.0
TOTAL_SECONDS = 60.0
RETRIES = 2
QUERY_TRIES = 2
TRIES = 8
LONGEST_WAIT = 120.0
"""A service that asks for a longer pause gets the document handed back to the queue instead."""
QUERY_WAIT = 2.0
QUERY_SECONDS = 10.0


class OpenAIEmbedder:
    """An `Embedder` over `POST /embeddings`, safe for several threads, which share its pace; to be closed."""

    def __init__(self, model: str, access: Access, clock: Callable[[], float] = time.monotonic) -> None:
        self._model = model
        self._client = client(access, READ_SECONDS, TOTAL_SECONDS, RETRIES)
        self._pace, self._ratio = Pace(clock), Ratio()
        self._proved = False

    @property
    def space(self) -> Space:
        return Space(f"openai/{self._model}", DIMENSIONS)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, Tokens]:
        spent: list[int] = []
        for start in range(0, len(passages), SUB_BATCH):
            block = passages[start : start + SUB_BATCH]
            texts = [f"{one.prefix}\n{one.body}" if one.prefix else one.body for one in block]
            pieces = [piece for row, text in enumerate(texts) for piece in windows(row, text)]
            if purpose == "query":
                vectors = [self._sent(batch, spent, threading.Event(), at_once=True) for batch in self._packed(pieces)]
            else:
                first = 0 if self._proved else PROBE
                vectors = yield from self._together(pieces[:first], spent)
                vectors += yield from self._together(pieces[first:], spent)
            yield _averaged(pieces, np.concatenate(vectors))
        return Tokens(embedded=sum(spent))

    def _packed(self, pieces: Sequence[Window]) -> list[tuple[Window, ...]]:
        return list(packed(pieces, self._ratio, self._pace.token_limit / SHARE_OF_LIMIT))

    def _together(self, pieces: Sequence[Window], spent: list[int]) -> Generator[Matrix, None, list[Matrix]]:
        """Send requests side by side and return their vectors; yields an empty block every second meanwhile.

        However it ends, what has not been sent is not sent, and no thread is left behind.
        """
        closing = threading.Event()
        with ThreadPoolExecutor(PARALLEL, "embed") as pool:
            futures = [pool.submit(self._sent, batch, spent, closing) for batch in self._packed(pieces)]
            try:
                pending = set(futures)
                while pending:
                    done, pending = wait(pending, BEAT_SECONDS, FIRST_COMPLETED)
                    for one in done:
                        one.result()
                    yield np.empty((0, DIMENSIONS), np.float32)
            finally:
                closing.set()
                for one in futures:
                    one.cancel()
        return [one.result() for one in futures]

    def _sent(
        self, batch: Sequence[Window], spent: list[int], closing: threading.Event, *, at_once: bool = False
    ) -> Matrix:
        """Return the vectors of one request, asked for again when the service says "not so fast"; add what it cost."""
        longest, tries = (QUERY_WAIT, QUERY_TRIES) if at_once else (LONGEST_WAIT, TRIES)
        for count in range(1, tries):
            try:
                return self._asked(batch, spent, closing, at_once=at_once)
            except Unavailable as error:
                pause = error.retry_after or (2.0 ** (count - 2) if isinstance(error, Throttled) else math.inf)
                if pause > longest:
                    raise
                log.warning("the embedding service asks for a pause", extra={"seconds": pause, "count": count})
                self._pace.pause(pause)
                closing.wait(pause if at_once else 0)
        return self._asked(batch, spent, closing, at_once=at_once)

    def _asked(self, batch: Sequence[Window], spent: list[int], closing: threading.Event, *, at_once: bool) -> Matrix:
        """Return the vectors of one request when its turn has come."""
        size = sum(one.size for one in batch)
        while (turn := self._pace.take(self._ratio.tokens(size), at_once=at_once)).wait:
            if closing.wait(min(turn.wait, BEAT_SECONDS)):
                raise Unavailable("The work was given up.")
        headers: Mapping[str, str] = {}
        heard, tokens = False, 0
        try:
            raw = self._create([one.text for one in batch], QUERY_SECONDS if at_once else READ_SECONDS)
            headers, heard = raw.headers, True
            reply: object = raw.parse()
            tokens = _spent(reply) or turn.tokens
            spent.append(tokens)
        except openai.OpenAIError as error:
            headers = headers_of(error)
            heard = bool(headers)
            raise self._reason(error) from None
        except ValueError:
            reply = None
        finally:
            self._pace.told(turn, headers, tokens, heard=heard)
        return self._rows(reply, len(batch), size)

    def _create(self, texts: list[str], read_seconds: float) -> LegacyAPIResponse[CreateEmbeddingResponse]:
        return self._client.embeddings.with_raw_response.create(
            model=self._model,
            input=texts,
            encoding_format="base64",
            dimensions=DIMENSIONS if self._model.startswith(SHORTENED) else openai.omit,
            timeout=read_seconds,
        )

    def _reason(self, error: openai.OpenAIError) -> FootnoteError:
        """What an error means. Where the service takes no text at all, the settings are to blame and not this text."""
        reason = translated(error)
        if isinstance(reason, BadRequest):
            try:
                self._create([BLANK], QUERY_SECONDS)
            except openai.OpenAIError as other:
                reason = translated(other)
                if isinstance(reason, BadRequest):
                    return ConfigError(f"The service takes no text for {self._model}.", hint=KEY_HINT)
        return reason

    def _rows(self, reply: object, count: int, size: int) -> Matrix:
        """The vectors of a reply in the order of its request, of unit length."""
        if not isinstance(reply, CreateEmbeddingResponse):
            raise Unavailable("The service's reply is no list of vectors.")
        try:
            rows = [_decoded(one) for one in sorted(reply.data, key=lambda one: one.index)]
            whole = [one.index for one in sorted(reply.data, key=lambda one: one.index)] == list(range(count))
        except (AttributeError, TypeError, ValueError):
            raise Unavailable("The service's reply is no list of vectors.") from None
        if rows and len(rows[0]) != DIMENSIONS:
            raise ConfigError(
                f"{self._model} gives vectors of {len(rows[0])} dimensions; {DIMENSIONS} were asked for.",
                hint=f"FOOTNOTE_EMBEDDER has to name a model of {DIMENSIONS} dimensions.",
            )
        if not whole or any(len(row) != DIMENSIONS for row in rows):
            raise Unavailable("The service's reply has not one vector for each text.")
        self._proved = True
        self._ratio.told(size, _spent(reply))
        log.info("texts were embedded", extra={"texts": count, "tokens": _spent(reply)})
        return _unit(np.stack(rows))


def _spent(reply: object) -> int:
    """How many tokens a reply says its request was; 0 if it does not say."""
    said = getattr(getattr(reply, "usage", None), "prompt_tokens", None)
    return said if isinstance(said, int) else 0


def _decoded(one: Embedding) -> Vector:
    """A vector from base64, as it is asked for, or from the list of numbers that some services send all the same."""
    if isinstance(one.embedding, str):
        return np.frombuffer(base64.b64decode(one.embedding), "<f4").astype(np.float32)
    return np.asarray(one.embedding, np.float32)


def _unit(rows: Matrix) -> Matrix:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise Unavailable("The service's reply holds a vector without a direction.")
    unit: Matrix = rows / lengths
    return unit


def _averaged(pieces: Sequence[Window], vectors: Matrix) -> Matrix:
    """One row a passage: the mean of its windows' vectors, by their length."""
    counts = np.bincount([one.row for one in pieces])
    if len(counts) == len(pieces):
        return vectors
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    weights = np.asarray([one.size for one in pieces], np.float32)[:, None]
    return _unit(np.add.reduceat(vectors * weights, starts, axis=0))
