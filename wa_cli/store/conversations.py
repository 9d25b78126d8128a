"""Conversations: one of them, a search through all of them, and whole ones for export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wa_cli.batches import batches
from wa_cli.clock import naive_utc
from wa_cli.database.engine import Database, rows, run
from wa_cli.store.customer_names import own_names, with_own_names
from wa_cli.store.search_query import alternatives

PORTION = 200  # people
SEARCH = "conversation/search"


@dataclass(frozen=True)
class Conversations:
    """Read-only queries, each within `timeout`. Customers are named by their keys."""

    database: Database
    timeout: timedelta

    def both_sides(self, customer: str, since: datetime, limit: int) -> list[dict[str, Any]]:
        """Return the newest `limit` messages since then, oldest first, and messages not sent yet. `at` is aware, in UTC."""
        with self.database.reading(self.timeout) as connection:
            found = run(connection, "conversation/both_sides", customer=customer, since=naive_utc(since), limit=limit)
            rows = [{**row, "at": row["at"].replace(tzinfo=UTC)} for row in found.mappings()]
            return with_own_names(connection, rows, "participant", "participant_name")

    def count(self, customer: str, since: datetime) -> int:
        """Return the number of messages since then."""
        with self.database.reading(self.timeout) as connection:
            found = run(connection, "conversation/both_sides_count", customer=customer, since=naive_utc(since))
            return int(found.scalar_one())

    def name(self, customer: str) -> str | None:
        with self.database.reading(self.timeout) as connection:
            profile = run(connection, "conversation/name", customer=customer).scalar() or None
            return own_names(connection, [customer]).get(customer, profile)

    def search(
        self,
        words: str,
        since: datetime,
        until: datetime,
        *,
        language: str | None,
        customer: str | None,
        ranked: bool,
        limit: int,
    ) -> Sequence[Mapping[str, Any]]:
        """Return messages with these words: `"a phrase"`, `or`, `-not`, and `beg*` for words that begin so.

        The default of `language` is the one that has an index, else `simple`, which has no stemming.
        """
        with self.database.reading(self.timeout) as connection:
            values = search_values(connection, words, since, until, language=language, ranked=ranked, limit=limit)
            keys = self._keys(customer) if customer else None
            found = run(connection, SEARCH, **{**values, "keys": keys})
            return with_own_names(connection, [dict(row) for row in found.mappings()])

    def _keys(self, customer: str) -> list[str]:
        with self.database.reading(self.timeout) as connection:
            person = run(connection, "lookups/person", customer=customer).scalar_one()
            return [key for (key,) in run(connection, "conversation/keys", person=person)]

    def people(self, key: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """Return the customers whose number begins with these digits, newest conversation first."""
        beyond = None if key.strip("9") == "" else str(int(key) + 1).zfill(len(key))
        with self.database.reading(self.timeout) as connection:
            found = run(connection, "conversation/people", key=key, beyond=beyond, limit=limit)
            return with_own_names(connection, [dict(row) for row in found.mappings()])

    def speakers(self, since: datetime, until: datetime) -> list[str | None]:
        """Return the customers with messages in [since, until). None stands last for rows without a customer."""
        with self.database.reading(self.timeout) as connection:
            found = run(connection, "conversation/speakers", since=naive_utc(since), until=naive_utc(until))
            return list(found.scalars())

    def known_as(self, customers: Sequence[str]) -> list[str]:
        """Return the people with these keys, each once."""
        with self.database.reading(self.timeout) as connection:
            return list(
                dict.fromkeys(
                    run(connection, "lookups/person", customer=customer).scalar_one() for customer in customers
                )
            )

    def export(
        self, since: datetime, until: datetime, people: Sequence[str | None], advance: Callable[[int], None]
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the whole conversations of these people, one after the other. `advance` gets the number of finished people.

        Each portion is read in its own transaction, so that neither memory nor a snapshot is held for all of them.
        """
        for portion in batches(people, PORTION):
            somebody = [person for person in portion if person is not None]
            yield from self._messages_between(since, until, somebody)
            if None in portion:
                yield from self._messages_between(since, until, None)
            advance(len(portion))

    def _messages_between(self, since: datetime, until: datetime, people: list[str] | None) -> list[dict[str, Any]]:
        with self.database.reading(self.timeout) as connection:
            values = {"since": naive_utc(since), "until": naive_utc(until), "people": people}
            found = run(connection, "conversation/export", **values)
            return with_own_names(connection, [dict(row) for row in found.mappings()])


def search_values(
    connection: sa.Connection,
    words: str,
    since: datetime,
    until: datetime,
    *,
    language: str | None = None,
    ranked: bool = True,
    limit: int = 50,
) -> dict[str, Any]:
    """Return the values for the statement of a search among all customers."""
    return {
        "alternatives": rows(alternatives(words)),
        "language": language or _indexed_language(connection),
        "since": naive_utc(since),
        "until": naive_utc(until),
        "keys": None,
        "ranked": ranked,
        "limit": limit,
    }


def _indexed_language(connection: sa.Connection) -> str:
    index = run(connection, "lookups/search_indexes").first()
    return str(index.language) if index and index.is_valid else "simple"
