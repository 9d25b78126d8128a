"""Every setting, declared once: name, type, default, meaning."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from wa_cli.clock import check_zone, parse_span
from wa_cli.settings import parsers
from wa_cli.settings.parsers import EMBEDDED, SANDBOX, BusinessTable

POSTGRES, SQS = "postgres", "sqs"
# Values that choose the embedded parts on purpose, so that no production setting is needed.
EMBEDDED_CHOICES = (None, EMBEDDED, SANDBOX, POSTGRES)


def default_home() -> Path:
    """Return the data folder. For root it is /var/lib/wa, since the embedded server opens every parent folder to others."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/wa")
    import platformdirs

    return Path(platformdirs.user_data_dir("wa"))


def user_config_file() -> Path:
    """Return the path of the user's own settings file."""
    import platformdirs

    return Path(platformdirs.user_config_dir("wa")) / "wa.toml"


@dataclass(frozen=True)
class Spec:
    """The declaration of a setting. `other_names` are variables that are read too, such as a former name."""

    meaning: str
    parse: Callable[[str], Any] = parsers.text
    other_names: tuple[str, ...] = ()
    secret: bool = False
    production: bool = False

    @property
    def is_key(self) -> bool:
        """True if the whole value is a secret. A URL with a password in it is not."""
        return self.parse in (parsers.secret, parsers.api_keys)


def _setting(
    default: Any,
    meaning: str,
    parse: Callable[[str], Any] = parsers.text,
    *,
    other_names: tuple[str, ...] = (),
    secret: bool = False,
    production: bool = False,
) -> Any:
    spec = Spec(meaning, parse, other_names, secret, production)
    if callable(default):
        return field(default_factory=default, metadata={"spec": spec})
    return field(default=default, metadata={"spec": spec})


def _seconds(amount: float) -> timedelta:
    return timedelta(seconds=amount)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The values in force. Only `assembly` and `cli` read them. Every other package receives values."""

    database_url: str | None = _setting(
        None, "PostgreSQL 13 to 18, or `embedded`.", other_names=("DATABASE_URL",), secret=True, production=True
    )
    report_database_url: str | None = _setting(None, "Replica for the reports. Default: WA_DATABASE_URL.", secret=True)
    home: Path = _setting(default_home, "Data folder: embedded database, spool, sandbox.", parsers.folder)
    queue: str = _setting(
        POSTGRES,
        "Queue of both directions: `postgres`, a table in the database, or `sqs`.",
        parsers.choice(POSTGRES, SQS),
        production=True,
    )
    outgoing_queue_url: str | None = _setting(
        None,
        "SQS queue of messages to send. FIFO keeps each customer's order.",
        parsers.queue_url,
        production=True,
    )
    incoming_queue_url: str | None = _setting(None, "SQS queue of webhooks.", parsers.queue_url, production=True)
    dedup_table: str | None = _setting(None, "DynamoDB table for webhook deduplication (optional).", production=True)
    spool: Path | None = _setting(None, "Folder of the spool. Default: `spool` in the data folder.", parsers.folder)

    media: str | None = _setting(
        None, "Media store for customers' files: a folder, or `s3://bucket/prefix`.", parsers.media_place
    )

    cloud_api_url: str | None = _setting(
        None, "https://graph.facebook.com, or `sandbox`.", parsers.api_url, production=True
    )
    graph_version: str = _setting("v25.0", "Version of the Graph API.", parsers.graph_version)
    allow_http_cloud_api: bool = _setting(
        False, "Allow plain http for WA_CLOUD_API_URL: `yes` or `no`.", parsers.switch
    )
    phone_number_id: str | None = _setting(
        None, "Id of the business number at Meta, not the number itself.", parsers.number_id, production=True
    )
    business_account_id: str | None = _setting(None, "Id of the WhatsApp Business account, for `wa doctor`.")
    access_token: str | None = _setting(
        None, "Access token of a system user.", parsers.secret, secret=True, production=True
    )
    app_secret: str | None = _setting(
        None, "App secret: the key of the webhook signatures.", parsers.secret, secret=True, production=True
    )
    verify_token: str | None = _setting(None, "Verify token of the webhook handshake.", parsers.secret, secret=True)
    business_phone: str = _setting(
        "business", "Number of the business, `from_phone` of outgoing messages.", parsers.business_phone
    )

    host: str = _setting("127.0.0.1", "Listening address of `wa serve`.")
    port: int = _setting(8000, "Port of `wa serve`.", parsers.port)
    webhook_url: str | None = _setting(
        None, "Webhook URL for the sandbox, `wa verify` and `wa webhook replay`. Default: this host.", parsers.web_url
    )
    sandbox_port: int = _setting(
        8190, "Preferred port of the sandbox. Default if it is in use: a free one.", parsers.port
    )
    api_keys: str | None = _setting(
        None,
        "Keys of the HTTP API, separated by commas: `key`, `key=ana`, `key=*`, `key=metrics`.",
        parsers.api_keys,
        secret=True,
    )
    employee: str | None = _setting(None, "Employee who sends from this shell: name or id.")
    employees: BusinessTable | None = _setting(
        None,
        "Your table of employees: `hr.staff(id, name, team)`. Default: that of `wa employee`.",
        parsers.business_table("id", "name", "team", least=2),
    )
    customers: BusinessTable | None = _setting(
        None,
        "Your table of customers: `users(phone, name)`. Default: names of their profiles.",
        parsers.business_table("phone", "name", least=2),
    )
    timezone: str = _setting("UTC", "Time zone of the reports.", check_zone)
    search_language: str | None = _setting(
        None, "Language of `wa search`, like `english`. Default: that of `wa migrate --search-language`, else `simple`."
    )
    business_hours: str | None = _setting(
        None, "Business hours in WA_TIMEZONE: `mon-fri 09:00-18:00; sat 10:00-14:00`."
    )
    holidays: str = _setting("", "Days without business hours: `2026-12-25, 2027-01-01`.")
    reports: Path | None = _setting(None, "Folder with additional reports.", parsers.folder)
    estimate_format: str = _setting(
        "text", "Estimated processing time: `text` (1-5 minutes) or `seconds`.", parsers.choice("text", "seconds")
    )
    template_language: str = _setting("en_US", "Default language of templates.")

    health_port: int | None = _setting(None, "Port of a worker's /health, for containers. Default: none.", parsers.port)
    metrics_port: int | None = _setting(
        None, "Port of a worker's /metrics, for Prometheus. Default: none.", parsers.port
    )
    cloudwatch_namespace: str | None = _setting(
        None, "CloudWatch namespace to publish metrics in, such as `WhatsApp/Messages`. Default: none."
    )

    log_format: str = _setting(
        "text", "Log format of workers and service: `text` or `json`.", parsers.choice("text", "json")
    )

    log_file: Path | None = _setting(
        None, "File for the log of workers and service, beside stderr. Default: none.", parsers.folder
    )

    rate: float = _setting(
        80.0, "Messages per second for the business number, shared by all workers.", parsers.at_least(0.1)
    )
    on_uncertain: str = _setting(
        "evidence",
        "Uncertain messages: `evidence` decides, or `hold` them for a person.",
        parsers.choice("evidence", "hold"),
    )
    concurrency: int = _setting(200, "Maximum number of requests in flight, per worker.", parsers.count)
    send_timeout: timedelta = _setting(_seconds(30), "Time limit of one request to the API.", parsers.at_least_a_second)
    claim_lease: timedelta = _setting(
        _seconds(90), "Lease of a claimed message.", parsers.at_least_a_second, other_names=("WA_OUTGOING_LEASE",)
    )
    queue_lease: timedelta = _setting(
        _seconds(60),
        "Lease of a message that a worker received from a queue.",
        parsers.at_least_a_second,
        other_names=("WA_INCOMING_LEASE",),
    )
    uncertain_wait: timedelta = _setting(_seconds(120), "Maximum delay of a status.", parsers.at_least_a_second)
    evidence_limit: timedelta = _setting(
        timedelta(hours=24),
        "Maximum wait of an uncertain message for a status before it is held.",
        parsers.at_least_a_second,
    )
    silence_limit: timedelta = _setting(
        timedelta(minutes=15),
        "Wait before an uncertain message is resent if its number has no status events.",
        parsers.at_least_a_second,
    )
    stop_timeout: timedelta = _setting(_seconds(25), "Time for messages in flight when a worker stops.", parse_span)
    statement_timeout: timedelta = _setting(
        _seconds(15), "Time limit of one SQL statement of a worker.", parsers.at_least_a_second
    )
    queue_age_limit: timedelta = _setting(
        timedelta(minutes=15),
        "Maximum age of the oldest waiting message before `wa verify` fails.",
        parsers.at_least_a_second,
    )
    report_timeout: timedelta = _setting(_seconds(60), "Time limit of one report.", parsers.at_least_a_second)
    degraded_after: timedelta = _setting(
        _seconds(30),
        "On SQS, database outage after which a worker sends in degraded mode.",
        parse_span,
        other_names=("WA_BYPASS_AFTER",),
    )
    spool_quota: int = _setting(
        1 << 30, "Maximum size of the spool, such as 500MB. Sending stops above it.", parsers.size
    )
    keep_final: timedelta = _setting(timedelta(days=30), "Retention of finished outbox messages.", parse_span)


NAMES = tuple(f.name for f in fields(Settings))
SPECS: dict[str, Spec] = {f.name: f.metadata["spec"] for f in fields(Settings)}


def env_name(name: str) -> str:
    """Return the name of a setting's variable: WA_RATE for rate."""
    return f"WA_{name.upper()}"


def setting_name(variable: str) -> str:
    """Return the name of a setting: rate for WA_RATE."""
    return variable.removeprefix("WA_").lower()
