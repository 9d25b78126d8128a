"""How what happened reads: one line each, on stderr. The sentences about stored messages are ones that people grep for."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from wa_cli.clock import format_span
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Event

Emit = Callable[[Event], None]

# What happens to every single message: too much beside a line that counts them.
EACH_MESSAGE = (events.Accepted, events.Stored, events.Received, events.FileSaved)
COUNTED_ALONE = (events.Answered, events.RequestRefused, events.ConnectionCut)
FORMAT = "%(asctime)s %(levelname)-7s %(message)s"
TEXT, JSON = "text", "json"
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_log = logging.getLogger("wa")


def start(form: str = TEXT, *, level: int = logging.INFO, write: Callable[[str], object] | None = None) -> None:
    """Lines of this process go to stderr from now, each with its time; as JSON objects where `form` says so.

    `write` takes the lines instead, for a terminal that shows more than lines: then each message's own are left out.
    """
    handler = logging.StreamHandler(sys.stderr) if write is None else _Through(write)
    handler.setFormatter(_Json() if form == JSON else _Text(FORMAT, datefmt="%H:%M:%S"))
    _log.handlers[:] = [handler]
    _log.setLevel(level)
    _log.propagate = False


def emit(event: Event) -> None:
    """The event as a line of the log."""
    if isinstance(event, COUNTED_ALONE):
        return
    level, line = _line(event)
    _log.log(level, "%s", line, extra={"event": event})


def one_line(text: str) -> str:
    """The text with every line break, control character and mark of text direction written as an escape."""
    return _NOT_IN_A_LINE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class _Through(logging.Handler):
    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__()
        self.write = write

    def emit(self, record: logging.LogRecord) -> None:
        if not isinstance(getattr(record, "event", None), EACH_MESSAGE):
            self.write(self.format(record))


class _Text(logging.Formatter):
    """One line a record, whoever wrote it."""

    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


class _Json(logging.Formatter):
    """One object a line: at, level, event, message, and the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        event: Event | None = getattr(record, "event", None)
        return json.dumps(
            {
                "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
                "level": record.levelname.lower(),
                "event": _snake(type(event).__name__) if event else "line",
                "message": one_line(record.getMessage()),
                **(asdict(event) if event else {}),
            }
        )


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _line(event: Event) -> tuple[int, str]:
    match event:
        case events.Accepted(phone, wamid, _):
            return logging.INFO, f"Message sent successfully to {phone}: {wamid}"
        case events.Stored(wamid):
            return logging.INFO, f"Outgoing message stored in database: {wamid}"
        case events.StoreFailed(error, count):
            kept = f" ({count} kept in the spool)" if count != 1 else " (kept in the spool)"
            return logging.ERROR, f"Failed to store outgoing message in database: {error}{kept}"
        case events.ValueLeftOut(column, reason):
            return logging.WARNING, f"Messages are stored without {column} where it does not fit: {reason}"
        case events.NotAccepted(phone, what, why, _):
            return logging.WARNING, f"Message to {phone} {what}: {why}"
        case events.Duplicated(reference):
            return logging.ERROR, f"Message {reference} was accepted twice: both copies are stored"
        case events.NumberBlocked(why):
            return logging.ERROR, f"Nothing can be sent, one message a minute tries whether it can again: {why}"
        case events.NumberFreed():
            return logging.INFO, "The number can send again"
        case events.SlowedDown(rate):
            return logging.WARNING, f"WhatsApp throttles the number: on at {rate:.0f} messages a second after a pause"
        case events.Received(messages, statuses, notices):
            also = f", and {_count(notices, 'notice')}" if notices else ""
            return (
                logging.INFO,
                f"Stored {_count(messages, 'message')} and {_count(statuses, 'status', 'statuses')}{also}",
            )
        case events.DeadLettered(queue, reason):
            return logging.WARNING, f"A message of the {queue} queue is a dead letter now: {reason}"
        case events.Decided(reference, state, possible_double):
            mark = ", possibly a double" if possible_double else ""
            return logging.WARNING, f"Message {reference} of unknown fate is {state} now{mark}"
        case events.Swept(what, count):
            return logging.INFO, f"{what}: {count}"
        case events.MaintenanceFailed(reason):
            return logging.ERROR, f"maintenance failed, retrying: {reason}"
        case events.SpoolSettled(count):
            return logging.INFO, f"Settled {_count(count, 'outcome')} from the spool"
        case events.Unavailable(what, error):
            return logging.WARNING, f"{what} is away, trying again: {error}"
        case events.AvailableAgain(what):
            return logging.INFO, f"{what} is back"
        case events.PutBack(count, seconds):
            span = format_span(timedelta(seconds=seconds))
            return logging.WARNING, f"{_count(count, 'message')} cannot be sent now: back on the queue for {span}"
        case events.FileSaved(message_id, place, size):
            return logging.INFO, f"File of {message_id} saved: {place} ({size:,} bytes)"
        case events.FilesAway(why, count):
            return (
                logging.WARNING,
                f"{_count(count, 'file')} of customers cannot be saved now, tried again later: {why}",
            )
        case events.FileLost(message_id, why):
            return logging.ERROR, f"File of {message_id} cannot be had: {why}"
        case events.WebhooksRejected(why, count):
            return logging.WARNING, f"{_count(count, 'webhook')} {why}"
        case events.ConnectionsCut(reason, count):
            return logging.WARNING, f"{_count(count, 'connection')} closed: {reason}"
        case events.Spooled(count):
            return logging.WARNING, f"{_count(count, 'webhook')} kept on the disk until the queue is back"
        case events.Requeued(count):
            return logging.INFO, f"{_count(count, 'webhook')} from the disk put on the queue"
        case events.WorkerDied(pid, code):
            how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
            return logging.ERROR, f"Worker process {pid} {how}: another takes its place"
        case events.DegradedModeStarted(rate):
            return logging.WARNING, (
                f"Sending goes on without the database, at {rate:.1f} messages a second at most:"
                " every message and every answer is kept in the spool"
            )
        case events.FeatureUnavailable(what):
            return logging.WARNING, what
        case events.Started(what):
            return logging.INFO, what
        case events.Stopping(why):
            return logging.INFO, f"{why}: finishing what is in flight; once more leaves at once"
        case events.Stopped():
            return logging.INFO, "Stopped"
        case _:
            return logging.INFO, str(event)


def _count(number: int, singular: str, plural: str | None = None) -> str:
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
