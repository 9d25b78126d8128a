"""Claimed messages whose customer's 24-hour window is closed: refused, sent as a template, or waiting for the customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from wa_cli.database.engine import rows, run
from wa_cli.messages.states import WindowRule
from wa_cli.store.windows import find_closed

if TYPE_CHECKING:
    from wa_cli.outbox.outbox import Claim

# The pause before a message that waits for the customer is judged again. A draining worker waits for what is due within a
# minute, and not for the customer.
POLL = timedelta(minutes=2)


def apply(connection: sa.Connection, number: str, claims: Sequence[Claim]) -> list[Claim]:
    """Return the claims to send, in the transaction that claimed them.

    A message with a template becomes that template, and one that waits for the customer is given back. One that is
    refused has `closed_at`.
    """
    judged = [claim for claim in claims if claim.window_rule]
    closed = {
        (phone, customer): closed_at
        for phone in {claim.business_phone for claim in judged}
        for customer, closed_at in find_closed(
            connection, (claim.customer for claim in judged if claim.business_phone == phone), phone
        ).items()
    }
    kept: list[Claim] = []
    changed: list[Claim] = []
    waiting: list[Claim] = []
    for claim in claims:
        closed_at = closed.get((claim.business_phone, claim.customer)) if claim.window_rule else None
        if closed_at and claim.or_template:
            changed.append(claim)
            kept.append(replace(claim, content=claim.or_template))
        elif closed_at and claim.window_rule == WindowRule.HOLD:
            waiting.append(claim)
        else:
            kept.append(replace(claim, closed_at=closed_at))
    if changed:
        run(connection, "outbox/change_content", rows=_identities(changed))
    if waiting:
        run(connection, "outbox/wait_for_window", rows=_identities(waiting), after=POLL)
        run(connection, "outbox/hand_over", number=number, customers=sorted({claim.customer for claim in waiting}))
    return kept


def refusal(closed_at: datetime) -> str:
    """Return the reason of a message that cannot be sent outside the window."""
    return f"the 24-hour window closed at {closed_at:%Y-%m-%d %H:%M} UTC before the message was sent"


def _identities(claims: Sequence[Claim]) -> str:
    found: list[dict[str, Any]] = [{"reference": claim.reference, "token": claim.token} for claim in claims]
    return rows(found)
