from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted
from wa_cli.migrations import catalogue, ledger

NAME, TITLE = "migrations", "Migrations"


def run(installation: Installation) -> Finding:
    """Read the ledger: pending migrations, and steps that were skipped because something prevented them."""
    with installation.reading() as connection:
        entries = ledger.entries(connection)
    done = {entry.version for entry in entries if entry.step == 0 and entry.state == "done"}
    missing = [name for name in catalogue.names() if name not in done]
    skipped = [f"{entry.version}: {entry.note}" for entry in entries if entry.state == "skipped"]
    facts = {"missing": missing, "skipped": skipped}
    if missing:
        return Finding(Level.FAILED, f"{len(missing)} missing, the first is {missing[0]}", "wa migrate", facts)
    if skipped:
        message = f"{counted(len(skipped), 'step')} skipped; remove the obstacle, then run wa migrate again"
        return Finding(Level.WARNING, message, None, facts, tuple(skipped))
    return Finding(Level.OK, f"all {len(done)} are applied", facts=facts)
