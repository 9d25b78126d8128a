"""The sources of settings: a flag, the environment, `.env`, `wa.toml` in the working folder, the user's file, the default.

The first source that has a value wins. A profile (`--profile`, `WA_PROFILE`) is a table of that name in the TOML files and
wins over the plain keys of its file. A secret may be given as the path of a file: `WA_ACCESS_TOKEN_FILE`.

Without any setting everything is embedded. As soon as one production setting is given, the others that are needed must be
given too, or be the words `embedded` and `sandbox`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from types import NoneType
from typing import Any
from urllib.parse import urlsplit

from wa_cli.clock import format_span
from wa_cli.errors import BadInput, ConfigError, system_reason
from wa_cli.masking import mask_url
from wa_cli.settings.parsers import EMBEDDED, SANDBOX
from wa_cli.settings.schema import (
    EMBEDDED_CHOICES,
    NAMES,
    SPECS,
    SQS,
    Settings,
    Spec,
    env_name,
    setting_name,
    user_config_file,
)

# A message may be delivered again for so long: SQS keeps it for at most 14 days, and the queue in the database for a lease.
LONGEST_IN_SQS, LONGEST_IN_DATABASE = timedelta(days=14), timedelta(days=1)

FLAG = "flag"
# A setting's text and the place it stands in, and a way to find one by its name.
Found = tuple[str, str]
Lookup = Callable[[str], Found | None]


@dataclass(frozen=True)
class Origin:
    """The place that a value came from, in words. `given` is False for a default."""

    place: str
    given: bool


@dataclass(frozen=True)
class Loaded:
    """The settings in force, with the origin of each.

    `unknown_origins` maps variables that begin with WA_ and are not settings to their places.
    """

    settings: Settings
    origins: Mapping[str, Origin]
    profile: str | None
    unknown_origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(self.unknown_origins)

    @property
    def production(self) -> list[str]:
        """The names of the production settings that were given. None of them: everything is embedded."""
        return [
            name
            for name, spec in SPECS.items()
            if spec.production and self.origins[name].given and getattr(self.settings, name) not in EMBEDDED_CHOICES
        ]

    def need(self, name: str, instead: str) -> str:
        """Return the value of a setting without a default, or `instead` if everything is embedded.

        Raises ConfigError if a production setting is given and this one is missing.
        """
        value = getattr(self.settings, name)
        if value is not None:
            return str(value)
        given = self.production
        if given:
            word = f", or use the word `{instead}`" if instead in (EMBEDDED, SANDBOX) else ""
            raise ConfigError(
                f"{env_name(name)} is missing. It is required because {env_name(given[0])} is set.",
                hint=f"Set {env_name(name)}{word}. `wa config show` prints the settings in force.",
            )
        return instead


def load(
    environ: Mapping[str, str] | None = None,
    *,
    folder: Path | None = None,
    profile: str | None = None,
    flags: Mapping[str, str] | None = None,
) -> Loaded:
    """Read every source once. Raises ConfigError with the setting, its value and its origin."""
    environ = os.environ if environ is None else environ
    folder = Path.cwd() if folder is None else folder
    dotenv = _read_dotenv(folder / ".env")
    profile = profile or environ.get("WA_PROFILE") or dotenv.get("WA_PROFILE")
    files = [(path, _read_toml(path)) for path in (folder / "wa.toml", user_config_file())]
    if profile and not any(isinstance(content.get(profile), dict) for _, content in files):
        raise ConfigError(
            f"Unknown profile {profile!r}.",
            hint=f"Write a table [{profile}] in {files[0][0].name} or {files[1][0]}.",
        )

    lookups: list[Lookup] = [
        _from_table(flags or {}, FLAG),
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
    """Raise ConfigError if values contradict each other."""
    url = settings.cloud_api_url or ""
    if url.startswith("http://") and not settings.allow_http_cloud_api and not is_loopback(url):
        raise ConfigError(
            f"WA_CLOUD_API_URL (from {origins['cloud_api_url'].place}): {mask_url(url)!r} would send the access token"
            " over plain http.",
            hint="Use https://, or set WA_ALLOW_HTTP_CLOUD_API=yes if the network is trusted.",
        )
    if settings.claim_lease <= settings.send_timeout:
        raise ConfigError(
            f"WA_CLAIM_LEASE ({format_span(settings.claim_lease)}) is not longer than WA_SEND_TIMEOUT"
            f" ({format_span(settings.send_timeout)}): no message could be sent.",
            hint="Set WA_CLAIM_LEASE to at least twice WA_SEND_TIMEOUT.",
        )
    if settings.outgoing_queue_url and settings.outgoing_queue_url == settings.incoming_queue_url:
        raise ConfigError(
            "WA_OUTGOING_QUEUE_URL and WA_INCOMING_QUEUE_URL are the same queue.",
            hint="Use one queue for each direction.",
        )
    for name in ("outgoing_queue_url", "incoming_queue_url"):
        if settings.queue != SQS and getattr(settings, name):
            raise ConfigError(
                f"{env_name(name)} is set, but WA_QUEUE is {settings.queue}.",
                hint="Set WA_QUEUE=sqs, or remove the URL.",
            )
    least_kept = LONGEST_IN_SQS if settings.queue == SQS else LONGEST_IN_DATABASE
    if settings.keep_final < least_kept:
        raise ConfigError(
            f"WA_KEEP_FINAL ({format_span(settings.keep_final)}) is less than {format_span(least_kept)}: a redelivery after"
            " that time would send its message twice.",
            hint="Increase WA_KEEP_FINAL.",
        )
    if settings.uncertain_wait < 2 * settings.queue_lease:
        raise ConfigError(
            f"WA_UNCERTAIN_WAIT ({format_span(settings.uncertain_wait)}) is less than twice WA_QUEUE_LEASE"
            f" ({format_span(settings.queue_lease)}): a status that arrives late would cause a duplicate.",
            hint="Increase WA_UNCERTAIN_WAIT or decrease WA_QUEUE_LEASE.",
        )


def is_loopback(url: str) -> bool:
    """Return True if the host of the URL is this machine, by name or by address."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _parse(name: str, spec: Spec, text: str, place: str) -> Any:
    try:
        return spec.parse(_without_nul(text))
    except BadInput as error:
        message = error.message.replace(repr(text), repr(mask_url(text)))
        raise ConfigError(f"{env_name(name)} (from {place}): {message}", hint=error.hint) from None


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise BadInput("the value holds a NUL character.")
    return text


def _from_environ(environ: Mapping[str, str], name: str, place: str) -> Found | None:
    """Return the value of a variable. An empty variable counts as unset, except for a key, where it is an error."""
    key, spec = env_name(name), SPECS[name]
    for candidate in (key, *spec.other_names):
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
        raise ConfigError(f"{what}: {path} cannot be read ({system_reason(error)}).") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{what}: {path} is not UTF-8 text.") from None


def _unknown(environ: Mapping[str, str]) -> list[str]:
    known = {env_name(name) for name in NAMES} | {"WA_PROFILE"}
    known |= {other for spec in SPECS.values() for other in spec.other_names}
    known |= {f"{env_name(name)}_FILE" for name, spec in SPECS.items() if spec.secret}
    return sorted(key for key in environ if key.startswith("WA_") and key not in known)


def _from_table(table: Mapping[str, Any], place: str) -> Lookup:
    def lookup(name: str) -> Found | None:
        names = (name, *(setting_name(other) for other in SPECS[name].other_names))
        value = next((table[known] for known in names if table.get(known) is not None), None)
        if isinstance(value, list) or (SPECS[name].secret and not isinstance(value, (str, dict, NoneType))):
            raise ConfigError(f"{name} in {place} is not text.", hint="Put the value into quotes.")
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
    known = {*NAMES, *(setting_name(other) for spec in SPECS.values() for other in spec.other_names)}
    tables = [content, *(table for table in content.values() if isinstance(table, dict))]
    for table in tables:
        for key, value in table.items():
            if not isinstance(value, dict) and key not in known:
                raise ConfigError(f"{path}: {key!r} is not a setting.", hint=suggest(key))
    return content


def _read_file(path: Path) -> str | None:
    """Return the text of a settings file, or None if the file does not exist. Raises ConfigError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({system_reason(error)}).", hint="Correct the file, or remove it."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None


def suggest(key: str) -> str:
    """Return a hint for a name that is not a setting: a similar name, or the list."""
    import difflib

    close = difflib.get_close_matches(key, NAMES, n=1)
    return f"Did you mean {close[0]!r}?" if close else "List all settings with wa config show."
