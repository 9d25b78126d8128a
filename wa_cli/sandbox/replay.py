"""Plays notifications by name, from chosen customers and in chosen ways."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wa_cli.sandbox import DISPLAY_PHONE, media_files, notification_files, rules
from wa_cli.sandbox.callbacks import Callbacks, Update

ANSWER_LIMIT = 10.0
DAYS = 86400


@dataclass(frozen=True)
class Manner:
    """The way of posting: how often, in random order, after how many seconds, all in one POST, and with a right
    signature.
    """

    times: int = 1
    shuffled: bool = False
    after: float = 0.0
    batched: bool = False
    genuine: bool = True


def words(name: str, customer: str, text: str, profile: str, url: str, about: str | None) -> dict[str, str]:
    """Return the values of a notification's $words. `about` is the wamid that it refers to, by default an unknown one."""
    now = int(time.time())
    file = media_files.make(name)
    return {
        "from": customer,
        "number": DISPLAY_PHONE,
        "name": profile,
        "text": text,
        "wamid": rules.make_wamid(customer, outbound=name.startswith("echo")),
        "wamid2": rules.make_wamid(customer, outbound=True),
        "other": about or rules.make_wamid(customer, outbound=True),
        "timestamp": str(now),
        "long_ago": str(now - 30 * DAYS),
        "status": "delivered",
        "user_id": f"DE.{customer[::-1]}",
        "new_user_id": f"DE.{customer[::-1]}2",
        "old_number": f"{customer[:-1]}{9 - int(customer[-1])}",
        "media_id": file.id,
        "sha256": file.sha256,
        "url": f"{url}/_sandbox/files/{file.id}",
    }


async def play(
    callbacks: Callbacks, notifications: Sequence[tuple[str, dict[str, str]]], manner: Manner
) -> list[dict[str, Any]]:
    """Post each notification and wait for the answers. Return name, id (or None) and HTTP status (0 without an answer)."""
    loop = asyncio.get_running_loop()
    plan = [one for one in notifications for _ in range(manner.times)]
    if manner.shuffled:
        random.shuffle(plan)
    answers: list[asyncio.Future[int]] = []
    for name, filled in plan:
        answer: asyncio.Future[int] = loop.create_future()
        answers.append(answer)
        update = Update(
            notification_files.value(name, **filled),
            notification_files.field(name),
            at=float(filled["timestamp"]),
            alone=not manner.batched,
            genuine=manner.genuine,
            answered=answer.set_result,
        )
        callbacks.schedule(update, manner.after)
    await asyncio.wait(answers, timeout=manner.after + ANSWER_LIMIT)
    return [
        {"name": name, "id": _own_id(name, filled), "status": answer.result() if answer.done() else 0}
        for (name, filled), answer in zip(plan, answers, strict=True)
    ]


def _own_id(name: str, filled: dict[str, str]) -> str | None:
    return filled["wamid"] if filled["wamid"] in json.dumps(notification_files.value(name, **filled)) else None
