"""The 24-hour windows of customers, as far as stored messages tell (Meta, customer service windows)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from wa_cli.database.engine import run


def find_closed(connection: sa.Connection, customers: Iterable[str], business_phone: str) -> dict[str, datetime]:
    """Return the customers whose window to this number of the business is closed, with the instant at which it closed.

    A customer without a stored message is left out: the window is unknown.
    """
    asked = sorted(set(customers))
    if not asked:
        return {}
    digits = business_phone.lstrip("+")
    number = digits if digits.isdigit() else None
    found = run(connection, "conversation/closed_windows", customers=asked, number=number)
    return {row.customer: row.closed_at for row in found}
