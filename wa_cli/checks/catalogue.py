"""The checks, found by their files. `wa verify` and `wa doctor` are selections of them.

A check is a module of this package with NAME, TITLE and `run(installation)`, which returns a finding, or None if the check
does not apply. NAME is stable, for --json. To add a check, write its file and put its name into a selection.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from sqlalchemy.exc import NoSuchTableError

from wa_cli import checks
from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.database import installation_faults
from wa_cli.errors import (
    ConfigError,
    DatabaseUnavailable,
    QueueError,
    RowRefused,
    SchemaTooOld,
    StatementCancelled,
    WaError,
    system_reason,
)

STORAGE = (
    *("migrations", "direction_column", "direction_constraint", "direction_index", "indexes", "plans", "model"),
    *("permissions", "round_trip", "trial_writes", "counts", "recent_outgoing", "recent_incoming", "storage_rate"),
    *("uncertain", "stray_statuses", "orphans", "files", "employees", "server", "session", "clock"),
)
SENDING = ("sending", "workers", "oldest")
VERIFY = (*STORAGE, "backlog", "stranded_spools", *SENDING, "webhook")
DOCTOR = (
    *("settings", "database", "migrations", "indexes", "permissions", "server", "clock", "status_lateness"),
    *("sizes", "report_plans", "slow_statements"),
    *(*SENDING, "queues", "queue_outgoing", "queue_incoming", "dedup_table"),
    *("token", "number", "subscription", "callback", "webhook", "disk", "media"),
)
# Read by `wa doctor --save` and `--compare`. The last one takes time.
PERFORMANCE = ("sizes", "report_plans", "slow_statements", "query_times")
MIGRATE = "wa migrate"
# Errors that are findings of their check. Others, such as an invalid setting, end `wa verify`.
_FINDINGS = (RowRefused, QueueError, SchemaTooOld, StatementCancelled)
# Errors of a part that several checks need. Others concern what the check itself looks at.
_SHARED = (DatabaseUnavailable, ConfigError)


@dataclass(frozen=True)
class Check:
    name: str
    title: str
    run: Callable[[Installation], Finding | None]


Found = list[tuple[Check, Finding]]


def find(names: Sequence[str]) -> list[Check]:
    """Return the checks of these names, in this order. Raises KeyError for an unknown name."""
    known = {check.name: check for check in _all_checks()}
    return [known[name] for name in names]


def run_all(selected: Sequence[Check], installation: Installation) -> Found:
    """Run the checks. Raises DatabaseUnavailable or ConfigError: without the database there is nothing to verify."""
    return _Round(installation).run(selected)


def run_each(selected: Sequence[Check], installation: Installation) -> Found:
    """Run the checks. An unavailable dependency or an invalid setting is a finding."""
    return _Round(installation, is_patient=True).run(selected)


class _Round:
    """One run of several checks. A fault that hits several checks is reported by the first one, and skips the others.

    With `is_patient` an unavailable dependency or an invalid setting is such a fault.
    """

    def __init__(self, installation: Installation, *, is_patient: bool = False) -> None:
        self._installation = installation
        self._is_patient = is_patient
        self._reported: dict[str, str] = {}

    def run(self, selected: Sequence[Check]) -> Found:
        found = ((check, self._finding(check)) for check in selected)
        return [(check, finding) for check, finding in found if finding]

    def _finding(self, check: Check) -> Finding | None:
        try:
            finding = check.run(self._installation)
        except WaError as error:
            if not (self._is_patient or isinstance(error, _FINDINGS)):
                raise
            finding = _failure(error)
            is_shared = isinstance(error, _SHARED) and not isinstance(error, StatementCancelled)
            if is_shared or finding.command == MIGRATE:
                finding = self._once(check, finding)
        except OSError as error:
            finding = Finding(Level.FAILED, f"{error.filename or check.title}: {system_reason(error)}")
        except NoSuchTableError as error:
            finding = self._once(check, Finding(Level.FAILED, f"the table {error} does not exist", MIGRATE))
        if finding and finding.level is Level.FAILED:
            self._reported.setdefault(_fault(finding), check.title)
        return finding

    def _once(self, check: Check, finding: Finding) -> Finding:
        """Return the finding of an error, or a skipped one if an earlier check reported its fault."""
        first = self._reported.get(_fault(finding))
        return finding if first in (None, check.title) else Finding(Level.SKIPPED, f"not checked: see {first}")


def _fault(finding: Finding) -> str:
    """Return what tells the fault of a finding from another one. A missing migration is one fault, whatever it lacks."""
    return MIGRATE if finding.command == MIGRATE else finding.message


def _all_checks() -> list[Check]:
    modules = [import_module(f"{checks.__name__}.{found.name}") for found in pkgutil.iter_modules(checks.__path__)]
    return [Check(module.NAME, module.TITLE, module.run) for module in modules if hasattr(module, "NAME")]


def _failure(error: WaError) -> Finding:
    explained = installation_faults.explained(error)
    return Finding(Level.FAILED, error.message.rstrip("."), hint=explained.hint, command=explained.command)
