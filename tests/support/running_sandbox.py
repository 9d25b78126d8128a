"""A sandbox in a thread of the test, and the accepted messages of its log."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.event_loop import in_thread
from wa_cli.sandbox.app import Options, Sandbox


class RunningSandbox:
    def __init__(self, folder: Path, options: Options | None = None) -> None:
        self.folder = folder
        # No service listens there, because the test plays the webhooks itself.
        self.sandbox = Sandbox(folder, "http://127.0.0.1:9/webhook", "secret", options)

    @property
    def url(self) -> str:
        return self.sandbox.url

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]

    def accepted(self) -> list[dict[str, Any]]:
        return [line for line in self.log() if line["kind"] == "accepted"]


def running_sandbox(folder: Path, options: Options | None = None) -> AbstractContextManager[RunningSandbox]:
    """Run a sandbox on a free port."""
    return in_thread(_live(RunningSandbox(folder, options)))


@asynccontextmanager
async def _live(running: RunningSandbox) -> AsyncIterator[RunningSandbox]:
    await running.sandbox.start(0)
    try:
        yield running
    finally:
        await running.sandbox.stop()
