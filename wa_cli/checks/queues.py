from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted

NAME, TITLE = "queues", "Queues"


def run(installation: Installation) -> Finding | None:
    """Count the messages in the queue table. Other checks examine the database itself."""
    if installation.sqs_queue:
        return None
    waiting = sum(counted["waiting"] for counted in installation.queue_counts.values())
    return Finding(
        Level.OK, f"a table in the database, {counted(waiting, 'message')} waiting", facts={"waiting": waiting}
    )
