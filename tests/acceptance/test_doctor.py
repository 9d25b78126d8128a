"""wa doctor on a fresh laptop, with every process running, on AWS, and with failing dependencies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import Shell, until_it_answers
from tests.acceptance.test_story import until
from tests.support.local_aws import ENVIRON, LocalAws
from tests.support.waiting import free_port


def run_doctor(shell: Shell, *names: str, code: int = 0) -> dict[str, Any]:
    """Run `wa doctor` and return its checks by name."""
    chosen = [part for name in names for part in ("--check", name)]
    found = json.loads(shell.wa("doctor", "--json", *chosen, code=code).stdout)
    assert found["schema"] == "wa.doctor/2"
    return {check["name"]: check for check in found["checks"]}


def results(found: dict[str, Any]) -> dict[str, str]:
    return {name: check["result"] for name, check in found.items()}


@contextmanager
def everything_up(shell: Shell) -> Iterator[None]:
    port = shell.environ["WA_PORT"] = str(free_port())
    with shell.running("up") as process:
        until_it_answers(f"http://127.0.0.1:{port}/health", process)
        yield


def test_no_check_fails_on_a_fresh_laptop(shell: Shell) -> None:
    shell.environ["WA_PORT"] = str(free_port())

    found = run_doctor(shell)

    assert "failed" not in results(found).values(), found
    assert found["settings"]["facts"]["production"] == []
    assert found["token"]["result"] == "ok"
    assert found["number"]["facts"] | {"phone": "+15550100000", "quality": "GREEN"} == found["number"]["facts"]
    assert found["subscription"]["facts"] == {"apps": ["Sandbox"]}
    assert (found["webhook"]["result"], found["callback"]["result"]) == ("skipped", "skipped")  # no service runs yet


def test_with_wa_up_running_the_webhook_checks_pass_and_status_lateness_is_measured(shell: Shell) -> None:
    with everything_up(shell):
        shell.wa("send", "text", "+123", "hi", "--wait")
        until(shell, "SELECT count(*) = 1 FROM wa.outbox WHERE status_at IS NOT NULL")

        found = run_doctor(shell)

    assert found["callback"]["message"].endswith("which answers the handshake")
    assert found["webhook"]["result"] == "ok"
    assert found["status_lateness"]["facts"]["messages"] == 1
    assert found["media"]["result"] == "skipped"
    printed = shell.wa("doctor", "--check", "disk").stdout
    assert "GB free, an fdatasync takes" in printed


@pytest.fixture
def production(shell: Shell, aws: LocalAws) -> Shell:
    """Return a shell with production settings and well-configured queues. The sandbox stands in for Meta."""
    url = shell.wa("db", "url").stdout.strip()
    fit: dict[str, Any] = {"MessageRetentionPeriod": "1209600", "VisibilityTimeout": "120"}
    shell.environ |= {
        **ENVIRON,
        "AWS_ENDPOINT_URL": aws.url,
        "WA_DATABASE_URL": url,
        "WA_CLOUD_API_URL": "sandbox",
        "WA_QUEUE": "sqs",
        "WA_OUTGOING_QUEUE_URL": aws.queue(fifo=True, **fit),
        "WA_INCOMING_QUEUE_URL": aws.queue(**fit),
        "WA_PORT": str(free_port()),
    }
    shell.wa("migrate", "--yes")
    return shell


def test_well_configured_sqs_queues_pass(production: Shell) -> None:
    found = run_doctor(production, "queue_outgoing", "queue_incoming")

    assert results(found) == {"queue_outgoing": "ok", "queue_incoming": "ok"}
    assert found["queue_outgoing"]["facts"]["fifo"] is True


def test_a_misconfigured_queue_gives_a_warning_and_a_missing_queue_fails(production: Shell, aws: LocalAws) -> None:
    dead = aws.queue()
    arn = aws.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})
    production.environ["WA_OUTGOING_QUEUE_URL"] = aws.queue(RedrivePolicy=policy, VisibilityTimeout="5")
    production.environ["WA_INCOMING_QUEUE_URL"] = production.environ["WA_INCOMING_QUEUE_URL"] + "-gone"

    found = run_doctor(production, "queue_outgoing", "queue_incoming", code=3)

    assert results(found) == {"queue_outgoing": "warning", "queue_incoming": "failed"}
    outgoing = found["queue_outgoing"]
    worries = [outgoing["message"], *outgoing["details"]]
    for worry in ("after 3 receives", "visibility timeout is 5 s", "older than 4 d are deleted", "not keep the order"):
        assert any(worry in line for line in worries), worries
    assert outgoing["facts"]["dead_letter_queue"] == arn


def test_the_deduplication_cache_is_checked_for_its_table_its_key_and_its_expiry(
    production: Shell, aws: LocalAws
) -> None:
    dynamo = aws.client("dynamodb")

    def make(name: str, key: str) -> None:
        dynamo.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    make("doctor-good", "id")
    make("doctor-bad", "sha")
    said = {}
    for name in ("doctor-good", "doctor-bad", "doctor-none"):
        production.environ["WA_DEDUP_TABLE"] = name
        said[name] = run_doctor(production, "dedup_table", code=0 if name == "doctor-good" else 3)["dedup_table"]
    assert {name: check["result"] for name, check in said.items()} == {
        "doctor-good": "warning",  # its items do not expire yet
        "doctor-bad": "failed",
        "doctor-none": "failed",
    }

    forgets = {"Enabled": True, "AttributeName": "expires_at"}
    dynamo.update_time_to_live(TableName="doctor-good", TimeToLiveSpecification=forgets)
    production.environ["WA_DEDUP_TABLE"] = "doctor-good"
    assert run_doctor(production, "dedup_table")["dedup_table"]["result"] == "ok"


def test_an_unavailable_dependency_does_not_hide_other_findings(production: Shell, tmp_path: Path) -> None:
    production.environ |= {
        "WA_DATABASE_URL": "postgresql://me@127.0.0.1:9/wa",
        "WA_MEDIA": str(tmp_path / "file" / "x"),
    }
    (tmp_path / "file").write_text("")

    found = run_doctor(production, code=3)

    assert found["database"]["result"] == found["media"]["result"] == "failed"
    assert found["server"] | {"result": "skipped", "message": "not checked: see Database"} == found["server"]
    assert found["queue_outgoing"]["result"] == found["token"]["result"] == "ok"
    assert found["disk"]["result"] in ("ok", "warning")


def test_missing_settings_are_named(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"WA_ACCESS_TOKEN": "EAAG-something-long"})

    found = run_doctor(shell, "settings", code=3)

    assert found["settings"]["facts"]["missing"] == [
        "WA_DATABASE_URL",
        "WA_CLOUD_API_URL",
        "WA_PHONE_NUMBER_ID",
        "WA_APP_SECRET",
    ]
    assert "Unknown check 'nope'" in shell.wa("doctor", "--check", "nope", code=2).stderr
