"""An outgoing worker that ends by SIGKILL at one point of a message's life.

The program is the real one. A point replaces a method of one stage. A mistake swaps the order of two stages, which
proves that the tests notice a wrong order.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from typing import Any, NoReturn
from uuid import UUID

import sqlalchemy as sa

from wa_cli.cli.context import AppContext
from wa_cli.database.engine import Database
from wa_cli.outbox.outbox import Outbox
from wa_cli.runtime.stop import Stop
from wa_cli.settings import sources
from wa_cli.workers.answer import Answer
from wa_cli.workers.worker import OutgoingWorker


def die(*_: Any, **__: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def replace(part: object, **methods: Callable[..., Any]) -> None:
    for name, method in methods.items():
        setattr(part, name, method)


def before_the_intake_commits(worker: OutgoingWorker) -> None:
    recorder = worker.intake.recorder
    record = recorder.record

    def record_and_die(*arguments: Any) -> None:
        record(*arguments)
        die()

    replace(recorder, record=record_and_die)


def before_the_acknowledge(worker: OutgoingWorker) -> None:
    replace(worker.intake.queue, ack=die)
    # The sender runs beside the intake and would claim recorded messages before they are acknowledged.
    replace(worker.sender, claim_and_dispatch=claim_nothing)


async def claim_nothing() -> int:
    return 0


def before_the_request_leaves(worker: OutgoingWorker) -> None:
    replace(worker.sender.dispatch.api, send=die)


def before_the_answer_is_read(worker: OutgoingWorker) -> None:
    api = worker.sender.dispatch.api
    send = api.send

    async def leave_and_die(*arguments: Any, **named: Any) -> NoReturn:
        sending = asyncio.create_task(send(*arguments, **named))
        await asyncio.wait({sending}, timeout=0.3)
        die()

    replace(api, send=leave_and_die)


def before_the_spool(worker: OutgoingWorker) -> None:
    replace(worker.sender.spooling, handle=die)


def before_the_settle(worker: OutgoingWorker) -> None:
    replace(worker.sender.settling, handle=die)


def before_the_settle_commits(worker: OutgoingWorker) -> None:
    worker.sender.settling.outbox = on(DyingDatabase(worker.sender.outbox.database), worker.sender.outbox)


def before_the_spool_removes(worker: OutgoingWorker) -> None:
    replace(worker.sender.settling.spool, remove=die)


POINTS = (
    before_the_intake_commits,
    before_the_acknowledge,
    before_the_request_leaves,
    before_the_answer_is_read,
    before_the_spool,
    before_the_settle,
    before_the_settle_commits,
    before_the_spool_removes,
)


def settle_before_the_spool(worker: OutgoingWorker) -> None:
    """Write the outcome to the database first and to the spool afterwards."""
    spooling, settling = worker.sender.spooling, worker.sender.settling
    settle = settling.handle

    async def pass_on(answers: list[Answer]) -> None:
        for answer in answers:
            settling.put(answer)

    async def settle_then_spool(answers: list[Answer]) -> None:
        await settle(answers)
        spooling.spool.append([answer.settlement.to_record() for answer in answers])

    replace(spooling, handle=pass_on)
    replace(settling, handle=settle_then_spool)


def claim_when_settling(worker: OutgoingWorker) -> None:
    """Send the request first, and commit the claim together with the outcome."""
    sender = worker.sender
    looking = on(RollingBack(sender.outbox.database), sender.outbox)
    settle = sender.settling.handle
    seen: set[UUID] = set()

    async def claim_without_commit() -> int:
        fresh = [claim for claim in looking.claim(100, sender.dispatch.lease) if claim.reference not in seen]
        seen.update(claim.reference for claim in fresh)
        sender.dispatch.start(fresh, time.monotonic())
        return len(fresh)

    async def claim_and_settle(answers: list[Answer]) -> None:
        sender.outbox.claim(100, sender.dispatch.lease)
        await settle(answers)

    replace(sender, claim_and_dispatch=claim_without_commit)
    replace(sender.settling, handle=claim_and_settle)


MISTAKES = (settle_before_the_spool, claim_when_settling)


def on(database: Any, outbox: Outbox) -> Outbox:
    """Return the same outbox on another database."""
    changed = copy(outbox)
    changed.database = database
    return changed


class DyingDatabase:
    """A database that kills the worker just before the commit of a transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        with self.database.transaction() as connection:
            yield connection
            die()


class RollingBack:
    """A database that rolls back every transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        with suppress(Rollback), self.database.transaction() as connection:
            yield connection
            raise Rollback


class Rollback(Exception):
    pass


async def work(*changes: Callable[[OutgoingWorker], None]) -> None:
    context = AppContext(sources.load())
    async with context.cloud() as api:
        worker = context.outgoing_worker(api)
        for change in changes:
            change(worker)
        await worker.run(Stop())


def main(names: list[str]) -> None:
    """Run the worker with the named changes: an optional mistake, then the point at which it ends."""
    known = {change.__name__: change for change in (*MISTAKES, *POINTS)}
    asyncio.run(work(*(known[name] for name in names)))
