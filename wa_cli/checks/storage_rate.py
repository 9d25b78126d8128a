from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted
from wa_cli.database.engine import run as run_sql

NAME, TITLE = "storage_rate", "Storage rate"


def run(installation: Installation) -> Finding:
    """Return the stored share of the messages that the API accepted since then. The goal is 100 %."""
    with installation.reading() as connection:
        found = run_sql(connection, "verify/storage_rate", since=installation.since).one()
    facts = {"accepted": found.accepted, "stored": found.stored}
    if not found.accepted:
        return Finding(Level.OK, "the API accepted no message in this time", facts=facts)
    facts["share"] = found.stored / found.accepted
    accepted = counted(found.accepted, "accepted message")
    message = f"{100 * facts['share']:.2f} %: {found.stored:,} of {accepted} stored"
    if found.stored < found.accepted:
        return Finding(
            Level.FAILED,
            message,
            "wa report storage --details",
            facts,
            tuple(f"not stored: {wamid}" for wamid in found.missing),
        )
    return Finding(Level.OK, message, facts=facts)
