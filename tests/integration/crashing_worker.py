"""An outgoing worker that ends by SIGKILL at one point of a message's life: `crashing_worker.py POINT`.

The program is the real one; only the deadly function is wrapped, from outside.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from wa_cli import config
from wa_cli.cli.wiring import House
from wa_cli.cloud import client
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.storage.outbox import Outbox
from wa_cli.storage.settlement import Decision
from wa_cli.storage.spool import Spool
from wa_cli.workers.lifecycle import Stop


def die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        function(*arguments, **named)
        die()

    return wrapped


def die_with_rows(self: Decision, connection: Any, **named: Any) -> Any:
    """Everything is written, nothing is committed; sweeps that have nothing to write live on."""
    result = CARRY_OUT(self, connection, **named)
    if self.stored:
        die()
    return result


async def leave_and_die(self: client.CloudClient, *arguments: Any, **named: Any) -> Any:
    """The request leaves, and nobody is there for the answer."""
    sending = asyncio.create_task(SEND(self, *arguments, **named))
    await asyncio.wait({sending}, timeout=0.3)
    die()


CARRY_OUT = Decision.carry_out
SEND = client.CloudClient.send

POINTS: dict[str, tuple[Any, str, Any]] = {
    "before_the_intake_commits": (Outbox, "record", then_die(Outbox.record)),
    "before_the_acknowledge": (PostgresQueue, "done", die),
    "before_the_request_leaves": (client.CloudClient, "send", die),
    "before_the_answer_is_read": (client.CloudClient, "send", leave_and_die),
    "before_the_spool": (Spool, "keep", die),
    "before_the_settle": (Outbox, "settle", die),
    "before_the_settle_commits": (Decision, "carry_out", die_with_rows),
    "before_the_spool_forgets": (Spool, "forget", die),
}


async def work() -> None:
    house = House(config.load())
    async with house.cloud() as api:
        await house.outgoing_worker(api).run(Stop())


if __name__ == "__main__":
    place, name, deadly = POINTS[sys.argv[1]]
    setattr(place, name, deadly)
    asyncio.run(work())
