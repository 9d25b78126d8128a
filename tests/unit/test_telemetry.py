from __future__ import annotations

import json
import logging
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from wa_cli.errors import ConfigError
from wa_cli.telemetry import events, log_throttle, logs
from wa_cli.telemetry.emitter import Emitter
from wa_cli.telemetry.events import Disposition, Event
from wa_cli.telemetry.log_throttle import LogThrottle
from wa_cli.telemetry.meter import Meter


def test_json_log_lines_contain_the_fields_of_the_event(capsys: pytest.CaptureFixture[str]) -> None:
    logs.start(logs.JSON)

    logs.emit(events.Accepted("+123", "wamid.x", "060e0119"))
    logs.emit(events.NumberBlocked("the token is expired"))

    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first.pop("at").endswith("+00:00")
    assert first == {
        "level": "info",
        "event": "accepted",
        "message": "Message sent successfully to +123: wamid.x",
        "phone": "+123",
        "wamid": "wamid.x",
        "reference": "060e0119",
        "seconds": 0.0,
        "waited_seconds": 0.0,
    }
    assert (second["level"], second["event"], second["reason"]) == ("error", "number_blocked", "the token is expired")


def test_a_log_file_has_every_line_and_is_opened_again_after_a_rotation(tmp_path: Path) -> None:
    place, rotated = tmp_path / "wa.log", tmp_path / "wa.log.1"
    logs.start(write=lambda _: None, file=place)
    try:
        logs.emit(events.Accepted("+123", "wamid.x"))
        place.rename(rotated)
        logs.start()
        logs.emit(events.Accepted("+124", "wamid.y"))
    finally:
        for handler in logging.getLogger("wa").handlers:
            handler.close()
        logging.getLogger("wa").handlers[:] = []

    assert re.fullmatch(r"\d{4}-\d\d-\d\d [\d:]{8} INFO .*\+123: wamid.x\n", rotated.read_text())
    assert "+124" in place.read_text()
    assert place.stat().st_mode & 0o777 == 0o600


def test_a_log_file_that_cannot_be_written_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Cannot write the log file .*nosuch"):
        logs.start(file=tmp_path / "nosuch" / "wa.log")


def test_lines_about_single_messages_are_left_out_beside_a_status_line() -> None:
    written: list[str] = []
    logs.start(write=written.append)

    logs.emit(events.Accepted("+123", "wamid.x"))
    logs.emit(events.Stored("wamid.x"))
    logs.emit(events.NotAccepted("+123", Disposition.REJECTED, "why not"))

    assert len(written) == 1
    assert "Message to +123 rejected: why not" in written[0]


def test_the_error_level_hides_info_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.start(level=logging.ERROR)

    logs.emit(events.Accepted("+123", "wamid.x"))

    assert capsys.readouterr().err == ""


def test_a_meter_counts_events_and_measures_the_rate() -> None:
    now = 100.0
    meter = Meter(lambda: now)

    for _ in range(20):
        meter(events.Accepted("+1", "wamid.x"))
    meter(events.NotAccepted("+1", Disposition.REJECTED, "why"))
    meter(events.NotAccepted("+1", Disposition.RETRY, "why"))
    meter(events.Received(3, 5))

    assert dict(meter.counts) == {"sent": 20, "failed": 1, "messages": 3, "statuses": 5}
    assert meter.rate() == 2.3
    now += 11
    assert meter.rate() == 0


def test_a_meter_that_is_never_read_does_not_grow() -> None:
    now = 0.0
    meter = Meter(lambda: now)

    for _ in range(1000):
        now += 1.0
        meter(events.Accepted("+1", "wamid.x"))

    assert len(meter._recent) <= 11


def test_every_subscriber_gets_every_event() -> None:
    first: list[Event] = []
    second: list[Event] = []

    Emitter(Emitter(first.append), second.append)(events.Stopped())

    assert first == second == [events.Stopped()]


def test_repeated_events_are_logged_as_sums_without_loss() -> None:
    logged: list[Event] = []
    clock = 0.0
    throttle = LogThrottle(logged.append, lambda: clock)

    for _ in range(5):
        throttle(events.Spooled())
    clock += log_throttle.EVERY
    throttle(events.SlowedDown(1.0))  # any event flushes the sum
    throttle(events.Spooled(count=3))
    throttle(events.ConnectionsCut("slow"))
    throttle(events.ConnectionsCut("slow"))
    throttle(events.Stopped())
    throttle(events.Stopped())

    assert logged == [
        events.Spooled(),
        events.Spooled(count=4),
        events.SlowedDown(1.0),
        events.ConnectionsCut("slow"),
        events.Spooled(count=3),
        events.ConnectionsCut("slow"),
        events.Stopped(),
        events.Stopped(),
    ]


def test_every_event_has_a_log_line() -> None:
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]

    for kind in set(kinds) - {Event, events.Counted, *logs.COUNTED_ONLY}:
        values = {f.name: SAMPLES[str(f.type)] for f in fields(kind)}
        level, line = logs._line(kind(**values))
        assert level >= logging.INFO
        assert kind.__name__ not in line


SAMPLES: dict[str, Any] = {
    "Mapping[str, int]": {"sent": 3},
    "str": "x",
    "int": 1,
    "float": 1.0,
    "bool": True,
    "str | None": None,
    "int | None": None,
    "Component": events.Component.DATABASE,
    "Disposition": Disposition.RETRY,
    "Feature": events.Feature.SENDING,
    "Program": events.Program.OUTGOING_WORKER,
    "Sweep": events.Sweep.EXPIRED,
    "WebhookResult": events.WebhookResult.FOREIGN,
}


OUTSIDE = "bad\n12:00:00 ERROR   forged\r\x1b[31m\x85\u2028\u202e\x9b\x00\x7f"


@pytest.mark.parametrize("form", [logs.TEXT, logs.JSON])
def test_external_text_is_logged_as_one_line_without_control_characters(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.start(form)

    logs.emit(events.NotAccepted(OUTSIDE, Disposition.REJECTED, OUTSIDE))
    logs.emit(events.NumberBlocked(OUTSIDE))
    logging.getLogger("wa").warning("%s", OUTSIDE)

    output = capsys.readouterr().err
    assert output.count("\n") == len(output.splitlines()) == 3
    assert all(character.isprintable() for line in output.splitlines() for character in line)
    assert "forged" in output
    if form == logs.JSON:
        written = json.loads(output.splitlines()[0])
        assert written["message"].isprintable()
        assert written["reason"] == OUTSIDE


def test_external_text_beside_a_status_line_is_one_line() -> None:
    written: list[str] = []
    logs.start(write=written.append)

    logs.emit(events.NumberBlocked(OUTSIDE))

    assert len(written[0].splitlines()) == 1
    assert written[0].isprintable()
