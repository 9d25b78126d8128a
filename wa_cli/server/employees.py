"""The employee of a request to send: the one of the key, or one that the request names."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from uuid import UUID

from fastapi import HTTPException

from wa_cli.errors import BadInput, ConfigError, DatabaseUnavailable
from wa_cli.server.auth import Caller

REMEMBERED = 60.0  # seconds


class EmployeeLookup:
    """Looks up employees by name, each at most once a minute. An id needs no lookup."""

    def __init__(self, find: Callable[[str], UUID]) -> None:
        self._find = find
        self._known: dict[str, tuple[UUID, float]] = {}

    def check(self, keys: Mapping[str, Caller]) -> None:
        """Raise ConfigError for a key with an unknown employee. During an outage the first request finds it."""
        for place, caller in enumerate(keys.values(), start=1):
            try:
                self._id_of(caller.employee)
            except BadInput:
                raise ConfigError(
                    f"WA_API_KEYS: the employee of key {place} is unknown or not unique.", command="wa employee list"
                ) from None
            except DatabaseUnavailable:
                return

    def of(self, caller: Caller, named: str | None) -> UUID | None:
        """Return the employee. `named` is the one in the request.

        Raises HTTPException 403 if the caller may not name one, BadInput for an unknown one, and DatabaseUnavailable.
        """
        if named is None:
            return self._id_of(caller.employee)
        if not caller.names_employees:
            raise HTTPException(403, "This key may not name an employee. Add `=*` to it in WA_API_KEYS.")
        return self._id_of(named)

    def _id_of(self, who: str | None) -> UUID | None:
        if who is None:
            return None
        try:
            return UUID(who)
        except ValueError:
            pass
        found, until = self._known.get(who, (None, 0.0))
        if found is None or until < time.monotonic():
            found = self._find(who)
            self._known[who] = found, time.monotonic() + REMEMBERED
        return found
