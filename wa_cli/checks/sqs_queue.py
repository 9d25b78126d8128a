"""The common part of the checks of the two SQS queues."""

from __future__ import annotations

from datetime import timedelta

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.queues.sqs import Arrangement

# SQS keeps a message for 14 days at most, and Meta repeats a webhook for seven.
LONGEST_RETENTION = timedelta(days=14)
# During a database outage a healthy message is received again and again: a lower count would dead-letter it.
FEWEST_RECEIVES = 100


def examine(installation: Installation, name: str, longest: timedelta) -> Finding | None:
    """Check that the queue exists, keeps healthy messages, and hands out no message that is being worked on.

    `longest` is the time that a worker may hold a message.
    """
    if installation.sqs_queue is None:
        return None
    found = installation.sqs_queue(name)
    facts = {
        "visibility_timeout": found.visibility_timeout.total_seconds(),
        "retention": found.retention.total_seconds(),
        "max_receive_count": found.max_receive_count,
        "dead_letter_queue": found.dead_letter_queue,
        "fifo": found.is_fifo,
    }
    worries = list(_worries(name, found, longest))
    kind = "FIFO" if found.is_fifo else "standard"
    message = f"{name}: a {kind} queue, retention {found.retention.days} d"
    if worries:
        hint = f"Change them with aws sqs set-queue-attributes --queue-url {found.url} --attributes …"
        return Finding(Level.WARNING, f"{message}; {worries[0]}", None, facts, tuple(worries[1:]), hint)
    return Finding(Level.OK, message, facts=facts)


def _worries(name: str, found: Arrangement, longest: timedelta) -> list[str]:
    worries = []
    if found.max_receive_count is not None and found.max_receive_count < FEWEST_RECEIVES:
        worries.append(f"SQS dead-letters a message after {found.max_receive_count} receives, healthy or not")
    if found.dead_letter_queue and not found.dead_letter_queue_is_there:
        worries.append(f"its dead-letter queue {found.dead_letter_queue} does not exist")
    if found.visibility_timeout < longest:
        seconds = f"{found.visibility_timeout.total_seconds():.0f} s"
        worries.append(
            f"the default visibility timeout is {seconds}, less than the {longest.total_seconds():.0f} s of a worker"
        )
    if found.retention < LONGEST_RETENTION:
        worries.append(f"messages older than {found.retention.days} d are deleted")
    if name == "outgoing" and not found.is_fifo:
        worries.append("a standard queue does not keep the order of a customer's messages")
    return worries
