from __future__ import annotations

from collections.abc import Callable

from wa_cli.server.dedup_cache import TableShape
from wa_cli.verify.base import Check, Finding, Level


def check(shape: Callable[[], TableShape]) -> Check:
    """The DynamoDB table of marks: there, with the right key, and forgetting what is old."""

    def look() -> Finding:
        found = shape()
        facts = {"table": found.name, "key": found.key, "ttl_attribute": found.ttl_attribute}
        if found.key != "id (S)":
            said = f"the key of {found.name} is {found.key}, and must be the string id alone"
            return Finding(Level.FAILED, said, facts=facts)
        if found.ttl_attribute != "expires_at":
            return Finding(
                Level.WARNING,
                f"{found.name} forgets nothing: its TTL attribute is {found.ttl_attribute or 'not set'}",
                f"aws dynamodb update-time-to-live --table-name {found.name} --time-to-live-specification"
                " Enabled=true,AttributeName=expires_at",
                facts,
            )
        return Finding(Level.OK, f"{found.name} is there, and forgets by expires_at", facts=facts)

    return Check("dedup_table", "Dedup table", look)
