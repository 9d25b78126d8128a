from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from wa_cli import config
from wa_cli.errors import ConfigError


@pytest.fixture(autouse=True)
def no_user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "user_config_file", lambda: tmp_path / "user" / "wa.toml")


def load(tmp_path: Path, environ: dict[str, str] | None = None, profile: str | None = None) -> config.Loaded:
    return config.load(environ or {}, folder=tmp_path, profile=profile)


def test_with_nothing_configured_everything_is_default(tmp_path: Path) -> None:
    loaded = load(tmp_path)

    assert loaded.settings.rate == 80
    assert loaded.origins["rate"].place == "default"
    assert loaded.production == []
    assert loaded.need("database_url", "embedded") == "embedded"


def test_the_first_place_that_has_a_value_wins(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "wa.toml").write_text("rate = 1\ntimezone = 'Europe/Berlin'\nport = 1\n")
    (tmp_path / "wa.toml").write_text("rate = 2\nport = 2\n")
    (tmp_path / ".env").write_text("WA_RATE=3\n")

    loaded = load(tmp_path, {"WA_RATE": "4"})

    assert (loaded.settings.rate, loaded.settings.port, loaded.settings.timezone) == (4, 2, "Europe/Berlin")
    assert loaded.origins["rate"].place == "environment"
    assert loaded.origins["port"].place == str(tmp_path / "wa.toml")
    assert load(tmp_path).settings.rate == 3


def test_a_profile_wins_over_its_files_plain_keys(tmp_path: Path) -> None:
    (tmp_path / "wa.toml").write_text("rate = 2\n[busy]\nrate = 500\n")

    assert load(tmp_path).settings.rate == 2
    assert load(tmp_path, profile="busy").settings.rate == 500
    assert load(tmp_path, {"WA_PROFILE": "busy"}).settings.rate == 500


def test_a_profile_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no profile 'nope'"):
        load(tmp_path, profile="nope")


def test_a_secret_may_be_a_files_content(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("EAAG-very-secret-token\n")

    loaded = load(tmp_path, {"WA_ACCESS_TOKEN_FILE": str(tmp_path / "token")})

    assert loaded.settings.access_token == "EAAG-very-secret-token"
    assert config.shown(loaded, "access_token") == "EAA…en"


def test_a_short_secret_shows_nothing(tmp_path: Path) -> None:
    assert config.shown(load(tmp_path, {"WA_APP_SECRET": "short"}), "app_secret") == "…"


def test_the_password_of_a_url_does_not_show(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"DATABASE_URL": "postgresql://me:pa@ss@db/wa"})

    assert config.shown(loaded, "database_url") == "postgresql://me:…@db/wa"
    assert loaded.production == ["database_url"]


def test_one_production_setting_makes_a_missing_one_an_error_that_names_it(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"WA_ACCESS_TOKEN": "x" * 30})

    with pytest.raises(ConfigError, match="WA_DATABASE_URL is missing, and WA_ACCESS_TOKEN is set"):
        loaded.need("database_url", "embedded")


def test_the_words_embedded_and_sandbox_choose_a_part_on_purpose(tmp_path: Path) -> None:
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
        ("WA_EMPLOYEE", "bob"),
        ("WA_MEDIA", "s3:bucket"),
        ("WA_MEDIA", "s3://"),
    ],
)
def test_a_bad_value_is_named_with_its_setting_and_origin(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, {name: value})

    assert name in error.value.message
    assert "environment" in error.value.message
    assert error.value.exit_code == 4


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"WA_OUTGOING_LEASE": "10s"}, "WA_OUTGOING_LEASE .10s. does not outlast WA_SEND_TIMEOUT"),
        ({"WA_INCOMING_LEASE": "5m"}, "WA_UNCERTAIN_WAIT .2m. is less than twice WA_INCOMING_LEASE"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path: Path, environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, environ)


def test_a_misspelt_key_in_a_file_is_told_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "wa.toml").write_text("timezon = 'UTC'\n")

    with pytest.raises(ConfigError) as error:
        load(tmp_path)

    assert error.value.hint == "Did you mean 'timezone'?"


def test_a_variable_that_only_looks_like_ours_is_known_as_such(tmp_path: Path) -> None:
    assert load(tmp_path, {"WA_COLOUR": "x", "WA_RATE": "5", "WA_APP_SECRET_FILE": ""}).unknown == ("WA_COLOUR",)


def test_spans_are_spans(tmp_path: Path) -> None:
    assert load(tmp_path, {"WA_UNCERTAIN_WAIT": "3m"}).settings.uncertain_wait == timedelta(minutes=3)


def test_every_setting_says_what_it_means() -> None:
    assert all(spec.meaning.endswith(".") for spec in config.SPECS.values())
