"""Commands in a shell with production settings: the demo ignores them, and secrets stay hidden."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import Shell

# No server listens at this host, and the settings of libpq would redirect a connection to it.
PRODUCTION = {
    "WA_DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:9/production",
    "WA_REPORT_DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:9/replica",
    "WA_CLOUD_API_URL": "https://127.0.0.1:9",
    "WA_ACCESS_TOKEN": "EAAG-something-long",
    "WA_PHONE_NUMBER_ID": "1",
    "WA_APP_SECRET": "secret",
    "PGHOSTADDR": "127.0.0.2",
    "PGPORT": "9",
    "PGOPTIONS": "-c no.such=option -c nonsense",
    "PGSERVICE": "nowhere",
}
WITHOUT_SERVER = """
import sys
for name in ("fastapi", "starlette", "uvicorn", "httptools", "prometheus_client"):
    sys.modules[name] = None
from wa_cli.cli.app import main
main()
"""


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(
        tmp_path, {"WA_SANDBOX_PORT": "0", **PRODUCTION, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}
    )
    yield shell
    shell.environ = {"WA_SANDBOX_PORT": "0"}
    shell.wa("db", "stop")


def test_the_demo_ignores_production_settings_and_suggests_no_command_that_sends(production: Shell) -> None:
    (production.folder / "metrics").mkdir()

    told = production.wa("demo", timeout=120)

    assert "VERIFIED" in told.stdout
    advice = told.stdout.split("Done in")[1]
    assert "wa send" not in advice
    assert "wa worker" not in advice
    assert "This shell has production settings (WA_DATABASE_URL" in advice
    assert "hunter2" not in told.stdout + told.stderr
    assert not list((production.folder / "metrics").iterdir())
    assert sorted(path.name for path in (production.folder / "data").iterdir()) == ["demo", "embedded.lock", "postgres"]

    # The suggested commands must read only the demo's database.
    url = advice.split("WA_DATABASE_URL='")[1].split("'")[0]
    for name in [name for name in production.environ if name.startswith("PG")]:
        del production.environ[name]
    production.environ |= {"WA_DATABASE_URL": url, "WA_REPORT_DATABASE_URL": url}
    assert f"WA_REPORT_DATABASE_URL='{url}' wa report all" in advice
    assert "Windows" in production.wa("report", "all").stdout


def test_db_stop_stops_the_demo_server_from_the_same_shell(production: Shell) -> None:
    production.wa("demo", timeout=120)

    assert production.wa("db", "stop").stderr == "Stopped the embedded database.\n"
    assert "Stop that server on its own host" in production.wa("db", "stop", code=4).stderr


def test_db_stop_without_a_running_server_creates_no_data_folder(tmp_path: Path) -> None:
    shell = Shell(tmp_path)

    assert shell.wa("db", "stop").stderr == "The embedded database was not running.\n"
    assert not (tmp_path / "data").exists()


def test_db_shell_passes_no_password_in_the_arguments_of_psql(shell: Shell) -> None:
    url = shell.wa("db", "url").stdout.strip()
    given = url.replace("postgres@", "postgres:hunter2@") + "&sslpassword=hunter3&application_name=mine"
    shell.environ |= {"WA_DATABASE_URL": given, "WA_CLOUD_API_URL": "sandbox"}
    asked = (
        "SELECT current_database() || ' ' || current_setting('application_name');\n"
        "\\! tr '\\0' ' ' < /proc/$PPID/cmdline; tr '\\0' '\\n' < /proc/$PPID/environ | grep ^PGPASSWORD\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "wa_cli", "db", "shell"],
        cwd=shell.folder,
        env=shell.environment,
        input=asked,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert "wa mine" in done.stdout
    assert "PGPASSWORD=hunter2" in done.stdout
    arguments = next(line for line in done.stdout.splitlines() if "postgresql://" in line)
    assert "hunter" not in arguments.split("PGPASSWORD")[0]


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["up", "--port", "0"], ["demo"]])
def test_the_service_names_the_missing_extra_to_install(tmp_path: Path, command: list[str]) -> None:
    shell = Shell(tmp_path, {"WA_SANDBOX_PORT": "0"})

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SERVER, *command],
        cwd=tmp_path,
        env=shell.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 4, done.stderr
    assert done.stderr.splitlines() == [
        "wa: The service is not installed: fastapi is missing.",
        "run: pip install 'wa-ops[server]'",
    ]
    assert not (tmp_path / "data").exists()


def test_config_show_masks_the_passwords_of_every_url(tmp_path: Path) -> None:
    shell = Shell(
        tmp_path,
        {
            "WA_DATABASE_URL": "postgresql://me@db/wa?password=hunter2&sslpassword=hunter3",
            "WA_REPORT_DATABASE_URL": "host=db password='hunter 4' dbname=wa",
            "WA_QUEUE": "sqs",
            "WA_OUTGOING_QUEUE_URL": "https://key:hunter5@sqs.example.org/1/out",
            "WA_WEBHOOK_URL": "https://example.org/webhook?token=hunter6",
        },
    )

    for form in (["--json"], [], ["--format", "csv"], ["--format", "table"]):
        shown = shell.wa("config", "show", *form).stdout
        assert "hunter" not in shown
        assert "sqs.example.org" in shown
