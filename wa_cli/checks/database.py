from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation

NAME, TITLE = "database", "Database"


def run(installation: Installation) -> Finding:
    """Check that the database answers."""
    installation.database.ping()
    return Finding(Level.OK, "the database answers")
