from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.checks.read_queries import read_queries
from wa_cli.errors import StatementCancelled

NAME, TITLE = "query_times", "Query times"


def run(installation: Installation) -> Finding:
    """Measure each report over its own range and one search, in the database and without the transfer of rows."""
    times: dict[str, float | None] = {}
    for query in read_queries():
        try:
            [plan] = query.explain(installation.database, analyze=True)
            times[query.name] = plan["Planning Time"] + plan["Execution Time"]
        except StatementCancelled:
            times[query.name] = None
    facts = {"queries": {name: {"ms": ms} for name, ms in times.items()}}
    details = tuple(f"{name}: {'too long' if ms is None else f'{ms:,.1f} ms'}" for name, ms in times.items())
    known = [ms for ms in times.values() if ms is not None]
    message = f"{len(known)} of {len(times)} queries measured, {sum(known):,.0f} ms in all"
    return Finding(Level.OK if len(known) == len(times) else Level.WARNING, message, facts=facts, details=details)
