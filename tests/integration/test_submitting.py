"""A message is queued once, even if the answer of the queue is lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.integration.conftest import Bench
from tests.integration.test_recording import Desk, desk
from tests.support.memory_queue import MemoryQueue
from wa_cli.errors import QueueError, ReferenceTaken, Unconfirmed
from wa_cli.messages.content.text import text
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.messages.states import SentBy
from wa_cli.queues.base import QueueMessage
from wa_cli.submit import Submitter, reference_of

__all__ = ["desk"]


def message(words: str = "hi", to: str = "+123", **changes: Any) -> OutgoingMessage:
    return OutgoingMessage(text(words), phone=to, **changes)


class SilentQueue(MemoryQueue):
    """A queue that takes every message but loses its answer."""

    def put(self, letters: Sequence[QueueMessage]) -> None:
        super().put(letters)
        raise QueueError("no answer")


def test_a_message_is_queued_although_the_number_of_waiting_messages_is_unavailable() -> None:
    def unavailable() -> int:
        raise QueueError("no GetQueueAttributes")

    queue = MemoryQueue()
    submitter = Submitter(queue, number="42", rate=1, waiting=unavailable)

    [answer] = submitter.submit([message()])

    assert (answer["status"], queue.depth().waiting) == ("queued", 1)


@pytest.mark.parametrize(
    ("waiting", "text"),
    [
        (0, "less than 1 minute"),
        (58, "less than 1 minute"),
        (59, "1-5 minutes"),
        (3599, "1-6 hours"),
        (10**6, "more than 6 hours"),
    ],
)
def test_the_processing_time_is_estimated_in_words_or_in_seconds(waiting: int, text: str) -> None:
    for in_seconds, estimate in ((False, text), (True, waiting + 2.0)):
        submitter = Submitter(MemoryQueue(), number="42", rate=1, waiting=lambda: waiting, in_seconds=in_seconds)

        [answer] = submitter.submit([message()])

        assert answer["estimated_processing_time"] == estimate


def test_a_lost_answer_is_reported_as_unconfirmed() -> None:
    submitter = Submitter(SilentQueue(), number="42", rate=1, waiting=lambda: 0)

    with pytest.raises(Unconfirmed, match="not known whether"):
        submitter.submit([message()])


def test_an_idempotency_key_gives_one_message_for_each_caller(desk: Desk) -> None:
    queue = desk.outgoing_queue
    submitter = Submitter(queue, number="42", rate=1, waiting=lambda: 0, find_taken=desk.bench.outbox.find_taken)
    reference = reference_of("order-7", "ana")
    assert reference != reference_of("order-7", "ben")
    for _ in range(2):
        [answer] = submitter.submit([message(reference=reference)], has_key=True)
        assert answer["message_id"] == str(reference)
        desk.outgoing.run_once()

    assert (desk.bench.states(), queue.dead_count()) == ({"queued": 1}, 0)
    with pytest.raises(ReferenceTaken):
        submitter.submit([message("another", reference=reference)], has_key=True)


@pytest.mark.parametrize("changed", [{"to": "+124"}, {"words": "another"}, {"phone_number_id": "43"}])
@pytest.mark.parametrize("together", [True, False])
def test_a_used_reference_with_another_message_is_a_dead_letter(
    desk: Desk, changed: dict[str, str], together: bool
) -> None:
    first = message()
    second = message(**changed, reference=first.reference)
    for bodies in [[first, second]] if together else [[first], [second]]:
        desk.outgoing_queue.put([QueueMessage(one.to_body()) for one in bodies])
        desk.outgoing.run_once()

    assert desk.bench.states() == {"queued": 1}
    [letter] = desk.outgoing_queue.dead_letters(5)
    assert "used before" in letter.reason
    assert letter.body == second.to_body()


def test_a_redelivered_message_is_not_a_dead_letter(desk: Desk) -> None:
    body = message().to_body()
    for _ in range(2):
        desk.outgoing_queue.put([QueueMessage(body), QueueMessage(body)])
        desk.outgoing.run_once()

    assert (desk.bench.states(), desk.outgoing_queue.dead_count()) == ({"queued": 1}, 0)


@pytest.mark.parametrize(
    ("metadata", "sent_by"),
    [
        ({}, "human"),
        ({"campaign": "spring"}, "campaign"),
        ({"sent_by": "automatic"}, "automatic"),
        ({"sent_by": "human", "campaign": "spring"}, "human"),
        ({"sent_by": ["strange"]}, "automatic"),
    ],
)
def test_a_queue_body_sets_the_kind_of_sender(bench: Bench, metadata: dict[str, Any], sent_by: str) -> None:
    body = json.dumps({"phone_number": "+123", "message_data": text("hi"), "metadata": metadata})

    bench.record([OutgoingMessage.from_body(body, queue_id="1")])

    [row] = bench.sql("SELECT sent_by FROM wa.outbox")
    assert row["sent_by"] == SentBy(sent_by)
