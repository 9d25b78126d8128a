"""Passwords are masked in every form of a URL. Other parts stay readable."""

from __future__ import annotations

from pathlib import Path

import pytest

from wa_cli.masking import mask_url
from wa_cli.settings import display, schema, sources


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:pw@db:5432/wa", "postgresql://me:…@db:5432/wa"),
        ("postgresql://me:p@ss@db/wa", "postgresql://me:…@db/wa"),
        ("postgresql://me:p/w?x@db/wa", "postgresql://me:…@db/wa"),
        ("postgresql://me:p%40ss%3A@db/wa", "postgresql://me:…@db/wa"),
        ("postgresql+psycopg2://:pw@/wa?host=/run", "postgresql+psycopg2://:…@/wa?host=/run"),
        ("postgresql://me@db/wa?password=pw", "postgresql://me@db/wa?password=…"),
        ("postgresql://db/wa?user=me&password=p%26w&sslmode=x", "postgresql://db/wa?user=me&password=…&sslmode=x"),
        ("postgresql://db/wa?sslmode=require&sslpassword=pw", "postgresql://db/wa?sslmode=require&sslpassword=…"),
        ("postgresql://db/wa?p%61ssword=pw", "postgresql://db/wa?p%61ssword=…"),
        ("postgresql://db/wa?PASSWORD=pw", "postgresql://db/wa?PASSWORD=…"),
        ("postgresql://db/wa?passfile=/home/me/.pgpass", "postgresql://db/wa?passfile=/home/me/.pgpass"),
        ("postgresql://me:pw@db/wa?options=-c%20a=b@c", "postgresql://me:…@db/wa?options=-c%20a=b@c"),
        ("postgresql://db/wa?options=a@b", "postgresql://db/wa?options=a@b"),
        ("postgresql://me:pw@one:5432,two:5433/wa", "postgresql://me:…@one:5432,two:5433/wa"),
        ("host=db user=me password=pw dbname=wa", "host=db user=me password=… dbname=wa"),
        (r"host=db password = 'p w\'x' sslpassword=y", "host=db password = … sslpassword=…"),
        ("https://key:secret@sqs.example.org/1/q", "https://key:…@sqs.example.org/1/q"),
        ("https://token@example.org/hook", "https://…@example.org/hook"),
        (
            "https://sqs.x.org/1/q?X-Amz-Signature=abc&X-Amz-Date=1",
            "https://sqs.x.org/1/q?X-Amz-Signature=…&X-Amz-Date=1",
        ),
        ("https://example.org/hook?a=1;token=abc", "https://example.org/hook?a=1;token=…"),
        ("https://example.org/hook#access_token=abc", "https://example.org/hook#access_token=…"),
        ("https://example.org/@user/hook", "https://example.org/@user/hook"),
        ("/var/lib/wa", "/var/lib/wa"),
        ("Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert mask_url(url) == shown


FREE_TEXT = [name for name, spec in schema.SPECS.items() if spec.parse is schema.SPECS["database_url"].parse]


@pytest.mark.parametrize("name", FREE_TEXT)
def test_every_setting_that_may_be_a_url_is_shown_masked(name: str, tmp_path: Path) -> None:
    value = "postgresql://me:hunter2@db/wa?password=hunter3"

    loaded = sources.load({schema.env_name(name): value}, folder=tmp_path)

    assert display.shown(loaded, name) == "postgresql://me:…@db/wa?password=…"
