from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from wa_cli.errors import ConfigError
from wa_cli.settings import display, schema, sources


@pytest.fixture(autouse=True)
def no_user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "user_config_file", lambda: tmp_path / "user" / "wa.toml")


def load(tmp_path: Path, environ: dict[str, str] | None = None, profile: str | None = None) -> sources.Loaded:
    return sources.load(environ or {}, folder=tmp_path, profile=profile)


def test_without_configuration_every_setting_has_its_default(tmp_path: Path) -> None:
    loaded = load(tmp_path)

    assert loaded.settings.rate == 80
    assert loaded.origins["rate"].place == "default"
    assert loaded.production == []
    assert loaded.need("database_url", "embedded") == "embedded"


def test_a_setting_comes_from_the_source_with_the_highest_precedence(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "wa.toml").write_text("rate = 1\ntimezone = 'Europe/Berlin'\nport = 1\n")
    (tmp_path / "wa.toml").write_text("rate = 2\nport = 2\n")
    (tmp_path / ".env").write_text("WA_RATE=3\n")

    loaded = load(tmp_path, {"WA_RATE": "4"})

    assert (loaded.settings.rate, loaded.settings.port, loaded.settings.timezone) == (4, 2, "Europe/Berlin")
    assert loaded.origins["rate"].place == "environment"
    assert loaded.origins["port"].place == str(tmp_path / "wa.toml")
    assert load(tmp_path).settings.rate == 3


def test_a_profile_overrides_the_plain_keys_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "wa.toml").write_text("rate = 2\n[busy]\nrate = 500\n")

    assert load(tmp_path).settings.rate == 2
    assert load(tmp_path, profile="busy").settings.rate == 500
    assert load(tmp_path, {"WA_PROFILE": "busy"}).settings.rate == 500


def test_an_unknown_profile_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Unknown profile 'nope'"):
        load(tmp_path, profile="nope")


def test_a_secret_may_be_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("EAAG-very-secret-token\n")

    loaded = load(tmp_path, {"WA_ACCESS_TOKEN_FILE": str(tmp_path / "token")})

    assert loaded.settings.access_token == "EAAG-very-secret-token"
    assert display.shown(loaded, "access_token") == "EAA…en"


def test_a_short_secret_is_masked_completely(tmp_path: Path) -> None:
    assert display.shown(load(tmp_path, {"WA_APP_SECRET": "short"}), "app_secret") == "…"


def test_the_password_of_a_url_is_masked(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"DATABASE_URL": "postgresql://me:pa@ss@db/wa"})

    assert display.shown(loaded, "database_url") == "postgresql://me:…@db/wa"
    assert loaded.production == ["database_url"]


def test_with_one_production_setting_a_missing_one_is_an_error_that_names_it(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"WA_ACCESS_TOKEN": "x" * 30})

    with pytest.raises(ConfigError, match=r"WA_DATABASE_URL is missing\. It is required"):
        loaded.need("database_url", "embedded")


def test_the_value_embedded_is_allowed_beside_production_settings(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"WA_DATABASE_URL": "embedded", "WA_CLOUD_API_URL": "https://graph.facebook.com"})

    assert loaded.need("database_url", "embedded") == "embedded"
    assert loaded.production == ["cloud_api_url"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WA_RATE", "fast"),
        ("WA_RATE", "0"),
        ("WA_PORT", "70000"),
        ("WA_TIMEZONE", "Mars/Base"),
        ("WA_SEND_TIMEOUT", "x"),
        ("WA_EMPLOYEES", "hr.staff(id"),
        ("WA_BUSINESS_PHONE", "hello"),
        ("WA_BUSINESS_PHONE", "+49 (0)171 1x"),
        ("WA_CUSTOMERS", "users; DROP TABLE users"),
        ("WA_MEDIA", "s3:bucket"),
        ("WA_MEDIA", "s3://"),
        ("WA_RATE", "nan"),
        ("WA_RATE", "inf"),
        ("WA_CONCURRENCY", "inf"),
        ("WA_PORT", "²"),
        ("WA_SPOOL_QUOTA", "much"),
        ("WA_SPOOL", "~no-such-user-anywhere/spool"),
        ("WA_GRAPH_VERSION", "25"),
        ("WA_PHONE_NUMBER_ID", "+15550100000"),
        ("WA_WEBHOOK_URL", "example.org/webhook"),
        ("WA_ALLOW_HTTP_CLOUD_API", "perhaps"),
    ],
)
def test_a_bad_value_is_reported_with_its_setting_and_origin(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, {name: value})

    assert name in error.value.message
    assert value in error.value.message
    assert "environment" in error.value.message
    assert error.value.exit_code == 4


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"WA_CLAIM_LEASE": "10s"}, "WA_CLAIM_LEASE .10s. is not longer than WA_SEND_TIMEOUT"),
        ({"WA_KEEP_FINAL": "0s"}, "WA_KEEP_FINAL .0s. is less than 1d: a redelivery"),
        ({"WA_QUEUE": "sqs", "WA_KEEP_FINAL": "7d"}, "WA_KEEP_FINAL .7d. is less than 14d: a redelivery"),
        ({"WA_SEND_TIMEOUT": "0"}, "'0' is less than a second"),
        ({"WA_QUEUE_LEASE": "5m"}, "WA_UNCERTAIN_WAIT .2m. is less than twice WA_QUEUE_LEASE"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path: Path, environ: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        load(tmp_path, environ)


def test_a_misspelled_key_in_a_file_gets_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "wa.toml").write_text("timezon = 'UTC'\n")

    with pytest.raises(ConfigError) as error:
        load(tmp_path)

    assert error.value.hint == "Did you mean 'timezone'?"


def test_unknown_variables_with_our_prefix_are_listed_with_their_origin(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WA_RAET=5\n")
    given = {"WA_COLOUR": "x", "WA_RATE": "5", "WA_APP_SECRET_FILE": "", "WA_RATE_FILE": "y"}

    loaded = load(tmp_path, given)

    assert loaded.unknown_origins == {"WA_RAET": ".env", "WA_COLOUR": "environment", "WA_RATE_FILE": "environment"}
    assert set(loaded.unknown) == set(loaded.unknown_origins)


def test_a_duration_setting_is_parsed(tmp_path: Path) -> None:
    assert load(tmp_path, {"WA_UNCERTAIN_WAIT": "3m"}).settings.uncertain_wait == timedelta(minutes=3)


def test_every_setting_has_a_description() -> None:
    assert all(spec.meaning.endswith(".") for spec in schema.SPECS.values())


SECRETS = [name for name, spec in schema.SPECS.items() if spec.is_key]
EMPTY = ["", " ", "\n\t ", "\N{NO-BREAK SPACE}", "\N{ZERO WIDTH SPACE}", "\N{ZERO WIDTH NO-BREAK SPACE}"]


def test_every_secret_setting_is_marked_as_a_key() -> None:
    assert set(SECRETS) == {"access_token", "app_secret", "verify_token", "api_keys"}


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize("name", SECRETS)
def test_an_empty_secret_is_an_error_in_every_source(tmp_path: Path, name: str, empty: str) -> None:
    variable, file, toml = schema.env_name(name), tmp_path / "secret", tmp_path / "wa.toml"
    file.write_text(empty)

    with pytest.raises(ConfigError, match=rf"{variable} .from environment.: the secret is empty"):
        load(tmp_path, {variable: empty})
    with pytest.raises(ConfigError, match=rf"{variable} .from environment, {variable}_FILE={file}.: the secret is"):
        load(tmp_path, {f"{variable}_FILE": str(file)})
    (tmp_path / ".env").write_text(f"{variable}='{empty}'\n")
    with pytest.raises(ConfigError, match=rf"{variable} .from .env.: the secret is empty"):
        load(tmp_path)
    (tmp_path / ".env").unlink()
    toml.write_text(f"{name} = '''{empty}'''\n")
    with pytest.raises(ConfigError, match=rf"{variable} .from {toml}.: the secret is empty"):
        load(tmp_path)
    toml.write_text(f"[shop]\n{name} = '''{empty}'''\n")
    with pytest.raises(ConfigError, match=rf"{variable} .from {toml} .shop..: the secret is empty"):
        load(tmp_path, profile="shop")


@pytest.mark.parametrize("value", ["false", "5", "1.5", '["a"]'])
@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_is_not_text_is_refused(tmp_path: Path, name: str, value: str) -> None:
    (tmp_path / "wa.toml").write_text(f"{name} = {value}\n")

    with pytest.raises(ConfigError, match=f"{name} in .*wa.toml is not text"):
        load(tmp_path)


@pytest.mark.parametrize("written", ["+1 (555) 010-0000", "+15550100000", "+1.555.010.0000"])
def test_the_number_of_the_business_has_one_form(tmp_path: Path, written: str) -> None:
    assert load(tmp_path, {"WA_BUSINESS_PHONE": written}).settings.business_phone == "+15550100000"


def test_api_keys_of_only_commas_are_an_empty_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"WA_API_KEYS .from environment.: the secret is empty"):
        load(tmp_path, {"WA_API_KEYS": " , ,"})


def test_a_secret_is_stripped_and_control_characters_are_refused(tmp_path: Path) -> None:
    assert load(tmp_path, {"WA_ACCESS_TOKEN": " token\n"}).settings.access_token == "token"
    with pytest.raises(ConfigError, match="holds a control") as error:
        load(tmp_path, {"WA_ACCESS_TOKEN": "first-line\nsecond-line"})
    assert "first-line" not in error.value.message


@pytest.mark.parametrize("name", [".env", "wa.toml"])
def test_a_settings_file_that_cannot_be_read_is_an_error(tmp_path: Path, name: str) -> None:
    file = tmp_path / name

    file.write_bytes(b"rate = '\xff'\n")
    with pytest.raises(ConfigError, match=f"{name} is not UTF-8 text"):
        load(tmp_path)
    file.unlink()
    file.symlink_to(name)
    with pytest.raises(ConfigError, match=f"{name} cannot be read") as error:
        load(tmp_path)
    assert error.value.exit_code == 4


def test_a_secret_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigError, match=r"WA_APP_SECRET_FILE .from environment.: .*/key is not UTF-8 text"):
        load(tmp_path, {"WA_APP_SECRET_FILE": str(tmp_path / "key")})


def test_a_settings_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "wa.toml").write_bytes(b"\xef\xbb\xbfrate = 7\n")
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfWA_PORT=77\n")

    assert (load(tmp_path).settings.rate, load(tmp_path).settings.port) == (7, 77)


def test_a_folder_with_the_name_of_the_settings_file_is_ignored(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()

    assert load(tmp_path).production == []


@pytest.mark.parametrize("url", ["http://graph.facebook.com", "http://10.0.0.5:8190", "http://localhost.example.org"])
def test_plain_http_to_another_host_is_refused_unless_a_setting_allows_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"WA_CLOUD_API_URL .from environment.: '{url}' would send the access token over plain http"
    ):
        load(tmp_path, {"WA_CLOUD_API_URL": url})
    assert load(tmp_path, {"WA_CLOUD_API_URL": url, "WA_ALLOW_HTTP_CLOUD_API": "yes"}).settings.cloud_api_url == url


@pytest.mark.parametrize("url", ["http://127.0.0.1:8190", "http://[::1]:8190", "http://localhost", "https://x.org"])
def test_plain_http_to_this_machine_and_https_to_any_host_are_allowed(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, {"WA_CLOUD_API_URL": url}).settings.cloud_api_url == url


def test_an_error_about_a_bad_url_masks_its_password(tmp_path: Path) -> None:
    for name, value in (("WA_OUTGOING_QUEUE_URL", "ftp://me:hunter2@host/q"), ("WA_MEDIA", "s3://me:hunter2@bucket")):
        with pytest.raises(ConfigError) as error:
            load(tmp_path, {name: value})
        assert "hunter2" not in error.value.message
        assert "me:…@" in error.value.message
