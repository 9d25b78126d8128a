"""NOTIFY and LISTEN: the names of new rows, without content, when the transaction that stored them commits."""

from __future__ import annotations

import json
import select
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wa_cli.batches import batches
from wa_cli.clock import now
from wa_cli.database.engine import Database, run

CHANNEL = "wa_heard"
# A payload of NOTIFY has less than 8,000 bytes (PostgreSQL), and an id at most 128 characters, which JSON may double.
IDS_AT_ONCE = 25

REMEMBERED = 100_000

Names = dict[str, list[str]]
Mark = tuple[Any, ...]


def announce(connection: sa.Connection, messages: set[str], statuses: set[str], notices: set[str]) -> None:
    """Notify subscribers of these rows, in the caller's transaction."""
    news = [
        json.dumps({kind: part})
        for kind, ids in (("messages", messages), ("statuses", statuses), ("notices", notices))
        for part in batches(sorted(ids), IDS_AT_ONCE)
    ]
    if news:
        run(connection, "messages/announce", news=news)


def subscribe(
    database: Database, on_ready: Callable[[], object], idle: float = 1.0
) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the rows that are stored from `on_ready` on, and an empty list each `idle` seconds without any. Never ends.

    Each update has kind (message, status, notice), id, at, direction, customer, name, type, content, status, reason,
    history and raw. `history` is true for an imported message, which needs no answer.
    """
    since = now()
    with database.autocommit() as connection:
        connection.execute(sa.text(f"LISTEN {CHANNEL}"))
        driver: Any = connection.connection.dbapi_connection
        shown: dict[Mark, None] = {}
        on_ready()
        while True:
            select.select([driver], [], [], idle)
            driver.poll()
            names = _named([notify.payload for notify in driver.notifies])
            driver.notifies.clear()
            yield [row for row in _new_rows(connection, names, since) if _is_new(row, shown)]


def _named(payloads: Iterable[str]) -> Names:
    names: Names = {"messages": [], "statuses": [], "notices": []}
    for payload in payloads:
        for kind, ids in json.loads(payload).items():
            names[kind] += ids
    return names


def _new_rows(connection: sa.Connection, names: Names, since: datetime) -> list[Mapping[str, Any]]:
    if not any(names.values()):
        return []
    return [dict(row) for row in run(connection, "messages/updates", **names, since=since).mappings()]


def _is_new(row: Mapping[str, Any], shown: dict[Mark, None]) -> bool:
    """Return True if the row was not yielded before. Earlier statuses of a message are found again with each later one."""
    mark = (row["kind"], row["id"], row["status"], row["at"], row["customer"])
    if mark in shown:
        return False
    shown[mark] = None
    if len(shown) > REMEMBERED:
        shown.pop(next(iter(shown)))
    return True
