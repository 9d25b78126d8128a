"""Answers → disk: an answer is on disk before anything else is done with it, so that a crash is repaired from there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from wa_cli.outbox.spool import Entry, Spool, SpoolUnwritable
from wa_cli.runtime.outage import Outage
from wa_cli.telemetry.events import Component, Emit
from wa_cli.workers.answer import Answer
from wa_cli.workers.settling import Settling
from wa_cli.workers.stage import Stage

ROOM_KNOWN = 2.0


class Spooling(Stage[Answer]):
    """Writes answers to the spool, and gives them to `settling`. `fault` is set while nothing may be claimed."""

    name: ClassVar[str] = "spooling"

    def __init__(self, spool: Spool, settling: Settling, emit: Emit) -> None:
        super().__init__()
        self.spool = spool
        self.settling = settling
        # During its outage nothing is claimed. The outbox still knows the attempts in flight.
        self._outage = Outage(emit, Component.SPOOL)
        self._room_until = 0.0
        self.fault: SpoolUnwritable | None = None

    async def handle(self, items: list[Answer]) -> None:
        entries = await self._write(items)
        for answer, entry in zip(items, entries, strict=True):
            self.settling.put(replace(answer, entry=entry))

    async def _write(self, answers: Sequence[Answer]) -> Sequence[Entry | None]:
        try:
            return await asyncio.to_thread(self.spool.append, [answer.settlement.to_record() for answer in answers])
        except SpoolUnwritable as error:
            self._outage.failed(error.message)
            return [None] * len(answers)

    async def has_room(self) -> bool:
        """Return True if the spool can record new messages. It is checked now and then."""
        if not self._outage and time.monotonic() < self._room_until:
            return True
        try:
            await asyncio.to_thread(self.spool.check_room)
        except SpoolUnwritable as error:
            self._outage.failed(error.message)
            self.fault = error
            return False
        self._outage.succeeded()
        self.fault = None
        self._room_until = time.monotonic() + ROOM_KNOWN
        return True
