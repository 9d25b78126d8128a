from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database


@pytest.fixture
def empty(server: EmbeddedServer) -> Iterator[Database]:
    """Yield an empty database. Drop it at the end."""
    name = f"empty_{uuid4().hex[:12]}"
    server.ensure(name)
    database = Database(server.url(name))
    yield database
    database.close()
    server.drop(name)
