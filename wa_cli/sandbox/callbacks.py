"""Webhooks back to the business: signed over the raw bytes, several updates to a POST, repeated until they are taken.

What is not taken is kept on disk, so that a service that is up tomorrow gets it tomorrow, as Meta does for seven days.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import hmac
import json
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO, Any

import aiohttp

KEPT_SECONDS = 7 * 86400
FIRST_GAP, LARGEST_GAP = 0.2, 30.0
LARGEST_POST = 500
TICK = 0.02
TIMEOUT = aiohttp.ClientTimeout(total=20)

Value = dict[str, Any]
_LISTS = ("contacts", "messages", "statuses")


def encode(notification: dict[str, Any]) -> bytes:
    """The bytes as Meta writes them: ASCII, lower-case escapes, `/` escaped too."""
    return json.dumps(notification, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def sign(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def merge(values: list[Value]) -> list[Value]:
    """Statuses and messages of one number become one value, as when Meta is busy."""
    merged: dict[str, Value] = {}
    for value in values:
        number = value["metadata"]["phone_number_id"]
        into = merged.setdefault(number, {key: value[key] for key in value if key not in _LISTS})
        for key in _LISTS:
            if key in value:
                into.setdefault(key, []).extend(value[key])
    return list(merged.values())


class Callbacks:
    """The way from the sandbox to one webhook URL."""

    def __init__(self, url: str, secret: str, journal: Path, account: str) -> None:
        self.url = url
        self.secret = secret
        self.account = account
        self._journal_path = journal
        self._journal: IO[str] | None = None
        self._due: list[tuple[float, int, int, Value]] = []
        self._order = count()
        self._posts: set[asyncio.Task[None]] = set()
        self._undelivered: dict[int, Value] = {}
        self._stop = asyncio.Event()

    def schedule(self, value: Value, after: float = 0.0) -> None:
        """Post it after that many seconds, and keep it until it is taken."""
        identity = next(self._order)
        self._undelivered[identity] = value
        self._note({"id": identity, "at": time.time(), "value": value})
        heapq.heappush(self._due, (time.monotonic() + after, identity, 0, value))

    @property
    def waiting(self) -> int:
        return len(self._undelivered)

    def resume(self) -> None:
        """Take up what an earlier run could not deliver; before anything new is scheduled."""
        for value in self._left_behind():
            self.schedule(value)

    async def run(self) -> None:
        """Until cancelled: post what is due."""
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
        """Give what is on its way a moment to arrive."""
        deadline = time.monotonic() + patience
        while self._undelivered and time.monotonic() < deadline:  # noqa: ASYNC110 — polled at the deliverer's own pace
            await asyncio.sleep(TICK)

    def stop(self) -> None:
        self._stop.set()

    def _post_due(self, session: aiohttp.ClientSession) -> None:
        batch: list[tuple[int, int, Value]] = []
        while self._due and self._due[0][0] <= time.monotonic() and len(batch) < LARGEST_POST:
            _, identity, tries, value = heapq.heappop(self._due)
            batch.append((identity, tries, value))
        if batch:
            task = asyncio.create_task(self._post(session, batch))
            self._posts.add(task)
            task.add_done_callback(self._posts.discard)

    async def _post(self, session: aiohttp.ClientSession, batch: list[tuple[int, int, Value]]) -> None:
        changes = [{"field": "messages", "value": value} for value in merge([value for _, _, value in batch])]
        body = encode({"object": "whatsapp_business_account", "entry": [{"id": self.account, "changes": changes}]})
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(body, self.secret)}
        taken = False
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with session.post(self.url, data=body, headers=headers) as answer:
                taken = answer.status == 200
        for identity, tries, value in batch:
            if taken:
                self._undelivered.pop(identity, None)
                self._note({"taken": identity})
            else:
                gap = min(LARGEST_GAP, FIRST_GAP * 2**tries)
                heapq.heappush(self._due, (time.monotonic() + gap, identity, tries + 1, value))

    def _note(self, line: dict[str, Any]) -> None:
        if self._journal is None:
            self._journal = self._journal_path.open("a", encoding="utf-8", buffering=1)
        self._journal.write(json.dumps(line, separators=(",", ":")) + "\n")

    def _close_journal(self) -> None:
        if self._journal:
            self._journal.close()
            self._journal = None
        if not self._undelivered:
            self._journal_path.unlink(missing_ok=True)

    def _left_behind(self) -> list[Value]:
        """What an earlier run could not deliver within the days that Meta tries; the journal begins anew."""
        kept: dict[int, tuple[float, Value]] = {}
        if self._journal_path.exists():
            for line in self._journal_path.read_text(encoding="utf-8").splitlines():
                with suppress(ValueError, KeyError):
                    note = json.loads(line)
                    if "taken" in note:
                        kept.pop(note["taken"], None)
                    else:
                        kept[note["id"]] = (note["at"], note["value"])
            self._journal_path.unlink()
        return [value for at, value in kept.values() if at > time.time() - KEPT_SECONDS]
