"""The errors that are printed as one sentence, with an exit code.

WaError                    one sentence for the person at the terminal, with a hint or a command
├── BadInput               the input cannot be used, and nothing was queued
│   ├── ReferenceTaken     an idempotency key was used before, for another message
│   └── WindowClosed       only a template can be sent to the customer now
├── CheckFailed            `wa verify` found a problem, or a report crossed a threshold
├── ConfigError            a setting is missing or contradicts another
│   └── SchemaTooOld       the database lacks a migration that this program needs
├── DatabaseUnavailable    the database does not answer, and will be available again
│   └── StatementCancelled it answers, but cancelled this statement: a time-out, or it is read-only
├── RowRefused             the database answers, but refuses this row
├── QueueError             a queue did not do what it was asked
│   ├── Unconfirmed        it did not confirm that it has the message
│   └── QueueUnavailable   it does not answer, and will be available again
├── CloudError             an endpoint of the Cloud API refused (sending a message returns an Outcome instead)
│   ├── Unauthorized       the token is refused: every call fails
│   └── NotFound           the object does not exist
├── PartlyDone             a part is done, and the message names the rest
└── StillPending           nothing failed, but not everything is finished
"""

from __future__ import annotations

# Every exit code of a command, and its meaning.
EXIT_CODES = {
    0: "done, also with an empty result",
    1: "an unexpected error",
    2: "wrong usage or bad input",
    3: "a check failed, or a threshold was crossed",
    4: "configuration, credentials, or an unavailable database or queue",
    5: "the API refused",
    6: "partly done",
    8: "not everything is finished yet",
    130: "interrupted by Ctrl-C",
}


def system_reason(error: OSError) -> str:
    """Return the reason of the operating system, such as `no such file or directory`."""
    return (error.strerror or str(error)).lower()


class WaError(Exception):
    """One sentence for the person at the terminal.

    `hint` is advice that begins with a verb. `command` is a command that helps and can be pasted.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None, command: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.command = command


class BadInput(WaError):
    exit_code = 2


class ReferenceTaken(BadInput):
    pass


class WindowClosed(BadInput):
    pass


class CheckFailed(WaError):
    exit_code = 3


class ConfigError(WaError):
    exit_code = 4


class SchemaTooOld(ConfigError):
    pass


class DatabaseUnavailable(WaError):
    exit_code = 4


class StatementCancelled(DatabaseUnavailable):
    pass


class RowRefused(WaError):
    """A constraint, a trigger or a type of the database refused a row or a statement. A retry does not help."""


class QueueError(WaError):
    exit_code = 4


class Unconfirmed(QueueError):
    pass


class QueueUnavailable(QueueError):
    pass


class CloudError(WaError):
    exit_code = 5


class Unauthorized(CloudError):
    pass


class NotFound(CloudError):
    pass


class PartlyDone(WaError):
    exit_code = 6


class StillPending(WaError):
    exit_code = 8
