from __future__ import annotations

from datetime import timedelta

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.clock import format_span

NAME, TITLE = "oldest", "Oldest message"


def run(installation: Installation) -> Finding:
    """Fail if a message that could be sent or stored now has waited longer than WA_QUEUE_AGE_LIMIT."""
    limit = installation.queue_age_limit
    ages = {name: counted["oldest_seconds"] for name, counted in installation.queue_counts.items()}
    known = [age for age in ages.values() if age is not None] + [row["oldest_seconds"] for row in installation.numbers]
    oldest = max(known, default=0.0)
    facts = {"oldest_seconds": ages, "limit_seconds": limit.total_seconds()}
    message = f"the oldest has waited {format_span(timedelta(seconds=oldest))}" if oldest else "no message waits"
    if oldest > limit.total_seconds():
        message = f"{message}, longer than WA_QUEUE_AGE_LIMIT ({format_span(limit)})"
        return Finding(Level.FAILED, message, facts=facts)
    return Finding(Level.OK, message, facts=facts)
