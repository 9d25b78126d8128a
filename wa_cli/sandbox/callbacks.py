"""Webhooks to the business: signed over the raw bytes, several updates in a POST, repeated until they are accepted.

Rejected webhooks stay on disk, so that a service that starts tomorrow gets them, as Meta repeats for seven days.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import hmac
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import IO, Any

import aiohttp

from wa_cli import private_files

KEPT_SECONDS = 7 * 86400
FIRST_GAP, LARGEST_GAP = 0.2, 30.0
LARGEST_POST = 500
TICK = 0.02
TIMEOUT = aiohttp.ClientTimeout(total=20)

Value = dict[str, Any]
_LISTS = ("contacts", "messages", "statuses", "message_echoes")


@dataclass(frozen=True)
class Update:
    """An update to post. `alone` posts it by itself. Without `genuine` its signature is wrong, and it is posted once.

    `at` is its Unix time, by default that of its schedule. Every post of the update has it, as at Meta: receivers know a
    repeated notice by it.
    """

    value: Value
    field: str = "messages"
    at: float | None = None
    alone: bool = False
    genuine: bool = True
    answered: Callable[[int], None] | None = None


def encode(notification: dict[str, Any]) -> bytes:
    """Return the bytes as Meta writes them: ASCII, lower-case escapes, `/` escaped too."""
    return json.dumps(notification, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def sign(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def merge(updates: Sequence[Update]) -> list[dict[str, Any]]:
    """Return the changes of a POST: updates of one field and number share one value, as when Meta is busy."""
    merged: dict[tuple[str, str], Value] = {}
    changes = []
    for update in updates:
        value = update.value
        key = (update.field, str(value.get("metadata", {}).get("phone_number_id")))
        if key not in merged or not any(name in value for name in _LISTS):
            merged[key] = {name: value[name] for name in value if name not in _LISTS}
            changes.append({"field": update.field, "value": merged[key]})
        for name in _LISTS:
            if name in value:
                merged[key].setdefault(name, []).extend(value[name])
    return changes


Due = tuple[int, int, Update]


class Callbacks:
    """The delivery from the sandbox to one webhook URL."""

    def __init__(self, url: str, secret: str, journal: Path, account: str) -> None:
        self.url = url
        self.secret = secret
        self.account = account
        self._journal_path = journal
        self._journal: IO[str] | None = None
        self._due: list[tuple[float, int, int, Update]] = []
        self._order = count()
        self._posts: set[asyncio.Task[None]] = set()
        self._undelivered: dict[int, Update] = {}
        self._stop = asyncio.Event()

    def schedule(self, update: Update, after: float = 0.0) -> None:
        """Post the update after that many seconds, and keep it until it is accepted."""
        identity = next(self._order)
        if update.at is None:
            update = replace(update, at=time.time() + after)
        if update.genuine:
            self._undelivered[identity] = update
            self._note({"id": identity, "at": update.at, "field": update.field, "value": update.value})
        heapq.heappush(self._due, (time.monotonic() + after, identity, 0, update))

    @property
    def waiting(self) -> int:
        return len(self._undelivered)

    def resume(self) -> None:
        """Schedule the undelivered updates of an earlier run, before anything new."""
        for update in self._left_behind():
            self.schedule(update)

    async def run(self) -> None:
        """Post due updates until cancelled."""
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            try:
                while not self._stop.is_set():
                    self._post_due(session)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stop.wait(), TICK)
            finally:
                for task in self._posts:
                    task.cancel()
                await asyncio.gather(*self._posts, return_exceptions=True)
                self._close_journal()

    async def flush(self, patience: float) -> None:
        """Wait a moment for running posts."""
        deadline = time.monotonic() + patience
        while self._undelivered and time.monotonic() < deadline:  # noqa: ASYNC110 — polled at the deliverer's own pace
            await asyncio.sleep(TICK)

    def stop(self) -> None:
        self._stop.set()

    def _post_due(self, session: aiohttp.ClientSession) -> None:
        together: list[Due] = []
        taken = 0
        while self._due and self._due[0][0] <= time.monotonic() and taken < LARGEST_POST:
            _, identity, tries, update = heapq.heappop(self._due)
            taken += 1
            if update.alone or not update.genuine:
                self._begin(self._post(session, [(identity, tries, update)]))
            else:
                together.append((identity, tries, update))
        if together:
            self._begin(self._post(session, together))

    def _begin(self, posting: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(posting)
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)

    async def _post(self, session: aiohttp.ClientSession, batch: list[Due]) -> None:
        changes = merge([update for _, _, update in batch])
        told_at = max(int(update.at or 0) for _, _, update in batch)
        entry = {"id": self.account, "time": told_at, "changes": changes}
        body = encode({"object": "whatsapp_business_account", "entry": [entry]})
        secret = self.secret if all(update.genuine for _, _, update in batch) else "not the secret"
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(body, secret)}
        status = 0
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with session.post(self.url, data=body, headers=headers) as answer:
                status = answer.status
        for identity, tries, update in batch:
            if status == 200:
                self._undelivered.pop(identity, None)
                self._note({"taken": identity})
            elif update.genuine:
                gap = min(LARGEST_GAP, FIRST_GAP * 2**tries)
                heapq.heappush(self._due, (time.monotonic() + gap, identity, tries + 1, update))
            if update.answered and not tries:
                update.answered(status)

    def _note(self, line: dict[str, Any]) -> None:
        if self._journal is None:
            self._journal = private_files.opened(self._journal_path, "a", encoding="utf-8", buffering=1)
        self._journal.write(json.dumps(line, separators=(",", ":")) + "\n")

    def _close_journal(self) -> None:
        if self._journal:
            self._journal.close()
            self._journal = None
        if not self._undelivered:
            self._journal_path.unlink(missing_ok=True)

    def _left_behind(self) -> list[Update]:
        """Return undelivered updates of the days that Meta repeats, and start a new journal."""
        kept: dict[int, Update] = {}
        if self._journal_path.exists():
            for line in self._journal_path.read_text(encoding="utf-8").splitlines():
                with suppress(ValueError, KeyError):
                    note = json.loads(line)
                    if "taken" in note:
                        kept.pop(note["taken"], None)
                    else:
                        kept[note["id"]] = Update(note["value"], note.get("field", "messages"), float(note["at"]))
            self._journal_path.unlink()
        return [update for update in kept.values() if (update.at or 0) > time.time() - KEPT_SECONDS]
