"""wa migrate at the command line: up to a revision, back, and what is asked first."""

from __future__ import annotations

from tests.acceptance.conftest import Shell
from wa_cli.migrations import catalogue


def test_a_table_whose_messages_wait_is_not_dropped(shell: Shell) -> None:
    shell.wa("send", "text", "+123", "hi")
    count = len(catalogue.names())

    failed = shell.wa("migrate", "rollback", "--to", "0002", "--yes", code=6)

    assert "0003_wa is not taken back: 1 messages are not finished" in failed.stderr
    assert f"Taken back: {catalogue.names()[-1]}" not in failed.stdout
    shell.wa("migrate", "--yes")
    shell.wa("worker", "outgoing", "--drain")
    shell.wa("migrate", "rollback", "--to", "0002", "--yes")
    shell.wa("migrate", "--yes")
    assert len(shell.wa("migrate", "status", "--format", "ndjson").stdout.splitlines()) == count


def test_the_column_goes_only_where_that_is_said(shell: Shell) -> None:
    shell.wa("migrate", "--yes")

    kept = shell.wa("migrate", "rollback", "--to", "1", "--yes")
    assert "The column direction stays" in kept.stderr
    assert "Nobody is there to be asked" in shell.wa("migrate", "rollback", "--drop-direction", code=2).stderr
    dropped = shell.wa("migrate", "rollback", "--drop-direction", "--yes")
    assert "The column direction is dropped" in dropped.stderr
    shell.wa("migrate", "rollback", "--to", "0001", "--drop-direction", code=2)

    shell.wa("migrate", "--to", "0004", "--yes")
    states = shell.wa("migrate", "status", "--format", "csv").stdout
    assert states.count("applied") == 4 + 1  # and the heading
    assert "There is no migration '12'" in shell.wa("migrate", "--to", "12", code=2).stderr
