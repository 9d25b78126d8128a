"""The migrations, parsed when this is imported: a process that forks tests does it once for all of them."""

from __future__ import annotations

from wa_cli.migrations.catalogue import migrations

STEPS = [step for migration in migrations() for step in (*migration.up.steps, *migration.down.steps)]
