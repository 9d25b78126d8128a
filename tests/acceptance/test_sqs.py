"""The program with its queues in SQS, configured as an operator would do it."""

from __future__ import annotations

import json
import re

import pytest

from tests.acceptance.conftest import Shell
from tests.support.database_outage import Outage
from tests.support.local_aws import ENVIRON, LocalAws
from tests.support.waiting import free_port, line_with
from wa_cli.messages.content.text import text
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.queues.base import QueueMessage
from wa_cli.queues.sqs import SqsQueue
from wa_cli.sandbox import NUMBER


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


def test_a_message_is_queued_in_sqs_and_sent_by_the_worker(production: Shell) -> None:
    production.wa("send", "text", "+15551234567", "hi")
    waiting = json.loads(production.wa("queue", "status", "--json").stdout)["rows"]
    assert [(row["queue"], row["waiting"], row["oldest_seconds"]) for row in waiting] == [
        ("outgoing", 1, 0.0),
        ("incoming", 0, None),
    ]

    said = production.wa("worker", "outgoing", "--drain").stderr

    assert "Outgoing message stored in database: wamid." in said
    assert "hi" in production.wa("conversation", "+15551234567").stdout


def test_three_workers_keep_each_customers_order(production: Shell, aws: LocalAws) -> None:
    bodies = [
        OutgoingMessage(text(f"{place}"), phone=f"+1555123{customer:04}", phone_number_id=NUMBER)
        for place in range(8)
        for customer in range(20)
    ]
    url = production.environ["WA_OUTGOING_QUEUE_URL"]
    queue = SqsQueue("outgoing", url, aws.sqs, pytest.fail)
    queue.put([QueueMessage(message.to_body(), message.customer) for message in bodies])

    production.wa("worker", "outgoing", "--drain", "--processes", "3")

    log = (production.folder / "data" / "sandbox" / "log.jsonl").read_text().splitlines()
    sent = [json.loads(line)["opaque"].split(":")[1] for line in log if '"accepted"' in line]
    assert len(sent) == len(bodies)
    place = {reference: at for at, reference in enumerate(sent)}
    for customer in {message.customer for message in bodies}:
        order = [place[str(message.reference)] for message in bodies if message.customer == customer]
        assert order == sorted(order)


def test_wa_send_queues_a_message_while_the_database_is_unavailable(production: Shell, outage: Outage) -> None:
    outage.begin()

    told = json.loads(production.wa("send", "text", "+15551234567", "hi", "--json").stdout)

    assert told["status"] == "queued"


def test_a_worker_that_starts_without_the_database_sends_in_degraded_mode(production: Shell, outage: Outage) -> None:
    production.environ["WA_DEGRADED_AFTER"] = "0s"
    production.wa("send", "text", "+15551234567", "hi")
    outage.begin()

    with production.running("worker", "outgoing") as worker:
        said = line_with("Message sent successfully", worker)
        outage.end()
        stored = line_with("Outgoing message stored in database", worker)

    assert said.split(": ")[-1] == stored.split(": ")[-1]


def test_require_storage_fails_while_the_database_is_unavailable(production: Shell, outage: Outage) -> None:
    outage.begin()

    said = production.wa("worker", "outgoing", "--drain", "--require-storage", code=4).stderr

    assert "Database unavailable" in said


@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize("worker", [("outgoing", "--require-storage"), ("incoming",)])
def test_a_worker_that_starts_without_the_database_retries_until_it_is_available(
    production: Shell, outage: Outage, worker: tuple[str, ...], processes: str
) -> None:
    outage.begin()

    with production.running("worker", *worker, "--processes", processes) as process:
        line_with("database unavailable, retrying", process)
        outage.end()
        line_with("worker is running", process)


@pytest.mark.parametrize("direction", ["outgoing", "incoming"])
def test_a_worker_that_starts_without_sqs_retries_until_a_signal(production: Shell, direction: str) -> None:
    name = f"WA_{direction.upper()}_QUEUE_URL"
    production.environ[name] = re.sub(r":\d+/", f":{free_port()}/", production.environ[name])

    with production.running("worker", direction) as process:
        line_with(f"{direction} queue unavailable, retrying: SQS does not answer", process)

    assert "SQS does not answer" in production.wa("worker", direction, "--drain", code=4).stderr


def test_a_missing_sqs_queue_is_reported_at_once(production: Shell) -> None:
    production.environ["WA_OUTGOING_QUEUE_URL"] += "-none"

    said = production.wa("worker", "outgoing", code=4).stderr

    assert "SQS refused: " in said
    assert "NonExistentQueue" in said


@pytest.mark.parametrize("missing", ["WA_OUTGOING_QUEUE_URL", "WA_CLOUD_API_URL"])
def test_a_missing_production_setting_is_named(production: Shell, missing: str) -> None:
    del production.environ[missing]

    said = production.wa("worker", "outgoing", code=4).stderr

    assert f"{missing} is missing" in said


def test_an_sqs_queue_url_without_the_sqs_backend_is_refused(shell: Shell) -> None:
    shell.environ["WA_OUTGOING_QUEUE_URL"] = "https://sqs.eu-west-1.amazonaws.com/123456789012/outgoing"

    said = shell.wa("queue", "status", code=4).stderr

    assert "WA_OUTGOING_QUEUE_URL is set, but WA_QUEUE is postgres." in said
