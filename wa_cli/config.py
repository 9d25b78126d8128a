"""Every setting, declared once: name, type, default, meaning.

A value comes from the first place that has it: a flag, the environment, `.env`, `wa.toml` in the working folder,
the user's config file, the default. A profile (`--profile`, `WA_PROFILE`) is a table of that name in the TOML files
and wins over the file's plain keys. A secret may be given as a file's path instead: `WA_ACCESS_TOKEN_FILE`.

Nothing configured is a world of its own: everything embedded. As soon as one production setting is given, the others
that are needed must be given too, or be the words `embedded` and `sandbox` on purpose.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from wa_cli.clock import check_zone, format_span, parse_span
from wa_cli.errors import BadInput, ConfigError
from wa_cli.masking import mask, mask_url

EMBEDDED = "embedded"
SANDBOX = "sandbox"
POSTGRES, SQS = "postgres", "sqs"


def _text(value: str) -> str:
    return value


def _secret(value: str) -> str:
    """A key or a token. An empty one would be accepted from everybody, or sent to Meta in vain."""
    if not any(character.isprintable() and not character.isspace() for character in value):
        raise BadInput("the secret is empty.", hint="Give it a value, or remove the setting.")
    if not value.strip().isprintable():
        raise BadInput("the secret holds a control or invisible character.", hint="Was a whole file copied into it?")
    return value.strip()


def _api_keys(value: str) -> str:
    """A list of keys, by comma; which of them is wrong is said where they are parsed."""
    _secret(value.replace(",", " "))
    return value


def _switch(value: str) -> bool:
    word = value.strip().lower()
    if word not in ("yes", "no", "true", "false", "on", "off", "1", "0"):
        raise BadInput(f"{value!r} is neither `yes` nor `no`.")
    return word in ("yes", "true", "on", "1")


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in allowed:
            raise BadInput(f"{value!r} is not one of {', '.join(allowed)}.")
        return value

    return parse


def _number(least: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            raise BadInput(f"{value!r} is not a number.") from None
        if not math.isfinite(number):
            raise BadInput(f"{value!r} is not a finite number.")
        if number < least:
            raise BadInput(f"{value} is less than {least:g}.")
        return number

    return parse


def _port(value: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", value) or not 0 <= int(value) <= 65535:
        raise BadInput(f"{value!r} is not a port between 0 and 65535.")
    return int(value)


def _api_url(value: str) -> str:
    if value != SANDBOX and not re.fullmatch(r"https?://[^/\s]+\S*", value):
        raise BadInput(f"{value!r} is neither a URL nor the word `sandbox`.", hint="Like https://graph.facebook.com")
    return value


def _size(value: str) -> int:
    found = re.fullmatch(r"(\d+)\s*([kKmMgG]?)(?:i?[bB])?", value.strip())
    if not found:
        raise BadInput(f"{value!r} is not a size, like 500MB.")
    return int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[found[2].lower()]


def _web_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+\S*", value):
        raise BadInput(f"{value!r} is not a URL.", hint="Like https://example.org/webhook")
    return value


def _graph_version(value: str) -> str:
    if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]{1,3}", value):
        raise BadInput(f"{value!r} is not a version of the Graph API.", hint="Like v25.0")
    return value


def _number_id(value: str) -> str:
    if not re.fullmatch("[0-9]{1,32}", value):
        raise BadInput(f"{value!r} is not an id: Meta's ids are digits.", hint="Meta's app dashboard shows it.")
    return value


def _queue_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+/\S+", value):
        raise BadInput(
            f"{value!r} is not a queue's URL.", hint="Like https://sqs.eu-west-1.amazonaws.com/123456789012/outgoing"
        )
    return value


def _media_place(value: str) -> str:
    is_address = re.match(r"[a-z0-9]+:", value)
    if not value.strip() or (is_address and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S*)?", value)):
        raise BadInput(f"{value!r} is neither a folder nor a place like s3://bucket/prefix.")
    return value


def _folder(value: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise BadInput(f"{value!r} begins with the home of a user that is not known.") from None


def _uuid(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise BadInput(f"{value!r} is not a UUID.") from None


def default_home() -> Path:
    """The data folder. Root's is /var/lib/wa, because the embedded server opens every parent folder for others to enter."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/wa")
    import platformdirs

    return Path(platformdirs.user_data_dir("wa"))


def user_config_file() -> Path:
    """Where a person's own settings live."""
    import platformdirs

    return Path(platformdirs.user_config_dir("wa")) / "wa.toml"


@dataclass(frozen=True)
class Spec:
    """What is known of a setting before anybody gives it a value."""

    meaning: str
    parse: Callable[[str], Any] = _text
    also: tuple[str, ...] = ()
    secret: bool = False
    production: bool = False

    @property
    def is_key(self) -> bool:
        """Whether the whole value is a secret: a URL with a password in it is not."""
        return self.parse in (_secret, _api_keys)


# A setting's text and the place it stands in, and a way to find one by its name.
Found = tuple[str, str]
Lookup = Callable[[str], Found | None]


def _setting(
    default: Any,
    meaning: str,
    parse: Callable[[str], Any] = _text,
    *,
    also: tuple[str, ...] = (),
    secret: bool = False,
    production: bool = False,
) -> Any:
    spec = Spec(meaning, parse, also, secret, production)
    if callable(default):
        return field(default_factory=default, metadata={"spec": spec})
    return field(default=default, metadata={"spec": spec})


def _seconds(amount: float) -> timedelta:
    return timedelta(seconds=amount)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The values in force. Only `cli/context.py` reads them; everyone else is handed what they need."""

    database_url: str | None = _setting(
        None, "PostgreSQL 13 to 18, or `embedded`.", also=("DATABASE_URL",), secret=True, production=True
    )
    report_database_url: str | None = _setting(None, "A replica that the reports read instead.", secret=True)
    home: Path = _setting(default_home, "The data folder: embedded database, spool, sandbox.", _folder)
    queue: str = _setting(
        POSTGRES,
        "Where messages wait: `postgres`, a table in the database, or `sqs`.",
        _choice(POSTGRES, SQS),
        production=True,
    )
    outgoing_queue_url: str | None = _setting(
        None, "SQS queue of messages to send; FIFO keeps each customer's order.", _queue_url, production=True
    )
    incoming_queue_url: str | None = _setting(None, "SQS queue of webhooks.", _queue_url, production=True)
    dedup_table: str | None = _setting(
        None, "DynamoDB table that spares the queue webhooks it had already; needs none.", production=True
    )
    spool: Path | None = _setting(None, "Folder of the spool; default: `spool` in the data folder.", _folder)

    media: str | None = _setting(
        None, "Where files of customers are saved: a folder, or `s3://bucket/prefix`.", _media_place
    )

    cloud_api_url: str | None = _setting(None, "https://graph.facebook.com, or `sandbox`.", _api_url, production=True)
    graph_version: str = _setting("v25.0", "Version of the Graph API named in each call.", _graph_version)
    allow_http_cloud_api: bool = _setting(
        False, "Send the access token to WA_CLOUD_API_URL over plain http too: `yes` or `no`.", _switch
    )
    phone_number_id: str | None = _setting(
        None, "The business number's id at Meta (not the number).", _number_id, production=True
    )
    business_account_id: str | None = _setting(None, "The account's id at Meta; only `wa doctor` asks for it.")
    access_token: str | None = _setting(None, "Token of a system user.", _secret, secret=True, production=True)
    app_secret: str | None = _setting(None, "Key of the webhook signatures.", _secret, secret=True, production=True)
    verify_token: str | None = _setting(None, "What Meta repeats in the webhook handshake.", _secret, secret=True)
    business_phone: str = _setting("business", "Our own number in `from_phone` when a message names none.")

    host: str = _setting("127.0.0.1", "Address that `wa serve` listens on.")
    port: int = _setting(8000, "Port that `wa serve` listens on.", _port)
    webhook_url: str | None = _setting(
        None, "Where the sandbox, `wa verify` and `wa webhook replay` post; else this host.", _web_url
    )
    sandbox_port: int = _setting(8190, "Port the sandbox prefers; another free one if it is taken.", _port)
    api_keys: str | None = _setting(
        None, "Keys of the messaging API: `key` or `key=employee`, by comma.", _api_keys, secret=True
    )
    employee: str | None = _setting(None, "The employee (UUID) in whose name this shell sends.", _uuid)
    timezone: str = _setting("UTC", "Days and hours of the reports.", check_zone)
    search_language: str = _setting(
        "simple", "How `wa search` reads words: a text search configuration of PostgreSQL; only `simple` has an index."
    )
    business_hours: str | None = _setting(None, "Like `mon-fri 09:00-18:00; sat 10:00-14:00`, in WA_TIMEZONE.")
    holidays: str = _setting("", "Days without business hours, by comma: `2026-12-25, 2027-01-01`.")
    reports: Path | None = _setting(None, "A folder with reports of your own.", _folder)
    template_language: str = _setting("en_US", "Language of a template when none is given.")

    log_format: str = _setting("text", "Log lines of workers and service: `text` or `json`.", _choice("text", "json"))

    rate: float = _setting(80.0, "Messages per second for the number, shared by all workers.", _number(0.1))
    on_uncertain: str = _setting(
        "evidence", "A send of unknown fate: `evidence` decides, or `hold` for a person.", _choice("evidence", "hold")
    )
    concurrency: int = _setting(200, "Requests in flight at most, per worker.", lambda v: int(_number(1)(v)))
    send_timeout: timedelta = _setting(_seconds(30), "Whole time one request to the API may take.", parse_span)
    outgoing_lease: timedelta = _setting(_seconds(90), "How long a claim holds a message.", parse_span)
    incoming_lease: timedelta = _setting(_seconds(60), "How long a worker holds what it took from a queue.", parse_span)
    uncertain_wait: timedelta = _setting(_seconds(120), "W: how late a status may be.", parse_span)
    evidence_limit: timedelta = _setting(
        timedelta(hours=24), "How long an uncertain send waits for late statuses before it is held.", parse_span
    )
    silence_limit: timedelta = _setting(
        timedelta(minutes=15), "Wait before resending on a number that has no status events.", parse_span
    )
    stop_timeout: timedelta = _setting(_seconds(25), "Time for what is in flight when a worker stops.", parse_span)
    statement_timeout: timedelta = _setting(_seconds(15), "Longest a worker's statement may take.", parse_span)
    queue_age_limit: timedelta = _setting(
        timedelta(minutes=15), "Age of the oldest waiting message from which on `wa verify` fails.", parse_span
    )
    report_timeout: timedelta = _setting(_seconds(60), "Longest a report may take.", parse_span)
    bypass_after: timedelta = _setting(
        _seconds(30), "On SQS, how long the database may be away before sending goes on without it.", parse_span
    )
    spool_quota: int = _setting(1 << 30, "Most that the spool may hold, like 500MB; then nothing is sent.", _size)
    keep_final: timedelta = _setting(timedelta(days=30), "How long a finished outbox row is kept.", parse_span)


NAMES = tuple(f.name for f in fields(Settings))
SPECS: dict[str, Spec] = {f.name: f.metadata["spec"] for f in fields(Settings)}


@dataclass(frozen=True)
class Origin:
    """Where a value came from: its text as given, and the place in words."""

    place: str
    given: bool


@dataclass(frozen=True)
class Loaded:
    """The settings in force, with the origin of each; `unknown_origins` has variables that look like ours and are not."""

    settings: Settings
    origins: Mapping[str, Origin]
    profile: str | None
    unknown_origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(self.unknown_origins)

    @property
    def production(self) -> list[str]:
        """The production settings that were given; none means the embedded world."""
        chosen_on_purpose = (None, EMBEDDED, SANDBOX, POSTGRES)
        return [
            name
            for name, spec in SPECS.items()
            if spec.production and self.origins[name].given and getattr(self.settings, name) not in chosen_on_purpose
        ]

    def need(self, name: str, instead: str) -> str:
        """The value of a setting that has none by default: `instead` in the embedded world, else an error naming it."""
        value = getattr(self.settings, name)
        if value is not None:
            return str(value)
        given = self.production
        if given:
            word = f", or say `{instead}`" if instead in (EMBEDDED, SANDBOX) else ""
            raise ConfigError(
                f"{env_name(name)} is missing, and {env_name(given[0])} is set: nothing is guessed in production.",
                hint=f"Set {env_name(name)}{word}. `wa config show` prints what is in force.",
            )
        return instead


def env_name(name: str) -> str:
    return f"WA_{name.upper()}"


def load(
    environ: Mapping[str, str] | None = None,
    *,
    folder: Path | None = None,
    profile: str | None = None,
    flags: Mapping[str, str] | None = None,
) -> Loaded:
    """Read every source once. Raises ConfigError naming the setting, its value and its origin."""
    environ = os.environ if environ is None else environ
    folder = Path.cwd() if folder is None else folder
    dotenv = _read_dotenv(folder / ".env")
    profile = profile or environ.get("WA_PROFILE") or dotenv.get("WA_PROFILE")
    files = [(path, _read_toml(path)) for path in (folder / "wa.toml", user_config_file())]
    if profile and not any(isinstance(content.get(profile), dict) for _, content in files):
        raise ConfigError(
            f"There is no profile {profile!r}.",
            hint=f"Write a table [{profile}] in {files[0][0].name} or {files[1][0]}.",
        )

    lookups: list[Lookup] = [
        _from_table(flags or {}, "flag"),
        lambda name: _from_environ(environ, name, "environment"),
        lambda name: _from_environ(dotenv, name, ".env"),
    ]
    for path, content in files:
        if profile:
            lookups.append(_from_table(content.get(profile, {}), f"{path} [{profile}]"))
        lookups.append(_from_table(content, str(path)))

    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for name, spec in SPECS.items():
        found = next((found for lookup in lookups if (found := lookup(name)) is not None), None)
        if found is None:
            origins[name] = Origin("default", given=False)
        else:
            values[name] = _parse(name, spec, *found)
            origins[name] = Origin(found[1], given=True)
    settings = Settings(**values)
    _check_together(settings, origins)
    unknown = {key: place for place, given in ((".env", dotenv), ("environment", environ)) for key in _unknown(given)}
    return Loaded(settings, origins, profile, unknown)


def _check_together(settings: Settings, origins: Mapping[str, Origin]) -> None:
    """Raise ConfigError where values that are right alone contradict each other."""
    url = settings.cloud_api_url or ""
    if url.startswith("http://") and not settings.allow_http_cloud_api and not is_loopback(url):
        raise ConfigError(
            f"WA_CLOUD_API_URL (from {origins['cloud_api_url'].place}): {mask_url(url)!r} would get the access token over plain"
            " http.",
            hint="Use https://, or set WA_ALLOW_HTTP_CLOUD_API=yes if the network is trusted.",
        )
    if settings.outgoing_lease <= settings.send_timeout:
        raise ConfigError(
            f"WA_OUTGOING_LEASE ({format_span(settings.outgoing_lease)}) does not outlast WA_SEND_TIMEOUT"
            f" ({format_span(settings.send_timeout)}): no message could ever leave.",
            hint="Give the lease at least twice the time-out.",
        )
    if settings.outgoing_queue_url and settings.outgoing_queue_url == settings.incoming_queue_url:
        raise ConfigError(
            "WA_OUTGOING_QUEUE_URL and WA_INCOMING_QUEUE_URL are the same queue: webhooks would be taken for messages to send.",
            hint="Give each direction a queue of its own.",
        )
    for name in ("outgoing_queue_url", "incoming_queue_url"):
        if settings.queue != SQS and getattr(settings, name):
            raise ConfigError(
                f"{env_name(name)} is set, but WA_QUEUE is {settings.queue}.",
                hint="Set WA_QUEUE=sqs, or take the URL away.",
            )
    if settings.uncertain_wait < 2 * settings.incoming_lease:
        raise ConfigError(
            f"WA_UNCERTAIN_WAIT ({format_span(settings.uncertain_wait)}) is less than twice WA_INCOMING_LEASE"
            f" ({format_span(settings.incoming_lease)}): a status may be later than that, and its message be sent twice.",
            hint="Raise the one or lower the other.",
        )


def is_loopback(url: str) -> bool:
    """Whether the host of the URL is this machine by its name or its address."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def shown(loaded: Loaded, name: str) -> str:
    """A value as it may be printed: secrets masked, spans readable."""
    value, spec = getattr(loaded.settings, name), SPECS[name]
    if value is None:
        return "—"
    if spec.is_key:
        return mask(value)
    if spec.parse is _size:
        return f"{value >> 20}MB"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_span(value) if isinstance(value, timedelta) else mask_url(str(value))


def _parse(name: str, spec: Spec, text: str, place: str) -> Any:
    try:
        return spec.parse(_without_nul(text))
    except BadInput as error:
        said = error.message.replace(repr(text), repr(mask_url(text)))
        raise ConfigError(f"{env_name(name)} (from {place}): {said}", hint=error.hint) from None


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise BadInput("the value holds a NUL character.")
    return text


def _from_environ(environ: Mapping[str, str], name: str, place: str) -> Found | None:
    """The value of a variable. An empty one is as good as none, except of a key, which is meant to be there then."""
    key, spec = env_name(name), SPECS[name]
    for candidate in (key, *spec.also):
        if environ.get(candidate) or (spec.is_key and candidate in environ):
            return environ[candidate], place
    path = environ.get(f"{key}_FILE") if spec.secret else None
    if not path:
        return None
    return _read_secret(Path(path), f"{key}_FILE (from {place})"), f"{place}, {key}_FILE={path}"


def _read_secret(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise ConfigError(f"{what}: {path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{what}: {path} is not UTF-8 text.") from None


def _unknown(environ: Mapping[str, str]) -> list[str]:
    known = {env_name(name) for name in NAMES} | {"WA_PROFILE"}
    known |= {f"{env_name(name)}_FILE" for name, spec in SPECS.items() if spec.secret}
    return sorted(key for key in environ if key.startswith("WA_") and key not in known)


def _from_table(table: Mapping[str, Any], place: str) -> Lookup:
    def lookup(name: str) -> Found | None:
        value = table.get(name)
        return None if value is None or isinstance(value, dict) else (str(value), place)

    return lookup


def _read_dotenv(path: Path) -> dict[str, str]:
    content = None if path.is_dir() else _read_file(path)  # a virtual environment may have that name
    if content is None:
        return {}
    import io

    import dotenv

    return {key: value for key, value in dotenv.dotenv_values(stream=io.StringIO(content)).items() if value is not None}


def _read_toml(path: Path) -> dict[str, Any]:
    text = _read_file(path)
    if text is None:
        return {}
    import tomllib

    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None
    tables = [content, *(table for table in content.values() if isinstance(table, dict))]
    for table in tables:
        for key, value in table.items():
            if not isinstance(value, dict) and key not in NAMES:
                raise ConfigError(f"{path}: {key!r} is not a setting.", hint=suggest(key))
    return content


def _read_file(path: Path) -> str | None:
    """The text of a settings file; None where there is none. Raises ConfigError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}).", hint="Correct the file, or remove it."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None


def suggest(key: str) -> str:
    """What may have been meant by a name that is none of a setting."""
    import difflib

    close = difflib.get_close_matches(key, NAMES, n=1)
    return f"Did you mean {close[0]!r}?" if close else "`wa config show` lists them all."
