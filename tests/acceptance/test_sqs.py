"""The same program with its messages at SQS, as an operator would set it up."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.conftest import Shell
from tests.conftest import Outage
from tests.local_aws import ENVIRON, LocalAws


@pytest.fixture
def production(shell: Shell, aws: LocalAws, database_url: str) -> Shell:
    shell.environ |= {
        **ENVIRON,
        "WA_DATABASE_URL": database_url,
        "WA_CLOUD_API_URL": "sandbox",
        "WA_QUEUE": "sqs",
        "WA_OUTGOING_QUEUE_URL": aws.queue(fifo=True),
        "WA_INCOMING_QUEUE_URL": aws.queue(),
    }
    return shell


def test_a_message_travels_over_sqs(production: Shell) -> None:
    production.wa("send", "text", "+15551234567", "hi")
    waiting = json.loads(production.wa("queue", "status", "--json").stdout)["rows"]
    assert [(row["queue"], row["waiting"], row["oldest_seconds"]) for row in waiting] == [
        ("outgoing", 1, 0.0),
        ("incoming", 0, None),
    ]

    said = production.wa("worker", "outgoing", "--drain").stderr

    assert "Outgoing message stored in database: wamid." in said
    assert "hi" in production.wa("conversation", "+15551234567").stdout


def test_sending_needs_no_database(production: Shell, outage: Outage) -> None:
    outage.begin()

    told = json.loads(production.wa("send", "text", "+15551234567", "hi", "--json").stdout)

    assert told["status"] == "queued"


def test_a_worker_that_starts_in_an_outage_sends_all_the_same(production: Shell, outage: Outage) -> None:
    production.environ["WA_BYPASS_AFTER"] = "0s"
    production.wa("send", "text", "+15551234567", "hi")
    outage.begin()

    with production.running("worker", "outgoing") as worker:
        assert worker.stdout is not None
        said = next(line for line in worker.stdout if "Message sent successfully" in line)
        outage.end()
        stored = next(line for line in worker.stdout if "Outgoing message stored in database" in line)

    assert said.split(": ")[-1] == stored.split(": ")[-1]


def test_storage_may_be_required(production: Shell, outage: Outage) -> None:
    outage.begin()

    said = production.wa("worker", "outgoing", "--require-storage", code=4).stderr

    assert "The database does not answer" in said


def test_a_queue_that_is_not_there_is_said_at_once(production: Shell) -> None:
    production.environ["WA_OUTGOING_QUEUE_URL"] += "-none"

    said = production.wa("worker", "outgoing", code=4).stderr

    assert "SQS refuses: " in said
    assert "NonExistentQueue" in said


@pytest.mark.parametrize("missing", ["WA_OUTGOING_QUEUE_URL", "WA_CLOUD_API_URL"])
def test_what_production_lacks_is_named(production: Shell, missing: str) -> None:
    del production.environ[missing]

    said = production.wa("worker", "outgoing", code=4).stderr

    assert f"{missing} is missing" in said


def test_a_queues_url_without_sqs_is_a_contradiction(shell: Shell) -> None:
    shell.environ["WA_OUTGOING_QUEUE_URL"] = "https://sqs.eu-west-1.amazonaws.com/123456789012/outgoing"

    said = shell.wa("queue", "status", code=4).stderr

    assert "WA_OUTGOING_QUEUE_URL is set, but WA_QUEUE is postgres." in said
