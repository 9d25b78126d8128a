"""CloudWatch metrics of a process: a subscriber that sums what events tell, and publishes the sums once a minute.

The sums are few, whatever the load, and are kept while CloudWatch is unavailable. Publishing is in a thread of its own,
so that no message waits for it.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from wa_cli.errors import WaError
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Emit, Event
from wa_cli.telemetry.measures import GaugeSource, Sample, counts, durations

EVERY = 60.0  # seconds
PER_REQUEST = 500  # metrics; CloudWatch takes 1,000 (AWS, PutMetricData)
MAX_SUMS = 1_000  # different metrics and dimensions; more are not counted
# CloudWatch's names of our measures, and their dimensions in the order of the labels.
NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "messages_sent": ("OutgoingMessagesSent", ()),
    "messages_stored": ("OutgoingMessagesStored", ("MessageType",)),
    "messages_failed": ("OutgoingMessagesFailed", ("Code",)),
    "messages_retried": ("OutgoingMessagesRetried", ("Step",)),
    "duplicates": ("DuplicateMessages", ()),
    "store_failures": ("StorageFailures", ()),
    "messages_received": ("IncomingMessagesStored", ()),
    "statuses_received": ("StatusesStored", ()),
    "dead_letters": ("DeadLetters", ("Queue",)),
    "webhooks": ("Webhooks", ("Outcome",)),
    "send_seconds": ("SendLatency", ()),
    "queued_seconds": ("TimeInQueue", ()),
    "webhook_seconds": ("WebhookLatency", ()),
    "queue_messages": ("QueueMessages", ("Queue", "State")),
    "queue_oldest_seconds": ("QueueAge", ("Queue",)),
    "webhooks_spooled": ("SpooledWebhooks", ()),
    "outcomes_spooled": ("SpooledOutcomes", ()),
    "number_stopped": ("NumberStopped", ("PhoneNumberId",)),
    "number_unfinished": ("UnfinishedMessages", ("PhoneNumberId",)),
    "workers": ("Workers", ("Kind",)),
}
HEARTBEAT, STORED_SHARE = "Heartbeat", "StoredShare"
STORING = ("messages_sent", "messages_stored")
# Counters that are published as 0 too.
ALWAYS = ("messages_sent", "store_failures", "messages_received", "statuses_received")
SECONDS = ("send_seconds", "queued_seconds", "webhook_seconds", "queue_oldest_seconds")


class Client(Protocol):
    """The part of boto3's CloudWatch client that is used."""

    def put_metric_data(self, *, Namespace: str, MetricData: Sequence[Any]) -> Any: ...  # noqa: N803


@dataclass
class _Sum:
    """The values of one metric since it was last published, as a statistic set."""

    count: float = 0.0
    total: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)

    def merge(self, other: _Sum) -> None:
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)


Key = tuple[str, tuple[str, ...]]


class CloudWatch:
    """Publishes under `namespace`. `program` is the dimension of the heartbeat, such as outgoing."""

    def __init__(
        self, client: Client, namespace: str, program: str, emit: Emit, sources: Sequence[GaugeSource] = ()
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._program = program
        self._emit = emit
        self._sources = sources
        self._lock = threading.Lock()
        self._sums: dict[Key, _Sum] = defaultdict(_Sum)
        self._since: float | None = None  # the begin of an outage

    def __call__(self, event: Event) -> None:
        for sample in counts(event):
            self._add(sample, is_duration=False)
        for sample in durations(event):
            self._add(sample, is_duration=True)

    def _add(self, sample: Sample, *, is_duration: bool) -> None:
        if sample.name not in NAMES:
            return
        key = sample.name, sample.labels
        with self._lock:
            if key not in self._sums and len(self._sums) >= MAX_SUMS:
                return
            if is_duration:
                self._sums[key].add(sample.value)
            else:
                self._sums[key].total += sample.value

    def run(self, done: threading.Event, every: float = EVERY) -> None:
        """Publish every minute until `done`, and once more at the end."""
        while not done.wait(every):
            self.publish()
        self.publish()

    def publish(self) -> None:
        """Publish the sums and the gauges. What CloudWatch does not take is published with the next ones."""
        with self._lock:
            sums, self._sums = self._sums, defaultdict(_Sum)
        left = list(sums.items())
        try:
            self._put([*_idle(sums), *_stored_share(sums), *self._read_gauges(), self._heartbeat()])
            while left:
                self._put([_sum_datum(key, sum_) for key, sum_ in left[:PER_REQUEST]])
                del left[:PER_REQUEST]
        except Exception as error:  # any error of botocore: none may end a worker
            self._give_back(left)
            if self._since is None:
                self._since = time.monotonic()
                self._emit(events.Unavailable(Component.CLOUDWATCH, str(error)[:200]))
            return
        if self._since is not None:
            self._emit(events.AvailableAgain(Component.CLOUDWATCH, time.monotonic() - self._since))
            self._since = None

    def _put(self, data: list[dict[str, Any]]) -> None:
        self._client.put_metric_data(Namespace=self._namespace, MetricData=data)

    def _give_back(self, sums: list[tuple[Key, _Sum]]) -> None:
        with self._lock:
            for key, sum_ in sums:
                if key in self._sums or len(self._sums) < MAX_SUMS:
                    self._sums[key].merge(sum_)

    def _heartbeat(self) -> dict[str, Any]:
        return _datum(HEARTBEAT, {"Worker": self._program}, 1.0, "Count")

    def _read_gauges(self) -> Iterable[dict[str, Any]]:
        for source in self._sources:
            try:
                samples = [sample for sample in source.read() if sample.name in NAMES]
            except (WaError, OSError):  # an unavailable dependency has no gauges
                continue
            for sample in samples:
                unit = "Seconds" if sample.name in SECONDS else "Count"
                yield _datum(*_named(sample.name, sample.labels), sample.value, unit)


def _sum_datum(key: Key, sum_: _Sum) -> dict[str, Any]:
    metric, dimensions = _named(*key)
    if key[0] in SECONDS:
        return _datum(metric, dimensions, sum_, "Seconds")
    return _datum(metric, dimensions, sum_.total, "Count")


def _idle(sums: Mapping[Key, _Sum]) -> Iterable[dict[str, Any]]:
    """Yield 0 for counters without an event, so that an alarm sees a worker that does nothing."""
    return [_datum(*_named(name, ()), 0.0, "Count") for name in ALWAYS if (name, ()) not in sums]


def _stored_share(sums: Mapping[Key, _Sum]) -> Iterable[dict[str, Any]]:
    """Yield the stored share of the sent messages in percent, if there are any."""
    sent, stored = (sum(sum_.total for (found, _), sum_ in sums.items() if found == name) for name in STORING)
    if sent:
        yield _datum(STORED_SHARE, {}, 100.0 * min(1.0, stored / sent), "Percent")


def _named(name: str, labels: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    metric, dimensions = NAMES[name]
    return metric, {dimension: label or "none" for dimension, label in zip(dimensions, labels, strict=True)}


def _datum(metric: str, dimensions: dict[str, str], value: float | _Sum, unit: str) -> dict[str, Any]:
    datum: dict[str, Any] = {
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": text[:1024]} for name, text in dimensions.items()],
        "Unit": unit,
    }
    if isinstance(value, _Sum):
        statistics = {"SampleCount": value.count, "Sum": value.total, "Minimum": value.least, "Maximum": value.most}
        return {**datum, "StatisticValues": statistics}
    return {**datum, "Value": value}
