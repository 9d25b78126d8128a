"""Customers: names, user ids, and the keys of one person.

A person is known by one key. Other keys of a person point to it in one step and never along a chain, so that reading
needs one lookup. An older event never overrides a newer one, since Meta repeats and delays events.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wa_cli.database.engine import rows, run
from wa_cli.messages.incoming import Alias, Contact
from wa_cli.messages.phone import customer_key, person_key


def update_people(connection: sa.Connection, contacts: Iterable[Contact], aliases: Iterable[Alias]) -> None:
    """Update profiles and keys from events, in the caller's transaction."""
    seen = [contact for contact in contacts if _keys(contact)]
    pairs = [pair for contact in seen if (pair := _pair(contact))]
    changes = sorted((_by_person(alias) for alias in (*pairs, *aliases)), key=lambda alias: alias.at)
    changes = [alias for alias in changes if alias.old != alias.new]
    keys = sorted({key for contact in seen for key in _keys(contact)} | {k for a in changes for k in (a.old, a.new)})
    if not keys:
        return
    run(connection, "messages/insert_contacts", customers=keys)
    people = _People(_read(connection, keys))
    people.update(seen, changes)
    if people.has_moved:  # others may have moved the same people until their rows were locked
        people = _People(_read(connection, keys))
        people.update(seen, changes)
    if changed := people.changed():
        run(connection, "messages/update_contacts", rows=rows(changed))


def _read(connection: sa.Connection, keys: Sequence[str]) -> list[_Known]:
    return [_Known(**row) for row in run(connection, "messages/people", customers=keys).mappings()]


def _keys(contact: Contact) -> list[str]:
    """Return the keys of the contact, the one by which the person is known first."""
    phone = customer_key(contact.phone)
    return [key for key in (phone and person_key(phone), contact.user_id) if key]


def _pair(contact: Contact) -> Alias | None:
    """Return a user id with its phone."""
    keys = _keys(contact)
    return Alias(keys[1], keys[0], contact.at) if len(keys) > 1 else None


def _by_person(alias: Alias) -> Alias:
    return replace(alias, old=person_key(alias.old), new=person_key(alias.new))


@dataclass
class _Known:
    """A row of wa.contacts."""

    customer: str
    same_as: str | None = None
    name: str | None = None
    username: str | None = None
    user_id: str | None = None
    name_at: datetime | None = None
    changed_at: datetime | None = None

    def take(self, other: _Known | Contact, at: datetime | None) -> None:
        """Take over a profile that is as new as this one. An older one fills only missing values."""
        is_newer = at is not None and (self.name_at is None or at >= self.name_at)
        newer, older = (other, self) if is_newer else (self, other)
        if is_newer and other.name:
            self.name_at = at
        self.name, self.username, self.user_id = (
            newer.name or older.name,
            newer.username or older.username,
            newer.user_id or older.user_id,
        )


class _People:
    """Keys as they are known, and as they are to be known. Every requested key has a row."""

    def __init__(self, known: Sequence[_Known]) -> None:
        self._before = {row.customer: asdict(row) for row in known}
        self._rows = {row.customer: row for row in known}
        self._members: dict[str, set[str]] = {}
        for row in known:
            self._members.setdefault(row.same_as or row.customer, set()).add(row.customer)

    def update(self, contacts: Sequence[Contact], aliases: Sequence[Alias]) -> None:
        """Unite and separate people by the aliases, oldest first. Then update their profiles."""
        for alias in aliases:
            if alias.is_change:
                self._change(alias)
            else:
                self._pair(alias)
        for contact in contacts:
            key = _keys(contact)[0]
            if contact.is_sender and self._gave_up_before(key, contact.at):
                self._part(key)
            self._rows[self._person(key)].take(contact, contact.at)

    @property
    def has_moved(self) -> bool:
        return any(row.same_as != self._before[key]["same_as"] for key, row in self._rows.items())

    def changed(self) -> list[dict[str, Any]]:
        """Return the rows to write."""
        now = {key: asdict(row) for key, row in self._rows.items()}
        return [row for key, row in now.items() if row != self._before[key]]

    def _person(self, key: str) -> str:
        return self._rows[key].same_as or key

    def _change(self, alias: Alias) -> None:
        """Make the new key the key of the old key's person, unless a newer change is known."""
        person = self._person(alias.old)
        changed_at = self._rows[person].changed_at
        is_old_news = changed_at is not None and alias.at < changed_at
        if is_old_news or (_is_phone(person) and not _is_phone(alias.new)):
            self._unite(self._person(alias.new), person)
            return
        owner = self._person(alias.new)
        if owner not in (alias.new, person):
            if _is_before(alias.at, self._rows[owner].changed_at):  # a later step of the same person came first
                self._unite(person, owner)
                return
            self._part(alias.new)  # a number that another person gave up
        self._unite(person, alias.new)
        self._rows[alias.new].changed_at = alias.at

    def _pair(self, alias: Alias) -> None:
        """Unite a user id with the number it writes from, unless the number has a new owner."""
        person = self._person(alias.new)
        if self._has_new_owner(alias):
            self._part(alias.new)
            person = alias.new
        self._unite(self._person(alias.old), person)

    def _has_new_owner(self, alias: Alias) -> bool:
        """Return True if a number that its owner gave up writes afterwards under another user id."""
        owner = self._rows[self._person(alias.new)]
        gave_it_up = owner.customer != alias.new and (owner.changed_at is None or owner.changed_at <= alias.at)
        return (
            gave_it_up
            and self._person(alias.old) != owner.customer
            and owner.user_id is not None
            and owner.user_id != alias.old
        )

    def _gave_up_before(self, key: str, at: datetime) -> bool:
        """Return True if the owner of a phone changed to another one before that time. Who writes from it then is new."""
        owner = self._rows[self._person(key)]
        return (
            owner.customer != key
            and _is_phone(key)
            and _is_phone(owner.customer)
            and owner.changed_at is not None
            and owner.changed_at < at
        )

    def _unite(self, old: str, new: str) -> None:
        """Make `new` the key of everyone who is known by `old`."""
        if old == new:
            return
        profile = self._rows[old]
        self._rows[new].take(profile, profile.name_at)
        for key in self._members.pop(old, {old}):
            self._rows[key].same_as = None if key == new else new
            self._members.setdefault(new, {new}).add(key)
        self._rows[new].same_as = None

    def _part(self, key: str) -> None:
        """Make the key a person of its own again."""
        self._members[self._person(key)].discard(key)
        self._members[key] = {key}
        self._rows[key] = _Known(key)


def _is_before(at: datetime, change: datetime | None) -> bool:
    """Return True if an event is not newer than a known change."""
    return change is not None and at <= change


def _is_phone(key: str) -> bool:
    return key.isdigit()
