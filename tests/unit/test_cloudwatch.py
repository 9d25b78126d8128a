"""CloudWatch: what is published, also without events, and what happens while it is unavailable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wa_cli.telemetry import events
from wa_cli.telemetry.cloudwatch import MAX_SUMS, NAMES, CloudWatch
from wa_cli.telemetry.events import Disposition, Event
from wa_cli.telemetry.measures import COUNTERS, DURATIONS, GaugeSource, Measure, Sample


class Recorder:
    """A client that keeps what it gets, and that fails so many times first."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.data: list[dict[str, Any]] = []

    def put_metric_data(self, *, Namespace: str, MetricData: Sequence[Any]) -> None:  # noqa: N803
        if self.failures:
            self.failures -= 1
            raise OSError("no route")
        assert Namespace == "WhatsApp/Messages"
        assert len(MetricData) <= 1_000
        self.data += MetricData

    def values(self, metric: str) -> dict[str, float]:
        return {
            ",".join(dimension["Value"] for dimension in datum["Dimensions"]): datum.get("Value", 0)
            for datum in self.data
            if datum["MetricName"] == metric
        }


def publisher(client: Recorder, *sources: GaugeSource, emitted: list[Event] | None = None) -> CloudWatch:
    emit = (emitted if emitted is not None else []).append
    return CloudWatch(client, "WhatsApp/Messages", "outgoing", emit, sources)


def test_messages_are_counted_by_type_and_code() -> None:
    client = Recorder()
    cloudwatch = publisher(client)
    for number in range(3):
        cloudwatch(events.Accepted("+1", f"wamid.{number}", seconds=0.5 + number, waited_seconds=1))
    for kind in ("text", "text", "image"):
        cloudwatch(events.Stored("wamid.1", kind))
    cloudwatch(events.NotAccepted("+1", Disposition.REJECTED, "no", code=131026))
    cloudwatch(events.StoreFailed("full", 2))

    cloudwatch.publish()

    assert client.values("OutgoingMessagesStored") == {"text": 2, "image": 1}
    assert client.values("OutgoingMessagesFailed") == {"131026": 1}
    assert client.values("OutgoingMessagesSent") == {"": 3}
    assert client.values("StorageFailures") == {"": 2}
    assert client.values("StoredShare") == {"": 100}
    [latency] = [datum for datum in client.data if datum["MetricName"] == "SendLatency"]
    assert latency["StatisticValues"] == {"SampleCount": 3, "Sum": 4.5, "Minimum": 0.5, "Maximum": 2.5}
    assert latency["Unit"] == "Seconds"


def test_an_idle_worker_publishes_its_heartbeat_and_zeros() -> None:
    client = Recorder()

    publisher(client).publish()

    assert client.values("Heartbeat") == {"outgoing": 1}
    assert client.values("OutgoingMessagesSent") == {"": 0}
    assert client.values("StorageFailures") == {"": 0}
    assert "StoredShare" not in {datum["MetricName"] for datum in client.data}


def test_gauges_are_published() -> None:
    client = Recorder()
    gauges = GaugeSource(
        {"queue_oldest_seconds": Measure("Age.", ("queue",))},
        lambda: [Sample("queue_oldest_seconds", ("outgoing",), 12.5)],
    )

    publisher(client, gauges).publish()

    assert client.values("QueueAge") == {"outgoing": 12.5}


def test_a_gauge_that_cannot_be_read_keeps_nothing_else_back() -> None:
    def unreadable() -> list[Sample]:
        raise PermissionError("disk")

    client = Recorder()
    publisher(client, GaugeSource({"outcomes_spooled": Measure("Records.")}, unreadable)).publish()

    assert client.values("Heartbeat") == {"outgoing": 1}


def test_an_outage_of_cloudwatch_loses_no_count_and_is_reported_once() -> None:
    client, emitted = Recorder(failures=2), list[Event]()
    cloudwatch = publisher(client, emitted=emitted)
    for _ in range(3):
        cloudwatch(events.Stored("wamid.1", "text"))
        cloudwatch.publish()

    assert client.values("OutgoingMessagesStored") == {"text": 3}
    assert [type(event).__name__ for event in emitted] == ["Unavailable", "AvailableAgain"]


def test_the_number_of_different_sums_is_bounded_during_an_outage() -> None:
    client = Recorder(failures=1)
    cloudwatch = publisher(client)
    for number in range(2 * MAX_SUMS):
        cloudwatch(events.NotAccepted("+1", Disposition.REJECTED, "no", code=number))
    cloudwatch.publish()
    for number in range(2 * MAX_SUMS):
        cloudwatch(events.NotAccepted("+1", Disposition.REJECTED, "no", code=-number))

    cloudwatch.publish()

    assert len(client.values("OutgoingMessagesFailed")) == MAX_SUMS


def test_every_name_of_cloudwatch_belongs_to_a_measure() -> None:
    from wa_cli.assembly import gauges

    spools = {gauges.WEBHOOK_SPOOL[0], gauges.OUTCOME_SPOOL[0]}
    assert set(NAMES) <= {*COUNTERS, *DURATIONS, *gauges.QUEUES, *gauges.FLEET, *spools}
