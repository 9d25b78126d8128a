from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.migrations import runner

NAME, TITLE = "trial_writes", "Trial writes"


def run(installation: Installation) -> Finding:
    """Try the workers' own writes for each message type, direction and status, and roll them back."""
    result = runner.Migrator(installation.database, business=installation.business_phone).try_writes()
    facts = {
        "tried": result.tried,
        "refused": [
            {"cause": refusal.cause, "writes": list(refusal.writes), "remedy": list(refusal.remedies)}
            for refusal in result.refusals
        ],
    }
    details = (*map(str, result.refusals), *result.remarks)
    if result.refusals:
        message = f"the table refuses writes of the workers: {'; '.join(r.cause for r in result.refusals)}"
        return Finding(Level.FAILED, message, facts=facts, details=details, hint=result.remedy)
    if result.remarks:
        return Finding(Level.WARNING, result.remarks[0], facts=facts)
    if not result.tried:
        return Finding(Level.SKIPPED, "no write was tried, since the table does not exist", facts=facts)
    return Finding(Level.OK, f"{result.tried} writes were tried and rolled back", facts=facts)
