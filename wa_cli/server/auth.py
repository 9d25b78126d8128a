"""Authentication of the messaging API: keys, or without any key programs of this machine on an embedded installation."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fastapi import HTTPException, Request

from wa_cli.errors import ConfigError
from wa_cli.messages.states import SentBy

ANY_EMPLOYEE, ONLY_READS = "*", "metrics"
EXAMPLE = "key=ana or key=ana:automatic"
_LOOPBACK = ("127.0.0.1", "::1")
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@dataclass(frozen=True)
class Caller:
    """A known caller. `employee` (a name or an id) and `sent_by` are given if the key stands for them. `name` tells
    callers apart and is not secret.
    """

    employee: str | None = None
    sent_by: SentBy | None = None
    name: str = ""
    names_employees: bool = False
    only_reads: bool = False


class Keys:
    """The API keys, and the decision about a caller.

    `keys` maps keys to callers. With `open_to_this_machine` loopback needs no key if there are none.
    """

    def __init__(self, keys: Mapping[str, Caller], *, open_to_this_machine: bool) -> None:
        self.keys = keys
        self.open_to_this_machine = open_to_this_machine and not keys

    async def may_send(self, request: Request) -> Caller:
        """Return the caller. Raises HTTPException 401 for an unknown one, and 403 for one who may only read."""
        found = await self.required(request)
        if found.only_reads:
            raise HTTPException(403, "This key may only read metrics and the status of the queues.")
        return found

    async def required(self, request: Request) -> Caller:  # async, so that FastAPI uses no thread for it
        """Return the caller. Raises HTTPException 401 for an unknown one."""
        found = self.caller(request.client.host if request.client else None, request.headers)
        if found is None:
            raise HTTPException(
                401,
                "A key from WA_API_KEYS is required: Authorization: Bearer <key>.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return found

    def caller(self, peer: str | None, headers: Mapping[str, str]) -> Caller | None:
        """Return the caller, or None for an unknown one. Every key is compared, in constant time."""
        given = headers.get("authorization", "").removeprefix("Bearer ").strip().encode()
        found = None
        for key, caller in self.keys.items():
            if hmac.compare_digest(key.encode(), given):
                found = caller
        if found or not self.open_to_this_machine:
            return found
        return Caller(names_employees=True) if _is_this_machine(peer, headers) else None


def _is_this_machine(peer: str | None, headers: Mapping[str, str]) -> bool:
    """Return True for a direct request of this machine. A proxy here would make every request a local one: its headers
    and the Host give it away.
    """
    host = headers.get("host", "").rsplit(":", 1)[0] if not headers.get("host", "").endswith("]") else headers["host"]
    return peer in _LOOPBACK and host in _LOCAL_HOSTS and not any(name in headers for name in _FORWARDED)


def parse_keys(text: str | None) -> dict[str, Caller]:
    """Parse `key` or `key=word:word`, separated by commas. A key may end in `=`, as in base64.

    The words are an employee (name or id), `*` if requests may name any employee, a kind of sender, or `metrics` for a
    key that only reads. Raises ConfigError, which never shows a key.
    """
    callers: dict[str, Caller] = {}
    for place, part in enumerate((text or "").split(","), start=1):
        if part.strip():
            key, words = _key_and_words(part.strip(), place)
            name = hashlib.sha256(key.encode()).hexdigest()[:16]
            callers[key] = replace(_caller(words, place), name=name)
    return callers


def _key_and_words(part: str, place: int) -> tuple[str, str]:
    """Split at the last `=`, if text stands behind it. Otherwise each `=` belongs to the key."""
    if part.startswith("="):
        raise ConfigError(f"WA_API_KEYS: key {place} is empty.")
    key, separator, words = part.rpartition("=")
    if not separator or not words:
        return part, ""
    return key.strip(), words.strip()


def _caller(words: str, place: int) -> Caller:
    """Return the caller that these words describe."""
    caller = Caller()
    for word in filter(None, (word.strip() for word in words.split(":"))):
        if word in list(SentBy):
            caller = replace(caller, sent_by=SentBy(word))
        elif word == ONLY_READS:
            caller = replace(caller, only_reads=True)
        elif caller.employee or caller.names_employees:
            raise ConfigError(f"WA_API_KEYS: key {place} has two employees.", hint=f"Write it like {EXAMPLE}.")
        elif word == ANY_EMPLOYEE:
            caller = replace(caller, names_employees=True)
        else:
            caller = replace(caller, employee=word)
    if caller.only_reads and (caller.sent_by or caller.employee or caller.names_employees):
        raise ConfigError(f"WA_API_KEYS: key {place} may only read and has words for sending.")
    return caller
