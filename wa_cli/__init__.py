"""wa: operate WhatsApp Business messaging from the command line."""

from __future__ import annotations

from wa_cli.version import __version__ as __version__


def migrate(url: str) -> list[str]:
    """Migrate the database at this URL, like `wa migrate --yes`. Return the skipped steps, in words, normally none.

    Raises wa_cli.errors.ConfigError if the database cannot be migrated, DatabaseUnavailable if it does not answer, and
    StillPending if another session or another migration holds it for too long.
    """
    from wa_cli.database.engine import Database
    from wa_cli.migrations.runner import Migrator

    database = Database(url, application="wa migrate")
    try:
        return list(Migrator(database).apply())
    finally:
        database.close()
