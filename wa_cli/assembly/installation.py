"""The installation as checks examine it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from wa_cli.checks.installation import GivenSettings, Installation, WebhookTarget
from wa_cli.sandbox import ACCOUNT as SANDBOX_ACCOUNT
from wa_cli.settings import schema
from wa_cli.settings.parsers import SANDBOX

if TYPE_CHECKING:
    from wa_cli.assembly.databases import Databases
    from wa_cli.assembly.endpoint import Endpoint
    from wa_cli.assembly.queues import Queues, Spools
    from wa_cli.backlog import Backlog
    from wa_cli.checks.account_answers import Answers
    from wa_cli.checks.dedup_shape import TableShape
    from wa_cli.media.stores import MediaStore
    from wa_cli.settings.sources import Loaded


def build_installation(
    databases: Databases,
    queues: Queues,
    spools: Spools,
    endpoint: Endpoint,
    *,
    backlog: Callable[[], Backlog],
    media_store: Callable[[], MediaStore | None],
    since: datetime,
) -> Installation:
    """Return the installation. No part is opened before a check asks for it."""
    loaded = databases.loaded
    settings = loaded.settings
    return Installation(
        open_database=lambda: databases.examined,
        since=since,
        business_phone=settings.business_phone,
        rate=settings.rate,
        settings=GivenSettings(loaded.production, _missing(loaded), _advisable(loaded)),
        backlog=lambda: backlog().status(),
        open_spools=spools.ours,
        find_stranded_spools=lambda: [spool for _, spool in spools.stranded()],
        queue_age_limit=settings.queue_age_limit,
        uncertain_wait=settings.uncertain_wait,
        queue_lease=settings.queue_lease,
        send_timeout=settings.send_timeout,
        get_webhook=lambda: _webhook(endpoint),
        verify_token=endpoint.verify_token if endpoint.is_sandbox else settings.verify_token,
        sqs_queue=(lambda name: queues.sqs(name).arrangement()) if queues.are_sqs else None,
        dedup_table=_dedup_table(settings.dedup_table),
        media_place=settings.media,
        media_store=media_store,
        spool_home=spools.home,
        spool_quota=settings.spool_quota,
        fetch_account=lambda: _account(endpoint),
    )


def _webhook(endpoint: Endpoint) -> WebhookTarget:
    settings = endpoint.loaded.settings
    if endpoint.is_sandbox:
        return WebhookTarget(endpoint.webhook_url, endpoint.app_secret, endpoint.verify_token)
    return WebhookTarget(endpoint.webhook_url, settings.app_secret, settings.verify_token)


def _dedup_table(table: str | None) -> Callable[[], TableShape] | None:
    if table is None:
        return None
    from wa_cli.checks.dedup_shape import read_shape
    from wa_cli.server import dedup_cache

    return lambda: read_shape(dedup_cache.connect(), table)


def _account(endpoint: Endpoint) -> Answers:
    import asyncio

    from wa_cli.assembly.endpoint import SANDBOX_TOKEN
    from wa_cli.checks.account_answers import fetch_answers

    settings = endpoint.loaded.settings
    token = SANDBOX_TOKEN if endpoint.is_sandbox else settings.access_token or ""
    business = SANDBOX_ACCOUNT if endpoint.is_sandbox else settings.business_account_id

    async def fetch() -> Answers:
        async with endpoint.client() as client:
            return await fetch_answers(client.account, number=endpoint.number, token=token, business=business)

    return asyncio.run(fetch())


def _missing(loaded: Loaded) -> Sequence[str]:
    """Return the variables of required production settings that are missing."""
    if not loaded.production:
        return []
    required = ["database_url", "cloud_api_url"]
    if loaded.settings.cloud_api_url != SANDBOX:
        required += ["phone_number_id", "access_token", "app_secret"]
    if loaded.settings.queue == schema.SQS:
        required += ["outgoing_queue_url", "incoming_queue_url"]
    return [schema.env_name(name) for name in required if getattr(loaded.settings, name) is None]


def _advisable(loaded: Loaded) -> Sequence[str]:
    """Return the variables of settings without which a part of wa does not work."""
    names = [name for name in ("verify_token", "api_keys", "media") if getattr(loaded.settings, name) is None]
    if loaded.settings.business_phone == "business":
        names.append("business_phone")
    return [schema.env_name(name) for name in names]
