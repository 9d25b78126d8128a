"""A check looks at one thing and says what it found and what to type next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from wa_cli.clock import naive_utc
from wa_cli.database.engine import Database

LONGEST_LOOK = timedelta(minutes=2)


class Level(StrEnum):
    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """What a check found. `facts` are its figures; `details` lines to show under it; `hint` what to type next."""

    level: Level
    said: str
    hint: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """`name` is stable, for --json; `title` is for people."""

    name: str
    title: str
    look: Callable[[], Finding]


@dataclass(frozen=True)
class Scene:
    """What is looked at: a database, and of what happens in it that from `since` on.

    `business_phone` is what outgoing rows have as `from_phone`.
    """

    database: Database
    since: datetime
    business_phone: str = "business"

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """A read-only transaction with time for a large table."""
        return self.database.reading(LONGEST_LOOK)

    @property
    def since_utc(self) -> datetime:
        """As the TIMESTAMP columns hold it."""
        return naive_utc(self.since)


def of(scene: Scene, name: str, title: str, look: Callable[[Scene], Finding]) -> Check:
    """The check that looks so at this scene."""
    return Check(name, title, lambda: look(scene))
