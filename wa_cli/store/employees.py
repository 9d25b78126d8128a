"""Employees: people who answer customers. Messages keep the id, so that a new name changes no history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa

from wa_cli.clock import naive_utc, now
from wa_cli.database.engine import Database, rows, run
from wa_cli.errors import BadInput
from wa_cli.messages import json_text

RELATION = "wa.employees"
NAME_LIMIT = 200


@dataclass(frozen=True)
class Employee:
    """An employee. `left_at` is set for one who left: messages keep the name, which is refused for new ones."""

    id: UUID
    name: str
    team: str | None = None
    left_at: datetime | None = None


@dataclass(frozen=True)
class Activity:
    """An employee, and the messages of a time: their number, and the time of the last one."""

    employee: Employee
    messages: int
    last_at: datetime | None


@dataclass(frozen=True)
class Entry:
    """An employee to import. Without an id it is the active employee of that name, or a new one."""

    name: str
    id: UUID | None = None
    team: str | None = None


@dataclass(frozen=True)
class Saved:
    """The numbers of imported employees."""

    new: int
    changed: int
    unchanged: int


def find(connection: sa.Connection, who: str, *, may_have_left: bool = True, by_whole_words: bool = False) -> Employee:
    """Return the employee with this id, this name, or a name with a word that begins so. Raises BadInput for none or several.

    With `by_whole_words` the word must be a whole one.
    """
    who = json_text.clean(who).strip()
    found = [Employee(**row) for row in run(connection, "employees/find", who=who).mappings()] if who else []
    if by_whole_words:
        found = [one for one in found if who.lower() in (str(one.id), one.name.lower(), *one.name.lower().split())]
    if not found:
        raise BadInput(f"Unknown employee {who!r}.", hint="Use a name or an id.", command="wa employee list")
    best = next(filter(None, ([one for one in found if fits(one)] for fits in _fits(who))), found)
    if len(best) > 1:
        names = ", ".join(f"{one.name} ({one.id})" for one in best[:5])
        raise BadInput(f"{len(best)} employees fit {who!r}: {names}.", hint="Use the whole name or the id.")
    if best[0].left_at and not may_have_left:
        raise BadInput(f"{best[0].name} left on {best[0].left_at:%Y-%m-%d}.", hint="Use an active employee.")
    return best[0]


def id_of(database: Database, who: str, *, by_whole_words: bool = False) -> UUID:
    """Return the id of an active employee. Raises BadInput for none or several."""
    with database.reading() as connection:
        return find(connection, who, may_have_left=False, by_whole_words=by_whole_words).id


def _fits(who: str) -> Sequence[Callable[[Employee], bool]]:
    """Return the ways in which an employee may fit, the best first."""
    return (
        lambda one: str(one.id) == who.lower(),
        lambda one: one.name.lower() == who.lower() and one.left_at is None,
        lambda one: one.name.lower() == who.lower(),
        lambda one: one.left_at is None,
    )


class Employees:
    """The employees of wa's own table."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def activity(self, since: datetime, *, with_former: bool) -> list[Activity]:
        """Return the employees by name, former ones last, with their messages since then."""
        with self.database.reading() as connection:
            found = run(connection, "employees/list", since=naive_utc(since), with_former=with_former)
            return [Activity(Employee(*row[:4]), row.messages, row.last_at) for row in found]

    def add(self, name: str, identity: UUID | None, team: str | None) -> Employee:
        """Insert an employee. Raises BadInput if the name or the id is taken."""
        with self.database.transaction() as connection:
            known = _locked(connection)
            new = Employee(identity or uuid4(), checked(name), team and checked(team, "team"))
            if taken := next((one for one in known if one.id == new.id), None):
                raise BadInput(f"The id {new.id} is that of {taken.name}.")
            _check_names([*known, new], known)
            run(connection, "employees/save", rows=rows([asdict(new)]))
            return new

    def save(self, entries: Sequence[Entry], *, rehearse: bool = False) -> Saved:
        """Insert or update employees. With `rehearse` nothing is written.

        Raises BadInput if two active employees would have one name or one id.
        """
        with self.database.transaction() as connection:
            known = _locked(connection)
            by_id = {one.id: one for one in known}
            by_name = {one.name.lower(): one for one in known if one.left_at is None}
            wanted = [_wanted(entry, by_id, by_name) for entry in entries]
            _check_ids(wanted)
            _check_names([*(one for one in known if one.id not in {w.id for w in wanted}), *wanted], known)
            new = [one for one in wanted if one.id not in by_id]
            changed = [one for one in wanted if one.id in by_id and one != by_id[one.id]]
            if not rehearse and (new or changed):
                run(connection, "employees/save", rows=rows([asdict(one) for one in (*new, *changed)]))
            return Saved(len(new), len(changed), len(wanted) - len(new) - len(changed))

    def rename(self, who: str, name: str) -> tuple[Employee, Employee]:
        """Give the employee another name. Return the employee before and after."""
        return self._change(who, lambda one: replace(one, name=checked(name)))

    def assign(self, who: str, team: str | None) -> tuple[Employee, Employee]:
        """Put the employee into a team, or into none. Return the employee before and after."""
        return self._change(who, lambda one: replace(one, team=team and checked(team, "team")))

    def leave(self, who: str) -> tuple[Employee, Employee]:
        """Mark the employee as one who left. Return the employee before and after."""
        return self._change(who, lambda one: replace(one, left_at=one.left_at or now()))

    def rejoin(self, who: str) -> tuple[Employee, Employee]:
        """Mark a former employee as active again. Return the employee before and after."""
        return self._change(who, lambda one: replace(one, left_at=None))

    def _change(self, who: str, change: Callable[[Employee], Employee]) -> tuple[Employee, Employee]:
        with self.database.transaction() as connection:
            known = _locked(connection)
            before = find(connection, who, by_whole_words=True)
            after = change(before)
            _check_names([*(one for one in known if one.id != after.id), after], known)
            run(connection, "employees/save", rows=rows([asdict(after)]))
            return before, after


def _locked(connection: sa.Connection) -> list[Employee]:
    """Return every employee, and let no other process change one until the end of the transaction."""
    run(connection, "employees/lock")
    return [Employee(**row) for row in run(connection, "employees/all").mappings()]


def _wanted(entry: Entry, by_id: dict[UUID, Employee], by_name: dict[str, Employee]) -> Employee:
    name = checked(entry.name)
    known = by_id.get(entry.id) if entry.id else by_name.get(name.lower())
    team = checked(entry.team, "team") if entry.team else known.team if known else None
    return Employee(known.id if known else entry.id or uuid4(), name, team, known.left_at if known else None)


def _check_ids(employees: Sequence[Employee]) -> None:
    seen: dict[UUID, Employee] = {}
    for one in employees:
        if (other := seen.setdefault(one.id, one)) is not one:
            raise BadInput(f"{other.name!r} and {one.name!r} are the same employee ({one.id}).")


def _check_names(employees: Sequence[Employee], known: Sequence[Employee]) -> None:
    """Raise BadInput if two active employees have one name, with a command if one of them is known already."""
    ids = {one.id for one in known}
    taken: dict[str, Employee] = {}
    for one in employees:
        other = taken.setdefault(one.name.lower(), one) if one.left_at is None else one
        if other.id != one.id:
            raise BadInput(
                f"There would be two active employees with the name {one.name!r}.",
                hint="Add a family name, or mark the one who left.",
                command=f"wa employee leave {other.id}" if other.id in ids else None,
            )


def checked(text: str, what: str = "name") -> str:
    """Return a name without the space around it. Raises BadInput for an empty or long one."""
    text = " ".join(json_text.clean(text).split())
    if not text:
        raise BadInput(f"The {what} is empty.")
    if len(text) > NAME_LIMIT:
        raise BadInput(f"The {what} has {len(text):,} characters. It must have at most {NAME_LIMIT}.")
    return text
