"""The storm in short: `make chaos` is the long one."""

from __future__ import annotations

import pytest

from tests.chaos import storm
from tests.chaos.stage import Weather

SHORT = Weather(messages=240, rate=80, crashes=1)


@pytest.mark.parametrize("queue", ["postgres", "sqs"])
def test_nothing_is_lost_and_nothing_doubled(queue: str) -> None:
    result = storm.ours(Weather(messages=240, rate=80, crashes=1, queue=queue))

    assert result.kills > 3
    assert result.finding.broken() == {}


def test_without_webhooks_every_double_is_recorded() -> None:
    result = storm.ours(Weather(messages=240, rate=80, crashes=1, webhooks=False))

    assert result.finding.uncertain > 0
    assert result.finding.broken(webhooks=False) == {}


def test_without_the_database_every_double_is_counted() -> None:
    result = storm.ours(Weather(messages=240, rate=80, crashes=0, queue="sqs", outage=4.0))

    assert result.finding.broken(storage=False) == {}


def test_the_usual_worker_doubles_in_the_same_storm() -> None:
    """So that the zeros above mean something."""
    result = storm.theirs(SHORT)

    assert result.finding.doubled > 0
    assert result.finding.unrecorded_doubles > 0
