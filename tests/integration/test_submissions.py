"""Concurrent requests to send: queued together, and each answered for itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.event_loop import in_event_loop
from tests.support.memory_queue import MemoryQueue
from wa_cli.errors import BadInput, DatabaseUnavailable, QueueError, ReferenceTaken, Unconfirmed
from wa_cli.messages.content.text import text
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.queues.base import MessagesRejected, QueueMessage
from wa_cli.server.listening import listen
from wa_cli.server.submissions import Submissions
from wa_cli.submit import Submitter


class CountingQueue(MemoryQueue):
    """A queue that counts its puts, and refuses bodies with a word."""

    def __init__(self, refused: str = "", fault: QueueError | None = None) -> None:
        super().__init__()
        self.refused = refused
        self.fault = fault
        self.puts: list[int] = []

    def put(self, messages: Sequence[QueueMessage]) -> None:
        self.puts.append(len(messages))
        if self.fault:
            raise self.fault
        bad = [message for message in messages if self.refused and self.refused in message.body]
        super().put([message for message in messages if message not in bad])
        if bad:
            raise MessagesRejected("not queued", [(message, "too large") for message in bad])


def message(words: str, to: str = "+123") -> OutgoingMessage:
    return OutgoingMessage(text(words), phone=to)


async def submit_all(submissions: Submissions, *messages: OutgoingMessage, has_key: bool = False) -> list[Any]:
    asked = (submissions.submit(one, has_key=has_key) for one in messages)
    return list(await asyncio.gather(*asked, return_exceptions=True))


def submissions_to(queue: CountingQueue, **changes: Any) -> Submissions:
    return Submissions(Submitter(queue, number="42", rate=80, waiting=lambda: 0, **changes))


@in_event_loop
async def test_concurrent_requests_share_a_put_and_get_their_own_receipts() -> None:
    queue = CountingQueue()
    messages = [message(f"text {number}") for number in range(50)]

    answers = await submit_all(submissions_to(queue), *messages)

    assert [answer["message_id"] for answer in answers] == [str(one.reference) for one in messages]
    assert sum(queue.puts) == queue.depth().waiting == 50
    assert len(queue.puts) <= 3


@in_event_loop
async def test_a_refused_message_does_not_affect_those_beside_it() -> None:
    queue = CountingQueue(refused="refuse me")
    messages = [message("one"), message(""), message("refuse me"), message("two")]

    first, empty, refused, last = await submit_all(submissions_to(queue), *messages)

    assert (first["status"], last["status"], queue.depth().waiting) == ("queued", "queued", 2)
    assert isinstance(empty, BadInput)
    assert isinstance(refused, MessagesRejected)
    assert "too large" in refused.message


@pytest.mark.parametrize(("has_key", "hint"), [(True, "the same idempotency key"), (False, "With an idempotency key")])
def test_an_outage_is_an_error_of_every_request_with_its_own_hint(has_key: bool, hint: str) -> None:
    submissions = submissions_to(CountingQueue(fault=QueueError("no answer")))

    answers = asyncio.run(submit_all(submissions, message("one"), message("two"), has_key=has_key))

    assert [type(answer) for answer in answers] == [Unconfirmed, Unconfirmed]
    assert all(hint in answer.hint for answer in answers)


@in_event_loop
async def test_a_used_key_is_refused_beside_new_ones() -> None:
    taken, new = message("taken"), message("new")
    queue = CountingQueue()
    submissions = submissions_to(
        queue, find_taken=lambda some: [one for one in some if one.reference == taken.reference]
    )

    refused, queued = await submit_all(submissions, taken, new, has_key=True)

    assert isinstance(refused, ReferenceTaken)
    assert (queued["status"], queue.depth().waiting) == ("queued", 1)


@in_event_loop
async def test_a_batch_is_looked_up_once() -> None:
    looks: list[int] = []

    def find_taken(some: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
        looks.append(len(some))
        raise DatabaseUnavailable("no answer")

    answers = await submit_all(
        submissions_to(CountingQueue(), find_taken=find_taken), *(message(f"{n}") for n in range(20)), has_key=True
    )

    assert {answer["status"] for answer in answers} == {"queued"}
    assert len(looks) <= 3


@in_event_loop
async def test_two_equal_messages_that_are_refused_get_an_error_each() -> None:
    one = message("refuse me")

    answers = await submit_all(submissions_to(CountingQueue(refused="refuse me")), one, one)

    assert [type(answer) for answer in answers] == [MessagesRejected, MessagesRejected]


@in_event_loop
async def test_an_error_of_our_own_is_answered_and_the_next_request_goes_on() -> None:
    queue = CountingQueue()
    submissions = submissions_to(queue, find_taken=lambda _: [message("x")] if 1 / 0 else [])

    [failed] = await submit_all(submissions, message("one"), has_key=True)
    [queued] = await submit_all(submissions, message("two"))

    assert isinstance(failed, ZeroDivisionError)
    assert queued["status"] == "queued"


@in_event_loop
async def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_first_packet() -> None:
    options: list[int] = []

    async def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        options.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    bound = listen("127.0.0.1", 0)
    async with await asyncio.start_server(accepted, sock=bound):
        reader, writer = await asyncio.open_connection(*bound.getsockname())
        await reader.read()
        writer.close()

    assert options
    assert all(options)
