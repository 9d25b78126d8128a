"""Looks at the whole installation: what `wa verify` does not ask, because storage works without it."""

from __future__ import annotations

from collections.abc import Sequence

from wa_cli import verify
from wa_cli.errors import WaError
from wa_cli.verify.base import Check, Finding, Level


def look(wanted: Sequence[Check]) -> list[tuple[Check, Finding]]:
    """What each check found. Whatever is away is a finding: the others are looked at all the same."""
    return [(check, _found(check)) for check in wanted]


def unavailable(name: str, title: str, error: WaError) -> Check:
    """In place of checks that cannot even be made."""
    return Check(name, title, lambda: _failure(error))


def _found(check: Check) -> Finding:
    try:
        [(_, finding)] = verify.look([check])
    except WaError as error:
        return _failure(error)
    except OSError as error:
        return Finding(Level.FAILED, f"{error.filename or check.title}: {error.strerror or error}")
    return finding


def _failure(error: WaError) -> Finding:
    return Finding(Level.FAILED, error.message.rstrip("."), error.hint and error.hint.removeprefix("Type: "))
