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
from wa_cli.errors import DatabaseUnavailable, QueueError, RowRefused, SchemaTooOld, StatementCancelled, WaError

STORAGE = (
    *("migrations", "direction_column", "direction_constraint", "direction_index", "indexes", "plans", "model"),
    *("permissions", "round_trip", "trial_writes", "counts", "recent_outgoing", "recent_incoming", "storage_rate"),
    *("uncertain", "stray_statuses", "orphans", "files", "employees", "server", "session", "clock"),
)
SENDING = ("sending", "workers", "oldest")
VERIFY = (*STORAGE, "backlog", "stranded_spools", *SENDING, "webhook")
DOCTOR = (
    *("settings", "database", "migrations", "indexes", "permissions", "server", "clock", "status_lateness"),
    *(
        "sizes",
        "report_plans",
        "slow_statements",
        *SENDING,
        "queues",
        "queue_outgoing",
        "queue_incoming",
        "dedup_table",
    ),
    *("token", "number", "subscription", "callback", "webhook", "disk", "media"),
)
# Read by `wa doctor --save` and `--compare`. The last one takes time.
PERFORMANCE = ("sizes", "report_plans", "slow_statements", "query_times")


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
    """Run the checks. Raises DatabaseUnavailable: without the database there is nothing to verify."""
    found = ((check, _run(check, installation)) for check in selected)
    return [(check, finding) for check, finding in found if finding]


def run_each(selected: Sequence[Check], installation: Installation) -> Found:
    """Run the checks. An unavailable dependency is a finding, and the database's is reported once."""
    found: Found = []
    is_reported = False
    for check in selected:
        try:
            finding = _run(check, installation)
        except DatabaseUnavailable as error:
            finding = Finding(Level.SKIPPED, "the database is unavailable") if is_reported else _failure(error)
            is_reported = True
        except WaError as error:
            finding = _failure(error)
        except OSError as error:
            finding = Finding(Level.FAILED, f"{error.filename or check.title}: {error.strerror or error}")
        if finding:
            found.append((check, finding))
    return found


def _all_checks() -> list[Check]:
    modules = [import_module(f"{checks.__name__}.{found.name}") for found in pkgutil.iter_modules(checks.__path__)]
    return [Check(module.NAME, module.TITLE, module.run) for module in modules if hasattr(module, "NAME")]


def _run(check: Check, installation: Installation) -> Finding | None:
    try:
        return check.run(installation)
    except StatementCancelled as error:
        return Finding(Level.FAILED, error.message)
    except RowRefused as error:  # a missing table or column fails its own check and no other one
        explained = installation_faults.explained(error)
        return Finding(Level.FAILED, error.message, explained.command, hint=explained.hint)
    except (QueueError, SchemaTooOld) as error:
        return _failure(error)
    except NoSuchTableError as error:
        return Finding(Level.FAILED, f"the table {error} does not exist", "wa migrate")


def _failure(error: WaError) -> Finding:
    return Finding(Level.FAILED, error.message.rstrip("."), hint=error.hint, command=error.command)
