"""Who our customers are: names, user ids, and which keys are one person's.

A person is known by one key. Other keys of theirs point to it in one step, never along a chain, so that reading needs one look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from wa_cli.messages.incoming import Alias, IncomingMessage
from wa_cli.messages.phone import customer_key, person_key
from wa_cli.storage.engine import rows, run


def learn(connection: sa.Connection, messages: Iterable[IncomingMessage], aliases: Iterable[Alias]) -> None:
    """What the messages say of who wrote them, the newest word for each; and which keys are one person's."""
    said = _said(messages)
    pairs = [Alias(person_key(a.old), person_key(a.new), a.is_change) for a in aliases]
    pairs = [alias for alias in dict.fromkeys(pairs) if alias.old != alias.new]
    keys = sorted({key for alias in pairs for key in (alias.old, alias.new)})
    people = _People.read(connection, keys)
    moves = people.moves(pairs)
    if moves:
        # Every row that may change is locked here, by key, as in every transaction; then looked at once more.
        for key in {*keys, *moves, *moves.values()}:
            said.setdefault(key, {"name": None, "user_id": None})
    if said:
        run(connection, "messages/contacts", rows=rows([{"customer": key, **known} for key, known in said.items()]))
    if moves:
        moves = _People.read(connection, keys).moves(pairs)
        run(connection, "messages/unite", rows=rows([{"old": old, "new": new} for old, new in moves.items()]))


def _said(messages: Iterable[IncomingMessage]) -> dict[str, dict[str, Any]]:
    said: dict[str, dict[str, Any]] = {}
    for message in messages:
        key = customer_key(message.phone, message.user_id)
        if key:
            person = said.setdefault(person_key(key), {"name": None, "user_id": None})
            person["name"] = message.name or person["name"]
            person["user_id"] = message.user_id or person["user_id"]
    return said


@dataclass(frozen=True)
class _People:
    """Keys as they are known: whose each is, and the user id of each."""

    person: Mapping[str, str]
    user_id: Mapping[str, str | None]

    @classmethod
    def read(cls, connection: sa.Connection, keys: list[str]) -> _People:
        found = run(connection, "messages/people", customers=keys).all() if keys else []
        return cls(
            {row.customer: row.same_as or row.customer for row in found}, {row.customer: row.user_id for row in found}
        )

    def moves(self, aliases: Iterable[Alias]) -> dict[str, str]:
        """Key → the key by which it is known from now, where that is another than before."""
        person = dict(self.person)
        keys: dict[str, list[str]] = {}
        for key, known in person.items():
            keys.setdefault(known, []).append(key)

        def join(old: str, new: str) -> None:
            if old != new:
                theirs = keys.pop(old, [])
                person.update(dict.fromkeys(theirs, new))
                keys.setdefault(new, []).extend(theirs)

        for alias in aliases:
            for key in (alias.old, alias.new):
                if key not in person:
                    person[key], keys[key] = key, [key]
            if alias.is_change and (_is_phone(alias.new) or not _is_phone(person[alias.old])):
                # Known by the new key, also where the two were one person before: a number may be changed back.
                join(person[alias.old], alias.new)
                join(person[alias.new], alias.new)
                continue
            if alias.is_change:  # a new user id of somebody who is known by their phone
                join(person[alias.new], person[alias.old])
                continue
            if self._is_somebody_else(alias, person):
                keys[person[alias.new]].remove(alias.new)
                person[alias.new], keys[alias.new] = alias.new, [alias.new]
            join(person[alias.old], person[alias.new])
        return {key: known for key, known in person.items() if known != self.person.get(key, key)}

    def _is_somebody_else(self, alias: Alias, person: Mapping[str, str]) -> bool:
        """Whether a number that was given up writes under another user id than whoever gave it up: it has a new owner."""
        owner = person[alias.new]
        known = self.user_id.get(owner)
        return owner != alias.new and person[alias.old] != owner and known is not None and known != alias.old


def _is_phone(key: str) -> bool:
    return key.isdigit()
