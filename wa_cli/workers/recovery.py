"""The work before a worker's first message, and before the first one after an outage."""

from __future__ import annotations

from typing import Protocol


class Recovery(Protocol):
    """The maintenance of each kind of worker is one. Both methods are called in a thread."""

    def check(self) -> None:
        """Raise DatabaseUnavailable during an outage."""

    def recover(self) -> None:
        """Finish what a crash or an outage has left, before anything new is done."""
