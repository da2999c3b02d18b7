"""Changes waiting in SQS, with a dead-letter queue beside it.

A bucket's notifications and changes of our own lie in one queue; `read` understands both (`lambdas/events.py`). After
10 deliveries SQS itself moves a message to the dead letters; what cannot be understood this adapter moves there at
once. SQS promises at least once and no order, and that is all the pipeline needs.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlsplit

from corpus.aws import ClientError, code_of, is_aws, translated
from corpus.changes import to_json
from corpus.errors import BadRequest, ConfigError, Rejected, Unavailable
from corpus.model import Change, Delivery
from corpus.ports import LEASE_SECONDS, MAX_DELAY_SECONDS, MAX_DELIVERIES

log = logging.getLogger(__name__)

MOST_AT_ONCE = 10
LONG_POLL_SECONDS = 10
"""SQS allows 20, which is when a client gives up waiting for an answer."""
RETENTION_SECONDS = 14 * 24 * 3600
"""In both queues together, for SQS counts from the first sending. A tombstone lives longer than that."""

_MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
_GONE = {"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"}
"""What SQS says of a delivery that is finished, or was handed to another."""
_SETUP = "Run `footnote setup`, which makes what is missing."
_STATEMENT = "footnoteBucket"


class SqsQueue:
    """A `Queue` in one SQS queue, named by its URL. Safe to share between threads.

    `read` turns a message's body into changes, and raises `Rejected` with the reason where it cannot.
    """

    def __init__(
        self,
        client: Any,
        url: str,
        read: Callable[[str], Sequence[Change]],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._url = url
        self._read = read
        self._sleep = sleep
        self._dead_url = ""

    def send(self, change: Change, delay: float = 0) -> None:
        if not 0 <= delay <= MAX_DELAY_SECONDS:
            raise BadRequest(f"A delay of {delay} seconds is not between 0 and {MAX_DELAY_SECONDS}.")
        with self._translated():
            self._client.send_message(QueueUrl=self._url, MessageBody=to_json(change), DelaySeconds=math.ceil(delay))

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        polls, rest = divmod(int(wait), LONG_POLL_SECONDS)
        fraction = wait % 1  # SQS waits whole seconds only
        for seconds in [LONG_POLL_SECONDS] * polls + ([rest] if rest or not polls else []):
            if found := self._receive(limit, seconds):
                return found
        if not fraction:
            return []
        self._sleep(fraction)
        return self._receive(limit, 0)

    def _receive(self, limit: int, seconds: int) -> list[Delivery]:
        """Hand out what is there, or comes within so many seconds; messages that were cleared away do not count."""
        while True:
            with self._translated():
                answer = self._client.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=min(limit, MOST_AT_ONCE),
                    WaitTimeSeconds=seconds,
                    VisibilityTimeout=LEASE_SECONDS,
                    MessageSystemAttributeNames=["ApproximateReceiveCount"],
                )
            messages = answer.get("Messages", ())
            found = [delivery for message in messages if (delivery := self._cleared(message))]
            if found or not messages:
                return found
            seconds = 0

    def _cleared(self, message: Mapping[str, Any]) -> Delivery | None:
        """As `taken`; a message that could not be cleared away comes again, and hides none of its neighbours."""
        try:
            count = int(message["Attributes"]["ApproximateReceiveCount"])
            return self.taken(message["MessageId"], message["Body"], message["ReceiptHandle"], count)
        except (Unavailable, ConfigError) as error:
            fields = {"message_id": message["MessageId"], "error": error.code}
            log.warning("a message could not be cleared away", extra=fields)
        return None

    def taken(self, name: str, body: str, receipt: str, count: int) -> Delivery | None:
        """Return the delivery that a message is, whoever received it; None for one that is cleared away.

        One that cannot be understood goes to the dead letters; one that speaks of many changes is sent again as many.
        """
        try:
            changes = self._read(body)
        except Rejected as error:
            self._bury(name, body, receipt, error)
            return None
        if len(changes) == 1:
            return Delivery(changes[0], receipt, count)
        for change in changes:  # each fails or is done on its own from now on
            self.send(change)
        self._delete(receipt)
        return None

    def _bury(self, name: str, body: str, receipt: str, error: Rejected) -> None:
        with self._translated():
            self._client.send_message(QueueUrl=self._dead_letters_url(), MessageBody=body)
        self._delete(receipt)
        fields = {"message_id": name, "reason": error.message}
        log.error("a message went to the dead letters", extra=fields)  # no job says why: nothing else will

    def extend(self, delivery: Delivery, seconds: float) -> None:
        with self._translated(), _if_still_ours():
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=delivery.receipt, VisibilityTimeout=math.ceil(seconds)
            )

    def give_way(self, delivery: Delivery) -> None:
        self.send(delivery.change)  # SQS counts what it hands out, and forgets that only of a new message
        self._delete(delivery.receipt)

    def waiting(self) -> bool:
        """Return whether a change waits, as far as SQS knows: what came or went within seconds may not count yet."""
        name = "ApproximateNumberOfMessages"
        with self._translated():
            return int(self._attributes(self._url, name)[name]) > 0

    def done(self, delivery: Delivery) -> None:
        self._delete(delivery.receipt)

    def failed(self, delivery: Delivery, error: Exception) -> None:
        least = (error.retry_after or 0) if isinstance(error, Unavailable) else 0
        self.extend(delivery, min(MAX_DELAY_SECONDS, max(least, 2**delivery.count)))

    def dead_letters(self) -> int:
        name = "ApproximateNumberOfMessages"
        with self._translated():
            return int(self._attributes(self._dead_letters_url(), name)[name])

    def ping(self) -> None:
        policy = self._redrive_policy()
        if policy is None or int(policy["maxReceiveCount"]) < MAX_DELIVERIES:
            raise ConfigError(
                f"The queue {self._url} has no dead-letter queue for what was handed out {MAX_DELIVERIES} times.",
                hint=_SETUP,
            )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def setup(self, bucket: str = "") -> str:
        """Make the queue and its dead-letter queue where there is none, let a bucket send, and return the ARN.

        What exists keeps its own settings, except that it must deliver often enough before it gives up.
        """
        name = self._url.rpartition("/")[2]
        with self._translated():
            self._made(self._url)
            known = self._attributes(self._url, "QueueArn", "RedrivePolicy", "Policy")
            redrive = json.loads(known.get("RedrivePolicy", "{}"))
            if not redrive:
                dead = self._made(_beside(self._url, f"{name}-dead"))
                redrive = {"deadLetterTargetArn": self._attributes(dead, "QueueArn")["QueueArn"]}
            redrive["maxReceiveCount"] = max(int(redrive.get("maxReceiveCount", 0)), MAX_DELIVERIES)
            policy = known.get("Policy", "")
            if bucket:
                policy = json.dumps(_admitting(json.loads(policy or "{}"), known["QueueArn"], bucket))
            wanted = {"RedrivePolicy": json.dumps(redrive), "Policy": policy}
            self._client.set_queue_attributes(QueueUrl=self._url, Attributes=wanted)
        return str(known["QueueArn"])

    def _made(self, url: str) -> str:
        """The URL of a queue that is there now; raises `ConfigError` if it is another than was meant."""
        name = url.rpartition("/")[2]
        try:
            found = self._client.get_queue_url(QueueName=name)["QueueUrl"]
        except ClientError as error:
            if code_of(error) not in _MISSING:
                raise
            fresh = {"VisibilityTimeout": str(LEASE_SECONDS), "MessageRetentionPeriod": str(RETENTION_SECONDS)}
            found = self._client.create_queue(QueueName=name, Attributes=fresh)["QueueUrl"]
        if urlsplit(found).path != urlsplit(url).path:
            raise ConfigError(
                f"The queue {name} of these credentials is {found}, and the address names {url}.",
                hint="Check the account and the region of the credentials, or the address.",
            )
        return url

    def _dead_letters_url(self) -> str:
        if not self._dead_url:
            policy = self._redrive_policy()
            if policy is None:
                raise ConfigError(f"The queue {self._url} has no dead-letter queue.", hint=_SETUP)
            self._dead_url = _beside(self._url, str(policy["deadLetterTargetArn"]).rpartition(":")[2])
        return self._dead_url

    def _redrive_policy(self) -> dict[str, Any] | None:
        with self._translated():
            found: dict[str, Any] | None = json.loads(
                self._attributes(self._url, "RedrivePolicy").get("RedrivePolicy", "null")
            )
        return found

    def _attributes(self, url: str, *names: str) -> dict[str, str]:
        """Some of a queue's attributes; those it does not have are not there."""
        answer = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))
        return dict(answer.get("Attributes", {}))

    def _delete(self, receipt: str) -> None:
        with self._translated(), _if_still_ours():
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=receipt)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(f"The queue {self._url}")


def endpoint_of(url: str) -> str | None:
    """Return where the queue of a URL is asked: None for AWS, where the region says it.

    Raises `ConfigError` for what is no queue's URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not parts.path.strip("/"):
        raise ConfigError(
            f"{url} is not the URL of a queue.", hint="Name it as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME."
        )
    return None if is_aws(url) else f"{parts.scheme}://{parts.netloc}"


@contextmanager
def _if_still_ours() -> Iterator[None]:
    """Pass over what was finished, or handed to another, meanwhile."""
    try:
        yield
    except ClientError as error:
        if code_of(error).removeprefix("AWS.SimpleQueueService.") not in _GONE:
            raise


def _beside(url: str, name: str) -> str:
    """The URL of another queue of the same account and region."""
    return f"{url.rpartition('/')[0]}/{name}"


def _admitting(policy: Mapping[str, Any], queue_arn: str, bucket: str) -> dict[str, Any]:
    """A queue's policy, with one statement of ours: this bucket of this account may send, and no other does by it."""
    partition, account = queue_arn.split(":")[1], queue_arn.split(":")[4]
    ours = {
        "Sid": _STATEMENT,
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {
            "ArnEquals": {"aws:SourceArn": f"arn:{partition}:s3:::{bucket}"},
            "StringEquals": {"aws:SourceAccount": account},
        },
    }
    others = [one for one in policy.get("Statement", ()) if one.get("Sid") != _STATEMENT]
    return {"Version": "2012-10-17", **policy, "Statement": [*others, ours]}
