"""Runs a report: read-only, on one snapshot, within a time limit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from wa_cli.clock import format_span, naive_utc, now
from wa_cli.cloud import codes
from wa_cli.database import sqlfiles
from wa_cli.database.engine import Database, resolved
from wa_cli.database.engine import run as execute
from wa_cli.errors import BadInput, ConfigError, RowRefused, StatementCancelled
from wa_cli.reports.catalogue import Report
from wa_cli.reports.hours import Hours
from wa_cli.reports.ranges import Range
from wa_cli.store.customer_names import with_own_names
from wa_cli.store.employees import find

_LITERAL = re.compile(r"(--[^\n]*)|'(?:[^']|'')*'")  # or a comment, which may have an apostrophe
PARAMETERS = ("since", "until", "now", "tz", "limit", "customer", "keys", "employee", "by", "open")
SERVER_SETTINGS = {
    "work_mem": "64MB",  # memory for one sort, above which it goes to disk
    "parallel_tuple_cost": "0.01",  # a tenth of the default, so that large reads get parallel workers
}
_NUMBERS = (int, float, Decimal)
_TYPES: dict[str, tuple[type, ...]] = {
    "code": (int,),
    "integer": (int,),
    "number": _NUMBERS,
    "percent": _NUMBERS,
    "span": (*_NUMBERS, timedelta),
    "instant": (datetime,),
    "period": (datetime,),
    "date": (date,),
}


@dataclass(frozen=True)
class Narrowed:
    """The filters of a report: a person's key, an employee, the breakdown, business hours."""

    customer: str | None = None
    employee: UUID | None = None
    by: str | None = None
    keys: tuple[str, ...] = ()
    hours: Hours | None = None


def narrow(
    database: Database,
    report: Report,
    *,
    customer: str | None = None,
    employee: str | None = None,
    by: str | None = None,
    hours: Hours | None = None,
) -> Narrowed:
    """Return the filters by the names under which they are stored. Raises BadInput for those that the report does not
    have.
    """
    for name, value in (("customer", customer), ("employee", employee)):
        if value is not None and name not in report.header.filters:
            raise BadInput(f"The report {report.name} has no --{name}.")
    if by is not None and by not in report.by:
        known = f"Use one of {', '.join(report.by)}." if report.by else "Leave out --by."
        raise BadInput(f"The report {report.name} has no breakdown {by!r}.", hint=known)
    with database.reading() as connection:
        person = None if customer is None else _person(connection, customer)
        keys = () if person is None else execute(connection, "conversation/keys", person=person).scalars()
        return Narrowed(
            customer=person,
            keys=tuple(keys),
            employee=None if employee is None else _employee(connection, employee),
            by=by,
            hours=hours,
        )


def _person(connection: sa.Connection, customer: str) -> str:
    return str(execute(connection, "lookups/person", customer=customer).scalar_one())


def _employee(connection: sa.Connection, who: str) -> UUID:
    """Return the id. Messages may have an id that has no name."""
    try:
        return UUID(who)
    except ValueError:
        return find(connection, who).id


def run(
    database: Database,
    report: Report,
    asked: Range,
    narrowed: Narrowed = Narrowed(),
    *,
    limit: int | None = None,
    sort: str | None = None,
    timeout: timedelta,
) -> Sequence[Mapping[str, Any]]:
    """Return the report's rows, in the order of its columns, or sorted by `sort`, a column's key, descending with `-`
    before it.
    """
    report.check()
    most = _limit(report, limit)
    values = values_for(report, asked, narrowed, limit=None if sort else most)
    if strange := _unknown(report):
        raise ConfigError(
            f"{report.path} uses the unknown parameter :{strange}.", hint=f"Use one of :{', :'.join(PARAMETERS)}."
        )
    with _explained(report, timeout), database.reading(timeout) as connection:
        for name, value in SERVER_SETTINGS.items():
            connection.execute(sa.text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
        rows = [dict(row) for row in connection.execute(_statement(connection, report), values).mappings()]
        if missing := [column.key for column in report.columns if rows and column.key not in rows[0]]:
            raise ConfigError(f"{report.path} has the column {missing[0]!r} in its header and not in its SELECT.")
        if key := _customer_key(report, narrowed):
            rows = with_own_names(connection, rows, key)
    _check_kinds(report, rows)
    for row in rows:
        _complete(report, narrowed, row)
    if sort:
        return _sorted(report, rows, sort)[:most]
    return rows


def _customer_key(report: Report, narrowed: Narrowed) -> str | None:
    """Return the column of customers, beside which the business's own names go into the column `name`."""
    keys = {column.key for column in report.columns}
    phones = report.header.phones
    if "name" not in keys or "customer" in keys:
        return "customer" if "name" in keys else None
    return phones.keys[0] if phones and narrowed.by in phones.values else None


def count(database: Database, report: Report, asked: Range, narrowed: Narrowed, *, timeout: timedelta) -> int:
    """Return the number of rows of the report without a limit."""
    values = values_for(report, asked, narrowed, limit=None)
    with _explained(report, timeout), database.reading(timeout) as connection:
        whole = f"SELECT count(*) FROM ({_statement(connection, report).text}) AS whole"  # noqa: S608 — a report's file
        return int(connection.execute(sa.text(whole), values).scalar_one())


@contextmanager
def _explained(report: Report, timeout: timedelta) -> Iterator[None]:
    """Translate errors of the database into terms of the report."""
    try:
        yield
    except StatementCancelled as error:
        if "read-only" in error.message:
            raise ConfigError(f"The statement of {report.path} writes, but reports are read-only.") from error
        raise StatementCancelled(
            f"The report {report.name} took longer than {format_span(timeout)}.",
            hint="Use a later --since, or set WA_REPORT_TIMEOUT=5m.",
        ) from error
    except RowRefused as error:
        raise ConfigError(f"The database refuses the statement of {report.path}: {error.message}") from error


def _check_kinds(report: Report, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise ConfigError if a value is not of the kind that the header declares."""
    for column in report.columns:
        types = _TYPES.get(column.kind, (object,))
        strange = [value for row in rows if (value := row[column.key]) is not None and not isinstance(value, types)]
        if strange:
            raise ConfigError(f"{report.path}: {column.key} is {strange[0]!r}, which is not of the kind {column.kind}.")
        if any(isinstance(row[column.key], datetime) and row[column.key].tzinfo is None for row in rows):
            raise ConfigError(
                f"{report.path}: {column.key} has no zone.", hint="Convert it like: at AT TIME ZONE 'UTC'."
            )


def _statement(source: sa.Connection | sa.Engine, report: Report) -> sa.TextClause:
    """Return the statement with its parameters. Text like one inside a literal is not a parameter."""
    sql = _LITERAL.sub(lambda found: found[0] if found[1] else found[0].replace(":", "\\:"), report.sql)
    return sa.text(resolved(source, sql))


def statement(
    connection: sa.Connection, report: Report, asked: Range, narrowed: Narrowed = Narrowed()
) -> tuple[sa.TextClause, dict[str, Any]]:
    """Return the statement of a report and its values."""
    return _statement(connection, report), values_for(report, asked, narrowed, limit=report.most(None))


def _unknown(report: Report) -> str | None:
    """Return a parameter that the statement uses and that has no value."""
    used = re.findall(r"(?<![:\w\\]):([a-z]\w*)", _LITERAL.sub("", report.sql))
    return next((name for name in used if name not in PARAMETERS), None)


def _limit(report: Report, limit: int | None) -> int | None:
    if limit is not None and not report.uses("limit"):
        raise BadInput(f"The report {report.name} has a fixed number of rows and no --limit.")
    return report.most(limit)


def values_for(report: Report, asked: Range, narrowed: Narrowed, *, limit: int | None) -> dict[str, Any]:
    """Return the values of the parameters that the statement uses."""
    at = now()
    hours = narrowed.hours
    every: dict[str, Any] = {
        "since": naive_utc(asked.since),
        "until": naive_utc(asked.until),
        "now": naive_utc(at),
        "tz": asked.zone,
        "limit": limit,
        "customer": narrowed.customer,
        "keys": _array(narrowed.keys) if narrowed.keys else None,
        "employee": narrowed.employee,
        "by": narrowed.by or next(iter(report.by), None),
        "open": hours.as_json(asked.since, max(at, asked.until), asked.zone) if hours and report.uses("open") else None,
    }
    return {key: value for key, value in every.items() if report.uses(key)}


def _array(words: Sequence[str]) -> str:
    """Return an array as PostgreSQL writes one, for a CAST, which psql takes too."""
    return "{" + ",".join(json.dumps(word, ensure_ascii=False) for word in words) + "}"


def runnable_sql(
    database: Database, report: Report, asked: Range, narrowed: Narrowed = Narrowed(), *, limit: int | None = None
) -> str:
    """Return the statement with its values in it, for psql."""
    report.check()
    values = values_for(report, asked, narrowed, limit=_limit(report, limit))
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    bound = _statement(database.engine, report).bindparams(**values)
    text = str(bound.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    return f"{text.replace('%%', '%')};"  # doubled for a driver, and single for psql


def template_sql(
    database: Database, report: Report, *, since: str, until: str, zone: str, by: str | None = None
) -> str:
    """Return the statement for another program: `since` and `until` are its own SQL for the begin and the end, such as a
    macro. Waiting is judged at the time of the query.
    """
    report.check()
    at = now()
    values = values_for(report, Range(at, at, zone), Narrowed(by=by), limit=report.most(None))
    own = {"since": since, "until": until, "now": "(now() AT TIME ZONE 'UTC')"}
    marks = {name: f"'\x02{name}\x03'" for name in own if name in values}
    bound = _statement(database.engine, report).bindparams(**{**values, **{name: marks[name][1:-1] for name in marks}})
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    text = str(bound.compile(dialect=dialect, compile_kwargs={"literal_binds": True})).replace("%%", "%")
    for name, mark in marks.items():
        text = text.replace(mark, own[name])
    return text


def exclusions(database: Database, asked: Range, narrowed: Narrowed, timeout: timedelta) -> dict[str, int]:
    """Return the rows of the range that reports leave out, by reason."""
    [row] = run(database, Report(sqlfiles.root() / "lookups" / "exclusions.sql"), asked, narrowed, timeout=timeout)
    return dict(row)


def _complete(report: Report, narrowed: Narrowed, row: dict[str, Any]) -> None:
    """Complete the row in place: numbers with a +, durations in seconds, the meaning of Meta's codes."""
    keys = [column.key for column in report.columns if column.kind == "phone"]
    phones = report.header.phones
    for key in [*keys, *phones.keys] if phones and narrowed.by in phones.values else keys:
        if str(row.get(key)).isdigit():
            row[key] = f"+{row[key]}"
    row.update({key: value.total_seconds() for key, value in row.items() if isinstance(value, timedelta)})
    row.update({key: None for key, value in row.items() if isinstance(value, float | Decimal) and not isfinite(value)})
    if report.header.meaning and row[report.header.meaning] is not None:
        row["meaning"] = codes.meaning(row[report.header.meaning])


def _sorted(report: Report, rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    key, downwards = sort.removeprefix("-"), sort.startswith("-")
    known = [column.key for column in report.columns] or list(rows[0] if rows else {})
    if known and key not in known:
        raise BadInput(f"The report {report.name} has no column {key!r}.", hint=f"Use one of {', '.join(known)}.")
    there = [row for row in rows if row[key] is not None]
    return sorted(there, key=lambda row: row[key], reverse=downwards) + [row for row in rows if row[key] is None]
