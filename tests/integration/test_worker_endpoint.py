"""The HTTP endpoint of a worker, and its metrics on a real CloudWatch protocol."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.conftest import Bench
from tests.support.event_loop import in_thread
from tests.support.local_aws import LocalAws
from tests.support.waiting import free_port
from wa_cli.assembly import gauges
from wa_cli.backlog import Backlog
from wa_cli.errors import ConfigError
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.server.worker_endpoint import Routes, worker_endpoint
from wa_cli.telemetry import events
from wa_cli.telemetry.cloudwatch import CloudWatch
from wa_cli.telemetry.metrics import Metrics

LOCAL = "127.0.0.1"


def routes(silence: float | None = 1.0, **changes: Any) -> Routes:
    return Routes(silence=lambda: silence, state=lambda: {"kind": "outgoing"}, **changes)


@pytest.mark.parametrize(("silence", "code"), [(None, 503), (1.0, 200), (31.0, 503)])
def test_a_worker_is_ready_while_its_heartbeat_is_fresh_and_always_live(silence: float | None, code: int) -> None:
    port = free_port()
    with in_thread(worker_endpoint(routes(silence), LOCAL, health=port, metrics=None)):
        health = httpx.get(f"http://{LOCAL}:{port}/health")
        assert (health.status_code, health.json()["ready"]) == (code, code == 200)
        assert httpx.get(f"http://{LOCAL}:{port}/health/live").status_code == 200
        assert httpx.get(f"http://{LOCAL}:{port}/metrics").status_code == 404


def test_one_port_may_serve_both_and_metrics_need_a_right(bench: Bench) -> None:
    port, allowed = free_port(), [False]
    outgoing, incoming = (PostgresQueue(name, bench.database) for name in ("outgoing", "incoming"))
    metrics = Metrics([gauges.queues(Backlog(outgoing, incoming, bench.outbox).status), gauges.fleet(bench.database)])
    metrics(events.Stored("wamid.1", "image"))
    bench.queue("waiting")
    bench.outbox.heartbeat("host/1", "host", 1)
    served = routes(metrics=metrics.text, may_read=lambda _peer, _headers: allowed[0])
    with in_thread(worker_endpoint(served, LOCAL, health=port, metrics=port)):
        assert httpx.get(f"http://{LOCAL}:{port}/metrics").status_code == 401
        allowed[0] = True
        text = httpx.get(f"http://{LOCAL}:{port}/metrics").text
        assert httpx.get(f"http://{LOCAL}:{port}/health").status_code == 200

    assert 'wa_messages_stored_total{type="image"} 1.0' in text
    assert 'wa_number_stopped{number="42"} 0.0' in text
    assert 'wa_number_unfinished{number="42"} 1.0' in text
    assert 'wa_workers{kind="outgoing"} 1.0' in text
    assert 'wa_queue_messages{queue="outgoing",state="waiting"} 1.0' in text


def test_a_port_in_use_is_refused_with_its_number() -> None:
    port = free_port()
    with (
        in_thread(worker_endpoint(routes(), LOCAL, health=port, metrics=None)),
        pytest.raises(ConfigError, match=f"{port}"),
        in_thread(worker_endpoint(routes(), LOCAL, health=port, metrics=None)),
    ):
        pass


def test_cloudwatch_has_the_published_metrics(aws: LocalAws) -> None:
    client = aws.client("cloudwatch")
    cloudwatch = CloudWatch(client, "WhatsApp/Messages", "outgoing", lambda _: None)
    for kind in ("text", "text", "image"):
        cloudwatch(events.Stored("wamid.1", kind))
    cloudwatch(events.Accepted("+1", "wamid.1", seconds=0.25))

    cloudwatch.publish()

    now = datetime.now(UTC)
    found = client.get_metric_statistics(
        Namespace="WhatsApp/Messages",
        MetricName="OutgoingMessagesStored",
        Dimensions=[{"Name": "MessageType", "Value": "text"}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=60,
        Statistics=["Sum"],
    )
    assert sum(point["Sum"] for point in found["Datapoints"]) == 2
    listed = {metric["MetricName"] for metric in client.list_metrics(Namespace="WhatsApp/Messages")["Metrics"]}
    assert {"OutgoingMessagesStored", "OutgoingMessagesSent", "SendLatency", "StoredShare", "Heartbeat"} <= listed
