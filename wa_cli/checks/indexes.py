from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.database.engine import run as run_sql
from wa_cli.migrations import catalogue

NAME, TITLE = "indexes", "Indexes"


def run(installation: Installation) -> Finding:
    """Check every index that the migrations build. A half built index is written and never read."""
    names = catalogue.indexes()
    with installation.reading() as connection:
        found = {row.name: row for row in run_sql(connection, "verify/indexes", names=names)}
    missing = [name for name, index in found.items() if index.is_valid is None]
    half_built = [name for name, index in found.items() if index.is_valid is False]
    others = [
        f"{name} is another index with the same name: {index.definition}"
        for name, index in found.items()
        if index.definition and catalogue.comparable(index.definition) not in catalogue.built_definitions(name)
    ]
    facts = {"missing": missing, "half_built": half_built, "others": others}
    if half_built:
        message = f"half built, so PostgreSQL updates but never uses them: {', '.join(half_built)}"
        return Finding(Level.FAILED, message, "wa migrate", facts)
    if missing:
        return Finding(Level.FAILED, f"missing: {', '.join(missing)}", "wa migrate", facts)
    if others:
        return Finding(Level.WARNING, "; ".join(others), None, facts)
    return Finding(Level.OK, f"all {len(names)} exist and are valid", facts=facts)
