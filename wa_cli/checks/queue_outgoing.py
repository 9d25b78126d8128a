from __future__ import annotations

from wa_cli.checks import sqs_queue
from wa_cli.checks.finding import Finding
from wa_cli.checks.installation import Installation

NAME, TITLE = "queue_outgoing", "Queue outgoing"


def run(installation: Installation) -> Finding | None:
    """Check the SQS queue of messages to send."""
    longest = max(installation.queue_lease, installation.send_timeout)
    return sqs_queue.examine(installation, "outgoing", longest)
