"""The ledger of completed and half completed work: the table `wa.migrations`, a row for each step.

Step 0 stands for the whole file. It is `done` when every step is. A step that could not be done without harm is
`skipped` with its reason, and tried again by the next run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

_CREATE = """
CREATE SCHEMA IF NOT EXISTS wa;
CREATE TABLE IF NOT EXISTS wa.migrations (
    version     TEXT NOT NULL,
    step        INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('running', 'done', 'skipped')),
    checksum    TEXT NOT NULL,
    note        TEXT,
    checkpoint  JSON,
    started_at  TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    finished_at TIMESTAMPTZ,
    PRIMARY KEY (version, step)
);
"""


@dataclass(frozen=True)
class Entry:
    """A row of the ledger."""

    version: str
    step: int
    state: str
    checksum: str
    note: str | None
    finished_at: datetime | None


def exists(connection: sa.Connection) -> bool:
    return connection.execute(sa.text("SELECT to_regclass('wa.migrations') IS NOT NULL")).scalar_one() is True


def creation() -> list[str]:
    """Return the statements that create the ledger if it does not exist."""
    return [part.strip().rstrip(";") for part in _CREATE.split(";\n") if part.strip()]


def create(connection: sa.Connection) -> None:
    """Create the ledger. IF NOT EXISTS does not protect against two at once: call it as the only migrator."""
    has_schema = connection.execute(sa.text("SELECT to_regnamespace('wa') IS NOT NULL")).scalar_one()
    for statement in creation()[1 if has_schema else 0 :]:  # IF NOT EXISTS needs the right to create one in any case
        connection.execute(sa.text(statement))


def done(connection: sa.Connection) -> set[str]:
    """Return the applied versions, by one SELECT, or none before the ledger exists."""
    if not exists(connection):
        return set()
    found = connection.execute(sa.text("SELECT version FROM wa.migrations WHERE step = 0 AND state = 'done'"))
    return {version for (version,) in found}


def entries(connection: sa.Connection) -> list[Entry]:
    if not exists(connection):
        return []
    found = connection.execute(
        sa.text("SELECT version, step, state, checksum, note, finished_at FROM wa.migrations ORDER BY version, step")
    )
    return [Entry(*row) for row in found]


_WRITE = sa.text(
    "INSERT INTO wa.migrations (version, step, state, checksum, note, finished_at)"
    " VALUES (:version, :step, :state, :checksum, :note,"
    "         CASE WHEN :state = 'running' THEN NULL ELSE clock_timestamp() END)"
    " ON CONFLICT (version, step) DO UPDATE SET state = excluded.state, checksum = excluded.checksum,"
    " note = excluded.note, finished_at = excluded.finished_at"
)


def write(
    connection: sa.Connection, version: str, step: int, state: str, checksum: str, note: str | None = None
) -> None:
    connection.execute(_WRITE, {"version": version, "step": step, "state": state, "checksum": checksum, "note": note})


def written(version: str, step: int, state: str, checksum: str) -> str:
    """Return the statement that `write` executes, with its values in it, for psql."""
    bound = _WRITE.bindparams(version=version, step=step, state=state, checksum=checksum, note=None)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return str(bound.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def forget(connection: sa.Connection, version: str) -> None:
    connection.execute(sa.text("DELETE FROM wa.migrations WHERE version = :version"), {"version": version})
