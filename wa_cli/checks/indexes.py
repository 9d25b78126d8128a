from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.index_states import RENAME, get_states
from wa_cli.checks.installation import Installation
from wa_cli.database.engine import run as run_sql
from wa_cli.migrations import catalogue

NAME, TITLE = "indexes", "Indexes"


def run(installation: Installation) -> Finding:
    """Check every index that the migrations build. A half built index is written and never read."""
    states = get_states(installation, catalogue.indexes())
    missing = [index.name for index in states if index.is_valid is None]
    half_built = [index.name for index in states if index.is_valid is False] + _half_built_search(installation)
    others = [f"{index.name} is another index with the same name: {index.other}" for index in states if index.other]
    facts = {"missing": missing, "half_built": half_built, "others": others}
    if half_built:
        message = f"half built, so PostgreSQL updates but never uses them: {', '.join(half_built)}"
        return Finding(Level.FAILED, message, "wa migrate", facts)
    if missing:
        message = f"{len(missing)} of {len(states)} are missing"
        return Finding(Level.FAILED, message, "wa migrate", facts, details=tuple(missing))
    if others:
        return Finding(Level.WARNING, "; ".join(others), None, facts, hint=RENAME)
    return Finding(Level.OK, f"all {len(states)} exist and are valid", facts=facts)


def _half_built_search(installation: Installation) -> list[str]:
    """Return search indexes that `wa migrate --search-language` began."""
    with installation.reading() as connection:
        return [row.name for row in run_sql(connection, "lookups/search_indexes") if not row.is_valid]
