"""The causes of refused writes: a column, constraint, trigger, rule, policy or publication, and the remedy of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from wa_cli.database.engine import rows, run

_FUNCTION = re.compile(r"^PL/\S+ function (\S+?)\(|^\S+ function \"?(\w+)", re.MULTILINE)
NOT_NULL, NO_RIGHT, NO_IDENTITY, NOT_SUPPORTED, NO_SETTING = "23502", "42501", "55000", "0A000", "42704"
# Errors of a value that its column refuses: data exceptions, a type mismatch.
_OF_VALUES = ("22", "42804")


class Unexpected(Exception):
    """The statement passed, but the row differs from what was written."""


@dataclass(frozen=True)
class Fault:
    """One refused write. `cause` is the same for everything that one object refuses. `value` was refused, and `remedy` is
    the remedy.
    """

    write: str
    cause: str
    value: str | None = None
    remedy: str | None = None


@dataclass(frozen=True)
class Refusal:
    """One cause of refused writes: `writes` are the refused ones, `remedies` the statements that remedy it."""

    cause: str
    writes: tuple[str, ...]
    remedies: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.cause} ({_some(self.writes, 4)})"


def gathered(connection: sa.Connection, faults: Iterable[Fault]) -> tuple[Refusal, ...]:
    """Return one refusal for each cause, then the policies that hide rows which no trial has written."""
    by_cause: dict[str, list[Fault]] = {}
    for fault in faults:
        by_cause.setdefault(fault.cause, []).append(fault)
    found = [
        Refusal(
            f"{cause}: {_some(values)}" if (values := _each(fault.value for fault in same)) else cause,
            _each(fault.write for fault in same),
            _each(fault.remedy for fault in same),
        )
        for cause, same in by_cause.items()
    ]
    return (*found, *_hidden(connection))


def remarks(connection: sa.Connection) -> tuple[str, ...]:
    """Return conditions that a trial cannot show, and those that need not be a fault."""
    children = [name for (name,) in run(connection, "trial/children")]
    if not children:
        return ()
    reason = "a message stored there could be stored twice, and their rows have no index of wa"
    return (f"tables inherit from whatsapp_messages ({', '.join(children)}): {reason}",)


def faults(connection: sa.Connection, write: str, values: Mapping[str, Any], error: exc.DBAPIError) -> list[Fault]:
    """Return the causes of this refused write, one for each column that refuses its value."""
    code, message = str(error.orig.pgcode), _message(error)  # type: ignore[union-attr]
    guards = run(connection, "trial/guards").all()
    if trigger := _trigger(guards, error):
        return [Fault(write, f"the trigger {trigger.name} (function {trigger.function}): {message}")]
    if code.startswith(_OF_VALUES) and (found := of_columns(connection, write, values)):
        return found
    return [Fault(write, *_cause(connection, guards, code, message, _diagnostics(error)))]


def surprise(connection: sa.Connection, write: str, operation: str, what: Unexpected) -> Fault:
    """Return the objects that may have changed or swallowed the row."""
    guards = run(connection, "trial/guards").all()
    suspects = [f"the {g.kind} {g.name}" for g in guards if g.is_before and getattr(g, f"on_{operation}")]
    return Fault(write, f"{', '.join(suspects)}: {what}" if suspects else str(what))


def as_text(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as PostgreSQL reads them for a column of any type. None stays None."""
    [values] = json.loads(rows([dict(row)]))
    return {
        name: value if value is None or isinstance(value, str) else json.dumps(value) for name, value in values.items()
    }


def _cause(
    connection: sa.Connection,
    guards: Sequence[sa.Row[Any]],
    code: str,
    message: str,
    diagnostics: Any,
) -> tuple[str, str | None, str | None]:
    """Return cause, refused value and remedy, as far as they are known."""
    table = diagnostics.table_name or "whatsapp_messages"
    if code == NOT_NULL:
        return f"the column {table}.{diagnostics.column_name} is NOT NULL and gets no value", None, None
    if code.startswith("23"):
        definition = run(connection, "trial/constraint", constraint=diagnostics.constraint_name).scalar()
        return f"the constraint {diagnostics.constraint_name}: {definition or message}", None, None
    if code == NO_IDENTITY and (publications := [name for (name,) in run(connection, "trial/publications")]):
        remedy = "ALTER TABLE whatsapp_messages REPLICA IDENTITY FULL;"
        return f"the publication {', '.join(publications)}: {message}", None, remedy
    if code == NO_RIGHT and "row-level security" in message:
        policies = ", ".join(g.name for g in guards if g.kind == "policy") or "none"
        return f"row-level security, policies {policies}: {message}", None, _bypass_rls(connection)
    if code == NO_RIGHT:
        return message, None, run(connection, "verify/privileges").one().given
    if code == NO_SETTING and (policies := ", ".join(g.name for g in guards if g.kind == "policy")):
        return f"row-level security, policies {policies}: {message}", None, _bypass_rls(connection)
    if code in (NOT_SUPPORTED, NO_IDENTITY) and (found := [g.name for g in guards if g.kind == "rule"]):
        return f"the rule {', '.join(found)}: {message}", None, None
    return message, None, None


def of_columns(connection: sa.Connection, write: str, values: Mapping[str, Any]) -> list[Fault]:
    """Write each value to its column alone, and return the columns that refuse theirs."""
    columns = {row.name: row for row in run(connection, "trial/columns")}
    return [
        Fault(
            write,
            f"the column {name} has the type {columns[name].type} and refuses",
            _beginning(str(value)),
            f"ALTER TYPE {columns[name].type} ADD VALUE {_literal(str(value))};" if columns[name].is_enum else None,
        )
        for name, value in values.items()
        if name in columns and value is not None and not _takes(connection, name, value)
    ]


def _takes(connection: sa.Connection, name: str, value: Any) -> bool:
    record = rows([{name: value}])[1:-1]
    savepoint = connection.begin_nested()
    try:
        run(connection, "trial/take", record=record)
    except exc.DBAPIError:
        return False
    finally:
        savepoint.rollback()
    return True


def _hidden(connection: sa.Connection) -> list[Refusal]:
    filters = [guard for guard in run(connection, "trial/guards") if guard.filters]
    return [
        Refusal(
            f"the policy {guard.name} shows this user only rows where {guard.condition}",
            ("every row that it hides",),
            (_bypass_rls(connection),),
        )
        for guard in filters
    ]


def _bypass_rls(connection: sa.Connection) -> str:
    user = connection.execute(sa.text("SELECT quote_ident(current_user)")).scalar_one()
    return f"ALTER ROLE {user} BYPASSRLS;"


def _trigger(guards: Sequence[sa.Row[Any]], error: exc.DBAPIError) -> sa.Row[Any] | None:
    """Return the trigger whose function the server names in the error's context."""
    context = str(_diagnostics(error).context or "")
    called = {(one or other).rpartition(".")[2] for one, other in _FUNCTION.findall(context)}
    return next((g for g in guards if g.kind == "trigger" and g.function.rpartition(".")[2] in called), None)


def _diagnostics(error: exc.DBAPIError) -> Any:
    return error.orig.diag  # type: ignore[union-attr]


def _message(error: exc.DBAPIError) -> str:
    diagnostics = _diagnostics(error)
    primary, detail = diagnostics.message_primary or str(error.orig), diagnostics.message_detail
    # Values of the trial would split one cause into several.
    return f"{primary} ({detail})" if detail and not detail.startswith(("Failing row", "Key (")) else str(primary)


def _beginning(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _each(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _some(values: Sequence[str], limit: int = 12) -> str:
    more = f" and {len(values) - limit} more" if len(values) > limit else ""
    return f"{', '.join(values[:limit])}{more}"
