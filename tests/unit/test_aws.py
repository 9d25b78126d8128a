"""The AWS region comes from `AWS_REGION`, then `AWS_DEFAULT_REGION`, then the configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from wa_cli import aws
from wa_cli.media import stores
from wa_cli.queues import sqs
from wa_cli.server import dedup_cache

NAMES = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_PROFILE")
CONFIGURED = "[default]\nregion = sa-east-1\n"


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({}, "sa-east-1"),
    ],
)
def test_the_region_comes_from_the_environment_before_the_configuration_file(
    environ: dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text(CONFIGURED)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert aws.session().region_name == region


def test_every_client_uses_the_region_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    store = stores.open_store("s3://bucket/prefix")
    assert isinstance(store, stores.S3Store)

    clients = (sqs.connect("http://127.0.0.1:9/1/queue"), dedup_cache.connect(), store._client)

    assert [client.meta.region_name for client in clients] == ["eu-west-1"] * 3


def test_a_queue_client_uses_the_region_of_the_queue_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    client = sqs.connect("https://sqs.ap-south-1.amazonaws.com/123456789012/outgoing")

    assert client.meta.region_name == "ap-south-1"
