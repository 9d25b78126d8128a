"""Who our customers are: names, user ids, and which keys are one person's.

A person is known by one key. Other keys of theirs point to it in one step, never along a chain, so that reading needs one look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from wa_cli.messages.incoming import IncomingMessage
from wa_cli.messages.phone import customer_key, person_key
from wa_cli.storage.engine import rows, run

Pair = tuple[str, str]


def keep(connection: sa.Connection, messages: Iterable[IncomingMessage]) -> None:
    """What the messages say of who wrote them; the newest word for each."""
    known: dict[str, dict[str, Any]] = {}
    for message in messages:
        key = customer_key(message.phone, message.user_id)
        if key:
            person = known.setdefault(person_key(key), {"name": None, "user_id": None})
            person["name"] = message.name or person["name"]
            person["user_id"] = message.user_id or person["user_id"]
    if known:
        run(connection, "messages/contacts", rows=rows([{"customer": key, **said} for key, said in known.items()]))


def unite(connection: sa.Connection, pairs: Iterable[Pair]) -> None:
    """Each pair of keys is one person's, known by the second from now."""
    wanted = [(person_key(old), person_key(new)) for old, new in pairs]
    wanted = [(old, new) for old, new in dict.fromkeys(wanted) if old != new]
    if not wanted or not _moves(connection, wanted):
        return
    keys = sorted({key for pair in wanted for key in pair})
    run(connection, "messages/contacts", rows=rows([{"customer": key} for key in keys]))
    run(connection, "messages/lock_people", customers=keys)
    moves = _moves(connection, wanted)  # once more: somebody may have been faster
    if moves:
        run(connection, "messages/unite", rows=rows([{"old": old, "new": new} for old, new in moves.items()]))


def _moves(connection: sa.Connection, pairs: Sequence[Pair]) -> dict[str, str]:
    """Which persons turn out to be which other ones; empty where all of that is known."""
    keys = sorted({key for pair in pairs for key in pair})
    known: dict[str, str] = {row.customer: row.person for row in run(connection, "messages/people", customers=keys)}
    moved: dict[str, str] = {}

    def person(key: str) -> str:
        found = known.get(key, key)
        while found in moved:
            found = moved[found]
        return found

    for old, new in pairs:
        if person(old) != person(new):
            moved[person(old)] = person(new)
    return {old: person(old) for old in moved}
