"""The OpenAI protocol, for the adapters that speak it: one client, and its errors in our tree.

The SDK retries what a moment may mend: lost connections and 5xx, within seconds. It would also sleep through any
`Retry-After` of up to two minutes, alone and deaf. A wait like that belongs to whoever asked, who has other requests on
their way, a lease to renew and a person who may press Ctrl-C, so such replies are handed up at once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import httpx2
import openai

from corpus.errors import BadRequest, ConfigError, FootnoteError, Throttled, Unavailable

CONNECT_SECONDS = 5
SHORT_SECONDS = 5.0
"""What the SDK may wait by itself because a service asks for it."""
NO_CREDIT_SECONDS = 900.0
KEY_HINT = "OPENAI_API_KEY and OPENAI_BASE_URL say who is asked, and as whom."
_CODE = re.compile(r"[a-z][a-z0-9_]{2,40}")

STATUSES: Mapping[int, type[FootnoteError]] = {408: Unavailable, 413: BadRequest, 425: Unavailable}
"""What a status means that the SDK has no class for; of the others, those under 500 are the settings' fault."""
KINDS: Mapping[type[Exception], type[FootnoteError]] = {
    openai.AuthenticationError: ConfigError,
    openai.PermissionDeniedError: ConfigError,
    openai.NotFoundError: ConfigError,  # the model, or the base URL
    openai.RateLimitError: Throttled,
    openai.BadRequestError: BadRequest,
    openai.UnprocessableEntityError: BadRequest,
    openai.LengthFinishReasonError: BadRequest,
    openai.ContentFilterFinishReasonError: BadRequest,
    openai.ConflictError: Unavailable,
    openai.InternalServerError: Unavailable,
    openai.APIConnectionError: Unavailable,
    openai.APIResponseValidationError: Unavailable,
    openai.APIStatusError: Unavailable,
    openai.APIError: Unavailable,
    openai.OpenAIError: ConfigError,  # a client that cannot be made; credentials of other kinds
}
"""What each of the SDK's errors is to us; an error is looked up by its class, then by what it derives from."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who is asked and as whom; the key is never shown."""

    url: str
    key: str = field(default="", repr=False)


def client(access: Access, read_seconds: float, total_seconds: float, retries: int) -> openai.OpenAI:
    """Return a client that waits `read_seconds` for each next byte and reads a reply for `total_seconds` at most.

    It takes nothing of its own from the environment but the machine's proxies and certificates.
    """
    timeout = openai.Timeout(read_seconds, connect=CONNECT_SECONDS)

    def received(response: httpx2.Response) -> None:
        if response.status_code == httpx2.codes.TOO_MANY_REQUESTS or (wait_of(response.headers) or 0) > SHORT_SECONDS:
            response.headers["x-should-retry"] = "false"
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Within(response.stream, time.monotonic() + total_seconds)

    http = httpx2.Client(timeout=timeout, event_hooks={"response": [received]}, follow_redirects=True)
    try:
        made = openai.OpenAI(
            api_key=access.key or "none",
            admin_api_key="",
            organization="",
            project="",
            webhook_secret="",
            base_url=access.url,
            max_retries=retries,
            timeout=timeout,
            http_client=http,
        )
    except httpx2.InvalidURL:
        raise ConfigError("OPENAI_BASE_URL is no address.", hint=KEY_HINT) from None
    made.organization = made.project = None  # "" kept them from being looked up, and would be sent
    return made


class _Within(httpx2.SyncByteStream):
    """A reply that ends in time, even if it is kept alive by bytes that say nothing."""

    def __init__(self, inner: httpx2.SyncByteStream, until: float) -> None:
        self._inner, self._until = inner, until

    def __iter__(self) -> Iterator[bytes]:
        for part in self._inner:
            if time.monotonic() > self._until:
                raise httpx2.ReadTimeout("The reply took too long.")
            yield part

    def close(self) -> None:
        self._inner.close()


def translated(error: Exception) -> FootnoteError:
    """Return what one of the SDK's errors means to us.

    To be raised `from None`: what the service wrote may hold the text that was sent, or the key, and must not reach a
    log by way of a traceback. Of its reply only the status and a code that looks like one are told.
    """
    kind = next(KINDS[base] for base in type(error).__mro__ if base in KINDS)
    status, code = getattr(error, "status_code", None), getattr(error, "code", None) or ""
    if type(error) is openai.APIStatusError and error.status_code < httpx2.codes.INTERNAL_SERVER_ERROR:
        kind = STATUSES.get(error.status_code, ConfigError)
    said = f"status {status}" if status else type(error).__name__
    said += f", {code}" if _CODE.fullmatch(str(code)) else ""
    if issubclass(kind, Throttled):
        if code == "insufficient_quota":
            return Throttled(
                f"The account has no credit left ({said}).",
                hint="Add credit to the account of OPENAI_API_KEY.",
                retry_after=NO_CREDIT_SECONDS,
            )
        return Throttled(f"The service said: not so fast ({said}).", retry_after=wait_of(headers_of(error)))
    if issubclass(kind, Unavailable):
        return Unavailable(f"The service did not answer as it should ({said}).", retry_after=wait_of(headers_of(error)))
    if issubclass(kind, BadRequest):
        return BadRequest(f"The service does not take this text ({said}).")
    return ConfigError(f"The service does not take this key, address or model ({said}).", hint=KEY_HINT)


def headers_of(error: Exception) -> Mapping[str, str]:
    """Return the headers of the reply that an error came with; none if there was no reply."""
    response = getattr(error, "response", None)
    return response.headers if isinstance(response, httpx2.Response) else {}


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a service asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date."""
    with suppress(ValueError):
        return max(0.0, float(headers["retry-after-ms"]) / 1000) if "retry-after-ms" in headers else _seconds(headers)
    return None


def _seconds(headers: Mapping[str, str]) -> float | None:
    asked = headers.get("retry-after", "")
    if not asked:
        return None
    if re.fullmatch(r"\d+(?:\.\d+)?", asked):
        return float(asked)
    return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
