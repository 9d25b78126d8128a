"""`wa verify`: each check finds what it is for, and says what to type."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from tests.integration.conftest import Bench
from wa_cli import verify
from wa_cli.backlog import Backlog
from wa_cli.queues.base import Letter
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.storage.embedded import EmbeddedServer
from wa_cli.storage.engine import Database
from wa_cli.storage.outbox import Outbox
from wa_cli.storage.spool import Spool
from wa_cli.verify.base import Finding
from wa_cli.verify.checks import backlog


class Waiting:
    """The check of what waits, over real queues and a real spool."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.incoming = PostgresQueue("incoming", database.transaction)
        self.spool = Spool(folder)
        counted = Backlog(PostgresQueue("outgoing", database.transaction), self.incoming, Outbox(database, "42"))
        self.check = backlog.check(counted.status, {"webhooks": self.spool})

    def look(self) -> Finding:
        return self.check.look(self.database)


def test_what_waits_lies_on_a_disk_or_is_dead_is_told(bench: Bench, tmp_path: Path) -> None:
    waiting = Waiting(bench.database, tmp_path)
    assert (waiting.look().level, waiting.look().hint) == ("ok", None)

    waiting.incoming.put([Letter("a"), Letter("b")])
    assert waiting.look().said.startswith("2 incoming on the queues, nothing on this machine's disk")
    assert waiting.look().level == "ok"

    waiting.incoming.refuse(Letter("c"), "unreadable")
    assert (waiting.look().level, waiting.look().hint) == ("warning", "wa queue dead")

    waiting.spool.keep([{"webhook": "d"}])
    assert (waiting.look().level, waiting.look().hint) == ("warning", "wa spool replay")
    assert waiting.look().facts["spooled"] == {"webhooks": 1}
    waiting.spool.close()


def test_what_waits_on_a_database_that_was_never_migrated(server: EmbeddedServer, tmp_path: Path) -> None:
    name = f"bare_{uuid4().hex[:12]}"
    server.ensure(name)
    bare = Database(server.url(name))

    found = verify.look(bare, Waiting(bare, tmp_path).check)

    assert {finding.hint for _, finding in found if finding.level == "failed"} == {"wa migrate"}
    assert found[-1][1].level == "failed"
    bare.close()
    server.drop(name)
