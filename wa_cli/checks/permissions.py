from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.database.engine import run as run_sql

NAME, TITLE = "permissions", "Permissions"


def run(installation: Installation) -> Finding:
    """Check that this database user has the rights of a worker."""
    with installation.reading() as connection:
        found = run_sql(connection, "verify/privileges").one()
    facts = {"user": found.username, "superuser": found.is_superuser, "missing": found.missing or []}
    if found.missing:
        return Finding(
            Level.FAILED,
            f"the user {found.username} lacks {', '.join(found.missing[:5])}",
            facts=facts,
            hint=found.given,
        )
    rights = "is a superuser, which wa does not need" if found.is_superuser else "has every right that the workers need"
    return Finding(Level.OK, f"the user {found.username} {rights}", facts=facts)
