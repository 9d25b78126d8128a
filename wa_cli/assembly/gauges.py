"""The gauges of an installation: its queues, its spools, its business numbers and its workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from wa_cli.telemetry.measures import GaugeSource, Measure, Sample

if TYPE_CHECKING:
    from wa_cli.database.engine import Database
    from wa_cli.outbox.spool import Spool

QUEUE_STATES = ("waiting", "in_flight", "delayed", "dead")
QUEUES = {
    "queue_messages": Measure("Messages of a direction, by state.", ("queue", "state")),
    "queue_oldest_seconds": Measure("Age of the oldest waiting message, in seconds.", ("queue",)),
}
FLEET = {
    "number_stopped": Measure("1 for a business number that is paused or blocked, else 0.", ("number",)),
    "number_unfinished": Measure("Unfinished messages of a business number.", ("number",)),
    "workers": Measure("Workers with a fresh heartbeat, by kind.", ("kind",)),
}
WEBHOOK_SPOOL = "webhooks_spooled", Measure("Webhooks in the spool of this machine.")
OUTCOME_SPOOL = "outcomes_spooled", Measure("Outcomes in the spool of this machine.")


def of_process(
    spool_gauge: tuple[str, Measure],
    folder: Spool,
    status: Callable[[], Mapping[str, Mapping[str, Any]]],
    database: Database,
) -> list[GaugeSource]:
    """Return the gauges that every process of an installation publishes, with the one of its own spool."""
    return [spool(spool_gauge, lambda: folder.state().records), queues(status), fleet(database)]


def queues(status: Callable[[], Mapping[str, Mapping[str, Any]]]) -> GaugeSource:
    """Return the gauges of both queues. `status` returns the counts by direction."""

    def read() -> Iterator[Sample]:
        for queue, counted in status().items():
            for state in QUEUE_STATES:
                yield Sample("queue_messages", (queue, state), counted[state])
            if counted["oldest_seconds"] is not None:
                yield Sample("queue_oldest_seconds", (queue,), counted["oldest_seconds"])

    return GaugeSource(QUEUES, read)


def spool(gauge: tuple[str, Measure], records: Callable[[], int]) -> GaugeSource:
    """Return the gauge of a spool."""
    name, measure = gauge
    return GaugeSource({name: measure}, lambda: [Sample(name, (), records())])


def fleet(database: Database) -> GaugeSource:
    """Return the gauges of the business numbers and of the workers."""
    from wa_cli.database.engine import run

    def read() -> Iterator[Sample]:
        with database.reading() as connection:
            numbers = run(connection, "verify/numbers").mappings().all()
            workers = {row.kind: row.workers for row in run(connection, "verify/workers")}
        for row in numbers:
            yield Sample("number_stopped", (row["number"],), float(row["state"] != "open"))
            yield Sample("number_unfinished", (row["number"],), row["unfinished"])
        for kind in ("outgoing", "incoming"):
            yield Sample("workers", (kind,), workers.get(kind, 0))

    return GaugeSource(FLEET, read)
