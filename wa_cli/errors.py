"""Every error wa raises on purpose.

WaError              one sentence for the person at the terminal, and a hint
├── BadInput         what was typed or posted cannot be used; nothing was queued
│   └── ReferenceTaken an idempotency key was used before, for another message
├── CheckFailed      `wa verify` found something, a threshold was crossed
├── ConfigError      a setting is missing or contradicts another
│   └── SchemaTooOld the database lacks a migration that this program needs
├── DatabaseDown     the database does not answer; it will be back
│   └── StatementCut it answers, but ended this statement: its time was over, or it takes no writes now
├── RowRefused       the database answers, but will not take this row
├── QueueError       a queue did not do what it was asked
│   └── Unconfirmed  it did not say whether it has the message
├── CloudError       an endpoint of the Cloud API said no (sending a message returns a Verdict instead)
│   ├── Unauthorized the token is refused: nothing will pass
│   └── NotThere     what was asked for is not there, and will not be
├── PartlyDone       some of it was done, and the message says what was not
└── StillPending     nothing is wrong, but not everything is finished
"""

from __future__ import annotations


class WaError(Exception):
    """One sentence for the person at the terminal; `hint` is what to try next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(WaError):
    exit_code = 2


class ReferenceTaken(BadInput):
    pass


class CheckFailed(WaError):
    exit_code = 3


class ConfigError(WaError):
    exit_code = 4


class SchemaTooOld(ConfigError):
    pass


class DatabaseUnavailable(WaError):
    exit_code = 4


class StatementCut(DatabaseUnavailable):
    pass


class RowRefused(WaError):
    """A constraint, a trigger or a type of the database refused a row or a statement: the same again does not help."""


class QueueError(WaError):
    exit_code = 4


class Unconfirmed(QueueError):
    pass


class CloudError(WaError):
    exit_code = 5


class Unauthorized(CloudError):
    pass


class NotThere(CloudError):
    pass


class PartlyDone(WaError):
    exit_code = 6


class StillPending(WaError):
    exit_code = 8
