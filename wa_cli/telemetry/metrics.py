"""Prometheus metrics of the service. With several processes the counts are in files that they share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from wa_cli.errors import WaError
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Event

# Where it is set before prometheus_client is loaded, processes share their counts in files of that folder.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

Backlog = Callable[[], Mapping[str, Mapping[str, Any]]]


class Metrics:
    """A subscriber that counts for Prometheus.

    Each reading asks `backlog` for the counts of the queues, and leaves them out if it is unavailable. `spooled` returns the
    number of spooled webhooks.
    """

    def __init__(self, backlog: Backlog, spooled: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._webhooks = Counter("wa_webhooks", "Webhooks answered, by outcome.", ["outcome"], registry=self._registry)
        self._seconds = Histogram(
            "wa_webhook_seconds",
            "Time from the arrival of a webhook to its answer, in seconds.",
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._readmitted = Counter(
            "wa_webhooks_readmitted", "Webhooks of the spool put on the queue.", registry=self._registry
        )
        self._refused = Counter(
            "wa_requests_refused",
            "Requests refused before they were read completely, by reason.",
            ["reason"],
            registry=self._registry,
        )
        self._cut = Counter(
            "wa_connections_cut",
            "Connections closed because of a limit, by reason.",
            ["reason"],
            registry=self._registry,
        )
        self._now = _Now(backlog, spooled)

    def __call__(self, event: Event) -> None:
        match event:
            case events.Answered(result, seconds):
                self._webhooks.labels(result).inc()
                self._seconds.observe(seconds)
            case events.RequestRefused(reason):
                self._refused.labels(reason).inc()
            case events.ConnectionsCut(reason, count=count):
                self._cut.labels(reason).inc(count)
            case events.Requeued(count):
                self._readmitted.inc(count)

    def described(self) -> list[tuple[str, str]]:
        """Return the name and the meaning of every metric, as Prometheus shows them."""
        now = CollectorRegistry()
        now.register(self._now)
        found = [metric for registry in (self._registry, now) for metric in registry.collect()]
        return [(f"{m.name}_total" if m.type == "counter" else m.name, m.documentation) for m in found]

    def text(self) -> bytes:
        """The counts in Prometheus' text format, all processes' together."""
        registry = self._registry
        if SHARED in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        now = CollectorRegistry()
        now.register(self._now)
        return generate_latest(registry) + generate_latest(now)


class _Now(Collector):
    def __init__(self, backlog: Backlog, spooled: Callable[[], int]) -> None:
        self._backlog = backlog
        self._spooled = spooled

    def collect(self) -> list[GaugeMetricFamily]:
        waiting = GaugeMetricFamily(
            "wa_queue_messages", "Messages of a direction, by state.", labels=["queue", "state"]
        )
        oldest = GaugeMetricFamily(
            "wa_queue_oldest_seconds", "Age of the oldest waiting message, in seconds.", labels=["queue"]
        )
        spooled = GaugeMetricFamily("wa_webhooks_spooled", "Webhooks in the spool of this machine.")
        spooled.add_metric([], self._spooled())
        try:
            backlog = self._backlog()
        except WaError:
            return [spooled]
        for queue, counted in backlog.items():
            for state in ("waiting", "in_flight", "delayed", "dead"):
                waiting.add_metric([queue, state], counted[state])
            if counted["oldest_seconds"] is not None:
                oldest.add_metric([queue], counted["oldest_seconds"])
        return [spooled, waiting, oldest]

    def describe(self) -> list[GaugeMetricFamily]:
        return []
