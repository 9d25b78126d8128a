from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.index_states import RENAME, get_states
from wa_cli.checks.installation import Installation

NAME, TITLE = "direction_index", "Direction index"

INDEX = "idx_messages_direction"


def run(installation: Installation) -> Finding:
    [index] = get_states(installation, [INDEX])
    if index.is_valid is None:
        return Finding(Level.FAILED, f"the index {INDEX} is missing", "wa migrate")
    if not index.is_valid:
        return Finding(Level.FAILED, f"the index {INDEX} is half built and not used", "wa migrate")
    if index.other:
        return Finding(Level.FAILED, f"{INDEX} is another index: {index.other}", hint=RENAME)
    return Finding(Level.OK, f"{INDEX} exists and is valid")
