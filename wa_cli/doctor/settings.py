from __future__ import annotations

from collections.abc import Sequence

from wa_cli.verify.base import Check, Finding, Level


def check(given: Sequence[str], missing: Sequence[str], wanting: Sequence[str]) -> Check:
    """`given` are production settings that are there; `missing` those without which nothing goes; `wanting` the advisable."""

    def look() -> Finding:
        facts = {"production": list(given), "missing": list(missing), "wanting": list(wanting)}
        if missing:
            return Finding(Level.FAILED, f"missing: {', '.join(missing)}", "wa config show", facts)
        if not given:
            return Finding(
                Level.OK, "nothing of production is set: database and API are this machine's own", facts=facts
            )
        if wanting:
            return Finding(Level.WARNING, f"not set: {', '.join(wanting)}", "wa config show", facts)
        return Finding(Level.OK, f"{len(given)} settings of production, none missing", facts=facts)

    return Check("settings", "Settings", look)
