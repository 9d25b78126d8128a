"""Proves that storage works: the checks, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import NoSuchTableError

from wa_cli.database import rights
from wa_cli.errors import QueueError, RowRefused, SchemaTooOld, StatementCut
from wa_cli.verify.base import Check, Finding, Level, Scene, of
from wa_cli.verify.checks import (
    clock,
    counts,
    direction_column,
    direction_constraint,
    direction_index,
    doubts,
    files,
    indexes,
    migrations,
    model,
    orphans,
    permissions,
    plans,
    recent,
    round_trip,
    server,
    session,
    storage_rate,
    stray_statuses,
    trial_writes,
)

# undefined_table, undefined_column, undefined_function, invalid_schema_name
_NOT_THERE = ("42P01", "42703", "42883", "3F000")


def checks(scene: Scene) -> list[Check]:
    """Everything there is to look at in a database: its schema, what it stores, and the server under it."""
    return [
        of(scene, "migrations", "Migrations", migrations.look),
        of(scene, "direction_column", "Direction column", direction_column.look),
        of(scene, "direction_constraint", "Direction constraint", direction_constraint.look),
        of(scene, "direction_index", "Direction index", direction_index.look),
        of(scene, "indexes", "Indexes", indexes.look),
        of(scene, "plans", "Plans", plans.look),
        of(scene, "model", "Model", model.look),
        of(scene, "permissions", "Permissions", permissions.look),
        of(scene, "round_trip", "Write and query", round_trip.look),
        of(scene, "trial_writes", "Trial writes", trial_writes.look),
        of(scene, "counts", "Messages", counts.look),
        of(scene, "recent_outgoing", "Recent outgoing", recent.outgoing),
        of(scene, "recent_incoming", "Recent incoming", recent.incoming),
        of(scene, "storage_rate", "Storage rate", storage_rate.look),
        of(scene, "doubts", "Sends in doubt", doubts.look),
        of(scene, "stray_statuses", "Statuses without a message", stray_statuses.look),
        of(scene, "orphans", "Rows without a place", orphans.look),
        of(scene, "files", "Files", files.look),
        of(scene, "server", "Server", server.look),
        of(scene, "session", "Session settings", session.look),
        of(scene, "clock", "Clock", clock.look),
    ]


def look(wanted: Sequence[Check]) -> list[tuple[Check, Finding]]:
    """What each check found. Raises DatabaseDown: then there is nothing to look at."""
    return [(check, _found(check)) for check in wanted]


def _sqlstate(error: RowRefused) -> str | None:
    return getattr(getattr(error.__cause__, "orig", None), "pgcode", None)


def _found(check: Check) -> Finding:
    try:
        return check.look()
    except StatementCut as error:
        return Finding(Level.FAILED, error.message)
    except RowRefused as error:  # a table or column that is not there makes its check fail, not the others
        hint = "wa migrate" if _sqlstate(error) in _NOT_THERE else rights.explained(error).hint
        return Finding(Level.FAILED, error.message, hint)
    except (QueueError, SchemaTooOld) as error:
        return Finding(Level.FAILED, error.message.rstrip("."), error.hint and error.hint.removeprefix("Type: "))
    except NoSuchTableError as error:
        return Finding(Level.FAILED, f"there is no table {error}", "wa migrate")
