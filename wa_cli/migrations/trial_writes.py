"""Tries the writes of the workers, in a transaction that is always rolled back.

Each try has a savepoint of its own, so that one refusal does not hide others. Before the migrations are applied, the
rows are written as far as the table has their columns, and afterwards by the workers' own functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql

from wa_cli.clock import now
from wa_cli.database.engine import Database, run
from wa_cli.errors import RowRefused
from wa_cli.messages.incoming import PLACEHOLDERS, StatusUpdate
from wa_cli.messages.outcomes import Accepted
from wa_cli.messages.states import MessageStatus, OutboxState
from wa_cli.migrations import refusals, trial_rows
from wa_cli.migrations.refusals import Refusal, Unexpected
from wa_cli.store import messages

Row = dict[str, Any]
# Errors that say nothing about the table: connection, cancelled, locked, shut down, disk full, read-only.
_NO_ANSWER = ("08", "40", "53", "57", "58", "25")
_LOCKED, _FOREIGN_KEY_VIOLATION = "55P03", "23503"
COMPARED = ("from_phone", "to_phone", "message_type", "content", "status")
LATE_STATUS = "status after a message was read"
TWO_AT_ONCE = "the same text twice in one second"
ROUNDING = timedelta(seconds=1)


@dataclass(frozen=True)
class Try:
    """A write to try. `operation` is insert, update or delete. `values` are needed to find the column that refuses."""

    name: str
    operation: str
    values: Row
    write: Callable[[sa.Connection], None]


@dataclass(frozen=True)
class TrialResult:
    """The number of tried writes, the causes of refusals, and remarks on conditions that a try cannot show."""

    tried: int
    refusals: tuple[Refusal, ...]
    remarks: tuple[str, ...]

    @property
    def remedy(self) -> str | None:
        """The statements after which every write passes, or None if statements alone do not suffice."""
        if not all(refusal.remedies for refusal in self.refusals):
            return None
        return " ".join(dict.fromkeys(remedy for refusal in self.refusals for remedy in refusal.remedies)) or None


def run_trials(database: Database, *, migrated: bool, business: str) -> TrialResult:
    """Try every write and roll all of them back. Nothing is tried before the table exists.

    `business` is the value of `from_phone` in outgoing rows.
    """
    with database.transaction() as connection:
        try:
            columns = {row.name for row in run(connection, "trial/columns")}
            if not columns:
                return TrialResult(0, (), ())
            employee = _employee(connection) if migrated else uuid4()
            unknown = _unknown_employee(connection, employee) if migrated else []
            known = None if unknown else employee
            tries = list(_workers_tries(known, business) if migrated else _present_tries(columns, business))
            faults = [fault for one in tries for fault in _faults(connection, one)]
            return TrialResult(
                len(tries), refusals.gathered(connection, faults), (*refusals.remarks(connection), *unknown)
            )
        finally:
            connection.rollback()


def _faults(connection: sa.Connection, one: Try) -> Iterable[refusals.Fault]:
    """Return the causes if this write is refused, else nothing."""
    savepoint = connection.begin_nested()
    try:
        one.write(connection)
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    except exc.DBAPIError as error:
        code = getattr(error.orig, "pgcode", None)
        if code is None or code[:2] in _NO_ANSWER or code == _LOCKED:
            raise
        savepoint.rollback()
        return refusals.faults(connection, one.name, one.values, error)
    except RowRefused as refusal:
        savepoint.rollback()
        return refusals.of_columns(connection, one.name, one.values) or [refusals.Fault(one.name, refusal.message)]
    except Unexpected as surprise:
        savepoint.rollback()
        return [refusals.surprise(connection, one.name, one.operation, surprise)]
    savepoint.rollback()
    return []


def _employee(connection: sa.Connection) -> UUID:
    """Return an employee that wa knows, else a new id."""
    known = connection.execute(sa.text("SELECT id FROM wa.employees ORDER BY created_at LIMIT 1")).scalar()
    return known if isinstance(known, UUID) else uuid4()


def _unknown_employee(connection: sa.Connection, employee: UUID) -> list[str]:
    """Return a remark if messages of this employee would be stored without the employee."""
    keys = [name for (name,) in run(connection, "trial/employee_keys")]
    if not keys or _keeps_employee(connection, employee):
        return []
    return [
        f"the constraint {', '.join(keys)} rejects unknown employees, so their messages are stored without the employee"
    ]


def _keeps_employee(connection: sa.Connection, employee: UUID) -> bool:
    row = trial_rows.of_employee(employee).row
    stored = sa.text("SELECT employee_id FROM whatsapp_messages WHERE message_id = :message_id")
    savepoint = connection.begin_nested()
    try:
        messages.insert(connection, [row])
        return connection.execute(stored, {"message_id": row["message_id"]}).scalar() is not None
    except RowRefused:  # for another reason, which the tries report
        return True
    except exc.DBAPIError as error:
        return getattr(error.orig, "pgcode", None) != _FOREIGN_KEY_VIOLATION
    finally:
        savepoint.rollback()


# Writes by the workers' own functions.


def _workers_tries(employee: UUID | None, business: str) -> Iterator[Try]:
    """Yield the writes of the workers. The employee is None if the business does not know one: messages are then stored
    without.
    """
    known = [trial_rows.of_employee(employee)] if employee else []
    for trial in (*trial_rows.trials(business), trial_rows.without_phone(), *known):
        yield Try(trial.name, "insert", trial.row, _inserting(trial.row))
    yield Try(TWO_AT_ONCE, "insert", {}, _inserting_two)
    yield Try("failed message with a late proof that it was sent", "delete", {"status": "failed"}, _send_after_failure)
    placeholder = {"message_type": PLACEHOLDERS[0]}
    yield Try("message in place of its placeholder", "update", placeholder, _fill_placeholder)
    for status in (MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.FAILED):
        yield Try(f"status {status}", "update", {"status": status}, _applying(status))
    yield Try(LATE_STATUS, "update", {"status": MessageStatus.READ}, _applying_late)
    yield Try("place of a saved file", "update", {"media_url": "https://example.com/1"}, _save_file)


def _inserting(row: Row) -> Callable[[sa.Connection], None]:
    def write(connection: sa.Connection) -> None:
        new = messages.insert(connection, [row])
        _expect(connection, row)
        if row["message_id"] not in new:
            raise Unexpected("the row is stored elsewhere, and a repeated message would be stored twice")

    return write


def _inserting_two(connection: sa.Connection) -> None:
    first, second = _two_at_once()
    messages.insert(connection, [first, second])
    _expect(connection, first)
    _expect(connection, second)


def _two_at_once() -> tuple[Row, Row]:
    """Yield two messages with the same text of one customer in one second."""
    message = trial_rows.incoming()
    return messages.incoming_row(message), messages.incoming_row(replace(message, wamid=trial_rows.wamid()))


def _send_after_failure(connection: sa.Connection) -> None:
    outbox_row = trial_rows.outbox_row()
    failed = trial_rows.decision_of(outbox_row, trial_rows.refused()).rows_to_store[0]
    messages.insert(connection, [failed])
    decision = trial_rows.decision_of({**outbox_row, "state": OutboxState.FAILED}, Accepted(trial_rows.wamid()))
    decision.carry_out(connection)
    if run(connection, "trial/stored", message_id=failed["message_id"]).first():
        raise Unexpected("the row still exists after it was deleted")


def _fill_placeholder(connection: sa.Connection) -> None:
    placeholder = trial_rows.incoming(PLACEHOLDERS[0])
    messages.insert_incoming(connection, [placeholder])
    message = trial_rows.incoming("text", wamid=placeholder.wamid)
    messages.insert_incoming(connection, [message])
    _expect(connection, {**messages.incoming_row(message), "timestamp": messages.utc(placeholder.sent_at)})


def _applying(status: MessageStatus) -> Callable[[sa.Connection], None]:
    def write(connection: sa.Connection) -> None:
        row = trial_rows.decision_of(trial_rows.outbox_row(), Accepted(trial_rows.wamid())).rows_to_store[0]
        messages.insert(connection, [row])
        event = StatusUpdate(row["message_id"], status, now(), "0", raw={})
        messages.insert_statuses(connection, [event])
        messages.apply_statuses(connection, [event.wamid])
        _expect(connection, {**row, "status": status})

    return write


def _applying_late(connection: sa.Connection) -> None:
    """Apply the same status twice, and then a lower one, as Meta sends them."""
    row = trial_rows.decision_of(trial_rows.outbox_row(), Accepted(trial_rows.wamid())).rows_to_store[0]
    messages.insert(connection, [row])
    for status in (MessageStatus.READ, MessageStatus.READ, MessageStatus.DELIVERED):
        at = now() - timedelta(seconds=status is MessageStatus.DELIVERED)
        event = StatusUpdate(row["message_id"], status, at, "0", raw={})
        messages.insert_statuses(connection, [event])
        messages.apply_statuses(connection, [event.wamid])
    _expect(connection, {**row, "status": MessageStatus.READ})


def _save_file(connection: sa.Connection) -> None:
    row = messages.incoming_row(trial_rows.incoming("image"))
    messages.insert(connection, [row])
    values = {"place": "https://example.com/1", "size": 1, "mime_type": "image/jpeg"}
    if run(connection, "media/saved", message_id=row["message_id"], **values).rowcount != 1:
        raise Unexpected("the row is not updated")


# The same rows, on a table that lacks some of the columns.


def _present_tries(columns: set[str], business: str) -> Iterator[Try]:
    table = sa.table("whatsapp_messages", *(sa.column(name) for name in sorted(columns)))
    for trial in trial_rows.trials(business):
        row = _present(trial.row, columns)
        yield Try(trial.name, "insert", row, _inserting_present(table, row))
    row, other = (_present(row, columns) for row in _two_at_once())
    yield Try(TWO_AT_ONCE, "insert", {}, _inserting_both_present(table, row, other))
    for status in (MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.FAILED):
        yield Try(f"status {status}", "update", {"status": status}, _updating(table, row, {"status": status.value}))
    read = {"status": MessageStatus.READ.value}
    yield Try(LATE_STATUS, "update", read, _updating(table, row, read, read))
    content = {"content": "trial"}
    yield Try("message in place of its placeholder", "update", content, _updating(table, row, content))
    yield Try("failed message with a late proof that it was sent", "delete", {}, _deleting(table, row))


def _present(row: Row, columns: set[str]) -> Row:
    """Return the values of these columns as text, which PostgreSQL reads as the column's own type."""
    values = refusals.as_text({"id": uuid4(), **row})
    return {name: value for name, value in values.items() if name in columns and value is not None}


def _inserting_present(table: sa.TableClause, row: Row) -> Callable[[sa.Connection], None]:
    def write(connection: sa.Connection) -> None:
        statement = postgresql.insert(table).values(row).on_conflict_do_nothing(index_elements=["message_id"])
        new = connection.execute(statement.returning(table.c.message_id)).all()
        _expect(connection, row)
        if not new:
            raise Unexpected("the row is stored elsewhere, and a repeated message would be stored twice")

    return write


def _inserting_both_present(table: sa.TableClause, first: Row, second: Row) -> Callable[[sa.Connection], None]:
    def write(connection: sa.Connection) -> None:
        _inserting_present(table, first)(connection)
        _inserting_present(table, second)(connection)

    return write


def _updating(table: sa.TableClause, row: Row, *changes: Row) -> Callable[[sa.Connection], None]:
    def write(connection: sa.Connection) -> None:
        connection.execute(sa.insert(table).values(row))
        for values in changes:
            connection.execute(sa.update(table).where(table.c.message_id == row["message_id"]).values(values))
        _expect(connection, {**row, **changes[-1]})

    return write


def _deleting(table: sa.TableClause, row: Row) -> Callable[[sa.Connection], None]:
    def write(connection: sa.Connection) -> None:
        connection.execute(sa.insert(table).values(row))
        connection.execute(sa.delete(table).where(table.c.message_id == row["message_id"]))
        if run(connection, "trial/stored", message_id=row["message_id"]).first():
            raise Unexpected("the row still exists after it was deleted")

    return write


def _expect(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Raise Unexpected unless the row was stored as it was written."""
    found = run(connection, "trial/stored", message_id=row["message_id"]).mappings().first()
    if found is None:
        raise Unexpected("the row does not exist after it was written")
    for name in COMPARED:
        if name in row and found[name] != row[name]:
            raise Unexpected(f"{name} is {found[name]!r} after {str(row[name])!r} was written")
    written, stored = datetime.fromisoformat(row["timestamp"]), found["timestamp"]
    if stored is None or abs(stored - written) > ROUNDING:
        raise Unexpected(f"timestamp is {stored} after {written} was written")
