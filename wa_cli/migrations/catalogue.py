"""The migrations there are: the files of `sql/migrations/`, so that a DBA can read them and run them with psql."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wa_cli import sqlfiles

_HEADER = re.compile(r"^--\s*(why|transaction):\s*(.*(?:\n-- (?!\w+:|squawk).*)*)$", re.MULTILINE)


@dataclass(frozen=True)
class Script:
    """One file: why it is there, whether it runs in a transaction, and its statements in order."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(".sql").removesuffix(".down")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def why(self) -> str:
        return self._headers.get("why", "")

    @cached_property
    def transactional(self) -> bool:
        return self._headers.get("transaction", "yes") == "yes"

    @cached_property
    def checksum(self) -> str:
        """Of what it does: a comment may be written better while a run is half done."""
        return hashlib.sha256("\n".join(self.statements).encode()).hexdigest()

    @cached_property
    def statements(self) -> list[str]:
        import sqlparse

        found = (sqlparse.format(part, strip_comments=True).strip() for part in sqlparse.split(self.text))
        return [statement for statement in found if statement.strip(";").strip()]

    @cached_property
    def _headers(self) -> dict[str, str]:
        return {name: " ".join(text.replace("\n--", " ").split()) for name, text in _HEADER.findall(self.text)}


@dataclass(frozen=True)
class Migration:
    """A step of the schema: a file that goes up and, beside it, one that goes down."""

    up: Script
    down: Script

    @property
    def name(self) -> str:
        return self.up.name


def names() -> list[str]:
    """The names alone, oldest first: what the check at start needs, without reading a file."""
    folder = sqlfiles.root() / "migrations"
    return sorted(path.stem for path in folder.glob("[0-9]*.sql") if not path.name.endswith(".down.sql"))


def migrations() -> list[Migration]:
    """Every migration, oldest first."""
    folder = sqlfiles.root() / "migrations"
    return [Migration(Script(folder / f"{name}.sql"), Script(folder / f"{name}.down.sql")) for name in names()]
