"""The connection to OpenSearch: how it signs in, what it sends, and what its errors mean to us."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import opensearchpy
import orjson
from opensearchpy import exceptions
from opensearchpy.serializer import JSONSerializer

from corpus.errors import ConfigError, FootnoteError, Throttled, Unavailable

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 30
"""A node that lacks Faiss's native library never answers a write: without this, nobody would ever know."""
CONNECTIONS = 20
RETRIES = 2
SIGN_IN = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}

TRANSIENT = {"ConnectionError", "ConnectionTimeout"}
SETTINGS = {"SSLError", "AuthenticationException", "AuthorizationException", "NotFoundError", "ImproperlyConfigured"}
BUGS = {
    "OpenSearchException",
    "SerializationError",
    "ConflictError",
    "RequestError",
    "OpenSearchDslException",
    "UnknownDslObject",
    "ValidationException",
    "IllegalOperation",
}
BY_STATUS = {"TransportError"}
"""What each exception of the client means; a test holds these against the package."""


class Orjson(JSONSerializer):
    """JSON by orjson, which writes float32 arrays as they are: a quarter of the time, and shorter."""

    def dumps(self, data: object) -> str | bytes:
        """Return JSON; what is bytes or text already stays as it is."""
        return data if isinstance(data, (str, bytes)) else encoded(data)

    def loads(self, s: str) -> object:
        """Return what JSON says."""
        return orjson.loads(s)


def encoded(value: object) -> bytes:
    """Return JSON, float32 arrays included."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def connected(address: str, sign_in: tuple[str, str] | Callable[..., Mapping[str, str]] | None = None) -> Any:
    """Return a client for an address like https://search.example:9200; opens nothing yet.

    `sign_in` is a name and a password, or a signer of AWS (`signer`), or None.
    """
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    return opensearchpy.OpenSearch(
        hosts=[{"host": parts.hostname, "port": parts.port or (443 if secure else 80), "url_prefix": parts.path}],
        http_auth=sign_in,
        use_ssl=secure,
        verify_certs=secure,
        connection_class=opensearchpy.Urllib3HttpConnection,
        serializer=Orjson(),
        pool_maxsize=CONNECTIONS,
        timeout=TIMEOUT_SECONDS,
        max_retries=RETRIES,
        retry_on_status=(502, 503, 504),
        retry_on_timeout=False,
    )


def signer(credentials: Any, region: str, address: str) -> Callable[..., Mapping[str, str]]:
    """Return what signs requests for AWS: as `aoss` for Serverless, else as `es`."""
    service = "aoss" if ".aoss." in address else "es"
    return opensearchpy.Urllib3AWSV4SignerAuth(credentials, region, service)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Say in our words what OpenSearch or the way to it refused; `what` names the index."""
    try:
        yield
    except (exceptions.OpenSearchException, exceptions.ImproperlyConfigured) as error:
        meant = meaning(error, what)
        if meant is None:  # a mistake of ours; its own text may quote a document, and goes no further
            raise RuntimeError(f"{what}: OpenSearch refused a request ({summary(error)}).") from None
        raise meant from None


def meaning(error: Exception, what: str) -> FootnoteError | None:
    """Return what an error means to us; None for a mistake in our requests."""
    name, status = type(error).__name__, status_of(error)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(f"{what}: OpenSearch has too much to do.", retry_after=5)
    if name in TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(f"{what}: OpenSearch does not answer ({summary(error)}).", retry_after=5)
    if status in SIGN_IN:
        hint = "Check FOOTNOTE_INDEX_USER and FOOTNOTE_INDEX_PASSWORD, or the role that signs the requests."
        return ConfigError(f"{what}: OpenSearch does not let this user in ({status}).", hint=hint)
    if status == HTTPStatus.NOT_FOUND:
        return ConfigError(f"{what} is not there.", hint="`footnote setup` makes it.")
    if name in SETTINGS:
        return ConfigError(f"{what}: the connection to OpenSearch cannot be used ({name}).")
    return None


def status_of(error: Exception) -> int:
    """Return the HTTP status of an error; 0 if there was no answer."""
    status = error.status_code if isinstance(error, exceptions.TransportError) else 0
    return status if isinstance(status, int) else 0


def summary(error: Exception) -> str:
    """Return what may be said of an error: its kind and its status, never its text."""
    kind = str(error.error) if isinstance(error, exceptions.TransportError) else ""
    known = kind if kind.replace("_", "").isalnum() else type(error).__name__
    return f"{status_of(error) or 'no answer'}, {known}"
