from __future__ import annotations

from wa_cli.database.engine import run
from wa_cli.verify.base import Finding, Level, Scene


def look(scene: Scene) -> Finding:
    """Of the messages that the API accepted since then, how many are stored. The goal is all of them."""
    with scene.reading() as connection:
        found = run(connection, "verify/storage_rate", since=scene.since).one()
    facts = {"accepted": found.accepted, "stored": found.stored}
    if not found.accepted:
        return Finding(Level.OK, "the API accepted no message since then", facts=facts)
    facts["share"] = found.stored / found.accepted
    said = f"{100 * facts['share']:.2f} %: of {found.accepted:,} messages that the API accepted {found.stored:,} are stored"
    if found.stored < found.accepted:
        return Finding(
            Level.FAILED, said, "wa spool status", facts, tuple(f"not stored: {wamid}" for wamid in found.missing)
        )
    return Finding(Level.OK, said, facts=facts)
