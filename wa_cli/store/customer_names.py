"""The business's own names of customers, from the table of WA_CUSTOMERS, in place of profile names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from wa_cli.database.engine import has_relation, run

RELATION = "wa.customers"


def with_own_names(
    connection: sa.Connection, rows: Sequence[Mapping[str, Any]], customer: str = "customer", name: str = "name"
) -> list[dict[str, Any]]:
    """Return the rows with the business's own names where it has one. `customer` and `name` are keys of the rows."""
    found = own_names(connection, (row[customer] for row in rows if row.get(customer)))
    if not found:
        return [dict(row) for row in rows]
    return [{**row, name: found.get(str(row.get(customer)).lstrip("+"), row.get(name))} for row in rows]


def own_names(connection: sa.Connection, customers: Iterable[str]) -> dict[str, str]:
    """Return the names of these customers by their key, without those that the business does not know."""
    if not has_relation(connection, RELATION):
        return {}
    people = sorted({customer.lstrip("+") for customer in customers})
    if not people:
        return {}
    known = run(connection, "lookups/spellings", people=people)
    spellings = {spelling: person for person, key in known for spelling in (key, f"+{key}")}
    found = run(connection, "lookups/own_names", phones=list(spellings))
    return {spellings[phone]: name for phone, name in found}
