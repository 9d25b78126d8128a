"""Prometheus metrics of a process. With several processes the counts are in files that they share."""

from __future__ import annotations

import os
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from wa_cli.errors import WaError
from wa_cli.telemetry.events import Event
from wa_cli.telemetry.measures import COUNTERS, DURATIONS, KNOWN_LABELS, GaugeSource, counts, durations

# Where it is set before prometheus_client is loaded, processes share their counts in files of that folder.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "wa_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """A subscriber that counts for Prometheus. Each reading reads the gauges too, and leaves out those that are unavailable."""

    def __init__(self, sources: Sequence[GaugeSource] = ()) -> None:
        self._registry = CollectorRegistry()
        self._counters = {
            name: Counter(PREFIX + name, measure.meaning, measure.labels, registry=self._registry)
            for name, measure in COUNTERS.items()
        }
        self._durations = {
            name: Histogram(PREFIX + name, measure.meaning, buckets=BUCKETS, registry=self._registry)
            for name, measure in DURATIONS.items()
        }
        for name, values in KNOWN_LABELS.items():  # a rate needs the value before the first event
            for value in values:
                self._counters[name].labels(value)
        self._now = _Now(sources)

    def __call__(self, event: Event) -> None:
        for count in counts(event):
            counter = self._counters[count.name]
            (counter.labels(*count.labels) if count.labels else counter).inc(count.value)
        for duration in durations(event):
            self._durations[duration.name].observe(duration.value)

    def described(self) -> list[tuple[str, str]]:
        """Return the name and the meaning of every metric, as Prometheus shows them."""
        found = [(f"{PREFIX}{name}_total", measure.meaning) for name, measure in COUNTERS.items()]
        found += [(f"{PREFIX}{name}", measure.meaning) for name, measure in DURATIONS.items()]
        gauges = [(name, measure) for source in self._now.sources for name, measure in source.gauges.items()]
        return found + [(f"{PREFIX}{name}", measure.meaning) for name, measure in gauges]

    def text(self) -> bytes:
        """The metrics in Prometheus' text format, all processes' together."""
        registry = self._registry
        if SHARED in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        now = CollectorRegistry()
        now.register(self._now)
        return generate_latest(registry) + generate_latest(now)


class _Now(Collector):
    def __init__(self, sources: Sequence[GaugeSource]) -> None:
        self.sources = sources

    def collect(self) -> list[GaugeMetricFamily]:
        return [family for source in self.sources for family in _families(source)]

    def describe(self) -> list[GaugeMetricFamily]:
        return []


def _families(source: GaugeSource) -> list[GaugeMetricFamily]:
    families = {
        name: GaugeMetricFamily(PREFIX + name, measure.meaning, labels=measure.labels)
        for name, measure in source.gauges.items()
    }
    try:
        for sample in source.read():
            families[sample.name].add_metric(sample.labels, sample.value)
    except (WaError, OSError):
        return []
    return list(families.values())
