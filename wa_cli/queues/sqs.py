"""A queue at AWS SQS, standard or FIFO.

A FIFO queue (its URL ends in `.fifo`) keeps the order of each customer: the customer is the message group. A standard
queue keeps no order. Facts from outside (AWS, SQS Developer Guide): a batch has ten messages, a request at most 256
KiB on every endpoint. A batch may fail in part with HTTP 200. A lease has at most 12 hours.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    InvalidRegionError,
    NoCredentialsError,
    PartialCredentialsError,
)

from wa_cli import aws
from wa_cli.batches import batches
from wa_cli.counted import counted
from wa_cli.errors import QueueError, QueueUnavailable
from wa_cli.queues.base import DeadLetter, Delivery, Depth, MessagesRejected, QueueMessage
from wa_cli.queues.dead_letters import DeadLetters, Transaction

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH = 10
BATCH_BYTES = 256 << 10
LARGEST = 256 << 10  # a queue may take 1 MiB by now, but need not (MaximumMessageSize)
# Error codes of a message that SQS will never take.
REFUSED = (
    "InvalidMessageContents",
    "InvalidParameterValue",
    "BatchRequestTooLong",
    "AWS.SimpleQueueService.BatchRequestTooLong",
)
LONGEST_LEASE = 43_000  # 12 hours from the receive, a moment ago
LONGEST_POLL = 20
PARALLEL = 8
PUT_TRIES = 3
HINT = "Check the queue's URL, the credentials (AWS_*), and that their policy allows this queue."
MOVING = timedelta(seconds=60)

# SQS takes the characters of XML. Any other character in a body fails its whole batch.
_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_GROUP = re.compile(r"[\x21-\x7e]{1,128}")
_REGION = re.compile(r"sqs\.([a-z0-9-]+)\.(?:vpce\.)?amazonaws\.com")

T = TypeVar("T")
Entry = dict[str, Any]


def connect(queue_url: str) -> SQSClient:
    """Return a client for the queue's own endpoint and region. Threads may share it.

    boto3 finds the credentials. AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_SQS override the URL.
    """
    address = urlsplit(queue_url)
    found = _REGION.search(address.hostname or "")
    elsewhere = os.environ.get("AWS_ENDPOINT_URL_SQS") or os.environ.get("AWS_ENDPOINT_URL")
    session = aws.session()
    with _translated():
        return session.client(
            "sqs",
            region_name=found[1] if found else session.region_name or "us-east-1",
            endpoint_url=None if elsewhere else f"{address.scheme}://{address.netloc}",
            config=Config(
                # The sum is less than the watchdog's minute.
                retries={"mode": "standard", "total_max_attempts": 2},
                connect_timeout=5,
                read_timeout=LONGEST_POLL + 5,
                max_pool_connections=PARALLEL * 2,
                tcp_keepalive=True,
            ),
        )


@dataclass(frozen=True)
class _Failure:
    """An entry that was not taken. `is_final` is True if it never will be."""

    id: str
    reason: str
    is_final: bool = False


@dataclass(frozen=True)
class Arrangement:
    """The configuration of a queue. `max_receive_count` and `dead_letter_queue` (an ARN) are of its redrive policy."""

    url: str
    is_fifo: bool
    visibility_timeout: timedelta
    retention: timedelta
    max_receive_count: int | None
    dead_letter_queue: str | None
    dead_letter_queue_is_there: bool


class SqsQueue:
    def __init__(self, name: str, url: str, client: SQSClient, transaction: Transaction) -> None:
        self.name = name
        self.url = url
        self.keeps_order = url.endswith(".fifo")
        self._client = client
        self._dead = DeadLetters(name, transaction)
        self._pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix=f"sqs-{name}")

    def put(self, messages: Sequence[QueueMessage]) -> None:
        entries = [{"Id": str(place), **self._entry(message)} for place, message in enumerate(messages)]
        refused = [_too_large(entry) for entry in entries if _size(entry) > LARGEST]
        parts = list(_batches(entry for entry in entries if _size(entry) <= LARGEST))
        failures = (self._put_in_order if self.keeps_order else self._put_at_once)(parts)
        refused += [failure for failure in failures if failure.is_final]
        retryable = [failure for failure in failures if not failure.is_final]
        what = f"{len(retryable) or len(refused)} of {counted(len(messages), 'message')} not queued in {self.url}"
        if retryable:
            raise QueueError(f"{what}: {retryable[0].reason}", hint=HINT)
        if refused:
            gone = [(messages[int(failure.id)], failure.reason) for failure in refused]
            raise MessagesRejected(f"{what}: {refused[0].reason}", gone)

    def _put_at_once(self, batches: Sequence[list[Entry]]) -> list[_Failure]:
        return [failure for failed in self._pool.map(self._put, batches) for failure in failed]

    def _put_in_order(self, batches: Sequence[list[Entry]]) -> list[_Failure]:
        """Put messages one after the other. Stop at a failure that may be repeated, so that the caller repeats the rest."""
        failures: list[_Failure] = []
        for place, batch in enumerate(batches):
            failures += self._put(batch)
            if retryable := [failure for failure in failures if not failure.is_final]:
                left = [entry for later in batches[place + 1 :] for entry in later]
                return failures + [_Failure(entry["Id"], retryable[0].reason) for entry in left]
        return failures

    def receive(self, limit: int, lease: timedelta, wait: timedelta = timedelta(0)) -> list[Delivery]:
        first = self._receive(min(limit, BATCH), lease, wait)
        if len(first) < BATCH or limit <= BATCH:
            return first
        asked = [min(BATCH, limit - start) for start in range(BATCH, limit, BATCH)]
        more = [self._pool.submit(self._receive, number, lease, timedelta(0)) for number in asked]
        # Messages of one call count, even if the others fail.
        return first + [delivery for call in more if not call.exception() for delivery in call.result()]

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        def delete(entries: list[Any]) -> Any:
            return self._client.delete_message_batch(QueueUrl=self.url, Entries=entries)

        self._each(deliveries, delete)

    def nack(self, deliveries: Sequence[Delivery], delay: timedelta = timedelta(0)) -> None:
        self._hold(deliveries, delay)

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        if self._hold([delivery], MOVING):
            self._dead.add(delivery, reason)  # before it is deleted here
            self.ack([delivery])

    def refuse(self, message: QueueMessage, reason: str) -> None:
        self._dead.refuse(message, reason)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        return self._dead.newest(limit)

    def redrive(self, limit: int) -> int:
        return self._dead.redrive(limit, self.put)

    def purge_dead(self) -> int:
        return self._dead.purge()

    def dead_count(self) -> int:
        return self._dead.count()

    def depth(self) -> Depth:
        """Return the counts, which SQS estimates. It counts messages with a delay as in flight."""
        names: list[Any] = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        with _translated():
            found: Any = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        waiting, in_flight, delayed = (int(found.get(name, 0)) for name in names)
        return Depth(waiting=waiting, in_flight=in_flight, delayed=delayed, oldest_seconds=None)

    def arrangement(self) -> Arrangement:
        """Return the configuration at AWS. Raises QueueError if the queue does not exist or may not be described."""
        with _translated():
            found = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        policy = json.loads(found.get("RedrivePolicy") or "{}")
        target = policy.get("deadLetterTargetArn")
        return Arrangement(
            url=self.url,
            is_fifo=found.get("FifoQueue") == "true",
            visibility_timeout=timedelta(seconds=int(found.get("VisibilityTimeout", 30))),
            retention=timedelta(seconds=int(found.get("MessageRetentionPeriod", 345_600))),
            max_receive_count=int(policy["maxReceiveCount"]) if "maxReceiveCount" in policy else None,
            dead_letter_queue=target,
            dead_letter_queue_is_there=target is not None and self._is_there(target),
        )

    def _is_there(self, arn: str) -> bool:
        """Return True if a queue with this ARN exists in this account and region."""
        try:
            with _translated():
                self._client.get_queue_url(QueueName=arn.rpartition(":")[2])
        except QueueError:
            return False
        return True

    def _entry(self, message: QueueMessage) -> Entry:
        entry = {"MessageBody": _UNSENDABLE.sub("\N{REPLACEMENT CHARACTER}", message.body)}
        if self.keeps_order:
            entry["MessageGroupId"] = _group(message.customer)
            # Deduplicates a repeated request. It is not made of the content, so that a redriven message counts as new.
            entry["MessageDeduplicationId"] = uuid4().hex
        return entry

    def _put(self, entries: Sequence[Entry]) -> list[_Failure]:
        """Put a batch. Return the entries that were not taken after all tries."""
        left = {entry["Id"]: entry for entry in entries}
        refused: list[_Failure] = []
        failed: list[_Failure] = []
        for _ in range(PUT_TRIES):
            failed = self._try_to_put([*left.values()])
            refused += [failure for failure in failed if failure.is_final]
            left = {failure.id: left[failure.id] for failure in failed if not failure.is_final}
            if not left:
                break
        return refused + [failure for failure in failed if not failure.is_final]

    def _try_to_put(self, entries: list[Entry]) -> list[_Failure]:
        asked: list[Any] = entries
        try:
            with _translated():
                answer = self._client.send_message_batch(QueueUrl=self.url, Entries=asked)
        except QueueError as error:
            is_final = isinstance(error.__cause__, ClientError) and _code(error.__cause__) in REFUSED
            if is_final and len(entries) > 1:  # one of them: which?
                return [failure for entry in entries for failure in self._try_to_put([entry])]
            return [_Failure(entry["Id"], error.message, is_final) for entry in entries]
        return [
            _Failure(failure["Id"], failure.get("Message", failure["Code"]), failure["Code"] in REFUSED)
            for failure in answer.get("Failed", [])
        ]

    def _receive(self, limit: int, lease: timedelta, wait: timedelta) -> list[Delivery]:
        with _translated():
            found = self._client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=limit,
                VisibilityTimeout=_seconds(lease),
                WaitTimeSeconds=min(LONGEST_POLL, math.ceil(wait.total_seconds())),
                MessageSystemAttributeNames=["ApproximateReceiveCount", "MessageGroupId"],
            ).get("Messages", [])
        return [
            Delivery(
                id=message["MessageId"],
                body=message["Body"],
                attempt=int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
                customer=message.get("Attributes", {}).get("MessageGroupId"),
                handle=message["ReceiptHandle"],
            )
            for message in found
        ]

    def _hold(self, deliveries: Sequence[Delivery], span: timedelta) -> int:
        def change(entries: list[Entry]) -> Any:
            timed: list[Any] = [{**entry, "VisibilityTimeout": _seconds(span)} for entry in entries]
            return self._client.change_message_visibility_batch(QueueUrl=self.url, Entries=timed)

        return self._each(deliveries, change)

    def _each(self, deliveries: Sequence[Delivery], call: Callable[[list[Entry]], Any]) -> int:
        """Do `call` for all, ten at a time. Return the number of successes.

        If one fails, its lease has ended or it comes again by itself.
        """

        def do(batch: Sequence[Delivery]) -> int:
            entries = [{"Id": str(place), "ReceiptHandle": held.handle} for place, held in enumerate(batch)]
            with _translated():
                return len(call(entries).get("Successful", []))

        return sum(self._pool.map(do, batches(deliveries, BATCH)))


def _size(entry: Entry) -> int:
    return len(entry["MessageBody"].encode())


def _too_large(entry: Entry) -> _Failure:
    return _Failure(
        entry["Id"], f"it is larger than {LARGEST >> 10} KiB, which not every SQS queue accepts", is_final=True
    )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield batches of at most ten that fit one request. A larger message is alone."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        length = _size(entry)
        if batch and (len(batch) == BATCH or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield batch


def _group(customer: str | None) -> str:
    """Return the message group: the customer, or a group of its own for a message without one."""
    if customer is None:
        return uuid4().hex
    return customer if _GROUP.fullmatch(customer) else hashlib.sha256(customer.encode()).hexdigest()


def _seconds(span: timedelta) -> int:
    """Return whole seconds, rounded up, since `nack` must not bring a message back early."""
    return min(LONGEST_LEASE, math.ceil(span.total_seconds()))


@contextmanager
def _translated() -> Iterator[None]:
    """Translate foreign exceptions."""
    try:
        yield
    except ClientError as error:
        refusal = error.response.get("Error", {})
        raise QueueError(
            f"SQS refused: {refusal.get('Code', 'unknown')}: {refusal.get('Message', error)}",
            hint=HINT,
        ) from error
    except (NoCredentialsError, PartialCredentialsError, InvalidRegionError) as error:
        raise QueueError(
            f"SQS cannot be used: {error}", hint="Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, or a role."
        ) from error
    except (BotoCoreError, ValueError) as error:  # boto3 raises ValueError for an invalid endpoint URL
        raise QueueUnavailable(
            f"SQS does not answer: {error}", hint="Check the queue's URL, the network and AWS_* settings."
        ) from error
