"""Who may send: the holder of a key; without keys only this machine's own people, in the embedded world."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from fastapi import HTTPException, Request

from wa_cli.errors import ConfigError

_LOOPBACK = ("127.0.0.1", "::1")
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@dataclass(frozen=True)
class Caller:
    """Who asks; `employee` where the key stands for one."""

    employee: UUID | None = None


class Keys:
    """`keys`: key → employee or None. `open_to_this_machine`: whether loopback may do without one."""

    def __init__(self, keys: Mapping[str, UUID | None], *, open_to_this_machine: bool) -> None:
        self.keys = keys
        self.open_to_this_machine = open_to_this_machine and not keys

    def required(self, request: Request) -> Caller:
        """For routes that only known callers may use. Raises HTTPException 401 for a stranger."""
        found = self.caller(request.client.host if request.client else None, request.headers)
        if found is None:
            raise HTTPException(
                401,
                "A key from WA_API_KEYS is needed: Authorization: Bearer <key>.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return found

    def caller(self, peer: str | None, headers: Mapping[str, str]) -> Caller | None:
        """Who it is, or None for a stranger. Every key is compared, in constant time."""
        given = headers.get("authorization", "").removeprefix("Bearer ").strip().encode()
        found = None
        for key, employee in self.keys.items():
            if hmac.compare_digest(key.encode(), given):
                found = Caller(employee)
        if found or not self.open_to_this_machine:
            return found
        return Caller() if _is_this_machine(peer, headers) else None


def _is_this_machine(peer: str | None, headers: Mapping[str, str]) -> bool:
    """A proxy on this host would make every request a loopback one: its headers, and the Host, give it away."""
    host = headers.get("host", "").rsplit(":", 1)[0] if not headers.get("host", "").endswith("]") else headers["host"]
    return peer in _LOOPBACK and host in _LOCAL_HOSTS and not any(name in headers for name in _FORWARDED)


def parse_keys(text: str | None) -> dict[str, UUID | None]:
    """`key` or `key=employee`, by comma. A key may end in `=` itself, as base64 does.

    Raises ConfigError, which never shows a key.
    """
    keys: dict[str, UUID | None] = {}
    for place, part in enumerate((text or "").split(","), start=1):
        if part.strip():
            key, employee = _key_and_employee(part.strip(), place)
            keys[key] = employee
    return keys


def _key_and_employee(part: str, place: int) -> tuple[str, UUID | None]:
    """What stands behind the last `=` is the employee; where nothing does, each `=` belongs to the key."""
    if part.startswith("="):
        raise ConfigError(f"WA_API_KEYS: key number {place} is empty.")
    key, separator, employee = part.rpartition("=")
    if not separator or not employee:
        return part, None
    try:
        return key.strip(), UUID(employee.strip())
    except ValueError:
        raise ConfigError(
            f"WA_API_KEYS: the employee of key number {place} is not a UUID.",
            hint="Write key=employee; inside a key, = is allowed at its end only.",
        ) from None
