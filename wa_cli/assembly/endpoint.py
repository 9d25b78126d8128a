"""The Cloud API, or the sandbox in its place: its secrets, its client, and the sandbox itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wa_cli.errors import ConfigError
from wa_cli.sandbox import NUMBER as SANDBOX_NUMBER
from wa_cli.settings import schema, sources
from wa_cli.settings.parsers import SANDBOX

if TYPE_CHECKING:
    from wa_cli.cloud.client import CloudClient
    from wa_cli.sandbox.app import Options
    from wa_cli.settings.sources import Loaded

SANDBOX_TOKEN = "sandbox"  # noqa: S105 — accepted by the sandbox only


class Endpoint:
    """The Cloud API that messages are sent to, or the sandbox.

    `folder` is the data folder of the installation. `note` prints a line for people. `service_port` is the port of the
    service that this process runs, if it runs one.
    """

    def __init__(self, loaded: Loaded, folder: Path, note: Callable[[str], None]) -> None:
        self.loaded = loaded
        self.sandbox_folder = folder / "sandbox"
        self._note = note
        self.service_port: int | None = None

    @cached_property
    def uses_sandbox(self) -> bool:
        """True if requests go to the sandbox. Raises ConfigError if production settings are given without a URL."""
        return self.loaded.need("cloud_api_url", SANDBOX) == SANDBOX

    @property
    def is_sandbox(self) -> bool:
        """True if the settings choose the sandbox, or no production setting is given. Never raises."""
        return self.loaded.settings.cloud_api_url == SANDBOX or not self.loaded.production

    @cached_property
    def number(self) -> str:
        return SANDBOX_NUMBER if self.uses_sandbox else self._required("phone_number_id")

    @property
    def known_number(self) -> str | None:
        """The number that messages from here are for, or None. A program that queues messages need not know it."""
        return SANDBOX_NUMBER if self.is_sandbox else self.loaded.settings.phone_number_id

    @cached_property
    def app_secret(self) -> str:
        """The key of the webhook signatures. The sandbox signs with it, and makes one if none is given."""
        if self.loaded.settings.app_secret or not self.uses_sandbox:
            return self._required("app_secret")
        from wa_cli.sandbox.host import app_secret

        return app_secret(self.sandbox_folder)

    @cached_property
    def verify_token(self) -> str | None:
        """The token of the webhook handshake. The sandbox uses its secret."""
        return self.loaded.settings.verify_token or (self.app_secret if self.uses_sandbox else None)

    @property
    def business_account(self) -> str:
        """The id of the account. Raises ConfigError if it is missing."""
        if self.uses_sandbox:
            from wa_cli.sandbox import ACCOUNT

            return ACCOUNT
        return self._required("business_account_id")

    @property
    def webhook_url(self) -> str:
        """The URL that programs of this machine post webhooks to."""
        settings = self.loaded.settings
        return settings.webhook_url or f"http://127.0.0.1:{self.service_port or settings.port}/webhook"

    @asynccontextmanager
    async def client(self, options: Options | None = None) -> AsyncIterator[CloudClient]:
        """Yield the client. If it is for the sandbox, the sandbox runs until the end of the block."""
        from wa_cli.cloud.client import CloudClient

        settings = self.loaded.settings
        client = CloudClient(
            "" if self.uses_sandbox else self.loaded.need("cloud_api_url", SANDBOX),
            version=settings.graph_version,
            number=self.number,
            token=SANDBOX_TOKEN if self.uses_sandbox else self._required("access_token"),
            reread_token=None if self.uses_sandbox else self._access_token_now,
            concurrency=settings.concurrency,
            timeout=settings.send_timeout.total_seconds(),
        )
        try:
            if self.uses_sandbox:
                async with self.sandbox(on_move=client.move_to, options=options):
                    yield client
            else:
                yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def sandbox(
        self, on_move: Callable[[str], None] = lambda _: None, options: Options | None = None
    ) -> AsyncIterator[str]:
        """Yield the URL of the sandbox, which runs until the end of the block. `on_move` gets the URL if it changes."""
        try:
            from wa_cli.sandbox.host import SandboxHost
        except ImportError:
            raise ConfigError("The sandbox is not installed.", command="pip install 'wa-ops[local]'") from None

        async with SandboxHost(
            self.sandbox_folder,
            secret=self.app_secret,
            webhook_url=self.webhook_url,
            port=self.loaded.settings.sandbox_port,
            options=options,
            on_move=on_move,
        ) as host:
            wanted = self.loaded.settings.sandbox_port
            if host.is_ours and wanted and not host.url.endswith(f":{wanted}"):
                self._note(f"Port {wanted} is in use, so the sandbox has another one.")
            begun = "Started the sandbox" if host.is_ours else "Using the sandbox"
            self._note(f"{begun} at {host.url}. It stands in for WhatsApp: nothing leaves this machine.")
            yield host.url

    def _required(self, name: str) -> str:
        value = getattr(self.loaded.settings, name)
        if value is None:
            raise ConfigError(
                f"{schema.env_name(name)} is missing.", hint="Set it. `wa config show` prints the settings in force."
            )
        return str(value)

    def _access_token_now(self) -> str | None:
        """Return the token as the sources have it now, since it may be replaced while the process runs."""
        return sources.load(profile=self.loaded.profile).settings.access_token
