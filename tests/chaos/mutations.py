"""Arbitrary JSON for running workers: no worker ends, and no valid message is lost.

Queue bodies, webhooks and answers of the API are changed at random places, to values that no schema has. Valid ones are
sent among them, and each of those must arrive. Does not prove anything about input that no mutation reaches.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from aiohttp import web

from tests.integration.conftest import Bench
from tests.integration.test_recording import Desk
from tests.support.event_loop import http_server, in_thread
from tests.support.outgoing_worker import Works
from wa_cli.cloud import codes, webhooks
from wa_cli.cloud.codes import Class
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.errors import PartlyDone, StillPending
from wa_cli.messages.content.text import text
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.migrations.runner import Migrator
from wa_cli.queues.base import QueueMessage
from wa_cli.runtime.stop import Stop
from wa_cli.server.webhook import Refusal, pieces_of

GOOD_EVERY, BATCH = 5, 50


# Replaced by so many levels in the JSON text, because a Python value of that depth would exhaust our own stack.
DEEP, LEVELS = "<deep>", 700
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**12,
    10**30,
    1e308,
    -(10**20),
    "",
    " ",
    "x",
    "0",
    "\x00",
    "a\x00b",
    "\ud800",
    "é€🙂",
    "\u202e",
    "+15557654321",
    "US.ABC123",
    "a" * 3000,
    "9" * 400,
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    1792500000123,
    "1792500000.5",
    [],
    {},
    [[]],
    [None],
    {"a": {"b": []}},
    DEEP,
]


def mutated(value: Any, rng: random.Random) -> Any:
    """Return a copy with one to three places changed."""
    found = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        found = _changed(found, rng)
    return found


def _changed(value: Any, rng: random.Random) -> Any:
    if not isinstance(value, (dict, list)) or not value or rng.random() < 0.15:
        return copy.deepcopy(rng.choice(ODD))
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = rng.choice(keys)
    way = rng.random()
    if way < 0.1:
        del value[key]
    elif way < 0.15 and isinstance(value, list):
        value.append(copy.deepcopy(value[key]))
    elif way < 0.2 and isinstance(value, dict):
        name = rng.choice(["to", "context", "type", "id", "from", "errors", "\x00", "group_id", "recipient"])
        value[name] = copy.deepcopy(rng.choice(ODD))  # a later change must not reach the list
    else:
        value[key] = _changed(value[key], rng)
    return value


def written(value: Any, rng: random.Random) -> str:
    """Return the value as JSON, cut off at a random place in 5 % of the cases."""
    body = json.dumps(value).replace(json.dumps(DEEP), '{"a":' * LEVELS + "1" + "}" * LEVELS)
    return body[: rng.randint(0, len(body))] if rng.random() < 0.05 else body


@dataclass
class Tally:
    sent_in: int = 0
    good: int = 0
    arrived: int = 0
    dead: int = 0

    def __str__(self) -> str:
        return (
            f"mutated: {self.sent_in:,}, dead letters: {self.dead:,}, arrived: {self.arrived:,} of {self.good:,} valid"
        )


# Queue bodies: intake, sender, settle.

MESSAGES: list[dict[str, Any]] = [
    text("hi"),
    {**text("hi"), "context": {"message_id": "wamid.X"}},
    {"type": "image", "image": {"link": "https://example.org/a.png", "caption": "a"}},
    {"type": "document", "document": {"link": "https://example.org/a.pdf", "filename": "a.pdf"}},
    {
        "type": "template",
        "template": {
            "name": "hello_world",
            "language": {"code": "en_US"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": "a"}]}],
        },
    },
    {"type": "text", "content": "old"},
]


def body_of(message: dict[str, Any], number: int) -> dict[str, Any]:
    metadata = {"queued_at": "2026-10-20T12:00:00+00:00", "employee_id": None, "campaign": "c", "business_phone": "+49"}
    return {"phone_number": f"+1555{number:07}", "message_data": message, "metadata": metadata}


def fuzz_bodies(database: Database, folder: Path, sandbox: Any, count: int, rng: random.Random) -> Tally:
    """Put mutated bodies on the queue of an outgoing worker and run it."""
    works = Works(database, sandbox, folder)
    letters, good = [], []
    for number in range(count):
        letters.append(QueueMessage(written(mutated(body_of(rng.choice(MESSAGES), number), rng), rng)))
        if number % GOOD_EVERY == 0:
            message = OutgoingMessage(text("good"), phone=f"+4917{number:07}")
            good.append(message.reference)
            letters.append(QueueMessage(message.to_body(), message.customer))
    _put(works.queue, letters)
    with suppress(PartlyDone, StillPending):  # dead letters are counted below; a changed time may lie in the future
        works.run(timeout=600)
    rows = works.bench.sql("SELECT reference FROM whatsapp_messages WHERE status <> 'failed'")
    arrived = {row["reference"] for row in rows}
    return Tally(count, len(good), len(arrived & set(good)), works.queue.dead_count())


def _put(queue: Any, letters: list[QueueMessage]) -> None:
    for start in range(0, len(letters), 1000):
        queue.put(letters[start : start + 1000])


# Webhooks: ingest, intake, persist.


def fuzz_webhooks(
    database: Database, folder: Path, corpus: list[dict[str, Any]], count: int, rng: random.Random
) -> Tally:
    """Split and queue mutated webhooks as the service does, and let the incoming worker's intake persist them."""
    desk = Desk(Bench(database, "1001"), folder)
    tally = Tally(count)
    for start in range(0, count, BATCH):
        bodies: list[str] = []
        for number in range(start, min(count, start + BATCH)):
            raw = written(mutated(rng.choice(corpus), rng), rng).encode(errors="surrogatepass")
            with suppress(Refusal):
                bodies += pieces_of(raw)
            if number % GOOD_EVERY == 0:
                tally.good += 1
                bodies.append(json.dumps(good_webhook(number)))
        desk.persist_webhooks(*bodies)
    [found] = desk.bench.sql("SELECT count(*) AS n FROM whatsapp_messages WHERE message_id LIKE 'wamid.good.%'")
    tally.arrived, tally.dead = found["n"], desk.incoming_queue.dead_count()
    assert desk.incoming_queue.depth().is_empty
    return tally


def good_webhook(number: int) -> dict[str, Any]:
    item = {
        "from": f"4917{number:07}",
        "id": f"wamid.good.{number}",
        "timestamp": "1792500000",
        "type": "text",
        "text": {"body": "good"},
    }
    metadata = {"display_phone_number": "15550100000", "phone_number_id": "1001"}
    return webhooks.notify({"metadata": metadata, "messages": [item]})


# Answers of the API.

ACCEPTED = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": "+1", "wa_id": "1"}],
    "messages": [{"id": "wamid.A", "message_status": "accepted"}],
}
REFUSED = {"error": {"message": "(#131026) no", "code": 131026, "error_data": {"details": "no"}, "error_subcode": 1}}
RETRY_AFTER = ["", "1", "-1", "²", "1" * 30, "soon", "1.5"]
_STOPPING = (Class.BLOCKED, Class.THROTTLE_NUMBER)


class StrangeApi:
    """An API that accepts messages with the text `good` and answers others at random."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked["text"]["body"] == "good":
            wamid = f"wamid.good.{asked['to']}"
            return web.json_response(
                {**ACCEPTED, "messages": [{"id": wamid}], "contacts": [{"wa_id": asked["to"][1:]}]}
            )
        base, statuses = self.rng.choice([(ACCEPTED, [200, 200, 502]), (REFUSED, [400, 404, 500, 200])])
        answer = mutated(base, self.rng)
        if _stops_the_number(answer):
            answer = REFUSED
        return web.Response(
            text=written(answer, self.rng),
            status=self.rng.choice(statuses),
            headers={"Retry-After": self.rng.choice(RETRY_AFTER), "Content-Type": "application/json"},
        )

    @contextmanager
    def running(self) -> Iterator[StrangeApi]:
        with in_thread(http_server(self.answer)) as self.url:
            yield self


def _stops_the_number(answer: Any) -> bool:
    """Return true for an answer that rightly pauses the number for all customers. Such answers are not tested here."""
    error = answer.get("error") if isinstance(answer, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        return False
    subcode = error.get("error_subcode") if isinstance(error, dict) else None
    return codes.classify(code, 400, subcode if isinstance(subcode, int) else None) in _STOPPING


def fuzz_answers(database: Database, folder: Path, count: int, rng: random.Random) -> Tally:
    """Let a running outgoing worker send to an API that answers strangely."""
    with StrangeApi(rng).running() as api:
        works = Works(database, api, folder)  # type: ignore[arg-type]
        letters = []
        for number in range(count):
            letters.append(OutgoingMessage(text("strange"), phone=f"+1555{number:07}"))
            if number % GOOD_EVERY == 0:
                letters.append(OutgoingMessage(text("good"), phone=f"+4917{number:07}"))
        _put(works.queue, [QueueMessage(letter.to_body(), letter.customer) for letter in letters])
        tally = Tally(count, len(letters) - count)
        works.run(drain=False, timeout=600, during=lambda stop: _until_answered(database, len(letters), stop))
        [found] = works.bench.sql(
            "SELECT count(*) AS n FROM whatsapp_messages WHERE message_id LIKE 'wamid.good.%' AND status = 'sent'"
        )
        tally.arrived = found["n"]
    return tally


async def _until_answered(database: Database, count: int, stop: Stop) -> None:
    """Stop the worker when each message was tried. A valid one that waits for a retry, as on a busy machine, is waited for."""

    def tried() -> int:
        with database.reading() as connection:
            query = (
                "SELECT count(*) FROM wa.outbox WHERE attempt > 0 AND state <> 'sending'"
                "   AND NOT (state = 'queued' AND phone_number LIKE '+4917%')"
            )
            return int(connection.execute(sa.text(query)).scalar_one())

    deadline = time.monotonic() + 540
    while await asyncio.to_thread(tried) < count and time.monotonic() < deadline:
        await stop.wait(0.1)
    stop.set()


def main() -> int:
    from tests.support import cases
    from tests.support.running_sandbox import running_sandbox

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.randrange(10**6)
    print(f"seed {seed}")
    corpus = [json.loads(body) for name in cases.webhook_names() for body in cases.notifications(name)]
    failed = False
    home = Path(tempfile.mkdtemp(prefix="wa-fuzz-"))
    server = EmbeddedServer(home)
    try:
        for kind in ("bodies", "webhooks", "answers"):
            server.ensure(f"fuzz_{kind}")
            database = Database(server.url(f"fuzz_{kind}"))
            Migrator(database).apply()
            rng, folder = random.Random(seed), home / kind
            began = time.monotonic()
            if kind == "bodies":
                with running_sandbox(home / "sandbox") as sandbox:
                    tally = fuzz_bodies(database, folder, sandbox, asked.count, rng)
            elif kind == "webhooks":
                tally = fuzz_webhooks(database, folder, corpus, asked.count, rng)
            else:
                tally = fuzz_answers(database, folder, asked.count, rng)
            print(f"{kind:9} {tally}, {time.monotonic() - began:.0f} s", flush=True)
            failed |= tally.arrived != tally.good
            database.close()
    finally:
        server.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
