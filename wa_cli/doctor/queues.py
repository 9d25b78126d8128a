from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from wa_cli.queues.sqs import Arrangement
from wa_cli.verify.base import Check, Finding, Level

# SQS keeps a message for so long at most, and Meta repeats a webhook for seven days.
LONGEST_RETENTION = timedelta(days=14)
# A healthy message is received again and again while the database is away: a lower count would bury it.
FEWEST_RECEIVES = 100


def check(name: str, arrangement: Callable[[], Arrangement], lease: timedelta, longest_send: timedelta | None) -> Check:
    """An SQS queue: there, and arranged so that it neither buries healthy messages nor hands out what is in work.

    `lease` is what a worker asks for with each receive; `longest_send` what a message of it may take to be sent.
    """

    def look() -> Finding:
        found = arrangement()
        facts = {
            "visibility_timeout": found.visibility_timeout.total_seconds(),
            "retention": found.retention.total_seconds(),
            "max_receive_count": found.max_receive_count,
            "dead_letter_queue": found.dead_letter_queue,
            "fifo": found.is_fifo,
        }
        worries = list(_worries(name, found, lease, longest_send))
        kind = "FIFO" if found.is_fifo else "standard"
        said = f"{name}: a {kind} queue, kept for {found.retention.days} d"
        if worries:
            return Finding(Level.WARNING, f"{said}; {worries[0]}", _hint(found), facts, tuple(worries[1:]))
        return Finding(Level.OK, said, facts=facts)

    return Check(f"queue_{name}", f"Queue {name}", look)


def _worries(name: str, found: Arrangement, lease: timedelta, longest_send: timedelta | None) -> list[str]:
    least = max(lease, longest_send or lease)
    worries = []
    if found.max_receive_count is not None and found.max_receive_count < FEWEST_RECEIVES:
        worries.append(f"a message that was received {found.max_receive_count} times is buried, healthy or not")
    if found.dead_letter_queue and not found.dead_letter_queue_is_there:
        worries.append(f"its dead letter queue {found.dead_letter_queue} is not there")
    if found.visibility_timeout < least:
        seconds = f"{found.visibility_timeout.total_seconds():.0f} s"
        worries.append(
            f"other programs hold a message for {seconds}, less than the {least.total_seconds():.0f} s it may take"
        )
    if found.retention < LONGEST_RETENTION:
        worries.append(f"what waits longer than {found.retention.days} d is gone")
    if name == "outgoing" and not found.is_fifo:
        worries.append("a standard queue promises no order: a customer's messages may overtake each other")
    return worries


def _hint(found: Arrangement) -> str:
    return f"aws sqs set-queue-attributes --queue-url {found.url} --attributes …"


def embedded(depth: Callable[[], int]) -> Check:
    """The queue of the embedded world: a table, which the database's own checks look at."""

    def look() -> Finding:
        waiting = depth()
        return Finding(Level.OK, f"a table in the database, {waiting:,} messages wait", facts={"waiting": waiting})

    return Check("queues", "Queues", look)
