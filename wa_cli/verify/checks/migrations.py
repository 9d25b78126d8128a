from __future__ import annotations

from wa_cli.migrations import catalogue, ledger
from wa_cli.verify.base import Finding, Level, Scene


def look(scene: Scene) -> Finding:
    """What the ledger says: pending, half done, or left out because something was in the way."""
    with scene.reading() as connection:
        entries = ledger.entries(connection)
    done = {entry.version for entry in entries if entry.step == 0 and entry.state == "done"}
    missing = [name for name in catalogue.names() if name not in done]
    skipped = [f"{entry.version}: {entry.note}" for entry in entries if entry.state == "skipped"]
    facts = {"missing": missing, "skipped": skipped}
    if missing:
        return Finding(Level.FAILED, f"{len(missing)} are missing, the first is {missing[0]}", "wa migrate", facts)
    if skipped:
        said = f"{len(skipped)} steps were left out; take away what is in the way, then migrate again"
        return Finding(Level.WARNING, said, None, facts, tuple(skipped))
    return Finding(Level.OK, f"all {len(done)} are applied", facts=facts)
