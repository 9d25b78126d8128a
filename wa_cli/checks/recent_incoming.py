from __future__ import annotations

from wa_cli.checks import recent_messages
from wa_cli.checks.finding import Finding
from wa_cli.checks.installation import Installation

NAME, TITLE = "recent_incoming", "Recent incoming"


def run(installation: Installation) -> Finding:
    """Show the newest incoming messages."""
    return recent_messages.newest(installation, "incoming")
