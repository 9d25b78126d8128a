from __future__ import annotations

from wa_cli.checks import sqs_queue
from wa_cli.checks.finding import Finding
from wa_cli.checks.installation import Installation

NAME, TITLE = "queue_incoming", "Queue incoming"


def run(installation: Installation) -> Finding | None:
    """Check the SQS queue of webhooks."""
    return sqs_queue.examine(installation, "incoming", installation.queue_lease)
