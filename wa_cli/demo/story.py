"""The live part of the demo: customers write, employees answer, statuses arrive, and one customer stays unanswered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from wa_cli.database.engine import Database
from wa_cli.demo.history import CUSTOMERS, EMPLOYEES
from wa_cli.errors import StillPending
from wa_cli.messages.content.media import document, image
from wa_cli.messages.content.template import template
from wa_cli.messages.content.text import text
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.submit import Submitter

PATIENCE = 20.0
TEMPLATES = {("order_shipped", "en_US"): 2}

_PEOPLE = list(CUSTOMERS)[:4]
ANA, BEN, CARLA, DAVID = _PEOPLE


@dataclass(frozen=True)
class _Scene:
    """A customer writes (None: they wrote before), and an employee answers with a message, or does not."""

    customer: str
    text: str | None
    employee: str | None = None
    answer: Mapping[str, Any] | None = None


SCENES = (
    _Scene(ANA, "Hi, is the blue jacket in stock?", "Mia", text("Hello Ana! Yes, in all sizes. Shall I reserve one?")),
    _Scene(ANA, "Yes please. What does it look like?", "Mia", image("https://shop.example/photos/blue.jpg", "Here it is")),
    _Scene(BEN, "Could you send me the invoice of order 4471?", "Jonas",
           document("https://shop.example/invoices/4471.pdf", "invoice-4471.pdf", "Here you are")),
    _Scene(CARLA, None, "Priya", template("order_shipped", "en_US", ["Carla", "4473"])),
    _Scene(DAVID, "Hello? My parcel arrived damaged", None),
)  # fmt: skip

Say = Callable[[str, str, str], Awaitable[None]]


class Story:
    """Plays the scenes of the demo.

    `customer_says(phone, name, text)` makes a customer write. `emit` prints a line.
    """

    def __init__(
        self, database: Database, submitter: Submitter, customer_says: Say, emit: Callable[[str], None]
    ) -> None:
        self.database = database
        self.submitter = submitter
        self.customer_says = customer_says
        self.emit = emit

    async def live(self) -> None:
        """Play the scenes one after the other, each until its row is stored."""
        for scene in SCENES:
            name = CUSTOMERS[scene.customer]
            if scene.text:
                await self.customer_says(scene.customer, name, scene.text)
                await self._seen("content = :text AND direction = 'incoming'", text=scene.text)
                self.emit(f"← {name}: {scene.text}")
            if scene.answer is None or scene.employee is None:
                self.emit(f"  … and {name} is not answered.")
                continue
            await self._answer(scene, name, scene.employee, scene.answer)

    async def _answer(self, scene: _Scene, name: str, employee: str, answer: Mapping[str, Any]) -> None:
        message = OutgoingMessage(answer, phone=scene.customer, employee_id=EMPLOYEES[employee])
        await asyncio.to_thread(self.submitter.submit, [message])
        self.emit(f"→ {employee} answers {name}, type {message.type}: queued")
        row = await self._seen("reference = :reference", reference=message.reference)
        self.emit(f"    stored with direction = {row.direction}: {row.message_id[:40]}…")
        for status in ("delivered", "read"):
            await self._seen("reference = :reference AND status IN ('read', :status)", **_of(message, status))
            self.emit(f"    {status}")

    async def _seen(self, condition: str, **values: Any) -> sa.Row[*tuple[Any, ...]]:
        """Wait for the row that makes the condition true, and return it."""
        asked = sa.text(f"SELECT direction, message_id, status FROM whatsapp_messages WHERE {condition}")  # noqa: S608
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if (found := await asyncio.to_thread(self._first_row, asked, values)) is not None:
                return found
            await asyncio.sleep(0.05)
        raise StillPending(f"The demo waited {PATIENCE:.0f} s for a row with {condition}.")

    def _first_row(self, asked: sa.TextClause, values: Mapping[str, Any]) -> sa.Row[*tuple[Any, ...]] | None:
        with self.database.reading() as connection:
            return connection.execute(asked, values).first()


def _of(message: OutgoingMessage, status: str) -> dict[str, Any]:
    return {"reference": message.reference, "status": status}
