"""The list of subscribers that every event goes to."""

from __future__ import annotations

from wa_cli.telemetry.events import Emit, Event


class Emitter:
    """Passes each event to its subscribers, in order. An emitter is a subscriber itself."""

    def __init__(self, *subscribers: Emit) -> None:
        self.subscribers = list(subscribers)

    def __call__(self, event: Event) -> None:
        for subscriber in self.subscribers:
            subscriber(event)
