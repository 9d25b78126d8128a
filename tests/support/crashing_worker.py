"""An outgoing worker that ends by SIGKILL at one point of a message's life: `-m tests.support.crashing_worker POINT [MISTAKE]`.

The program is the real one; only the deadly function is wrapped, from outside. A mistake turns two stages round, so that
the tests can show that they would notice.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from typing import Any

from wa_cli.cli.context import AppContext
from wa_cli.cloud import client
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.settlement import Decision
from wa_cli.outbox.spool import Spool
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.runtime.stop import Stop
from wa_cli.settings import sources
from wa_cli.workers.sender import Sender, take


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


def claim_nothing(*_: Any, **__: Any) -> list[Any]:
    """Keep the sender, a loop beside the intake, from a message that is recorded and not yet acknowledged."""
    return []


Patch = tuple[Any, str, Any]

POINTS: dict[str, list[Patch]] = {
    "before_the_intake_commits": [(Outbox, "record", then_die(Outbox.record))],
    "before_the_acknowledge": [(PostgresQueue, "ack", die), (Outbox, "claim", claim_nothing)],
    "before_the_request_leaves": [(client.CloudClient, "send", die)],
    "before_the_answer_is_read": [(client.CloudClient, "send", leave_and_die)],
    "before_the_spool": [(Spool, "append", die)],
    "before_the_settle": [(Outbox, "settle", die)],
    "before_the_settle_commits": [(Decision, "carry_out", die_with_rows)],
    "before_the_spool_forgets": [(Spool, "remove", die)],
}


def settle_before_the_spool() -> None:
    """The answer goes to the database first and to the disk afterwards."""

    async def journal_nothing(self: Sender) -> int:
        answers = await take(self._answered)
        for answer in answers:
            self._journaled.put_nowait(answer)
        return len(answers)

    settle = Outbox.settle

    def settle_then_keep(self: Outbox, settlements: Any, **named: Any) -> Any:
        settled = settle(self, settlements, **named)
        context.spools.outcomes.append([settlement.to_record() for settlement in settlements])
        return settled

    Sender.journal_once = journal_nothing  # type: ignore[method-assign]
    Outbox.settle = settle_then_keep  # type: ignore[method-assign]


def claim_when_settling() -> None:
    """The request leaves first, and the claim is committed with the answer."""
    claim, settle = Outbox.claim, Outbox.settle
    seen: set[Any] = set()

    def look(self: Outbox, limit: int, lease: Any) -> Any:
        looking = copy(self)
        looking.database = RolledBack(self.database)  # type: ignore[assignment]
        fresh = [one for one in claim(looking, limit, lease) if one.reference not in seen]
        seen.update(one.reference for one in fresh)
        return fresh

    def claim_and_settle(self: Outbox, settlements: Any, **named: Any) -> Any:
        claim(self, 100, context.settings.outgoing_lease)
        return settle(self, settlements, **named)

    Outbox.claim = look  # type: ignore[method-assign]
    Outbox.settle = claim_and_settle  # type: ignore[method-assign]


class Rollback(Exception):
    pass


class RolledBack:
    """A database none of whose transactions commits."""

    def __init__(self, database: Any) -> None:
        self.database = database

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with suppress(Rollback), self.database.transaction() as connection:
            yield connection
            raise Rollback


MISTAKES = {"settle_before_the_spool": settle_before_the_spool, "claim_when_settling": claim_when_settling}

context = AppContext(sources.load())


async def work() -> None:
    async with context.cloud() as api:
        await context.outgoing_worker(api).run(Stop())


if __name__ == "__main__":
    for mistake in sys.argv[2:]:
        MISTAKES[mistake]()
    for place, name, deadly in POINTS[sys.argv[1]]:
        setattr(place, name, deadly)
    asyncio.run(work())
