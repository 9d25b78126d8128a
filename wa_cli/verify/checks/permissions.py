from __future__ import annotations

from wa_cli.database.engine import run
from wa_cli.verify.base import Finding, Level, Scene


def look(scene: Scene) -> Finding:
    """Whether this database user may do what the workers do."""
    with scene.reading() as connection:
        found = run(connection, "verify/privileges").one()
    facts = {"user": found.username, "superuser": found.is_superuser, "missing": found.missing or []}
    if found.missing:
        return Finding(
            Level.FAILED,
            f"the user {found.username} lacks {', '.join(found.missing[:5])}",
            found.given,
            facts,
        )
    rights = "is a superuser, more than wa needs" if found.is_superuser else "may do what the workers do"
    return Finding(Level.OK, f"the user {found.username} {rights}", facts=facts)
