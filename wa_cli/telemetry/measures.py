"""The measures of a process: counts and durations by event, and gauges. Prometheus and CloudWatch publish the same ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from wa_cli.telemetry import events
from wa_cli.telemetry.events import Disposition, Event, WebhookResult


@dataclass(frozen=True)
class Measure:
    """A measure and its labels."""

    meaning: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """A value of a measure, and the values of its labels."""

    name: str
    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True)
class GaugeSource:
    """Gauges that are read together. `read` raises WaError, or leaves some out, if a dependency is unavailable."""

    gauges: dict[str, Measure]
    read: Callable[[], Iterable[Sample]]


COUNTERS = {
    "messages_sent": Measure("Messages that the API accepted."),
    "messages_stored": Measure("Rows of sent messages stored, by type.", ("type",)),
    "messages_failed": Measure("Messages that the API rejected, by its code.", ("code",)),
    "messages_retried": Measure("Requests to the API without success, by the next step.", ("step",)),
    "duplicates": Measure("Messages that the API accepted twice."),
    "store_failures": Measure("Outcomes that the database did not take at once. They are in the spool."),
    "messages_received": Measure("Messages stored by the incoming worker."),
    "statuses_received": Measure("Statuses stored by the incoming worker."),
    "dead_letters": Measure("Queue messages that became dead letters, by queue.", ("queue",)),
    "webhooks": Measure("Webhooks answered, by outcome.", ("outcome",)),
    "webhooks_requeued": Measure("Webhooks of the spool put on the queue."),
    "requests_refused": Measure("Requests refused before they were read completely, by reason.", ("reason",)),
    "connections_cut": Measure("Connections closed because of a limit, by reason.", ("reason",)),
}
# Values of labels that are known before their first event.
KNOWN_LABELS = {
    "dead_letters": ("outgoing", "incoming"),
    "webhooks": tuple(WebhookResult),
    "messages_retried": (Disposition.RETRY, Disposition.UNCERTAIN),
}
# Durations in seconds.
DURATIONS = {
    "send_seconds": Measure("Time of a request to the API that was accepted, in seconds."),
    "queued_seconds": Measure("Time from when a message was due until its claim, in seconds."),
    "webhook_seconds": Measure("Time from the arrival of a webhook to its answer, in seconds."),
}


def counts(event: Event) -> Iterator[Sample]:
    """Yield what an event adds to counters."""
    match event:
        case events.Accepted():
            yield Sample("messages_sent", (), 1)
        case events.Stored(_, message_type):
            yield Sample("messages_stored", (message_type,), 1)
        case events.NotAccepted(disposition=Disposition.REJECTED, code=code):
            yield Sample("messages_failed", (str(code),), 1)
        case events.NotAccepted(disposition=step):
            yield Sample("messages_retried", (step,), 1)
        case events.Duplicated():
            yield Sample("duplicates", (), 1)
        case events.StoreFailed(_, count):
            yield Sample("store_failures", (), count)
        case events.Received(messages, statuses, _):
            yield Sample("messages_received", (), messages)
            yield Sample("statuses_received", (), statuses)
        case events.DeadLettered(queue, _):
            yield Sample("dead_letters", (queue,), 1)
        case events.Answered(result, _):
            yield Sample("webhooks", (result,), 1)
        case events.Requeued(count):
            yield Sample("webhooks_requeued", (), count)
        case events.RequestRefused(reason):
            yield Sample("requests_refused", (reason,), 1)
        case events.ConnectionsCut(reason, count=count):
            yield Sample("connections_cut", (reason,), count)


def durations(event: Event) -> Iterator[Sample]:
    """Yield the durations that an event tells, in seconds."""
    match event:
        case events.Accepted(seconds=seconds, waited_seconds=waited):
            yield Sample("send_seconds", (), seconds)
            yield Sample("queued_seconds", (), waited)
        case events.Answered(_, seconds):
            yield Sample("webhook_seconds", (), seconds)
