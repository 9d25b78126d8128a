from __future__ import annotations

from wa_cli.migrations import runner
from wa_cli.verify.base import Finding, Level, Scene


def look(scene: Scene) -> Finding:
    """Try what the workers write, for each message type, direction and status, and take it back."""
    outcome = runner.Migrator(scene.database, business=scene.business_phone).try_writes()
    facts = {
        "tried": outcome.tried,
        "refused": [
            {"cause": refusal.cause, "writes": list(refusal.writes), "mend": list(refusal.mends)}
            for refusal in outcome.refusals
        ],
    }
    details = (*map(str, outcome.refusals), *outcome.remarks)
    if outcome.refusals:
        said = f"the table refuses writes of the workers: {'; '.join(r.cause for r in outcome.refusals)}"
        return Finding(Level.FAILED, said, outcome.mend, facts, details)
    if outcome.remarks:
        return Finding(Level.WARNING, outcome.remarks[0], facts=facts)
    return Finding(Level.OK, f"{outcome.tried} writes of the workers pass, and were rolled back", facts=facts)
