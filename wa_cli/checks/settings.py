from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation

NAME, TITLE = "settings", "Settings"


def run(installation: Installation) -> Finding:
    """Check that no production setting is missing."""
    settings = installation.settings
    facts = {
        "production": list(settings.given),
        "missing": list(settings.missing),
        "wanting": list(settings.advisable),
    }
    if settings.missing:
        return Finding(Level.FAILED, f"missing: {', '.join(settings.missing)}", "wa config show", facts)
    if not settings.given:
        return Finding(Level.OK, "no production setting is given: everything is embedded", facts=facts)
    if settings.advisable:
        return Finding(Level.WARNING, f"not set: {', '.join(settings.advisable)}", "wa config show", facts)
    return Finding(Level.OK, f"{len(settings.given)} production settings are given, none is missing", facts=facts)
