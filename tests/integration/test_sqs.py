"""SQS over its real protocol: sizes, characters, partial failures and endpoints that do not answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.support.local_aws import LocalAws
from wa_cli.database.engine import Database
from wa_cli.errors import QueueError
from wa_cli.queues import sqs
from wa_cli.queues.base import Delivery, QueueMessage
from wa_cli.queues.sqs import SqsQueue

LEASE = timedelta(seconds=60)


def a_queue(aws: LocalAws, database: Database, *, client: Any = None, **attributes: Any) -> SqsQueue:
    return SqsQueue("outgoing", aws.queue(**attributes), client or aws.sqs, database.transaction)


def all_of(queue: SqsQueue) -> list[Delivery]:
    found: list[Delivery] = []
    while batch := queue.receive(100, LEASE):
        found += batch
    return found


class Wrapped:
    """The real client with one method replaced. `answer` gets the original method and the arguments of the call."""

    def __init__(self, client: Any, name: str, answer: Any) -> None:
        self._client = client
        setattr(self, name, lambda **asked: answer(getattr(client, name), **asked))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_a_hundred_messages_are_received_in_one_call(aws: LocalAws, database: Database) -> None:
    queue = a_queue(aws, database)
    queue.put([QueueMessage(str(number)) for number in range(105)])

    found = queue.receive(100, LEASE)
    queue.ack(found)

    assert len({delivery.body for delivery in found}) == 100
    assert (queue.depth().waiting, queue.depth().in_flight) == (5, 0)


def test_messages_are_split_into_requests_within_the_size_limit(aws: LocalAws, database: Database) -> None:
    asked: list[int] = []

    def note(call: Any, *, Entries: Sequence[Any], **named: Any) -> Any:  # noqa: N803 — boto3's own names
        asked.append(sum(len(entry["MessageBody"]) for entry in Entries))
        return call(Entries=Entries, **named)

    queue = a_queue(aws, database, client=Wrapped(aws.sqs, "send_message_batch", note))
    bodies = ["x" * (256 << 10), "small", "y" * (200 << 10), "z" * (100 << 10)]

    queue.put([QueueMessage(body) for body in bodies])

    assert sorted(asked) == sorted([256 << 10, 5 + (200 << 10), 100 << 10])
    assert sorted(delivery.body for delivery in all_of(queue)) == sorted(bodies)


def test_a_too_large_message_is_reported_and_the_others_are_queued(aws: LocalAws, database: Database) -> None:
    queue = a_queue(aws, database)

    with pytest.raises(QueueError, match="1 of 2 messages not queued"):
        queue.put([QueueMessage("x" * (2 << 20)), QueueMessage("small")])

    assert [delivery.body for delivery in all_of(queue)] == ["small"]


def test_characters_that_sqs_does_not_allow_are_replaced(aws: LocalAws, database: Database) -> None:
    queue = a_queue(aws, database)

    queue.put([QueueMessage("a\x01b\ud800c"), QueueMessage("fine \N{WINKING FACE}")])

    assert sorted(d.body for d in all_of(queue)) == ["a\ufffdb\ufffdc", "fine \N{WINKING FACE}"]


def test_only_the_failed_messages_of_a_batch_are_sent_again(aws: LocalAws, database: Database) -> None:
    tries: list[list[str]] = []

    def fail_one(call: Any, *, Entries: Sequence[Any], **named: Any) -> Any:  # noqa: N803
        tries.append([entry["MessageBody"] for entry in Entries])
        bad = [entry for entry in Entries if entry["MessageBody"] == "bad" and len(tries) < 3]
        answer = (
            call(Entries=[entry for entry in Entries if entry not in bad], **named) if len(Entries) > len(bad) else {}
        )
        failed = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in bad]
        return {**answer, "Failed": failed}

    queue = a_queue(aws, database, client=Wrapped(aws.sqs, "send_message_batch", fail_one))

    queue.put([QueueMessage("good"), QueueMessage("bad"), QueueMessage("better")])

    assert tries == [["good", "bad", "better"], ["bad"], ["bad"]]
    assert sorted(delivery.body for delivery in all_of(queue)) == ["bad", "better", "good"]


def test_messages_of_the_successful_receive_calls_are_returned_when_one_call_fails(
    aws: LocalAws, database: Database
) -> None:
    calls: list[int] = []

    def fail_sometimes(call: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise ValueError("cut")
        return call(**named)

    queue = a_queue(aws, database, client=Wrapped(aws.sqs, "receive_message", fail_sometimes))
    queue.put([QueueMessage(str(number)) for number in range(50)])

    assert len(queue.receive(50, LEASE)) == 40


def test_a_missing_queue_is_reported_in_one_sentence(aws: LocalAws, database: Database) -> None:
    queue = SqsQueue("outgoing", f"{aws.url}/000000000000/none", aws.sqs, database.transaction)

    with pytest.raises(QueueError, match=r"SQS refused: .*NonExistentQueue"):
        queue.receive(1, LEASE)


def test_an_unreachable_endpoint_is_reported_in_one_sentence(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    url = "http://127.0.0.1:9/000000000000/none"
    queue = SqsQueue("outgoing", url, sqs.connect(url), database.transaction)

    with pytest.raises(QueueError, match="SQS does not answer"):
        queue.receive(1, LEASE)


def test_the_region_comes_from_the_queue_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    client = sqs.connect("https://sqs.eu-west-1.amazonaws.com/123456789012/outgoing.fifo")

    assert (client.meta.region_name, client.meta.endpoint_url) == ("eu-west-1", "https://sqs.eu-west-1.amazonaws.com")
