"""wa doctor: look at the whole installation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache as once
from typing import TYPE_CHECKING, TypeVar

import typer

from wa_cli.cli import check_results
from wa_cli.cli.context import SANDBOX_TOKEN, AppContext
from wa_cli.cli.parameters import AsJson
from wa_cli.errors import CheckFailed, WaError
from wa_cli.sandbox import ACCOUNT as SANDBOX_ACCOUNT
from wa_cli.settings import schema
from wa_cli.settings.parsers import SANDBOX

if TYPE_CHECKING:
    from wa_cli.cloud.client import CloudClient
    from wa_cli.verify.base import Check

Answer = TypeVar("Answer")

WORDS = check_results.Words(
    command="doctor",
    key="well",
    well="WELL: everything that wa stands on is in order.",
    warned="Nothing fails",
    failed="NOT WELL",
)


def doctor(
    ctx: typer.Context, as_json: AsJson = False, quiet: check_results.Quiet = False, check: check_results.Chosen = None
) -> None:
    """Look at the whole installation: settings, database, queues, token, number, webhook, disk.

    What is away is a finding: the rest is looked at all the same. Exit 0 where nothing fails, 3 where something does.

    Example: wa doctor --check token --check number
    """
    from wa_cli import doctor as doctoring

    found = doctoring.look(check_results.chosen(checks_of(AppContext.of(ctx)), check or []))
    check_results.show(found, WORDS, as_json=as_json, quiet=quiet)
    if failed := check_results.failed(found):
        raise CheckFailed(f"Not well: {', '.join(failed)}.")


def checks_of(context: AppContext) -> list[Check]:
    """Everything there is to look at in the installation, from the settings down to the disk."""
    from wa_cli.doctor import disk, files, settings

    return [
        settings.check(context.loaded.production, _missing(context), _wanting(context)),
        *_database_checks(context),
        *_queue_checks(context),
        *_account_checks(context),
        context.webhook_check(),
        disk.check(context.spool_home, context.settings.spool_quota),
        files.check(context.settings.media, context.store),
    ]


def _database_checks(context: AppContext) -> list[Check]:
    """Of what `wa verify` asks, the parts that are the installation's, and how late statuses are."""
    from wa_cli import verify
    from wa_cli.clock import now
    from wa_cli.doctor import lateness, unavailable
    from wa_cli.verify.base import Scene

    try:
        database = context.observed_database
    except WaError as error:
        return [unavailable("database", "Database", error)]
    names = ("migrations", "indexes", "permissions", "server", "clock")
    checks = [check for check in verify.checks(Scene(database, now())) if check.name in names]
    settings = context.settings
    late = lateness.check(database, settings.uncertain_wait, settings.incoming_lease)
    return [*checks, late, *context.sending_checks()]


def _missing(context: AppContext) -> list[str]:
    """Settings of production without which nothing goes, once there is one."""
    if not context.loaded.production:
        return []
    needed = ["database_url", "cloud_api_url"]
    if context.settings.cloud_api_url != SANDBOX:
        needed += ["phone_number_id", "access_token", "app_secret"]
    if context.settings.queue == schema.SQS:
        needed += ["outgoing_queue_url", "incoming_queue_url"]
    return [schema.env_name(name) for name in needed if getattr(context.settings, name) is None]


def _wanting(context: AppContext) -> list[str]:
    """Settings without which a part is out of work."""
    lacking = [name for name in ("verify_token", "api_keys", "media") if getattr(context.settings, name) is None]
    if context.settings.business_phone == "business":
        lacking.append("business_phone")
    return [schema.env_name(name) for name in lacking]


def _queue_checks(context: AppContext) -> list[Check]:
    from wa_cli.doctor import queues

    settings = context.settings
    if settings.queue != schema.SQS:
        return [
            queues.embedded(lambda: context.outgoing_queue.depth().waiting + context.incoming_queue.depth().waiting)
        ]
    from wa_cli.doctor import marks as marks_check
    from wa_cli.server import dedup_cache

    lease, table = settings.incoming_lease, settings.dedup_table
    checks = [
        queues.check("outgoing", lambda: context.sqs("outgoing").arrangement(), lease, settings.send_timeout),
        queues.check("incoming", lambda: context.sqs("incoming").arrangement(), lease, None),
    ]
    return (
        checks
        if table is None
        else [*checks, marks_check.check(lambda: dedup_cache.shape(dedup_cache.connect(), table))]
    )


def _account_checks(context: AppContext) -> list[Check]:
    from wa_cli.clock import now
    from wa_cli.doctor import account

    settings = context.settings
    token = SANDBOX_TOKEN if context.is_in_sandbox else settings.access_token or ""
    business = SANDBOX_ACCOUNT if context.is_in_sandbox else settings.business_account_id

    async def call(client: CloudClient) -> account.Answers:
        return await account.fetch_answers(client.account, number=context.number, token=token, business=business)

    answers = once(lambda: _call_api(context, call))
    verify_token = context.verify_token if context.is_in_sandbox else settings.verify_token
    return account.checks(answers, now, settings.rate, settings.business_phone, verify_token)


def _call_api(context: AppContext, question: Callable[[CloudClient], Awaitable[Answer]]) -> Answer:
    """What comes of asking the API, with a client for that alone."""
    import asyncio

    async def call() -> Answer:
        async with context.cloud() as client:
            return await question(client)

    return asyncio.run(call())
