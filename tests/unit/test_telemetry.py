from __future__ import annotations

import json
import logging

import pytest

from wa_cli.telemetry import events, log_throttle, logs
from wa_cli.telemetry.events import Event
from wa_cli.telemetry.log_throttle import LogThrottle
from wa_cli.telemetry.meter import Meter


def test_json_lines_carry_the_events_own_fields(capsys: pytest.CaptureFixture[str]) -> None:
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
    }
    assert (second["level"], second["event"], second["why"]) == ("error", "number_blocked", "the token is expired")


def test_beside_a_live_line_each_messages_own_lines_are_left_out() -> None:
    said: list[str] = []
    logs.start(write=said.append)

    logs.emit(events.Accepted("+123", "wamid.x"))
    logs.emit(events.Stored("wamid.x"))
    logs.emit(events.NotAccepted("+123", "was refused", "why not"))

    assert len(said) == 1
    assert "Message to +123 was refused: why not" in said[0]


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    logs.start(level=logging.ERROR)

    logs.emit(events.Accepted("+123", "wamid.x"))

    assert capsys.readouterr().err == ""


def test_a_meter_counts_and_passes_on() -> None:
    told: list[Event] = []
    now = 100.0
    meter = Meter(told.append, lambda: now)

    for _ in range(20):
        meter.emit(events.Accepted("+1", "wamid.x"))
    meter.emit(events.NotAccepted("+1", "was refused", "why"))
    meter.emit(events.NotAccepted("+1", "goes out later", "why"))
    meter.emit(events.Received(3, 5))

    assert dict(meter.counts) == {"sent": 20, "failed": 1, "messages": 3, "statuses": 5}
    assert meter.rate() == 2.3
    assert len(told) == 23
    now += 11
    assert meter.rate() == 0


def test_a_meter_that_nobody_reads_does_not_grow() -> None:
    now = 0.0
    meter = Meter(lambda _: None, lambda: now)

    for _ in range(1000):
        now += 1.0
        meter.emit(events.Accepted("+1", "wamid.x"))

    assert len(meter._recent) <= 11


def test_a_flood_is_told_in_numbers_and_none_of_it_is_left_untold() -> None:
    told: list[Event] = []
    clock = 0.0
    floods = LogThrottle(told.append, lambda: clock)

    for _ in range(5):
        floods.emit("webhooks", events.Spooled)
    clock += log_throttle.EVERY
    floods.emit("webhooks", events.Spooled, 3)
    floods.emit("webhooks", events.Spooled, 2)
    floods.flush()
    floods.flush()

    assert told == [events.Spooled(1), events.Spooled(7), events.Spooled(2)]


OUTSIDE = "bad\n12:00:00 ERROR   forged\r\x1b[31m\x85\u2028\u202e\x9b\x00\x7f"


@pytest.mark.parametrize("form", [logs.TEXT, logs.JSON])
def test_what_came_from_outside_is_one_line_and_steers_no_terminal(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.start(form)

    logs.emit(events.NotAccepted(OUTSIDE, "was refused", OUTSIDE))
    logs.emit(events.Started(OUTSIDE))
    logging.getLogger("wa").warning("%s", OUTSIDE)

    told = capsys.readouterr().err
    assert told.count("\n") == len(told.splitlines()) == 3
    assert all(character.isprintable() for line in told.splitlines() for character in line)
    assert "forged" in told
    if form == logs.JSON:
        said = json.loads(told.splitlines()[0])
        assert said["message"].isprintable()
        assert said["why"] == OUTSIDE


def test_a_live_line_is_given_one_line_too() -> None:
    said: list[str] = []
    logs.start(write=said.append)

    logs.emit(events.Started(OUTSIDE))

    assert len(said[0].splitlines()) == 1
    assert said[0].isprintable()
