"""Proves that storage works: the checks, in the order in which they are read."""

from __future__ import annotations

from sqlalchemy.exc import NoSuchTableError

from wa_cli.errors import DatabaseDown, RowRefused
from wa_cli.storage.engine import Database
from wa_cli.verify.base import Check, Finding, Level
from wa_cli.verify.checks import (
    counts,
    direction_column,
    direction_index,
    doubts,
    files,
    model,
    recent,
    recent_incoming,
    round_trip,
    stray_statuses,
)

CHECKS: tuple[Check, ...] = (
    direction_column.check,
    counts.check,
    recent.check,
    recent_incoming.check,
    direction_index.check,
    model.check,
    round_trip.check,
    doubts.check,
    stray_statuses.check,
    files.check,
)


def look(database: Database, *more: Check) -> list[tuple[Check, Finding]]:
    """Every check, and `more`, with what it found. Raises DatabaseDown: then there is nothing to look at."""
    return [(check, _found(check, database)) for check in (*CHECKS, *more)]


def _found(check: Check, database: Database) -> Finding:
    try:
        return check.look(database)
    except DatabaseDown:
        raise
    except RowRefused as error:  # a table or column that is not there makes its check fail, not the others
        return Finding(Level.FAILED, error.message, "wa migrate")
    except NoSuchTableError as error:
        return Finding(Level.FAILED, f"there is no table {error}", "wa migrate")
