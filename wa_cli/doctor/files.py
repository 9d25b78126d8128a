from __future__ import annotations

from wa_cli.storage.shelves import Shelf
from wa_cli.verify.base import Check, Finding, Level


def check(place: str | None, shelf: Shelf | None) -> Check:
    """Where files of customers are saved: does it take one?"""

    def look() -> Finding:
        if shelf is None:
            return Finding(Level.SKIPPED, "WA_MEDIA is not set: Meta deletes customers' files after seven days")
        shelf.probe()
        return Finding(Level.OK, f"{place} takes files", facts={"place": place})

    return Check("media", "Files", look)
