"""The work before a worker's first message, and before the first one after an outage."""

from __future__ import annotations

from typing import Protocol


class Recovery(Protocol):
    """The repairs of a worker before its first message and after an outage. Both methods are called in a thread."""

    def prove_writable(self) -> None:
        """Raise DatabaseUnavailable during an outage."""

    def recover(self) -> None:
        """Finish the work of a crash or an outage, before new work begins."""
