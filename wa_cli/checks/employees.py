from __future__ import annotations

from typing import Any

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted
from wa_cli.database.engine import has_relation
from wa_cli.database.engine import run as execute
from wa_cli.errors import RowRefused
from wa_cli.store.customer_names import RELATION as CUSTOMERS
from wa_cli.store.employees import RELATION as EMPLOYEES

NAME, TITLE = "employees", "Employees"


def run(installation: Installation) -> Finding:
    """Count messages by people without an employee, and warn of employees without a name."""
    try:
        found = _count(installation)
    except RowRefused as error:
        if not any(has_relation(installation.database.engine, name) for name in (EMPLOYEES, CUSTOMERS)):
            raise
        hint = "Check WA_EMPLOYEES and WA_CUSTOMERS: the table, its columns, and the right to read it."
        return Finding(Level.FAILED, error.message, hint=hint)
    facts = dict(found)
    if found["without_name"]:
        unknown = found["an_unknown_id"]
        message = (
            f"{counted(found['without_name'], 'message')} of {counted(found['unknown_ids'], 'employee')} without a name, "
            f"such as {unknown}"
        )
        return Finding(Level.WARNING, message, hint=f"Name them: wa employee add NAME --id {unknown}.", facts=facts)
    share = found["without_employee"] / found["messages"] if found["messages"] else 0
    message = f"{share * 100:.0f} % of {counted(found['messages'], 'message')} by people have no employee"
    return Finding(Level.OK, message, facts=facts)


def _count(installation: Installation) -> Any:
    with installation.reading() as connection:
        if has_relation(connection, CUSTOMERS):
            execute(connection, "lookups/readable")
        return execute(connection, "verify/employees", since=installation.since_utc).mappings().one()
