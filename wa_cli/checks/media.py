from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation

NAME, TITLE = "media", "Media store"


def run(installation: Installation) -> Finding:
    """Check that the media store takes a file."""
    store = installation.media_store()
    if store is None:
        return Finding(Level.SKIPPED, "WA_MEDIA is not set: Meta deletes customers' files after seven days")
    store.probe()
    place = installation.media_place
    return Finding(Level.OK, f"{place} takes files", facts={"place": place})
