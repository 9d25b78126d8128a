"""Fixtures for all tests: a separate database for each test on one embedded server, copied from a migrated template."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from tests.support.database_outage import Outage
from tests.support.local_aws import LocalAws, local_aws
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.migrations.runner import Migrator

# Tests have no deadline, because a busy machine must not make them fail.
settings.register_profile("wa", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", settings.get_profile("wa"), max_examples=1_000)
settings.load_profile("wa")

for _name in [name for name in os.environ if name.startswith("WA_") or name == "DATABASE_URL"]:
    del os.environ[_name]


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """Start an embedded server for the whole run. Stop and remove it at the end."""
    home = Path(tempfile.mkdtemp(prefix="wa-tests-"))
    server = EmbeddedServer(home)
    try:
        server.ensure("template_wa")
        template = Database(server.url("template_wa"))
        Migrator(template).apply()
        template.close()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def database_url(server: EmbeddedServer) -> Iterator[str]:
    """Yield the URL of a database with our schema and no rows."""
    name = f"test_{uuid4().hex[:12]}"
    server.copy("template_wa", name)
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    with local_aws() as running:
        yield running


@pytest.fixture
def outage(server: EmbeddedServer, database_url: str) -> Iterator[Outage]:
    outage = Outage(server, database_url)
    yield outage
    outage.close()
