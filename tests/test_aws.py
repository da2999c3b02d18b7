from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import botocore.session
import pytest
from botocore import exceptions

from corpus import aws
from corpus.errors import ConfigError, FootnoteError, Throttled, Unavailable

CLASSES = {
    name: kind
    for name, kind in vars(exceptions).items()
    if inspect.isclass(kind) and issubclass(kind, Exception) and not issubclass(kind, Warning)
}
BY_CODE = {"ClientError", "EventStreamError"}
MISTAKES = set(
    """
    AliasConflictParameterError ApiVersionNotFoundError AwsChunkedWrapperError BotoCoreError DataNotFoundError
    InvalidExpressionError MD5UnavailableError MissingParametersError MissingServiceIdError OperationNotPageableError
    PaginationError ParamValidationError RangeError StubAssertionError StubResponseError UnStubbedResponseError
    UndefinedModelAttributeError UnknownClientMethodError UnknownKeyError UnknownParameterError UnknownServiceError
    UnknownServiceStyle UnseekableStreamError UnsupportedServiceProtocolsError ValidationError WaiterConfigError
    """.split()  # noqa: SIM905 -- a column of thirty quoted strings would be harder to read
)
"""botocore's exceptions that only this product can be to blame for."""

USED = {
    "dynamodb": """
        BatchGetItem CreateTable DeleteItem DescribeTable DescribeTimeToLive GetItem PutItem Query TransactWriteItems
        UpdateContinuousBackups UpdateItem UpdateTable UpdateTimeToLive
        """,
    "s3": """
        AbortMultipartUpload CompleteMultipartUpload CreateBucket CreateMultipartUpload DeleteObject
        GetBucketNotificationConfiguration GetBucketVersioning GetObject HeadBucket ListObjectsV2 ListParts
        PutBucketEncryption PutBucketLifecycleConfiguration PutBucketNotificationConfiguration PutBucketVersioning
        PutObject PutPublicAccessBlock UploadPart
        """,
    "sqs": """
        ChangeMessageVisibility CreateQueue DeleteMessage GetQueueAttributes GetQueueUrl ReceiveMessage SendMessage
        SetQueueAttributes
        """,
}
ANSWERS = set(
    """
    BucketAlreadyExists BucketAlreadyOwnedByYou ConditionalCheckFailedException EncryptionTypeMismatch
    IdempotentParameterMismatchException InvalidAttributeName InvalidAttributeValue InvalidIdFormat
    InvalidMessageContents InvalidObjectState InvalidRequest InvalidWriteOffset
    ItemCollectionSizeLimitExceededException MessageNotInflight NoSuchKey NoSuchUpload QueueNameExists
    ReceiptHandleIsInvalid TooManyParts TransactionCanceledException TransactionConflictException UnsupportedOperation
    """.split()  # noqa: SIM905
)
"""What a service answers to what it was asked: an adapter understands it where it expects it, else it is a bug."""


def refusal(code: str, status: int = 400, **headers: str) -> aws.ClientError:
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return aws.ClientError({"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": metadata}, "GetItem")


def met(error: Exception) -> Exception:
    """What becomes of an error."""
    with pytest.raises(Exception) as caught, aws.translated("The table t"):  # noqa: PT011 -- that is what is asked
        raise error
    return caught.value


def made(kind: type[Exception]) -> Exception:
    error = kind.__new__(kind)
    error.args = ("no",)
    if isinstance(error, exceptions.ClientError):
        error.response = {"Error": {"Code": "ValidationException"}}
    return error


def test_every_exception_of_botocore_has_one_meaning() -> None:
    """Each exception class of botocore is one to try again, one of the settings, or a mistake: only one of these."""
    groups = [aws.TRANSIENT_ERRORS, aws.SETTINGS_ERRORS, MISTAKES, BY_CODE]

    assert sorted(name for group in groups for name in group) == sorted(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_every_exception_becomes_what_it_means(name: str) -> None:
    """Each exception class of botocore becomes `Unavailable` or `ConfigError`, or stays the bug it is."""
    error = made(CLASSES[name])
    found = met(error)

    if name in aws.TRANSIENT_ERRORS:
        assert type(found) is Unavailable
        assert found.retry_after
    elif name in aws.SETTINGS_ERRORS:
        assert type(found) is ConfigError
        assert found.hint
    else:
        assert found is error
    assert found is error or found.__cause__ is error


def test_every_error_of_the_services_in_use_has_one_meaning() -> None:
    """Each error that the services' models name for an operation in use is sorted, and into one group only."""
    groups = [aws.THROTTLING_CODES, aws.TRANSIENT_CODES, set(aws.SETTINGS_CODES), ANSWERS]
    session = botocore.session.get_session()
    codes = {
        shape.name
        for service, operations in USED.items()
        for operation in operations.split()
        for shape in session.get_service_model(service).operation_model(operation).error_shapes
    }

    assert len(codes) > 30
    assert {code: sum(code in group for group in groups) for code in codes} == dict.fromkeys(codes, 1)
    every = [code for group in groups for code in group]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("code", sorted({*aws.THROTTLING_CODES, *aws.TRANSIENT_CODES, *aws.SETTINGS_CODES, *ANSWERS}))
def test_every_error_of_a_service_becomes_what_it_means(code: str) -> None:
    """Each code of a service becomes `Throttled`, `Unavailable` or `ConfigError`, or stays an adapter's to read."""
    error = refusal(code)
    found = met(error)

    if code in aws.THROTTLING_CODES:
        assert type(found) is Throttled
    elif code in aws.TRANSIENT_CODES:
        assert type(found) is Unavailable
    elif code in aws.SETTINGS_CODES:
        assert type(found) is ConfigError
        assert str(found) == f"The table t cannot be used ({code}): why"
        assert found.hint
    else:
        assert found is error
    if isinstance(found, Unavailable):
        assert found.retry_after


def test_botocore_and_we_agree_on_what_is_throttled() -> None:
    """Whatever botocore would slow down for is `Throttled` or `Unavailable` here."""
    from botocore.retries import standard  # noqa: PLC0415 -- private to botocore, and asked by this test only

    slow = set(standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES) - {"EC2ThrottledException"}
    again = set(standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES)

    assert slow <= aws.THROTTLING_CODES
    assert again <= aws.THROTTLING_CODES | aws.TRANSIENT_CODES


def test_a_status_speaks_where_no_code_does() -> None:
    """An unknown error of 500 or more is unavailable, 429 is throttled, and other unknown ones are bugs."""
    assert type(met(refusal("New", 502))) is Unavailable
    assert type(met(refusal("New", 429))) is Throttled
    assert type(met(refusal("New", 400))) is aws.ClientError
    assert type(met(refusal("403", 403))) is ConfigError
    assert type(met(aws.ClientError({}, "GetItem"))) is aws.ClientError


def test_the_service_says_when() -> None:
    """A Retry-After of the service is kept; a date, which no service of AWS sends, is not read."""
    found = [met(refusal("SlowDown", 503, **{"retry-after": value})) for value in ("17", "Fri, 31 Dec 2027", "")]

    assert [one.retry_after for one in found if isinstance(one, Unavailable)] == [17, 2, 2]


def test_ours_pass() -> None:
    """An error of ours, and a bug, pass through untouched."""
    for error in (FootnoteError("ours"), ValueError("bug")):
        assert met(error) is error


def test_a_later_botocore() -> None:
    """An exception class that a later botocore brings counts as the nearest base that is known."""

    class Later(exceptions.ReadTimeoutError):  # type: ignore[misc]
        pass

    assert type(met(Later(endpoint_url="http://x"))) is Unavailable


def test_without_a_region_there_is_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a region, or with a profile that is none, the error says what is missing and which variable to set."""
    nothing = {"CONFIG_FILE": "/nowhere", "SHARED_CREDENTIALS_FILE": "/nowhere", "EC2_METADATA_DISABLED": "true"}
    for name, value in nothing.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with pytest.raises(ConfigError, match="must specify a region") as caught:
        aws.client("dynamodb")
    assert "AWS_DEFAULT_REGION" in caught.value.hint
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigError, match="nobody"):
        aws.client("sqs")


class Answers(BaseHTTPRequestHandler):
    """Answers every request as its server was told to, and counts them."""

    def do_POST(self) -> None:
        server: Any = self.server
        server.asked += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"__type": "com.amazonaws.dynamodb.v20120810#' + server.code.encode() + b'", "message": "no"}'
        self.send_response(server.status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.service
@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("ProvisionedThroughputExceededException", 400, Throttled),
        ("InternalServerError", 500, Unavailable),
        ("AccessDeniedException", 400, ConfigError),
    ],
)
def test_what_is_heard_over_the_wire(
    monkeypatch: pytest.MonkeyPatch, server: Any, code: str, status: int, expected: type[Exception]
) -> None:
    """A client tries as often as it was told to, and no more, and what it heard in the end becomes ours."""
    for name, value in {"DEFAULT_REGION": "eu-west-1", "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{server.server_address[1]}")
    server.asked, server.code, server.status = 0, code, status

    for attempts in (1, 2):
        client = aws.client("dynamodb", attempts=attempts)
        with pytest.raises(expected), aws.translated("The table t"):
            client.describe_table(TableName="t")
        client.close()

    assert server.asked == (2 if expected is ConfigError else 3)
    server.shutdown()
    server.server_close()
    client = aws.client("dynamodb", attempts=1)
    with pytest.raises(Unavailable, match="Could not connect"), aws.translated("The table t"):
        client.describe_table(TableName="t")
    client.close()


def test_the_clock() -> None:
    """How far this machine's clock is ahead is read off the date of an answer."""
    late = {"ResponseMetadata": {"HTTPHeaders": {"date": formatdate(time.time() - 100, usegmt=True)}}}

    assert 99 <= aws.seconds_ahead(late) <= 102
    assert aws.seconds_ahead({"ResponseMetadata": {"HTTPHeaders": {}}}) == 0
