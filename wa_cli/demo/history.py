"""Thirty days of a fictitious shop: forty customers, four employees, and usual hours.

All of it is sample data, made from one seed and marked as such.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5

import sqlalchemy as sa

from wa_cli.database.engine import Database
from wa_cli.store import messages

DAYS = 30
SEED = 7
BUSINESS_PHONE = "+15550100000"

EMPLOYEES: dict[str, UUID] = {name: uuid5(NAMESPACE_DNS, f"{name}.sample") for name in ("Mia", "Jonas", "Priya", "Leo")}
_FIRST = (
    *("Ana", "Ben", "Carla", "David", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jan"),
    *("Katja", "Luis", "Maya", "Nils", "Olga", "Paul", "Quinn", "Rosa", "Sami", "Tara"),
)
_LAST = ("Souza", "Weber", "Kaya", "Okafor", "Rossi", "Novak", "Silva")
CUSTOMERS: dict[str, str] = {
    f"+1555300{place:04}": f"{_FIRST[place % len(_FIRST)]} {_LAST[place % len(_LAST)]}" for place in range(40)
}
# Activity of each hour, from midnight on: busy mornings and evenings, quiet nights.
_HOURS = (1, 0, 0, 0, 0, 1, 3, 6, 12, 18, 20, 17, 12, 14, 16, 15, 14, 16, 19, 17, 11, 7, 4, 2)
_WEEKDAYS = (20, 18, 17, 18, 22, 14, 7)
_OPEN = range(9, 19)

_QUESTIONS = (
    "Hi! Is the blue one in stock?",
    "Where is my order?",
    "Can I change the delivery address?",
    "Do you also ship to Portugal?",
    "The size does not fit, can I send it back?",
    "How long does delivery take at the moment?",
    "My code does not work at the checkout",
    "Could you send me the invoice?",
)
_MORE = ("Order 4471", "It is a bit urgent", "Thanks!", "The one from last week", "?")
_ANSWERS = (
    "Hello {name}, I am looking into it.",
    "Good news, {name}: it leaves our warehouse today.",
    "Of course! Just tell me the new address.",
    "You can send it back within 30 days, the label is on its way.",
    "It takes two to three days at the moment.",
    "Please try it once more, it should work now.",
)
# Seconds until a message is delivered, and minutes until it is read, by its id.
_STATUS_TIMES = sa.text(
    "UPDATE whatsapp_messages SET delivered_at = timestamp + delay,"
    " read_at = CASE WHEN status = 'read' THEN timestamp + delay + 60 * delay END"
    "  FROM (SELECT id AS of, (1 + abs(hashtext(message_id)) % 15) * interval '1 second' AS delay"
    "          FROM whatsapp_messages) AS known"
    " WHERE id = of AND message_id LIKE 'wamid.SAMPLE%' AND status IN ('delivered', 'read')"
)


@dataclass(frozen=True)
class _Written:
    at: datetime
    customer: str
    by: str | None
    kind: str
    content: str | None
    link: str | None = None


def write(database: Database, until: datetime) -> int:
    """Store the history that ends before `until`. Return the number of messages."""
    chance = random.Random(SEED)  # noqa: S311 — a sample, not a secret
    written = [message for message in _story(chance, until) if message.at < until - timedelta(hours=2)]
    rows = [_row(chance, place, message) for place, message in enumerate(written)]
    with database.transaction() as connection:
        for name, identity in EMPLOYEES.items():
            connection.execute(
                sa.text("INSERT INTO wa.employees (id, name) VALUES (:id, :name) ON CONFLICT DO NOTHING"),
                {"id": identity, "name": name},
            )
        connection.execute(
            sa.text("INSERT INTO wa.contacts (customer, name) VALUES (:customer, :name) ON CONFLICT DO NOTHING"),
            [{"customer": phone.lstrip("+"), "name": name} for phone, name in CUSTOMERS.items()],
        )
        stored = len(messages.insert(connection, rows))
        connection.execute(_STATUS_TIMES)
        return stored


def _story(chance: random.Random, until: datetime) -> Iterator[_Written]:
    midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range(DAYS, -1, -1):
        date = midnight - timedelta(days=day)
        for _ in range(int(_WEEKDAYS[date.weekday()] * chance.uniform(0.7, 1.2))):
            hour = chance.choices(range(24), _HOURS)[0]
            begins = date + timedelta(hours=hour, minutes=chance.randrange(60), seconds=chance.randrange(60))
            yield from _conversation(chance, begins)


def _conversation(chance: random.Random, begins: datetime) -> Iterator[_Written]:
    customer, name = chance.choice(list(CUSTOMERS.items()))
    at = begins
    for turn in range(chance.choice((1, 1, 1, 2, 2, 3))):
        yield _Written(at, customer, None, "text", chance.choice(_QUESTIONS if turn == 0 else _MORE))
        if chance.random() < 0.3:
            at += timedelta(seconds=chance.randrange(5, 90))
            yield _Written(at, customer, None, "text", chance.choice(_MORE))
        if chance.random() < 0.01:
            return  # never answered
        at = _answered_at(chance, at)
        employee = chance.choice(list(EMPLOYEES))
        yield _answer(chance, at, customer, name, employee)
        at += timedelta(minutes=chance.expovariate(1 / 8))


def _answered_at(chance: random.Random, asked: datetime) -> datetime:
    """Return a time minutes later during opening hours, else the next morning."""
    answered = asked + timedelta(minutes=min(180.0, chance.lognormvariate(2.0, 0.9)))
    if answered.hour in _OPEN:
        return answered
    morning = answered.replace(hour=_OPEN.start, minute=chance.randrange(45), second=chance.randrange(60))
    return morning if answered.hour < _OPEN.start else morning + timedelta(days=1)


def _answer(chance: random.Random, at: datetime, customer: str, name: str, employee: str) -> _Written:
    match chance.choices(("text", "image", "document"), (85, 8, 7))[0]:
        case "image":
            return _Written(at, customer, employee, "image", "This one?", "https://shop.example/photos/blue.jpg")
        case "document":
            return _Written(
                at, customer, employee, "document", "Your invoice", "https://shop.example/invoices/4471.pdf"
            )
        case _:
            return _Written(at, customer, employee, "text", chance.choice(_ANSWERS).format(name=name.split()[0]))


def _row(chance: random.Random, place: int, message: _Written) -> dict[str, Any]:
    status = "received"
    if message.by:
        status = chance.choices(("read", "delivered", "sent", "failed"), (80, 14, 4, 2))[0]
    return {
        "message_id": f"wamid.SAMPLE{place:06}",
        "from_phone": BUSINESS_PHONE if message.by else message.customer,
        "to_phone": message.customer if message.by else BUSINESS_PHONE,
        "message_type": message.kind,
        "content": message.content,
        "media_url": message.link,
        "status": status,
        "timestamp": messages.utc(message.at),
        "direction": "outgoing" if message.by else "incoming",
        "employee_id": EMPLOYEES[message.by] if message.by else None,
        "failure_reason": "Message undeliverable (#131026)" if status == "failed" else None,
    }
