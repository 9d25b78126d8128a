"""The indexes that the migrations build, as a database has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wa_cli.checks.installation import Installation
from wa_cli.database.engine import run as run_sql
from wa_cli.migrations import catalogue

RENAME = "Rename the other index, then run wa migrate."


@dataclass(frozen=True)
class IndexState:
    """An index of this name: `is_valid` is None if it is missing, `other` its definition if it is not that of wa."""

    name: str
    is_valid: bool | None
    other: str | None


def get_states(installation: Installation, names: Sequence[str]) -> list[IndexState]:
    with installation.reading() as connection:
        found = run_sql(connection, "verify/indexes", names=list(names)).all()
    return [IndexState(row.name, row.is_valid, _other(row.name, row.definition)) for row in found]


def _other(name: str, definition: str | None) -> str | None:
    is_ours = definition is None or catalogue.comparable(definition) in catalogue.built_definitions(name)
    return None if is_ours else definition
