"""Each session has the settings that wa needs, independent of presets of the database, the role and the URL."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from wa_cli.database import session
from wa_cli.database.engine import Database
from wa_cli.store.messages import insert

PRESETS = {
    "timezone": "'Asia/Kolkata'",
    "statement_timeout": "'1d'",
    "default_transaction_isolation": "'serializable'",
    "datestyle": "'SQL, DMY'",
    "client_encoding": "'LATIN1'",
}


@pytest.fixture
def preset(database: Database) -> Database:
    with database.autocommit() as connection:
        for name, value in PRESETS.items():
            connection.exec_driver_sql(f"ALTER DATABASE {database.engine.url.database} SET {name} = {value}")
    database.close()
    return database


def test_presets_of_the_database_do_not_change_the_session_settings(preset: Database) -> None:
    with preset.autocommit() as connection:
        found = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in preset.settings}

    assert found == preset.settings


def test_options_in_the_url_do_not_change_the_time_zone(preset: Database) -> None:
    url = preset.engine.url.update_query_dict({"options": "-c timezone=Asia/Tokyo"})
    database = Database(url.render_as_string(hide_password=False))

    with database.reading() as connection:
        assert connection.exec_driver_sql("SHOW timezone").scalar_one() == "UTC"
    database.close()


def test_times_are_utc_and_text_is_unchanged_under_any_preset(preset: Database) -> None:
    row = {"message_id": "m", "from_phone": "+123", "message_type": "text", "content": "żółć 🙂"}
    with preset.transaction() as connection:
        insert(connection, [{**row, "direction": "incoming", "timestamp": "2026-03-01T12:00:00", "status": "received"}])
        found = connection.execute(sa.text("SELECT timestamp, created_at, content FROM whatsapp_messages")).one()
        now = connection.exec_driver_sql("SELECT clock_timestamp() AT TIME ZONE 'UTC'").scalar_one()

    assert (found.timestamp, found.content) == (datetime(2026, 3, 1, 12), "żółć 🙂")
    assert abs(now - found.created_at) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(0), "0"),
        (timedelta(milliseconds=1500), "1500ms"),
        (timedelta(seconds=15), "15s"),
        (timedelta(seconds=120), "2min"),
        (timedelta(hours=48), "2d"),
    ],
)
def test_durations_are_written_as_postgresql_prints_them(database: Database, span: timedelta, shown: str) -> None:
    with database.autocommit() as connection:
        connection.exec_driver_sql(f"SET statement_timeout = '{int(span.total_seconds() * 1000)}ms'")
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == session.shown(span) == shown
