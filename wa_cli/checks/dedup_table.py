from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation

NAME, TITLE = "dedup_table", "Deduplication table"


def run(installation: Installation) -> Finding | None:
    """Check that the DynamoDB table exists, has the right key, and deletes old items."""
    if installation.dedup_table is None:
        return None
    found = installation.dedup_table()
    facts = {"table": found.name, "key": found.key, "ttl_attribute": found.ttl_attribute}
    if found.key != "id (S)":
        message = f"the key of {found.name} is {found.key}, but it must be id (S)"
        return Finding(Level.FAILED, message, facts=facts)
    if found.ttl_attribute != "expires_at":
        return Finding(
            Level.WARNING,
            f"{found.name} never deletes items: its TTL attribute is {found.ttl_attribute or 'not set'}",
            f"aws dynamodb update-time-to-live --table-name {found.name} --time-to-live-specification"
            " Enabled=true,AttributeName=expires_at",
            facts,
        )
    return Finding(Level.OK, f"{found.name} exists and deletes items by expires_at", facts=facts)
