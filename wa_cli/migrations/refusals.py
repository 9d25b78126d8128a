"""Names what refuses a write: the column, constraint, trigger, rule, policy or publication, and what mends it."""

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
# What a value can be that its column does not take: data exceptions, a type mismatch.
_OF_VALUES = ("22", "42804")


class Unexpected(Exception):
    """The statement passed, but the row is not as it was written."""


@dataclass(frozen=True)
class Fault:
    """One refused write. `cause` is the same for all that one thing refuses; `value` what it refused, `mend` what mends it."""

    write: str
    cause: str
    value: str | None = None
    mend: str | None = None


@dataclass(frozen=True)
class Refusal:
    """What refuses writes, by name: `writes` are those that it refuses, `mends` the statements that mend it."""

    cause: str
    writes: tuple[str, ...]
    mends: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.cause} ({_some(self.writes, 4)})"


def gathered(connection: sa.Connection, faults: Iterable[Fault]) -> tuple[Refusal, ...]:
    """One refusal for each cause, then the policies that hide rows which no try has written."""
    by_cause: dict[str, list[Fault]] = {}
    for fault in faults:
        by_cause.setdefault(fault.cause, []).append(fault)
    found = [
        Refusal(
            f"{cause}: {_some(values)}" if (values := _each(fault.value for fault in same)) else cause,
            _each(fault.write for fault in same),
            _each(fault.mend for fault in same),
        )
        for cause, same in by_cause.items()
    ]
    return (*found, *_hidden(connection))


def remarks(connection: sa.Connection) -> tuple[str, ...]:
    """What a try cannot show and what need not be a fault."""
    children = [name for (name,) in run(connection, "trial/children")]
    if not children:
        return ()
    said = "a message that is stored there already would be stored twice, and their rows have no index of wa"
    return (f"tables inherit from whatsapp_messages ({', '.join(children)}): {said}",)


def faults(connection: sa.Connection, write: str, values: Mapping[str, Any], error: exc.DBAPIError) -> list[Fault]:
    """Name what refused this write. A value that its column does not take is named for each such column."""
    code, message = str(error.orig.pgcode), _message(error)  # type: ignore[union-attr]
    guards = run(connection, "trial/guards").all()
    if trigger := _trigger(guards, error):
        return [Fault(write, f"the trigger {trigger.name} (function {trigger.function}): {message}")]
    if code.startswith(_OF_VALUES) and (found := of_columns(connection, write, values)):
        return found
    return [Fault(write, *_cause(connection, guards, code, message, _diagnostics(error)))]


def surprise(connection: sa.Connection, write: str, operation: str, what: Unexpected) -> Fault:
    """Name what may have changed or swallowed the row."""
    guards = run(connection, "trial/guards").all()
    suspects = [f"the {g.kind} {g.name}" for g in guards if g.is_before and getattr(g, f"on_{operation}")]
    return Fault(write, f"{', '.join(suspects)}: {what}" if suspects else str(what))


def as_text(row: Mapping[str, Any]) -> dict[str, Any]:
    """The values as PostgreSQL reads them for a column of any type; None stays None."""
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
    """The cause, the refused value and the mending statement, as far as they are known."""
    table = diagnostics.table_name or "whatsapp_messages"
    if code == NOT_NULL:
        return f"the column {table}.{diagnostics.column_name} is NOT NULL and gets no value", None, None
    if code.startswith("23"):
        definition = run(connection, "trial/constraint", constraint=diagnostics.constraint_name).scalar()
        return f"the constraint {diagnostics.constraint_name}: {definition or message}", None, None
    if code == NO_IDENTITY and (publications := [name for (name,) in run(connection, "trial/publications")]):
        mend = "ALTER TABLE whatsapp_messages REPLICA IDENTITY FULL;"
        return f"the publication {', '.join(publications)}: {message}", None, mend
    if code == NO_RIGHT and "row-level security" in message:
        policies = ", ".join(g.name for g in guards if g.kind == "policy") or "none"
        return f"row-level security, policies {policies}: {message}", None, _degraded_mode(connection)
    if code == NO_RIGHT:
        return message, None, run(connection, "verify/privileges").one().given
    if code == NO_SETTING and (policies := ", ".join(g.name for g in guards if g.kind == "policy")):
        return f"row-level security, policies {policies}: {message}", None, _degraded_mode(connection)
    if code in (NOT_SUPPORTED, NO_IDENTITY) and (found := [g.name for g in guards if g.kind == "rule"]):
        return f"the rule {', '.join(found)}: {message}", None, None
    return message, None, None


def of_columns(connection: sa.Connection, write: str, values: Mapping[str, Any]) -> list[Fault]:
    """Give each value to its column alone, and name those that do not take it."""
    columns = {row.name: row for row in run(connection, "trial/columns")}
    return [
        Fault(
            write,
            f"the column {name} is of the type {columns[name].type} and does not take",
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
            (_degraded_mode(connection),),
        )
        for guard in filters
    ]


def _degraded_mode(connection: sa.Connection) -> str:
    user = connection.execute(sa.text("SELECT quote_ident(current_user)")).scalar_one()
    return f"ALTER ROLE {user} BYPASSRLS;"


def _trigger(guards: Sequence[sa.Row[Any]], error: exc.DBAPIError) -> sa.Row[Any] | None:
    """The trigger whose function the server names in the error's context."""
    context = str(_diagnostics(error).context or "")
    called = {(one or other).rpartition(".")[2] for one, other in _FUNCTION.findall(context)}
    return next((g for g in guards if g.kind == "trigger" and g.function.rpartition(".")[2] in called), None)


def _diagnostics(error: exc.DBAPIError) -> Any:
    return error.orig.diag  # type: ignore[union-attr]


def _message(error: exc.DBAPIError) -> str:
    diagnostics = _diagnostics(error)
    primary, detail = diagnostics.message_primary or str(error.orig), diagnostics.message_detail
    # The values are of the trial, and would tell apart what one thing refuses.
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
