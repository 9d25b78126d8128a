"""Each report against a brute-force answer in plain Python, over random conversations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import mean
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wa_cli.errors import DatabaseDown
from wa_cli.messages.incoming import Alias
from wa_cli.reports import catalogue, runner
from wa_cli.reports.runner import Range
from wa_cli.storage import contacts, messages
from wa_cli.storage.engine import Database

# The present, to the minute: waiting is judged at the moment of asking.
PRESENT = datetime.now(UTC).replace(second=0, microsecond=0)
HOURS = 72
CUSTOMERS = ["+111", "+222", "+333"]
TIMEOUT = timedelta(seconds=30)


@dataclass(frozen=True)
class Said:
    """`by_us` by whom it was said; `order` breaks ties in time, as created_at does."""

    minute: int
    customer: str
    by_us: bool
    kind: str = "text"
    failed: bool = False
    bulk: bool = False
    order: int = 0

    @property
    def at(self) -> datetime:
        return PRESENT - timedelta(hours=HOURS) + timedelta(minutes=self.minute)

    @property
    def counts(self) -> bool:
        return (
            self.kind not in ("reaction", "system", "edit", "revoke")
            and not self.bulk
            and not (self.by_us and self.failed)
        )


@dataclass(frozen=True)
class Turn:
    customer: str
    started_at: datetime
    answered_at: datetime | None
    messages: int
    last: Said


def brute_force_turns(said: list[Said], since: datetime, until: datetime) -> list[Turn]:
    """One customer at a time, one message after the other."""
    return [
        turn
        for customer in CUSTOMERS
        for turn in _turns_of([s for s in said if s.customer == customer and s.counts])
        if since <= turn.started_at < until
    ]


def _turns_of(story: list[Said]) -> Iterator[Turn]:
    waiting: list[Said] = []
    for one in sorted(story, key=lambda s: (s.at, s.order)):
        if not one.by_us:
            waiting.append(one)
        elif waiting:
            yield Turn(one.customer, waiting[0].at, one.at, len(waiting), waiting[-1])
            waiting = []
    if waiting:
        yield Turn(waiting[0].customer, waiting[0].at, None, len(waiting), waiting[-1])


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def store(database: Database, said: list[Said], aliases: dict[str, str] | None = None) -> None:
    written = dict(aliases or {})
    with database.transaction() as connection:
        connection.execute(sa.text("TRUNCATE whatsapp_messages, wa.contacts"))
        for one in sorted(said, key=lambda s: s.order):
            phone = written.get(one.customer, one.customer) if one.by_us else one.customer
            messages.insert(
                connection,
                [
                    {
                        "message_id": f"wamid.{uuid4().hex}",
                        "from_phone": "business" if one.by_us else phone,
                        "to_phone": phone if one.by_us else "business",
                        "message_type": one.kind,
                        "content": f"said at {one.minute}",
                        "status": "failed" if one.failed else "sent" if one.by_us else "received",
                        "timestamp": messages.utc(one.at),
                        "direction": "outgoing" if one.by_us else "incoming",
                        "campaign": "spring" if one.bulk else None,
                    }
                ],
            )
        contacts.learn(connection, (), [Alias(v.lstrip("+"), k.lstrip("+")) for k, v in written.items()])


def ask(database: Database, name: str, since: datetime, until: datetime, zone: str = "UTC") -> list[dict[str, Any]]:
    [report] = [r for r in catalogue.reports() if r.name == name]
    return [dict(row) for row in runner.run(database, report, Range(since, until, zone), timeout=TIMEOUT)]


conversations = st.lists(
    st.builds(
        Said,
        minute=st.integers(0, HOURS * 60 - 1) | st.sampled_from([600, 601, 1800]),
        customer=st.sampled_from(CUSTOMERS),
        by_us=st.booleans(),
        kind=st.sampled_from(["text", "text", "image", "reaction", "system", "edit", "revoke"]),
        failed=st.sampled_from([False, False, False, True]),
        bulk=st.sampled_from([False, False, False, True]),
    ),
    max_size=25,
).map(lambda said: [Said(**{**one.__dict__, "order": place}) for place, one in enumerate(said)])

ranges = st.tuples(st.integers(0, HOURS), st.integers(1, HOURS)).map(
    lambda r: (PRESENT - timedelta(hours=HOURS - r[0]), PRESENT - timedelta(hours=HOURS - r[0]) + timedelta(hours=r[1]))
)
with_a_database = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@with_a_database
@given(conversations, ranges, st.booleans())
def test_unanswered_agrees_with_brute_force(
    database: Database, said: list[Said], span: tuple[datetime, datetime], aliased: bool
) -> None:
    store(database, said, {"+111": "+1119"} if aliased else None)

    found = ask(database, "unanswered", *span)

    open_turns = [turn for turn in brute_force_turns(said, *span) if turn.answered_at is None]
    expected = sorted(
        (turn.started_at, turn.customer, turn.messages, f"said at {turn.last.minute}") for turn in open_turns
    )
    assert [(r["waiting_since"], r["customer"], r["messages"], r["content"]) for r in found] == expected
    for row in found:
        waited = (datetime.now(UTC) - row["waiting_since"]).total_seconds() / 3600
        assert float(row["hours_waiting"]) == pytest.approx(waited, abs=0.1)


@with_a_database
@given(conversations, ranges)
def test_response_times_agree_with_brute_force(
    database: Database, said: list[Said], span: tuple[datetime, datetime]
) -> None:
    store(database, said)

    [found] = ask(database, "response-times", *span)

    turns = brute_force_turns(said, *span)
    lengths = [(t.answered_at - t.started_at).total_seconds() for t in turns if t.answered_at]
    assert found["answered"] == len(lengths)
    assert found["waiting"] == len(turns) - len(lengths)
    if lengths:
        assert float(found["mean"]) == pytest.approx(mean(lengths))
        assert float(found["max"]) == max(lengths)
        for key, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95)):
            assert float(found[key]) == pytest.approx(percentile(lengths, share))
    else:
        assert found["mean"] is found["p50"] is found["max"] is None
    assert (found["longest_wait"] is None) == (found["waiting"] == 0)


@with_a_database
@given(conversations, ranges, st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo"]))
def test_the_heatmap_agrees_with_brute_force(
    database: Database, said: list[Said], span: tuple[datetime, datetime], zone: str
) -> None:
    store(database, said)

    found = ask(database, "heatmap", *span, zone)

    counted: dict[tuple[str, int, str], int] = {}
    for one in said:
        if span[0] <= one.at < span[1] and not one.failed:
            local = one.at.astimezone(ZoneInfo(zone))
            key = (local.strftime("%a"), local.hour, "outgoing" if one.by_us else "incoming")
            counted[key] = counted.get(key, 0) + 1
    assert len(found) == 7 * 24
    for row in found:
        for side in ("incoming", "outgoing"):
            assert row[side] == counted.get((row["weekday"], row["hour"], side), 0)


def test_the_window_is_counted_from_the_last_message(database: Database) -> None:
    now = datetime.now(UTC)
    minute = int((now - PRESENT + timedelta(hours=HOURS)).total_seconds() // 60)
    store(database, [Said(minute - 60 * 30, "+111", False), Said(minute - 60, "+111", False, order=1)])

    [row] = ask(database, "unanswered", now - timedelta(hours=48), now + timedelta(seconds=1))

    assert float(row["window_closes_in"]) == pytest.approx(23 * 3600, abs=120)
    assert float(row["hours_waiting"]) == pytest.approx(30, abs=0.1)


def test_a_window_that_has_closed_is_none(database: Database) -> None:
    store(database, [Said(0, "+111", False)])

    [row] = ask(database, "unanswered", PRESENT - timedelta(hours=HOURS + 1), PRESENT)

    assert row["window_closes_in"] is None


@pytest.mark.parametrize("report", catalogue.reports(), ids=lambda r: r.name)
def test_a_reports_columns_are_those_of_its_header(database: Database, report: catalogue.Report) -> None:
    now = datetime.now(UTC)
    store(database, [Said(5, "+111", False), Said(9, "+222", True)])

    found = runner.run(database, report, Range(now - timedelta(days=9), now, "UTC"), timeout=TIMEOUT)

    assert report.title
    assert report.about
    assert found
    assert [column.key for column in report.columns] == list(found[0])


def test_a_report_writes_nothing(database: Database) -> None:
    with pytest.raises(DatabaseDown, match="read-only"), database.reading() as connection:
        connection.execute(sa.text("DELETE FROM whatsapp_messages"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=ZoneInfo("Europe/Berlin"))),
        ("2026-11-23T09:00", datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("Europe/Berlin"))),
        ("2026-11-23T09:00+00:00", datetime(2026, 11, 23, 9, tzinfo=UTC)),
    ],
)
def test_times_as_people_give_them(text: str, expected: datetime) -> None:
    assert runner.instant(text, "Europe/Berlin", datetime(2026, 11, 23, 12, tzinfo=UTC)) == expected


def test_an_employee_who_answered_after_the_range_is_known(database: Database) -> None:
    employee = UUID(int=7)
    with database.transaction() as connection:
        messages.insert(
            connection,
            [
                {
                    "message_id": "in",
                    "from_phone": "+111",
                    "message_type": "text",
                    "direction": "incoming",
                    "timestamp": "2026-01-01T10:00",
                    "status": "received",
                },
                {
                    "message_id": "out",
                    "from_phone": "business",
                    "to_phone": "+111",
                    "message_type": "text",
                    "direction": "outgoing",
                    "timestamp": "2026-01-03T10:00",
                    "status": "sent",
                    "employee_id": employee,
                },
            ],
        )

    [row] = ask(database, "response-times", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))

    assert (row["answered"], row["max"]) == (1, 48 * 3600)
