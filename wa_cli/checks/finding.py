"""The result of a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """The result of a check: a level, a sentence without its full stop, and the figures behind it.

    `command` is a command that removes the fault and can be pasted. `hint` is advice in words. `details` are lines below the
    message.
    """

    level: Level
    message: str
    command: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    details: tuple[str, ...] = ()
    hint: str | None = None
