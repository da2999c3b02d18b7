"""AWS's door: one way to make a client, and one place where AWS's errors become ours.

What an adapter understands of itself (a condition that did not hold, a key that is not there) it catches as a
`ClientError` by its `code`, inside `translated`; whatever else AWS says is sorted here by one question: would trying
again help? Credentials, region and endpoint are those of the standard `AWS_` variables and files, which boto3 reads.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from corpus.errors import ConfigError, FootnoteError, Throttled, Unavailable

__all__ = ["ClientError", "client", "code_of", "pause", "translated"]

CONNECT_SECONDS, READ_SECONDS = 5, 30
"""The longest wait for an answer is longer than SQS's longest poll, 20 seconds."""
CONNECTIONS = 32
ATTEMPTS = 3
THROTTLED_SECONDS, UNAVAILABLE_SECONDS = 2.0, 5.0
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 2.0

THROTTLING_CODES = frozenset(
    """
    BandwidthLimitExceeded KmsThrottled LimitExceededException OverLimit PriorRequestNotComplete
    ProvisionedThroughputExceeded ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled
    RequestThrottledException SlowDown ThrottledException Throttling ThrottlingError ThrottlingException
    TooManyRequests TooManyRequestsException TransactionInProgressException
    """.split()  # noqa: SIM905 -- here and below: columns of quoted strings would be harder to read
)
"""What services say who want it slower."""

TRANSIENT_CODES = frozenset(
    """
    ConditionalRequestConflict ContinuousBackupsUnavailableException InternalError InternalFailure InternalServerError
    OperationAborted QueueDeletedRecently ReplicatedWriteConflictException RequestTimeout RequestTimeoutException
    ResourceInUseException ServiceFailure ServiceUnavailable ServiceUnavailableException TableInUseException
    TemporaryRedirect
    """.split()  # noqa: SIM905
)
"""What services say that another try may mend; so does every status from 500 on."""

_SIGN_IN = "Give credentials that are valid, by AWS_PROFILE or by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
_ALLOW = "Allow it in the IAM policy of whoever runs this, and in that of the resource and its key."
_PLACE = "Check AWS_DEFAULT_REGION and the AWS_ENDPOINT_URL variables."
_MISSING = "Check its name and AWS_DEFAULT_REGION; `footnote setup` makes what is missing."
_CONFIG = "Check the AWS_ variables and ~/.aws/config."
_NAME = "Check the address in the FOOTNOTE_ variable: a plain name is expected."
_CLOCK = "Set this machine's clock right."


def _with_hint(hint: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), hint)


SETTINGS_CODES = {
    **_with_hint(
        _SIGN_IN,
        """
        AuthFailure ExpiredToken ExpiredTokenException IncompleteSignature IncompleteSignatureException
        InvalidAccessKeyId InvalidClientTokenId InvalidSecurity InvalidSignatureException InvalidToken
        MissingAuthenticationToken MissingAuthenticationTokenException NotSignedUp OptInRequired SignatureDoesNotMatch
        SubscriptionRequiredException TokenRefreshRequired UnrecognizedClientException
        """,
    ),
    **_with_hint(
        _ALLOW,
        """
        403 AccessDenied AccessDeniedException AccountProblem AllAccessDisabled AuthorizationError KmsAccessDenied
        KmsDisabled KmsInvalidKeyUsage KmsInvalidState KmsNotFound KmsOptInRequired KMS.DisabledException
        KMS.InvalidStateException KMS.NotFoundException NotAuthorized UnauthorizedAccess UnauthorizedOperation
        """,
    ),
    **_with_hint(
        _PLACE,
        "301 AuthorizationHeaderMalformed IllegalLocationConstraintException InvalidAddress PermanentRedirect",
    ),
    **_with_hint(
        _MISSING,
        """
        AWS.SimpleQueueService.NonExistentQueue NoSuchBucket QueueDoesNotExist ResourceNotFoundException
        TableNotFoundException
        """,
    ),
    **_with_hint(_NAME, "InvalidBucketName"),
    **_with_hint(_CLOCK, "RequestExpired RequestTimeTooSkewed"),
}
"""What services say of settings that are wrong, and what would mend each."""

TRANSIENT_ERRORS = frozenset(
    """
    CapacityNotAvailableError ChecksumError ConnectTimeoutError ConnectionClosedError ConnectionError
    CredentialRetrievalError EndpointConnectionError FlexibleChecksumError HTTPClientError IncompleteReadError
    MetadataRetrievalError ProxyConnectionError ReadTimeoutError ResponseStreamingError SSLError WaiterError
    """.split()  # noqa: SIM905
)
"""botocore's own exceptions that another try may mend."""

SETTINGS_ERRORS = {
    **_with_hint(
        _SIGN_IN,
        """
        LoginAuthorizationCodeError LoginError LoginInsufficientPermissions LoginRefreshRequired LoginTokenLoadError
        NoAuthTokenError NoCredentialsError PartialCredentialsError RefreshWithMFAUnsupportedError SSOError
        SSOTokenLoadError TokenRetrievalError UnauthorizedSSOTokenError UnknownCredentialError
        UnknownTokenProviderError
        """,
    ),
    **_with_hint(
        _PLACE,
        """
        BaseEndpointResolverError EndpointProviderError EndpointResolutionError EndpointVariantError
        InvalidEndpointConfigurationError InvalidEndpointDiscoveryConfigurationError InvalidRegionError NoRegionError
        ServiceNotInRegionError UnknownEndpointError UnknownEndpointResolutionBuiltInName UnknownFIPSEndpointError
        UnknownRegionError
        """,
    ),
    **_with_hint(
        _CONFIG,
        """
        ConfigNotFound ConfigParseError InfiniteLoopConfigError InvalidChecksumConfigError InvalidConfigError
        InvalidDefaultsMode InvalidIMDSEndpointError InvalidIMDSEndpointModeError InvalidMaxRetryAttemptsError
        InvalidProxiesConfigError InvalidRetryConfigurationError InvalidRetryModeError InvalidS3AddressingStyleError
        InvalidS3UsEast1RegionalEndpointConfigError InvalidSTSRegionalEndpointsConfigError MissingDependencyException
        ProfileNotFound UnknownSignatureVersionError UnsupportedSignatureVersionError
        """,
    ),
    **_with_hint(
        _NAME,
        """
        InvalidDNSNameError InvalidHostLabelError UnsupportedOutpostResourceError
        UnsupportedS3AccesspointConfigurationError UnsupportedS3ArnError UnsupportedS3ConfigurationError
        UnsupportedS3ControlArnError UnsupportedS3ControlConfigurationError
        """,
    ),
}
"""botocore's own exceptions that speak of settings, and what would mend each. All others are mistakes of ours."""


def client(
    service: str,
    *,
    endpoint: str | None = None,
    attempts: int = ATTEMPTS,
    seconds: float = READ_SECONDS,
    addressing: str = "auto",
) -> Any:
    """Return a client that many threads may share; without an endpoint, the standard variables name it.

    It tries `attempts` times in all, and waits `seconds` for an answer; `addressing` is where S3's buckets are named.
    Raises `ConfigError` when region, profile or endpoint are missing or wrong.
    """
    from boto3.session import Session  # noqa: PLC0415 -- importing either opens a socket, to learn about IPv6
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=CONNECTIONS,
        tcp_keepalive=True,
        user_agent_extra="footnote",
        signature_version="s3v4" if service == "s3" else None,  # what boto3 signs links with by itself binds no header
        s3={"addressing_style": addressing},
    )
    with translated(f"A client for {service}"):
        return Session().client(service, endpoint_url=endpoint, config=config)


def linking_client() -> Any:
    """Return a client of S3 whose links name the region's own host.

    By itself boto3 names the one of us-east-1, which sends elsewhere for new buckets of other regions, and a signed
    link does not survive that. Only AWS's own hosts take the bucket's name in front of theirs.
    """
    made = client("s3")
    return client("s3", addressing="virtual") if is_aws(made.meta.endpoint_url) else made


def credentials() -> tuple[Any, str]:
    """Return whoever the standard variables and files say that we are, and the region; for what boto3 does not sign."""
    from boto3.session import Session  # noqa: PLC0415

    with translated("Signing requests"):
        session = Session()
        found = session.get_credentials()
    if found is None:
        raise ConfigError("Signing requests needs credentials, and there are none.", hint=_SIGN_IN)
    if session.region_name is None:
        raise ConfigError("Signing requests needs a region, and there is none.", hint=_PLACE)
    return found, str(session.region_name)


def seconds_ahead(answer: Mapping[str, Any]) -> float:
    """Return how far this machine's clock is ahead of that of the service which gave this answer, to the second."""
    sent = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    return time.time() - parsedate_to_datetime(sent).timestamp() if sent else 0.0


def is_aws(url: str) -> bool:
    """Whether an address is one of AWS's own."""
    return (urlsplit(url).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".aos.aws"))


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn AWS's errors into ours: `Throttled`, `Unavailable`, or a `ConfigError` that names `what` and the fix.

    Any other error is raised as it is: only a mistake of this product can cause it.
    """
    try:
        yield
    except ClientError as error:
        found = _of_service(what, error)
        if found is None:
            raise
        raise found from error
    except BotoCoreError as error:
        found = _of_botocore(what, error)
        if found is None:
            raise
        raise found from error


def code_of(error: ClientError) -> str:
    """Return what a service calls its error; where it has no body to say so (S3's HEAD), its status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def pause(tries: int) -> None:
    """Wait before another try: twice as long each time, up to 2 seconds, and never in step with others."""
    longest = min(PAUSE_SECONDS * 2**tries, LONGEST_PAUSE_SECONDS)
    time.sleep(longest * random.uniform(0.5, 1))  # noqa: S311 -- nothing secret


def _of_service(what: str, error: ClientError) -> FootnoteError | None:
    code = code_of(error)
    metadata = error.response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    wait = _seconds(metadata.get("HTTPHeaders", {}).get("retry-after", ""))
    if code in THROTTLING_CODES or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(f"{what} is asked too often just now ({code}).", retry_after=wait or THROTTLED_SECONDS)
    if code in SETTINGS_CODES:
        said = error.response.get("Error", {}).get("Message", "")
        return ConfigError(f"{what} cannot be used ({code}): {said}", hint=SETTINGS_CODES[code])
    if code in TRANSIENT_CODES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(f"{what} cannot be used just now ({code}).", retry_after=wait or UNAVAILABLE_SECONDS)
    return None


def _of_botocore(what: str, error: BotoCoreError) -> FootnoteError | None:
    """A class that came with a later botocore counts as the nearest of its bases that is known here."""
    for name in (kind.__name__ for kind in type(error).__mro__):
        if name in TRANSIENT_ERRORS:
            return Unavailable(f"{what} cannot be reached just now: {error}", retry_after=UNAVAILABLE_SECONDS)
        if name in SETTINGS_ERRORS:
            return ConfigError(f"{what} cannot be used: {error}", hint=SETTINGS_ERRORS[name])
    return None


def _seconds(header: str) -> float:
    """A Retry-After in seconds; 0 for a date or nothing."""
    return float(header) if header.isdecimal() else 0.0
