"""Claimed messages whose customer's 24-hour window is closed: refused, sent as a template, or waiting for the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from wa_cli.database.engine import rows, run
from wa_cli.messages.states import WindowRule
from wa_cli.store.windows import find_closed

if TYPE_CHECKING:
    from wa_cli.outbox.outbox import Claim

# A claim waits no longer for the table of messages, which another program may have locked.
READ_LIMIT = timedelta(seconds=2)

# The instants at which windows closed, by the business's phone and the customer.
Closed = Mapping[tuple[str, str], datetime]


def find_closed_of(connection: sa.Connection, claims: Sequence[Claim]) -> Closed:
    """Return the instants at which windows of these claims closed. Raises StatementCancelled after `READ_LIMIT`."""
    connection.execute(sa.text(f"SET LOCAL statement_timeout = {int(READ_LIMIT.total_seconds() * 1000)}"))
    judged = [claim for claim in claims if claim.window_rule]
    return {
        (phone, customer): closed_at
        for phone in {claim.business_phone for claim in judged}
        for customer, closed_at in find_closed(
            connection, (claim.customer for claim in judged if claim.business_phone == phone), phone
        ).items()
    }


def apply(connection: sa.Connection, number: str, claims: Sequence[Claim], closed: Closed) -> list[Claim]:
    """Return the claims to send, in the transaction that claimed them.

    A message with a template becomes that template, and one that waits for the customer is given back. One that is
    refused has `closed_at`.
    """
    outside = [
        replace(claim, closed_at=closed_at)
        for claim in claims
        if claim.window_rule and (closed_at := closed.get((claim.business_phone, claim.customer)))
    ]
    changed = _change(connection, [claim for claim in outside if claim.or_template])
    waiting = [claim for claim in outside if not claim.or_template and claim.window_rule == WindowRule.HOLD]
    if waiting:
        run(connection, "outbox/wait_for_window", rows=_identities(waiting))
        run(connection, "outbox/hand_over", number=number, customers=sorted({claim.customer for claim in waiting}))
    judged = {claim.reference: changed.get(claim.reference, claim) for claim in outside}
    given_back = {claim.reference for claim in waiting}
    return [judged.get(claim.reference, claim) for claim in claims if claim.reference not in given_back]


def _change(connection: sa.Connection, claims: Sequence[Claim]) -> dict[UUID, Claim]:
    """Return those claims that become their templates, by reference."""
    if not claims:
        return {}
    changed = set(run(connection, "outbox/change_content", rows=_identities(claims)).scalars())
    return {
        claim.reference: replace(claim, content=claim.or_template, closed_at=None)
        for claim in claims
        if claim.or_template and claim.reference in changed
    }


def refusal(closed_at: datetime) -> str:
    """Return the reason of a message that cannot be sent outside the window."""
    return f"the 24-hour window closed at {closed_at:%Y-%m-%d %H:%M} UTC before the message was sent"


def _identities(claims: Sequence[Claim]) -> str:
    found: list[dict[str, Any]] = [{"reference": claim.reference, "token": claim.token} for claim in claims]
    return rows(found)
