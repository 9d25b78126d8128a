"""wa migrate at the command line: upgrades, rollbacks and the confirmations that they need."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import Shell
from wa_cli.cli.context import AppContext
from wa_cli.migrations import catalogue
from wa_cli.settings import sources


def test_a_rollback_is_refused_while_its_tables_hold_unfinished_messages(shell: Shell) -> None:
    shell.wa("send", "text", "+123", "hi")
    count = len(catalogue.names())

    failed = shell.wa("migrate", "rollback", "--to", "0002", "--yes", code=6)

    assert (
        "0003_wa cannot be rolled back: wa.outbox and wa.queue_messages hold unfinished messages (1)" in failed.stderr
    )
    assert f"Rolled back: {catalogue.names()[-1]}" not in failed.stdout
    shell.wa("migrate", "--yes")
    shell.wa("worker", "outgoing", "--drain")
    shell.wa("migrate", "rollback", "--to", "0002", "--yes")
    shell.wa("migrate", "--yes")
    assert len(shell.wa("migrate", "status", "--format", "ndjson").stdout.splitlines()) == count


def test_the_direction_column_is_dropped_only_with_drop_direction(shell: Shell) -> None:
    shell.wa("migrate", "--yes")

    kept = shell.wa("migrate", "rollback", "--to", "1", "--yes")
    assert "The column direction stays" in kept.stderr
    assert "Cannot ask for a confirmation" in shell.wa("migrate", "rollback", "--drop-direction", code=2).stderr
    dropped = shell.wa("migrate", "rollback", "--drop-direction", "--yes")
    assert "The column direction is dropped" in dropped.stderr
    shell.wa("migrate", "rollback", "--to", "0001", "--drop-direction", code=2)

    shell.wa("migrate", "--to", "0004", "--yes")
    states = shell.wa("migrate", "status", "--format", "csv").stdout
    assert states.count("applied") == 4 + 1  # and the heading
    assert "Unknown migration '99'" in shell.wa("migrate", "--to", "99", code=2).stderr


@pytest.mark.parametrize("which", ["outcomes", "webhooks"])
def test_a_rollback_is_refused_while_a_spool_has_records(
    shell: Shell, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.wa("migrate", "--yes")
    monkeypatch.setenv("WA_HOME", str(shell.folder / "data"))
    spool = getattr(AppContext(sources.load()).spools, which)
    kept = spool.append([{"webhook": "a"}])

    refused = shell.wa("migrate", "rollback", "--drop-direction", "--yes", code=6)
    assert f"Nothing was rolled back: the spool has 1 record in {spool.folder}" in refused.stderr
    assert "applied" in shell.wa("migrate", "status").stdout
    shell.wa("migrate", "rollback", "--to", "0002", "--yes", code=6)

    spool.remove(kept)
    spool.close()
    shell.wa("migrate", "rollback", "--drop-direction", "--yes")


def test_messages_with_a_lost_direction_are_reported_and_can_be_backfilled(shell: Shell) -> None:
    shell.wa("send", "text", "+123", "hi")
    shell.wa("worker", "outgoing", "--drain")
    shell.wa("migrate", "rollback", "--drop-direction", "--yes")

    named = shell.wa("migrate", "--yes", code=6)

    assert "1 outgoing message marked as incoming" in named.stderr
    assert "wamid." in named.stderr
    assert "Incomplete rows: 1 outgoing message " in shell.wa("verify", code=3).stdout
    shell.environ["WA_BUSINESS_PHONE"] = "+15550100000"
    shell.wa("migrate", "--backfill-direction", "--yes")
    verified = shell.wa("verify").stdout
    assert "1 outgoing" in verified
