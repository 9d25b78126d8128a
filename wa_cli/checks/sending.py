from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted

NAME, TITLE = "sending", "Sending"


def run(installation: Installation) -> Finding:
    """Fail if a business number in use is blocked or paused. One without messages and workers is a warning."""
    found = installation.numbers
    facts = {"numbers": {row["number"]: row["state"] for row in found}}
    stopped = [row for row in found if row["state"] != "open"]
    if not stopped:
        unfinished = sum(row["unfinished"] for row in found)
        message = f"no number is blocked or paused, {counted(unfinished, 'unfinished message')}"
        return Finding(Level.OK, message, facts=facts)
    message = "; ".join(
        f"{row['number']} is {row['state']}: {row['blocked_why'] or 'by hand'}; {counted(row['unfinished'], 'message')} waiting"
        for row in stopped
    )
    is_in_use = any(row["unfinished"] or row["workers"] for row in stopped)
    paused = [row["number"] for row in stopped if row["state"] == "paused"]
    command = f"wa number resume {paused[0]}" if paused else None
    return Finding(Level.FAILED if is_in_use else Level.WARNING, message, command, facts)
