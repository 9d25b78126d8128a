"""The steps of all migrations, parsed at import. A process that forks tests parses them once."""

from __future__ import annotations

from wa_cli.migrations.catalogue import migrations

STEPS = [step for migration in migrations() for step in (*migration.up.steps, *migration.down.steps)]
