from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted

NAME, TITLE = "stranded_spools", "Stranded spools"


def run(installation: Installation) -> Finding:
    """Find spooled records of this machine that no worker of this installation settles."""
    found = {str(spool.folder): spool.state() for spool in installation.find_stranded_spools()}
    records = sum(state.records for state in found.values())
    facts = {"folders": {folder: state.records for folder, state in found.items()}}
    if not records:
        return Finding(Level.OK, "every spooled record of this machine belongs to this database and queue", facts=facts)
    return Finding(
        Level.FAILED,
        f"{counted(records, 'spooled record')} of another database or queue, and no worker settles them",
        "wa spool status",
        facts,
        details=tuple(
            f"{folder}: {counted(state.records, 'record')}" for folder, state in found.items() if state.records
        ),
    )
