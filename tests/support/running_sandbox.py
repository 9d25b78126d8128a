"""A sandbox in a thread of the test, and what its log says was really sent."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wa_cli.sandbox.app import Options, Sandbox


class RunningSandbox:
    def __init__(self, folder: Path, options: Options | None = None) -> None:
        self.folder = folder
        # Nobody listens there: what the webhooks would say is played by the test.
        self.sandbox = Sandbox(folder, "http://127.0.0.1:9/webhook", "secret", options)

    @property
    def url(self) -> str:
        return self.sandbox.url

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]

    def accepted(self) -> list[dict[str, Any]]:
        return [line for line in self.log() if line["kind"] == "accepted"]


@contextmanager
def running_sandbox(folder: Path, options: Options | None = None) -> Iterator[RunningSandbox]:
    running = RunningSandbox(folder, options)
    loop = asyncio.new_event_loop()
    up, down = threading.Event(), asyncio.Event()

    async def live() -> None:
        await running.sandbox.start(0)
        up.set()
        await down.wait()
        await running.sandbox.stop()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    up.wait(10)
    try:
        yield running
    finally:
        loop.call_soon_threadsafe(down.set)
        thread.join(10)
        loop.close()
