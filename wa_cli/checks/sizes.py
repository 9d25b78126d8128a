from __future__ import annotations

from rich.filesize import decimal

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted
from wa_cli.database.engine import run as run_sql

NAME, TITLE = "sizes", "Sizes"
SHOWN = 5  # indexes; all are in the facts


def run(installation: Installation) -> Finding:
    """Show the size of whatsapp_messages and of its indexes, and how often each index was used."""
    with installation.reading() as connection:
        found = run_sql(connection, "verify/sizes").all()
    if not found:
        return Finding(Level.SKIPPED, "the table whatsapp_messages does not exist")
    indexes = [row for row in found if row.name]
    rows, table_bytes = max(found[0].rows, 0), found[0].table_bytes
    of_indexes = sum(row.index_bytes for row in indexes)
    facts = {
        "table": {"rows": rows, "bytes": table_bytes},
        "tables of wa": {"bytes": found[0].own_bytes},
        "indexes": {row.name: {"bytes": row.index_bytes, "scans": row.scans} for row in indexes},
    }
    message = (
        f"whatsapp_messages has about {counted(rows, 'row')} in {decimal(table_bytes)},"
        f" its {len(indexes)} indexes {decimal(of_indexes)}, the tables of wa {decimal(found[0].own_bytes)}"
    )
    details = tuple(f"{row.name}: {decimal(row.index_bytes)}, {counted(row.scans, 'scan')}" for row in indexes[:SHOWN])
    return Finding(Level.OK, message, facts=facts, details=details)
