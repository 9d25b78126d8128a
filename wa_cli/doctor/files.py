from __future__ import annotations

from collections.abc import Callable

from wa_cli.media.stores import MediaStore
from wa_cli.verify.base import Check, Finding, Level


def check(place: str | None, store: Callable[[], MediaStore | None]) -> Check:
    """Where files of customers are saved: does it take one?"""

    def look() -> Finding:
        opened = store()
        if opened is None:
            return Finding(Level.SKIPPED, "WA_MEDIA is not set: Meta deletes customers' files after seven days")
        opened.probe()
        return Finding(Level.OK, f"{place} takes files", facts={"place": place})

    return Check("media", "Files", look)
