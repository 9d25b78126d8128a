"""A short form of `make chaos`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.chaos import storm
from tests.chaos.stage import Weather
from tests.chaos.storm import Storm

# A busy machine needs most of a second to start a worker, and a worker killed sooner would never send.
SHORT = Weather(messages=240, rate=80.0, crashes=1, kill_every=1.0)
AT_ONCE = 3


@pytest.fixture(scope="module")
def storms() -> Iterator[dict[str, Future[Storm]]]:
    """Run all storms at the same time, because most of a storm is a wait for its messages to be settled."""
    with ThreadPoolExecutor(AT_ONCE) as sky:
        yield {
            "postgres": sky.submit(storm.ours, SHORT),
            "sqs": sky.submit(storm.ours, replace(SHORT, queue="sqs")),
            "no webhooks": sky.submit(storm.ours, replace(SHORT, webhooks=False)),
            "outage": sky.submit(storm.ours, replace(SHORT, crashes=0, queue="sqs", outage=4.0)),
            "theirs": sky.submit(storm.theirs, SHORT),
        }


@pytest.mark.parametrize("queue", ["postgres", "sqs"])
def test_no_message_is_lost_or_duplicated(storms: dict[str, Future[Storm]], queue: str) -> None:
    result = storms[queue].result()

    assert result.kills > 3
    assert result.finding.broken() == {}


def test_without_webhooks_every_duplicate_is_recorded(storms: dict[str, Future[Storm]]) -> None:
    result = storms["no webhooks"].result()

    assert result.finding.uncertain > 0
    assert result.finding.broken(webhooks=False) == {}


def test_in_degraded_mode_every_duplicate_is_recorded(storms: dict[str, Future[Storm]]) -> None:
    assert storms["outage"].result().finding.broken(storage=False) == {}


def test_the_usual_worker_sends_duplicates_in_the_same_storm(storms: dict[str, Future[Storm]]) -> None:
    """Prove that the storm is severe enough to cause the faults that are zero above."""
    result = storms["theirs"].result()

    assert result.finding.duplicated > 0
    assert result.finding.unrecorded_duplicates > 0
