"""The running sandbox: shared if one listens, hosted by this process if none does.

The address of the sandbox is a file in its folder. The process that holds the folder's lock is the host. When it ends,
another process that needs the sandbox takes over, on the same port.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import aiohttp

from wa_cli import private_files
from wa_cli.errors import ConfigError
from wa_cli.sandbox.app import Options, Sandbox

LOOK_EVERY = 1.0
START_LIMIT = 10.0


def app_secret(folder: Path) -> str:
    """Return the key of the sandbox's signatures. It is made at first use, readable by its owner only."""
    path = folder / "app_secret"
    private_files.make_folder(folder)
    if not (path.is_file() and path.read_text().strip()):
        _make_secret(path)
    return path.read_text().strip()


def _make_secret(path: Path) -> None:
    """Write the key once, completely or not at all. A process that dies leaves no empty key, and the first of two wins."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".app_secret.") as made:
        made.write(secrets.token_hex(16))
        made.flush()
        with suppress(FileNotFoundError):
            if not path.read_text().strip():
                path.unlink()
        with suppress(FileExistsError):
            path.hardlink_to(made.name)


class SandboxHost:
    """Within `async with SandboxHost(...) as host:` the Graph API's stand-in answers at `host.url`."""

    def __init__(
        self,
        folder: Path,
        *,
        secret: str,
        webhook_url: str,
        port: int,
        options: Options | None = None,
        on_move: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder = folder
        self.secret = secret
        self.webhook_url = webhook_url
        self.port = port
        self.options = replace(options or Options(), home=str(folder))
        self.on_move = on_move
        self.url = ""
        self.sandbox: Sandbox | None = None
        self._lock: IO[str] | None = None
        self._guard: asyncio.Task[None] | None = None

    @property
    def is_ours(self) -> bool:
        return self.sandbox is not None

    async def __aenter__(self) -> SandboxHost:
        await self._find_or_start()
        self._guard = asyncio.create_task(self._keep_up())
        return self

    async def __aexit__(self, *failure: object) -> None:
        if self._guard:
            self._guard.cancel()
            await asyncio.gather(self._guard, return_exceptions=True)
        if self.sandbox:
            (self.folder / "url").unlink(missing_ok=True)
            await self.sandbox.stop()
        if self._lock:
            self._lock.close()

    async def _find_or_start(self) -> None:
        deadline = asyncio.get_running_loop().time() + START_LIMIT
        while True:
            if url := await find(self.folder):
                self._moved_to(url)
                return
            if self._try_lock():
                await self._start()
                return
            if asyncio.get_running_loop().time() > deadline:
                raise ConfigError(
                    f"Another process holds {self.folder}, but no sandbox answers.",
                    hint="Stop that process, or set WA_HOME to another folder.",
                )
            await asyncio.sleep(0.05)

    async def _start(self) -> None:
        self.sandbox = Sandbox(self.folder, self.webhook_url, self.secret, self.options)
        await self.sandbox.start(self.port)
        (self.folder / "url").write_text(self.sandbox.url)
        self._moved_to(self.sandbox.url)

    async def _keep_up(self) -> None:
        """Become the host when the process that hosts the sandbox ends."""
        while not self.is_ours:
            await asyncio.sleep(LOOK_EVERY)
            if not await find(self.folder):
                await self._find_or_start()

    def _moved_to(self, url: str) -> None:
        if url != self.url:
            self.url = url
            self.on_move(url)

    def _try_lock(self) -> bool:
        private_files.make_folder(self.folder)
        handle = (self.folder / "lock").open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            return False
        self._lock = handle
        return True


async def find(folder: Path) -> str | None:
    """Return the URL of the sandbox that listens for this folder, or None."""
    try:
        url = (folder / "url").read_text().strip()
    except OSError:
        return None
    state = await call(url, "GET", "/_sandbox")
    return url if state and state.get("home") == str(folder) else None


async def call(url: str, method: str, path: str, body: Any = None, limit: float = 3.0) -> dict[str, Any] | None:
    """Return the JSON answer of one of the sandbox's own routes, or None if there is none within `limit` seconds."""
    try:
        timeout = aiohttp.ClientTimeout(total=limit)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, url + path, json=body) as got,
        ):
            answer = json.loads(await got.read())
            return answer if isinstance(answer, dict) else None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None
