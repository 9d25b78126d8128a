"""Events as log lines on stderr, one line each. People grep for the sentences about sent and stored messages."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

from wa_cli import private_files
from wa_cli.clock import format_span
from wa_cli.counted import counted
from wa_cli.errors import ConfigError, system_reason
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Disposition, Event, Feature, Program, Sweep, WebhookResult
from wa_cli.telemetry.log_throttle import LogThrottle

# Events of every single message, which a status line counts instead.
EACH_MESSAGE = (events.Accepted, events.Stored, events.Received, events.FileSaved)
COUNTED_ONLY = (events.Answered, events.RequestRefused)
FORMAT = "%(asctime)s %(levelname)-7s %(message)s"
TEXT, JSON = "text", "json"
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_log = logging.getLogger("wa")

_DISPOSITIONS = {
    Disposition.REJECTED: "rejected",
    Disposition.UNCERTAIN: "uncertain, waiting for evidence",
}
_SWEEPS = {
    Sweep.LOST_LEASES: "messages uncertain because their worker died",
    Sweep.EXPIRED: "messages expired before they could be sent",
    Sweep.LATE_STATUSES: "late statuses applied",
    Sweep.HEADS: "missing heads of line repaired",
    Sweep.UNREADABLE_LINES: "unreadable lines set aside",
    Sweep.UNKNOWN_OUTCOMES: "outcomes of unknown messages set aside",
}
_FEATURES = {
    Feature.SIGNATURES: "Unsigned webhooks are accepted: every program of this machine can write as a customer",
    Feature.HANDSHAKE: "WA_VERIFY_TOKEN is not set: Meta's webhook handshake fails",
    Feature.SENDING: "WA_API_KEYS is not set: the messaging API refuses every request",
}
_RESULTS = {
    WebhookResult.FOREIGN: "ignored: not of a WhatsApp Business account",
    WebhookResult.UNSIGNED: "rejected: the signature is missing or wrong",
    WebhookResult.UNAVAILABLE: "rejected: neither the queue nor the spool can take them",
}


def start(
    form: str = TEXT,
    *,
    level: int = logging.INFO,
    write: Callable[[str], object] | None = None,
    file: Path | None = None,
) -> None:
    """Write the lines of this process to stderr from now on, each with its time, as text or as JSON objects.

    `write` takes the lines instead, for a terminal with a status line. Then lines of single messages are left out. `file`
    gets every line too, from then on, and is opened again after a rotation. Raises ConfigError if it cannot be written.
    """
    handler = logging.StreamHandler(sys.stderr) if write is None else _Through(write)
    handler.setFormatter(_formatter(form, "%H:%M:%S"))
    kept: list[logging.Handler] = [known for known in _log.handlers if isinstance(known, _LogFile)]
    if file is not None:
        try:
            kept = [_LogFile(file)]
        except OSError as error:
            raise ConfigError(
                f"Cannot write the log file {file}: {system_reason(error)}.",
                hint="Choose another path with --log-file.",
            ) from None
        kept[0].setFormatter(_formatter(form, "%Y-%m-%d %H:%M:%S"))
    for former in _log.handlers:
        if isinstance(former, _LogFile) and former not in kept:
            former.close()
    _log.handlers[:] = [handler, *kept]
    _log.setLevel(level)
    _log.propagate = False


def _formatter(form: str, times: str) -> logging.Formatter:
    return _Json() if form == JSON else _Text(FORMAT, datefmt=times)


def one_line(text: str) -> str:
    """Return the text with line breaks, control characters and direction marks written as escapes."""
    return _NOT_IN_A_LINE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def print_note(line: str) -> None:
    """Print a line for people to stderr, in a JSON log as an object of its own."""
    if any(isinstance(handler.formatter, _Json) for handler in _log.handlers[:1]):
        _log.info("%s", line)
    else:
        print(one_line(line), file=sys.stderr, flush=True)


def _write(event: Event) -> None:
    if isinstance(event, COUNTED_ONLY):
        return
    level, line = _line(event)
    _log.log(level, "%s", line, extra={"event": event})


emit = LogThrottle(_write)


class _Through(logging.Handler):
    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__()
        self.write = write

    def emit(self, record: logging.LogRecord) -> None:
        if not isinstance(getattr(record, "event", None), EACH_MESSAGE):
            self.write(self.format(record))


class _LogFile(WatchedFileHandler):
    """A file that only its owner can read. It is opened again when another program has renamed it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8")

    def _open(self) -> Any:
        return private_files.opened(Path(self.baseFilename), "a", encoding="utf-8")


class _Text(logging.Formatter):
    """One line for each record, of any logger."""

    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


class _Json(logging.Formatter):
    """One object for each line: at, level, event, message, and the fields of the event."""

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
    """Return the level and the sentence of an event."""
    match event:
        case events.Accepted(phone, wamid):
            return logging.INFO, f"Message sent successfully to {phone}: {wamid}"
        case events.Stored(wamid):
            return logging.INFO, f"Outgoing message stored in database: {wamid}"
        case events.StoreFailed(reason, count):
            kept = f" ({count} kept in the spool)" if count != 1 else " (kept in the spool)"
            return logging.ERROR, f"Failed to store outgoing message in database: {reason}{kept}"
        case events.ValueLeftOut(column, reason):
            return logging.WARNING, f"values of {column} left out of stored messages: {reason}"
        case events.NotAccepted(phone, Disposition.RETRY, reason, attempt=attempt, pause=pause):
            again = f"in {format_span(timedelta(seconds=pause))}" if pause else "at once"
            return logging.WARNING, f"Message to {phone} not sent, retrying {again} (attempt {attempt}): {reason}"
        case events.NotAccepted(phone, disposition, reason):
            return logging.WARNING, f"Message to {phone} {_DISPOSITIONS[disposition]}: {reason}"
        case events.Duplicated(reference):
            return logging.ERROR, f"Message {reference} is a duplicate: accepted twice, both rows stored"
        case events.NumberBlocked(reason):
            return logging.ERROR, f"sending is blocked, probing once a minute: {reason}"
        case events.NumberPaused(reason):
            return logging.WARNING, f"sending is paused, wa number resume ends it: {reason}"
        case events.NumberUnblocked():
            return logging.INFO, "sending resumed"
        case events.SlowedDown(rate):
            return logging.WARNING, f"throttled by WhatsApp, continuing at {rate:.0f} messages/s after a pause"
        case events.Received(messages, statuses, notices):
            parts = [(messages, "message", None), (statuses, "status", "statuses"), (notices, "notice", None)]
            stored = [counted(count, one, many) for count, one, many in parts if count]
            return logging.INFO, f"stored {', '.join(stored) or 'nothing new'}"
        case events.DeadLettered(queue, reason):
            return logging.WARNING, f"message of the {queue} queue dead-lettered: {reason}"
        case events.Decided(reference, state, possible_duplicate):
            mark = ", possible duplicate" if possible_duplicate else ""
            return logging.WARNING, f"uncertain message {reference} is now {state}{mark}"
        case _:
            return _maintenance_line(event) or _service_line(event) or (logging.INFO, str(event))


def _maintenance_line(event: Event) -> tuple[int, str] | None:
    match event:
        case events.Swept(sweep, count, file):
            return logging.INFO, f"{_SWEEPS[sweep]}{f' ({file})' if file else ''}: {count}"
        case events.MaintenanceFailed(reason):
            return logging.ERROR, f"maintenance failed, retrying: {reason}"
        case events.SpoolSettled(count):
            return logging.INFO, f"{counted(count, 'outcome')} of the spool settled"
        case events.Unavailable(component, reason):
            cause = reason.removeprefix(f"{component} unavailable: ".capitalize())
            return logging.WARNING, f"{component} unavailable, retrying: {cause}"
        case events.AvailableAgain(component, seconds):
            return logging.INFO, f"{component} available again after {format_span(timedelta(seconds=seconds))}"
        case events.DegradedModeStarted(rate):
            return (
                logging.WARNING,
                f"degraded mode: sending without the database at {rate:.1f} messages/s, spooling outcomes",
            )
        case events.PutBack(count, seconds):
            span = format_span(timedelta(seconds=seconds))
            return (
                logging.WARNING,
                f"{counted(count, 'message')} not sendable in degraded mode, back on the queue for {span}",
            )
        case events.FileSaved(message_id, place, size):
            return logging.INFO, f"file of {message_id} saved: {place} ({size:,} bytes)"
        case events.FilesDelayed(reason, count=count):
            return logging.WARNING, f"{counted(count, 'file')} not saved, retrying later: {reason}"
        case events.FileLost(message_id, reason):
            return logging.ERROR, f"file of {message_id} lost: {reason}"
        case _:
            return None


def _service_line(event: Event) -> tuple[int, str] | None:
    match event:
        case events.WebhooksRejected(result, reason, count=count):
            why = f" ({reason})" if reason else ""
            return logging.WARNING, f"{counted(count, 'webhook')} {_RESULTS[result]}{why}"
        case events.ConnectionsCut(reason, count=count):
            return logging.WARNING, f"{counted(count, 'connection')} closed: {reason}"
        case events.Spooled(count=count):
            return logging.WARNING, f"{counted(count, 'webhook')} spooled until the queue is available again"
        case events.Requeued(count):
            return logging.INFO, f"{counted(count, 'spooled webhook')} put on the queue"
        case events.WorkerDied(pid, code):
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            return logging.ERROR, f"worker process {pid} {how}, starting another"
        case events.FeatureUnavailable(feature):
            return logging.WARNING, _FEATURES[feature]
        case events.Started():
            return logging.INFO, _started(event)
        case events.Stopping(signal):
            return logging.INFO, f"{signal} received, finishing work in flight; a second signal stops at once"
        case events.Finished(program, seconds, counts):
            totals = ", ".join(f"{count:,} {what}" for what, count in counts.items())
            return logging.INFO, f"{program} finished after {format_span(timedelta(seconds=seconds))}: {totals}"
        case events.Stopped():
            return logging.INFO, "stopped"
        case _:
            return None


def _started(event: events.Started) -> str:
    match event.program:
        case Program.SERVICE:
            also = f", in {counted(event.processes, 'process', 'processes')}" if event.processes > 1 else ""
            return f"serving {event.url}: /webhook, /messaging, /health, /metrics{also}"
        case Program.EVERYTHING:
            return f"sandbox, service and workers are running; service: {event.url}; stop with Ctrl-C"
        case program:
            which = f", pid {event.pid}" if event.pid else ""
            return f"{program} is running{' until no work is left' if event.until_drained else ''}{which}"
