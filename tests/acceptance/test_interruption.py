"""Ctrl-C ends every command with exit code 130. An unusable disk or file gives a one-sentence error and exit code 4."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
import pytest

from tests.acceptance.conftest import Shell


def interruptible() -> None:
    """Restore the default action of SIGINT, because a child inherits a test runner's choice to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def begun(shell: Shell, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "wa_cli", *arguments],
        cwd=shell.folder,
        env=shell.environment,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=interruptible,
    )


def interrupted(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    return said


def read_until(process: subprocess.Popen[str], word: str) -> None:
    said = ""
    while word not in said:
        assert process.stdout
        character = process.stdout.read(1)
        assert character, said
        said += character


@pytest.mark.parametrize(
    ("command", "sign"),
    [
        (["listen"], "Listening"),
        (["listen", "--json"], "Listening"),
        (["report", "types", "--watch", "0.5"], "UTC."),
        (["conversation", "+123", "--follow"], "No messages."),
    ],
)
def test_ctrl_c_interrupts_a_command_that_runs_forever(shell: Shell, command: list[str], sign: str) -> None:
    shell.wa("db", "url")
    process = begun(shell, *command)
    read_until(process, sign)

    interrupted(process)


def connected(shell: Shell) -> Iterator[psycopg2.extensions.connection]:
    with closing(psycopg2.connect(shell.wa("db", "url").stdout.strip())) as connection:
        connection.autocommit = True
        yield connection


def until_seen(connection: psycopg2.extensions.connection, query: str) -> None:
    """Repeat the query until it returns a row. The server waits 50 ms between two attempts."""
    with connection.cursor() as cursor:
        for _ in range(600):
            cursor.execute(query)
            if cursor.fetchone():
                return
            cursor.execute("SELECT pg_sleep(0.05)")
    pytest.fail(f"never seen: {query}")


def test_ctrl_c_interrupts_a_long_statement_and_cancels_it_on_the_server(shell: Shell) -> None:
    folder = shell.folder / "mine"
    folder.mkdir()
    (folder / "slow.sql").write_text("SELECT pg_sleep(50)::text AS slow")
    shell.environ["WA_REPORTS"] = str(folder)
    running = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(50)%' AND state = 'active'"
    running += " AND pid <> pg_backend_pid()"
    for connection in connected(shell):
        process = begun(shell, "report", "slow")
        until_seen(connection, running)

        interrupted(process)

        until_seen(connection, f"SELECT 1 WHERE NOT EXISTS ({running})")


def test_ctrl_c_interrupts_waiting_for_a_message_to_be_sent(shell: Shell) -> None:
    for connection in connected(shell):
        shell.wa("migrate", "--yes")
        process = begun(shell, "send", "text", "+123", "hi", "--wait", "--timeout", "60s")
        until_seen(connection, "SELECT 1 FROM wa.queue_messages")

        interrupted(process)


@pytest.mark.parametrize("command", [["queue", "purge", "incoming"], ["migrate", "rollback"]])
def test_ctrl_c_interrupts_a_confirmation_prompt(shell: Shell, command: list[str]) -> None:
    shell.wa("migrate", "--yes")
    ours, theirs = pty.openpty()
    try:
        process = begun(shell, *command, stdin=theirs)
        read_until(process, "[y/N]")

        interrupted(process)
    finally:
        os.close(ours)
        os.close(theirs)


def test_answering_no_to_a_prompt_exits_with_1_instead_of_130(shell: Shell) -> None:
    shell.wa("migrate", "--yes")
    ours, theirs = pty.openpty()
    try:
        process = begun(shell, "queue", "purge", "incoming", stdin=theirs)
        read_until(process, "[y/N]")
        os.write(ours, b"n\n")

        process.communicate(timeout=20)
        assert process.returncode == 1
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 64 kB and yield its folder."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("this user cannot mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path) -> None:
    with (disk / "fill").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass


def test_a_full_disk_at_the_start_gives_a_one_sentence_error(tmp_path: Path, small_disk: Path) -> None:
    shell = Shell(tmp_path, {"WA_HOME": str(small_disk / "data"), "WA_SANDBOX_PORT": "0"})

    failed = shell.wa("send", "text", "+123", "hi", code=4).stderr.splitlines()
    assert failed[0].startswith("wa: The embedded database in ")
    assert failed[0].endswith("its disk has 0 MB free.")
    assert len(failed) == 2

    fill(small_disk)
    failed = shell.wa("sandbox", "serve", code=4).stderr.splitlines()
    assert failed[0].startswith("wa: Cannot ")
    assert failed[0].endswith("no space left on device.")
    assert len(failed) == 2


def test_a_data_folder_that_cannot_be_created_gives_a_one_sentence_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shell = Shell(tmp_path, {"WA_HOME": str(tmp_path / "file" / "data"), "WA_SANDBOX_PORT": "0"})

    for command in (["send", "text", "+123", "hi"], ["sandbox", "serve"]):
        failed = shell.wa(*command, code=4).stderr.splitlines()
        assert "ot a directory" in failed[0]
        assert len(failed) == 2


@pytest.mark.parametrize("name", [".env", "wa.toml"])
def test_an_unreadable_settings_file_gives_a_one_sentence_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(name)

    failed = Shell(tmp_path).wa("config", "show", code=4).stderr.splitlines()

    assert failed[0].endswith(f"{name} cannot be read (too many levels of symbolic links).")
    assert len(failed) == 2


def test_an_unknown_setting_is_reported_with_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WA_RAET=5\n")
    shell = Shell(tmp_path, {"WA_APP_SECERT": "x"})

    said = shell.wa("config", "show").stderr

    assert "WA_RAET (from .env) is not a setting. Did you mean 'rate'?" in said
    assert "WA_APP_SECERT (from environment) is not a setting. Did you mean 'app_secret'?" in said


def test_no_service_or_worker_starts_with_an_empty_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    shell = Shell(tmp_path, {"WA_APP_SECRET_FILE": str(tmp_path / "secret")})

    for command in (["serve", "--port", "0"], ["up", "--port", "0"], ["worker", "incoming", "--drain"]):
        failed = shell.wa(*command, code=4).stderr.splitlines()
        assert failed[0].startswith("wa: WA_APP_SECRET (from environment, WA_APP_SECRET_FILE=")
        assert failed[0].endswith("the secret is empty.")


@pytest.mark.parametrize("command", [["--help"], ["report", "--help"], ["config", "show"]])
def test_a_reader_that_leaves_early_is_no_error(shell: Shell, command: list[str]) -> None:
    with shell.start(*command, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()

    assert process.returncode == 0, said
    assert "Error" not in said
