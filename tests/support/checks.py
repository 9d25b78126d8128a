"""Single checks, run on a database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from wa_cli.checks import catalogue
from wa_cli.checks.finding import Finding
from wa_cli.checks.installation import Installation
from wa_cli.clock import now
from wa_cli.database.engine import Database

DAY = timedelta(hours=24)


def installation(database: Database, span: timedelta = DAY, **parts: Any) -> Installation:
    return Installation(open_database=lambda: database, since=now() - span, **parts)


def finding(database: Database, name: str, span: timedelta = DAY, **parts: Any) -> Finding:
    [check] = catalogue.find([name])
    [(_, found)] = catalogue.run_all([check], installation(database, span, **parts))
    return found


def storage_findings(database: Database, **parts: Any) -> catalogue.Found:
    """Return the findings of the checks that need nothing but the database."""
    return catalogue.run_all(catalogue.find(catalogue.STORAGE), installation(database, **parts))
