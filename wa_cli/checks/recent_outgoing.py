from __future__ import annotations

from wa_cli.checks import recent_messages
from wa_cli.checks.finding import Finding
from wa_cli.checks.installation import Installation

NAME, TITLE = "recent_outgoing", "Recent outgoing"


def run(installation: Installation) -> Finding:
    """Show the newest outgoing messages."""
    return recent_messages.newest(installation, "outgoing")
