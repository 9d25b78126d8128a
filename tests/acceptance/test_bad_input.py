"""Bad input and bad settings give a one-sentence error with the right exit code and lose nothing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.acceptance.conftest import Shell
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.migrations import catalogue


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("send", "text", "123", "hi"), 2, "wa: '123' does not begin with + and a country code."),
        (("send", "text", "hello", "hi"), 2, "wa: 'hello' is not a phone number."),
        (("send", "text", "+123", ""), 2, "wa: The text is empty."),
        (
            ("send", "text", "+123", "x" * 4097),
            2,
            "wa: The text has 4,097 characters; WhatsApp takes at most 4,096.",
        ),
        (("send", "image", "+123", "a.png"), 2, "wa: 'a.png' is not a link that WhatsApp can fetch."),
        (("send", "template", "+123", "Bad Name"), 2, "wa: 'Bad Name' is not the name of a template."),
        (("employee", "import", "nosuch.csv"), 2, "wa: Cannot read nosuch.csv: no such file or directory."),
        (("report", "unanswered", "--format", "pdf"), 2, "wa: 'pdf' is not a format."),
        (("report", "unanswered", "--tz", "Mars/Base"), 2, "wa: 'Mars/Base' is not a time zone."),
        (("send", "text", "+123", "hi", "--at", "99999999d"), 2, "wa: '99999999d' is longer than 36,500 days."),
        (("send", "text", "+123", "hi", "--expires", "9999-12-31"), 2, "wa: 9999-12-31 is not between 1970 and 2200."),
        (
            ("search", "hi", "--since", "0001-01-01", "--tz", "Asia/Tokyo"),
            2,
            "wa: 0001-01-01 is not between 1970 and 2200.",
        ),
        (("report", "unanswered", "--since", "999999d"), 2, "wa: '999999d' is longer than 36,500 days."),
        (("report", "unanswered", "--since", "99999999999d"), 2, "wa: '99999999999d' is longer than 36,500 days."),
        (
            ("send", "text", "+123", "bad\udcff"),
            2,
            "wa: The message has a character that cannot be sent: a NUL, or half of a surrogate pair.",
        ),
        (("sandbox", "say", "+123", " "), 2, "wa: The text is empty."),
        (("--profile", "nope", "verify"), 4, "wa: Unknown profile 'nope'."),
    ],
)
def test_bad_input_gives_a_one_sentence_error_and_creates_no_data_folder(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    shell = Shell(tmp_path)

    failed = shell.wa(*arguments, code=code)

    assert failed.stderr.splitlines()[0] == said
    assert len(failed.stderr.splitlines()) <= 2
    assert failed.stdout == ""
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (("send", "text"), ["wa: PHONE is missing.", "run: wa send text --help"]),
        (("send", "txt"), ["wa: No such command 'txt'.", "hint: Did you mean 'text'?", "run: wa send --help"]),
        (
            ("worker", "outgoing", "--drian"),
            ["wa: No such option: --drian.", "hint: Did you mean --drain?", "run: wa worker outgoing --help"],
        ),
        (
            ("report", "types", "--limit", "x"),
            [
                "wa: --limit 'x' is not a whole number.",
                "run: wa report types --help",
            ],
        ),
        (
            ("queue", "dead", "--limit", "0"),
            ["wa: --limit 0 is not between 1 and 100000.", "run: wa queue dead --help"],
        ),
        (
            ("queue", "purge"),
            ["wa: QUEUE is missing.", "hint: Use outgoing or incoming.", "run: wa queue purge --help"],
        ),
        (
            ("queue", "purge", "both"),
            ["wa: QUEUE 'both' is not a choice.", "hint: Use outgoing or incoming.", "run: wa queue purge --help"],
        ),
        (("verify", "--check"), ["wa: Option '--check' requires an argument."]),
    ],
)
def test_a_usage_error_has_the_format_of_every_other_error(
    tmp_path: Path, arguments: tuple[str, ...], lines: list[str]
) -> None:
    assert Shell(tmp_path).wa(*arguments, code=2).stderr.splitlines() == lines


def test_a_group_without_a_command_prints_its_help(tmp_path: Path) -> None:
    printed = Shell(tmp_path).wa("send", code=2)

    assert "Usage: wa send" in printed.stdout + printed.stderr
    assert "wa: " not in printed.stderr


def test_an_unavailable_database_is_reported_without_its_password(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"WA_DATABASE_URL": "postgresql://me:secret@127.0.0.1:9/wa"})

    failed = shell.wa("send", "text", "+123", "hi", code=4)

    assert failed.stderr.startswith("wa: Database unavailable: ")
    assert "secret" not in failed.stderr
    assert len(failed.stderr.splitlines()) == 2


def test_a_database_url_with_unknown_options_is_refused(tmp_path: Path) -> None:
    failed = Shell(tmp_path, {"WA_DATABASE_URL": "postgresql://host/wa?colour=red"}).wa("verify", code=4)

    assert failed.stderr.startswith("wa: The database URL cannot be used: ")


@pytest.mark.parametrize("url", ["mysql://x/y", "not a url", "postgresql://host:port/wa"])
def test_an_invalid_database_url_is_refused(tmp_path: Path, url: str) -> None:
    failed = Shell(tmp_path, {"WA_DATABASE_URL": url}).wa("verify", code=4)

    assert failed.stderr.startswith("wa: The database URL")


def test_one_production_setting_prevents_the_start_of_the_embedded_database(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"WA_ACCESS_TOKEN": "EAAG-something-long"})

    failed = shell.wa("send", "text", "+123", "hi", code=4)

    assert "WA_DATABASE_URL is missing. It is required because WA_ACCESS_TOKEN is set" in failed.stderr
    assert not (tmp_path / "data").exists()


def test_a_port_in_use_is_reported(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        for command in ("serve", "up"):
            failed = shell.wa(command, "--port", port, code=4)
            assert f"wa: Cannot listen on port {port} of 127.0.0.1: address already in use." in failed.stderr


def test_a_service_whose_spool_cannot_be_written_does_not_start(shell: Shell) -> None:
    (shell.folder / "no-folder").write_text("")
    shell.environ["WA_SPOOL"] = str(shell.folder / "no-folder")

    failed = shell.wa("serve", "--port", "0", code=4)

    assert "cannot be written" in failed.stderr
    assert "WA_SPOOL" in failed.stderr


def test_sandbox_say_without_a_running_sandbox_fails_with_a_hint(shell: Shell) -> None:
    failed = shell.wa("sandbox", "say", "+123", "hi", code=4)

    assert failed.stderr.splitlines() == [
        "wa: No sandbox is listening.",
        "hint: Run wa up in another terminal, or wa sandbox serve beside wa serve.",
    ]


def test_send_wait_without_a_worker_times_out_with_the_message_still_queued(shell: Shell) -> None:
    shell.wa("send", "text", "+123", "hi", "--wait", "--timeout", "0s", code=8)
    pending = shell.wa("send", "text", "+123", "hi", "--wait", "--timeout", "300ms", code=8)

    assert "The message is still queued" in pending.stderr


def test_a_production_database_is_migrated_only_by_wa_migrate(shell: Shell) -> None:
    shell.wa("db", "url")
    server = EmbeddedServer(shell.folder / "data")
    server.ensure("production")
    shell.environ["WA_DATABASE_URL"] = server.url("production")
    shell.environ["WA_CLOUD_API_URL"] = "sandbox"

    refused = shell.wa("send", "text", "+123", "hi", code=4)
    assert refused.stderr.splitlines() == [
        f"wa: This database lacks the migration 0001_messages and {len(catalogue.migrations()) - 1} more.",
        "run: wa migrate",
    ]
    failed = shell.wa("verify", code=3)
    assert "NOT VERIFIED" in failed.stdout
    assert "wa migrate" in failed.stdout

    assert "CREATE TABLE" in shell.wa("migrate", "--dry-run").stdout
    shell.wa("migrate", "--yes")
    assert "applied" in shell.wa("migrate", "status").stdout
    shell.wa("send", "text", "+123", "hi")
    shell.wa("worker", "outgoing", "--drain")
    assert "VERIFIED" in shell.wa("verify").stdout


def test_settings_are_shown_with_origin_and_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "wa.toml").write_text("[shop]\nrate = 5\n")
    shell = Shell(tmp_path, {"WA_APP_SECRET": "0123456789abcdef0123", "WA_DATABASE_URL": "postgresql://me:pw@db/x"})

    shown = shell.wa("--profile", "shop", "config", "show").stdout

    assert "0123456789" not in shown
    assert "pw@" not in shown
    assert "012…23" in shown
    assert "[shop]" in shown
