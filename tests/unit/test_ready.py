"""The start of a worker: it waits for database and queue, and a signal ends the wait."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest

from wa_cli.errors import DatabaseUnavailable, QueueUnavailable
from wa_cli.runtime.outage import until_ready
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Event


def run(check: Callable[[], None], emitted: list[Event] | None = None, *, waits: bool = True) -> bool:
    noted = list[Event]() if emitted is None else emitted
    return asyncio.run(until_ready(check, noted.append, waits=waits, queue=Component.INCOMING_QUEUE))


def test_a_signal_during_the_check_ends_the_start() -> None:
    assert run(lambda: os.kill(os.getpid(), signal.SIGTERM)) is False


@pytest.mark.parametrize(
    ("error", "component"),
    [
        (DatabaseUnavailable("refused"), Component.DATABASE),
        (QueueUnavailable("refused"), Component.INCOMING_QUEUE),
    ],
)
def test_an_unavailable_dependency_is_named_until_a_signal(error: Exception, component: Component) -> None:
    emitted: list[Event] = []

    def check() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        raise error

    assert run(check, emitted) is False
    assert events.Unavailable(component, "refused") in emitted
    with pytest.raises(type(error)):
        run(check, waits=False)
