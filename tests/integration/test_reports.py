"""Compare each report with a brute-force result in plain Python, over random conversations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.conftest import Bench
from wa_cli.database import sqlfiles
from wa_cli.database.engine import Database
from wa_cli.errors import BadInput, ConfigError, DatabaseUnavailable
from wa_cli.messages.incoming import Alias, Edit
from wa_cli.messages.outcomes import Accepted, Rejected, Retryable
from wa_cli.reports import catalogue, runner
from wa_cli.reports.hours import parse as parse_hours
from wa_cli.reports.ranges import Range, instant, range_of
from wa_cli.store import contacts, messages

# The present to the minute, because reports measure waiting times at the time of the query.
PRESENT = datetime.now(UTC).replace(second=0, microsecond=0)
HOURS = 72
CUSTOMERS = ["+111", "+222", "+333"]
TIMEOUT = timedelta(seconds=30)
EMPLOYEES = {1: "Mia", 2: "Jonas", 3: "Twin", 4: "Twin"}
TEAMS = {1: "support", 2: "sales", 3: "support"}


@dataclass(frozen=True)
class ChatMessage:
    """A random message.

    `order` breaks ties in time, as `created_at` does. `number` is the business number.
    """

    minute: int
    customer: str
    by_us: bool
    kind: str = "text"
    failed: bool = False
    bulk: bool = False
    order: int = 0
    employee: int | None = None
    reached: str | None = "sent"
    number: str | None = None
    sent_by: str | None = None
    revoked: bool = False

    @property
    def at(self) -> datetime:
        return PRESENT - timedelta(hours=HOURS) + timedelta(minutes=self.minute)

    @property
    def opens_the_window(self) -> bool:
        return not self.by_us and not self.bulk and self.kind not in ("system", "reaction", "edit", "revoke")

    @property
    def is_failed(self) -> bool:
        return self.by_us and self.failed

    @property
    def counts(self) -> bool:
        is_word = self.kind not in ("reaction", "system", "edit", "revoke", "call") and not self.revoked
        return is_word and not self.bulk and not self.is_failed and (not self.by_us or self.is_human)

    @property
    def is_human(self) -> bool:
        return self.sent_by == "human" or (self.sent_by is None and self.kind != "template")

    def goes_with(self, number: str | None) -> bool:
        """Return true unless it names another business number than this one."""
        return number is None or self.number in (None, number)


@dataclass(frozen=True)
class Turn:
    customer: str
    started_at: datetime
    answered_at: datetime | None
    messages: int
    last: ChatMessage
    answer: ChatMessage | None = None
    number: str | None = None


def brute_force_turns(conversation: list[ChatMessage], since: datetime, until: datetime) -> list[Turn]:
    """Return the turns that start in the range, for each customer and business number."""
    return [
        turn
        for customer in CUSTOMERS
        for story in _stories([s for s in conversation if s.customer == customer and s.counts])
        for turn in _turns_of(story)
        if since <= turn.started_at < until
    ]


def _stories(conversation: list[ChatMessage]) -> list[list[ChatMessage]]:
    if len({one.number for one in conversation} - {None}) < 2:
        return [conversation]
    asked = {one.number for one in conversation if not one.by_us}
    return [[s for s in conversation if (s.goes_with(number) if s.by_us else s.number == number)] for number in asked]


def _turns_of(story: list[ChatMessage]) -> Iterator[Turn]:
    waiting: list[ChatMessage] = []
    for one in sorted(story, key=lambda s: (s.at, s.order)):
        if not one.by_us:
            waiting.append(one)
        elif waiting:
            first, last = waiting[0], waiting[-1]
            yield Turn(one.customer, first.at, one.at, len(waiting), last, one, first.number)
            waiting = []
    if waiting:
        first, last = waiting[0], waiting[-1]
        yield Turn(first.customer, first.at, None, len(waiting), last, number=first.number)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def store(database: Database, conversation: list[ChatMessage], aliases: dict[str, str] | None = None) -> None:
    written = dict(aliases or {})
    with database.transaction() as connection:
        connection.execute(
            sa.text("TRUNCATE whatsapp_messages, wa.contacts, wa.employees, wa.send_attempts, wa.message_edits")
        )
        for number, name in EMPLOYEES.items():
            connection.execute(
                sa.text("INSERT INTO wa.employees (id, name, team) VALUES (:id, :name, :team)"),
                {"id": UUID(int=number), "name": name, "team": TEAMS.get(number)},
            )
        for one in sorted(conversation, key=lambda s: s.order):
            phone = written.get(one.customer, one.customer) if one.by_us else one.customer
            ours, wamid = one.number or "business", f"wamid.{uuid4().hex}"
            if one.revoked:
                messages.insert_edits(connection, [Edit(wamid, one.at, None, is_revoked=True)])
            messages.insert(
                connection,
                [
                    {
                        "message_id": wamid,
                        "from_phone": ours if one.by_us else phone,
                        "to_phone": phone if one.by_us else ours,
                        "message_type": one.kind,
                        "content": f"text of minute {one.minute}",
                        "status": "failed"
                        if one.failed
                        else one.reached
                        if one.by_us or not one.reached
                        else "received",
                        "timestamp": messages.utc(one.at),
                        "direction": "outgoing" if one.by_us else "incoming",
                        "campaign": "spring" if one.bulk else None,
                        "sent_by": one.sent_by if one.by_us else None,
                        "employee_id": UUID(int=one.employee) if one.by_us and one.employee is not None else None,
                    }
                ],
            )
        contacts.update_people(
            connection, (), [Alias(v.lstrip("+"), k.lstrip("+"), PRESENT) for k, v in written.items()]
        )


def run_report(
    database: Database, name: str, since: datetime, until: datetime, zone: str = "UTC"
) -> list[dict[str, Any]]:
    [report] = [r for r in catalogue.reports() if r.name == name]
    return [dict(row) for row in runner.run(database, report, Range(since, until, zone), timeout=TIMEOUT)]


random_conversations = st.lists(
    st.builds(
        ChatMessage,
        minute=st.integers(0, HOURS * 60 - 1) | st.sampled_from([600, 601, 1800]),
        customer=st.sampled_from(CUSTOMERS),
        by_us=st.booleans(),
        kind=st.sampled_from(
            ["text", "text", "image", "template", "missed_call", "call", "reaction", "system", "edit", "revoke"]
        ),
        failed=st.sampled_from([False, False, False, True]),
        bulk=st.sampled_from([False, False, False, True]),
        employee=st.sampled_from([None, 1, 2, 3, 4, 7]),
        reached=st.sampled_from(["sent", "delivered", "read", None]),
        number=st.sampled_from(["+490", "+490", "+499", None]),
        sent_by=st.sampled_from([None, None, "human", "automatic"]),
        revoked=st.sampled_from([False, False, False, True]),
    ),
    max_size=25,
).map(lambda conversation: [ChatMessage(**{**one.__dict__, "order": place}) for place, one in enumerate(conversation)])


def _to_one_number(conversation: list[ChatMessage]) -> list[ChatMessage]:
    return [replace(one, number=None) for one in conversation]


def _to_several_numbers(conversation: list[ChatMessage]) -> list[ChatMessage]:
    """Give every incoming message its business number. An outgoing message may lack it."""
    return [replace(one, number=one.number if one.by_us else one.number or "+490") for one in conversation]


conversations = st.one_of(random_conversations.map(_to_one_number), random_conversations.map(_to_several_numbers))

ranges = st.tuples(st.integers(0, HOURS), st.integers(1, HOURS)).map(
    lambda r: (PRESENT - timedelta(hours=HOURS - r[0]), PRESENT - timedelta(hours=HOURS - r[0]) + timedelta(hours=r[1]))
)
with_a_database = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@with_a_database
@given(conversations, ranges, st.booleans())
def test_unanswered_agrees_with_brute_force(
    database: Database, conversation: list[ChatMessage], span: tuple[datetime, datetime], aliased: bool
) -> None:
    store(database, conversation, {"+111": "+1119"} if aliased else None)

    found = run_report(database, "unanswered", *span)

    open_turns = [turn for turn in brute_force_turns(conversation, *span) if turn.answered_at is None]
    expected = sorted(
        (
            turn.started_at,
            turn.customer,
            turn.number or "",
            turn.messages,
            f"text of minute {turn.last.minute}",
        )
        for turn in open_turns
    )
    assert [
        (r["waiting_since"], r["customer"], r["number"] or "", r["messages"], r["content"]) for r in found
    ] == expected
    for row in found:
        waited = (datetime.now(UTC) - row["waiting_since"]).total_seconds() / 3600
        assert float(row["hours_waiting"]) == pytest.approx(waited, abs=0.1)
        last = max(
            one.at
            for one in conversation
            if one.customer == row["customer"] and one.opens_the_window and one.goes_with(row["number"])
        )
        left = (last + timedelta(hours=24) - datetime.now(UTC)).total_seconds()
        assert float(row["window_closes_in"] or 0) == pytest.approx(max(0, left), abs=60)


@with_a_database
@given(conversations, st.integers(0, HOURS), st.booleans())
def test_the_open_turns_of_an_alarm_agree_with_brute_force_whatever_their_age(
    database: Database, conversation: list[ChatMessage], hours: int, aliased: bool
) -> None:
    store(database, conversation, {"+111": "+1119"} if aliased else None)
    until = PRESENT + timedelta(minutes=1)

    alarm = catalogue.Report(sqlfiles.root() / "lookups" / "open_turns.sql")
    found = runner.run(database, alarm, Range(until - timedelta(hours=hours), until, "UTC"), timeout=TIMEOUT)

    turns = brute_force_turns(conversation, until - timedelta(days=365), until)
    assert sorted((row["since"], row["customer"], row["number"] or "") for row in found) == sorted(
        (turn.started_at, turn.customer, turn.number or "") for turn in turns if turn.answered_at is None
    )


@with_a_database
@given(conversations, ranges)
def test_response_times_agree_with_brute_force(
    database: Database, conversation: list[ChatMessage], span: tuple[datetime, datetime]
) -> None:
    store(database, conversation)

    [found] = run_report(database, "response-times", *span)

    turns = brute_force_turns(conversation, *span)
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
    database: Database, conversation: list[ChatMessage], span: tuple[datetime, datetime], zone: str
) -> None:
    store(database, conversation)

    found = run_report(database, "heatmap", *span, zone)

    counted: dict[tuple[str, int, str], int] = {}
    for one in conversation:
        if span[0] <= one.at < span[1] and not one.is_failed:
            local = one.at.astimezone(ZoneInfo(zone))
            key = (local.strftime("%a"), local.hour, "outgoing" if one.by_us else "incoming")
            counted[key] = counted.get(key, 0) + 1
    assert len(found) == 7 * 24
    for row in found:
        for side in ("incoming", "outgoing"):
            assert row[side] == counted.get((row["weekday"], row["hour"], side), 0)


def run_narrowed_report(
    database: Database, name: str, span: tuple[datetime, datetime], zone: str = "UTC", **narrowed: Any
) -> Any:
    [report] = [r for r in catalogue.reports() if r.name == name]
    narrowing = runner.narrow(database, report, **narrowed)
    return [dict(row) for row in runner.run(database, report, Range(*span, zone), narrowing, timeout=TIMEOUT)]


def within(conversation: list[ChatMessage], span: tuple[datetime, datetime]) -> list[ChatMessage]:
    return [one for one in conversation if span[0] <= one.at < span[1]]


def counted(conversation: list[ChatMessage], span: tuple[datetime, datetime]) -> list[ChatMessage]:
    return [one for one in within(conversation, span) if not one.is_failed]


def sides(conversation: list[ChatMessage]) -> tuple[int, int]:
    """Return the numbers of incoming and outgoing messages."""
    return sum(not one.by_us for one in conversation), sum(one.by_us for one in conversation)


def name_of(employee: int | None) -> str:
    """Return the name of an employee, with the id if several employees have it."""
    if employee is None:
        return "unknown"
    name = EMPLOYEES.get(employee, str(UUID(int=employee)))
    return f"{name} ({UUID(int=employee)})" if list(EMPLOYEES.values()).count(name) > 1 else name


def team_of(employee: int | None) -> str:
    return "unknown" if employee is None else TEAMS.get(employee, "no team")


zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Chatham"]
)


@with_a_database
@given(conversations, ranges, zones, st.sampled_from(["hour", "day"]))
def test_volume_agrees_with_brute_force(
    database: Database, conversation: list[ChatMessage], span: tuple[datetime, datetime], zone: str, by: str
) -> None:
    store(database, conversation)

    found = run_narrowed_report(database, "volume", span, zone, by=by)

    buckets = {row["at"]: (row["incoming"], row["outgoing"]) for row in found}
    expected: dict[datetime, list[ChatMessage]] = {at: [] for at in _buckets(span, zone, by)}
    for one in counted(conversation, span):
        expected[_bucket(one.at, zone, by)].append(one)
    assert buckets == {at: sides(ones) for at, ones in expected.items()}
    assert [row["at"] for row in found] == sorted(buckets)


def _bucket(at: datetime, zone: str, by: str) -> datetime:
    local = at.astimezone(ZoneInfo(zone))
    if by == "day":
        return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    return (at - timedelta(minutes=local.minute, seconds=local.second)).astimezone(UTC)


def _buckets(span: tuple[datetime, datetime], zone: str, by: str) -> set[datetime]:
    minutes = int((span[1] - span[0]).total_seconds() // 60)
    return {_bucket(span[0] + timedelta(minutes=minute), zone, by) for minute in range(minutes)}


@with_a_database
@given(conversations, ranges)
def test_completeness_and_top_agree_with_brute_force(
    database: Database, conversation: list[ChatMessage], span: tuple[datetime, datetime]
) -> None:
    store(database, conversation)

    of_each = {
        customer: [one for one in counted(conversation, span) if one.customer == customer] for customer in CUSTOMERS
    }
    there = sorted(((-len(ones), customer) for customer, ones in of_each.items() if ones))
    found = run_report(database, "completeness", *span)
    assert [(row["customer"], row["total"]) for row in found] == [(customer, -count) for count, customer in there]
    for row in found:
        ones = of_each[row["customer"]]
        assert (row["incoming"], row["outgoing"]) == sides(ones)
        assert row["share"] == pytest.approx(sides(ones)[1] / len(ones))
        assert row["last_at"] == max(one.at for one in ones)

    busy = [(customer, -count) for count, customer in there if -count > 5]
    top = run_report(database, "top", *span)
    assert [(row["customer"], row["messages"]) for row in top] == busy
    assert all(row["first_at"] == min(one.at for one in of_each[row["customer"]]) for row in top)


@with_a_database
@given(conversations, ranges, st.sampled_from([None, *CUSTOMERS]), st.sampled_from([None, 1, 2, 7]))
def test_types_agree_with_brute_force_with_and_without_filters(
    database: Database,
    conversation: list[ChatMessage],
    span: tuple[datetime, datetime],
    customer: str | None,
    employee: int | None,
) -> None:
    store(database, conversation)

    key = customer.lstrip("+") if customer else None
    found = run_narrowed_report(
        database, "types", span, customer=key, employee=str(UUID(int=employee)) if employee is not None else None
    )

    wanted = [
        one
        for one in counted(conversation, span)
        if customer in (None, one.customer) and (employee is None or (one.by_us and one.employee == employee))
    ]
    expected = {kind: sides([one for one in wanted if one.kind == kind]) for kind in {one.kind for one in wanted}}
    assert {row["type"]: (row["incoming"], row["outgoing"]) for row in found} == expected
    assert sum(row["share"] for row in found) == pytest.approx(1 if wanted else 0)
    for direction in ("incoming", "outgoing"):
        whole = sum(row[direction] for row in found)
        for row in found:
            share = pytest.approx(row[direction] / whole) if whole else None
            assert row[f"{direction}_share"] == share


@with_a_database
@given(conversations, ranges, zones, st.sampled_from(["day", "employee", "team"]))
def test_employees_agree_with_brute_force(
    database: Database, conversation: list[ChatMessage], span: tuple[datetime, datetime], zone: str, by: str
) -> None:
    store(database, conversation)

    found = run_narrowed_report(database, "employees", span, zone, by=by)

    def group(at: datetime, employee: int | None) -> tuple[date | None, str]:
        day = at.astimezone(ZoneInfo(zone)).date() if by == "day" else None
        return day, team_of(employee) if by == "team" else name_of(employee)

    def group_of(row: dict[str, Any]) -> tuple[date | None, str]:
        return row["day"], row["team" if by == "team" else "employee"]

    sent: dict[Any, list[ChatMessage]] = {}
    for one in counted(conversation, span):
        if one.by_us:
            sent.setdefault(group(one.at, one.employee), []).append(one)
    answers: dict[Any, list[float]] = {}
    for turn in brute_force_turns(conversation, *span):
        if turn.answered_at and turn.answer:
            length = (turn.answered_at - turn.started_at).total_seconds()
            answers.setdefault(group(turn.started_at, turn.answer.employee), []).append(length)
    assert {group_of(row) for row in found} == sent.keys() | answers.keys()
    written = {key: [one for one in every if one.sent_by or not one.bulk] for key, every in sent.items()}
    for row in found:
        every, lengths = sent.get(group_of(row), []), answers.get(group_of(row), [])
        mine = written.get(group_of(row), [])
        of_day = sum(len(messages) for (day, _), messages in written.items() if day == row["day"])
        assert row["share"] == pytest.approx(len(mine) / of_day if of_day else 0)
        assert (row["messages"], row["campaign"]) == (len(mine), len(every) - len(mine))
        assert row["customers"] == len({one.customer for one in mine})
        assert row["texts"] + row["images"] + row["documents"] + row["others"] == len(mine)
        assert row["images"] == sum(one.kind == "image" for one in mine)
        assert row["responses"] == len(lengths)
        assert row["median_response"] == (pytest.approx(percentile(lengths, 0.5)) if lengths else None)


@with_a_database
@given(conversations, ranges, zones, st.sampled_from(["customer", "employee", "team", "day", "hour"]))
def test_grouped_response_times_agree_with_brute_force(
    database: Database, conversation: list[ChatMessage], span: tuple[datetime, datetime], zone: str, by: str
) -> None:
    store(database, conversation)

    found = run_narrowed_report(database, "response-times", span, zone, by=by)

    def group(turn: Turn) -> str:
        local = turn.started_at.astimezone(ZoneInfo(zone))
        match by:
            case "customer":
                return turn.customer
            case "employee":
                return "unanswered" if turn.answer is None else name_of(turn.answer.employee)
            case "team":
                return "unanswered" if turn.answer is None else team_of(turn.answer.employee)
            case "day":
                return f"{local:%Y-%m-%d}"
            case _:
                return f"{local:%H:00}"

    groups: dict[str, list[Turn]] = {}
    for turn in brute_force_turns(conversation, *span):
        groups.setdefault(group(turn), []).append(turn)
    assert {row["what"]: row["answered"] + row["waiting"] for row in found} == {k: len(v) for k, v in groups.items()}
    for row in found:
        lengths = [
            (turn.answered_at - turn.started_at).total_seconds() for turn in groups[row["what"]] if turn.answered_at
        ]
        assert row["answered"] == len(lengths)
        assert row["p50"] == (pytest.approx(percentile(lengths, 0.5)) if lengths else None)
        assert row["min"] == (pytest.approx(min(lengths)) if lengths else None)
        assert row["working_p50"] is None


@with_a_database
@given(conversations, ranges, zones)
def test_weekly_agrees_with_brute_force(
    database: Database, conversation: list[ChatMessage], span: tuple[datetime, datetime], zone: str
) -> None:
    store(database, conversation)

    found = run_narrowed_report(database, "weekly", span, zone)

    def week(at: datetime) -> date:
        day = at.astimezone(ZoneInfo(zone)).date()
        return day - timedelta(days=day.weekday())

    ours = within(conversation, span)
    turns = brute_force_turns(conversation, *span)
    assert [row["week"] for row in found] == sorted({week(span[0]), week(span[1] - timedelta(seconds=1))}, reverse=True)
    for row in found:
        mine = [one for one in ours if week(one.at) == row["week"]]
        assert (row["incoming"], row["outgoing"]) == sides([one for one in mine if not one.is_failed])
        assert row["failed"] == sum(one.failed and one.by_us for one in mine)
        assert row["customers"] == len({one.customer for one in mine if not one.by_us})
        began = [turn for turn in turns if week(turn.started_at) == row["week"]]
        lengths = [(turn.answered_at - turn.started_at).total_seconds() for turn in began if turn.answered_at]
        assert (row["turns"], row["answered"]) == (len(began), len(lengths))
        assert row["median_response"] == (pytest.approx(percentile(lengths, 0.5)) if lengths else None)
        assert row["mean_response"] == (pytest.approx(sum(lengths) / len(lengths)) if lengths else None)


@with_a_database
@given(conversations, ranges, zones, st.sampled_from(["all", "type", "day", "employee"]))
def test_delivery_agrees_with_brute_force(
    database: Database, conversation: list[ChatMessage], span: tuple[datetime, datetime], zone: str, by: str
) -> None:
    store(database, conversation)

    found = run_narrowed_report(database, "delivery", span, zone, by=by)

    def group(one: ChatMessage) -> str:
        day = f"{one.at.astimezone(ZoneInfo(zone)):%Y-%m-%d}"
        return {"all": "all", "type": one.kind, "day": day, "employee": name_of(one.employee)}[by]

    groups: dict[str, list[ChatMessage]] = {}
    for one in within(conversation, span):
        if one.by_us:
            groups.setdefault(group(one), []).append(one)
    assert {row["what"]: row["sent"] for row in found} == {what: len(ones) for what, ones in groups.items()}
    for row in found:
        ones = groups[row["what"]]
        reached = [one for one in ones if not one.failed and one.reached in ("delivered", "read")]
        assert row["failed"] == sum(one.failed for one in ones)
        assert row["delivered"] == len(reached)
        assert row["read"] == sum(one.reached == "read" for one in reached)
        assert row["sent"] == row["delivered"] + row["failed"] + row["open"]
        assert row["delivered_share"] == pytest.approx(len(reached) / len(ones))


@with_a_database
@given(conversations)
def test_windows_agree_with_brute_force(database: Database, conversation: list[ChatMessage]) -> None:
    store(database, conversation)
    since = datetime.now(UTC) - timedelta(hours=24)

    found = run_report(database, "windows", since, datetime.now(UTC) + timedelta(seconds=1))

    expected = []
    for customer, number in {(one.customer, one.number) for one in conversation}:
        story = sorted((one for one in conversation if one.customer == customer), key=lambda one: (one.at, one.order))
        theirs = [one for one in story if one.opens_the_window and one.at >= since and one.number == number]
        turns = [one for one in story if one.counts and one.goes_with(number)]
        if theirs:
            waits = "yes" if turns and not turns[-1].by_us else "no"
            expected.append((waits != "yes", theirs[-1].at + timedelta(hours=24), customer, number, waits))
    assert [(row["closes_at"], row["customer"], row["number"], row["waiting"]) for row in found] == [
        e[1:] for e in sorted(expected)
    ]


@with_a_database
@given(conversations, ranges, zones)
def test_working_time_agrees_with_brute_force(
    database: Database, conversation: list[ChatMessage], span: tuple[datetime, datetime], zone: str
) -> None:
    """The expected time counts each minute within the working hours."""
    store(database, conversation)
    hours = parse_hours("mon-fri 09:00-12:00, 13:00-18:00; sat 10:00-14:00", f"{PRESENT.date() - timedelta(days=1)}")

    [found] = run_narrowed_report(database, "response-times", span, zone, hours=hours)

    def is_open(at: datetime) -> bool:
        local = at.astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        if local.date() in hours.holidays:
            return False
        return any(begin <= minute < end for begin, end in hours.week[local.weekday()])

    working = [
        60.0 * sum(is_open(turn.started_at + timedelta(minutes=n)) for n in range(_minutes(turn)))
        for turn in brute_force_turns(conversation, *span)
        if turn.answered_at
    ]
    assert found["working_p50"] == (pytest.approx(percentile(working, 0.5)) if working else None)
    assert found["working_p90"] == (pytest.approx(percentile(working, 0.9)) if working else None)


def _minutes(turn: Turn) -> int:
    assert turn.answered_at
    return int((turn.answered_at - turn.started_at).total_seconds() // 60)


def test_the_errors_report_shows_code_meaning_and_retries(bench: Bench) -> None:
    late, refused, expired = bench.queue("late"), bench.queue("refused", to="+222"), bench.queue("bad", to="+333")
    claims = {claim.reference: claim for claim in bench.claim()}
    bench.settle(claims[late[0]], Retryable(131000, "try later (#131000)"))
    bench.settle(claims[refused[0]], Rejected(131026, "Message undeliverable (#131026)"))
    bench.settle(claims[expired[0]], Accepted("wamid.1"))
    bench.sql(
        "UPDATE whatsapp_messages SET status = 'failed', failure_reason = 'gone (#131047)' WHERE message_id = 'wamid.1'"
    )

    span = (datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(hours=1))
    found = {row["code"]: row for row in run_report(bench.database, "errors", *span)}

    assert {code: (row["failed"], row["retried"], row["customers"]) for code, row in found.items()} == {
        131000: (0, 1, 1),
        131026: (1, 0, 1),
        131047: (1, 0, 1),
    }
    assert found[131026]["meaning"].startswith("undeliverable")
    assert run_narrowed_report(bench.database, "errors", span, customer="222")[0]["code"] == 131026


def test_the_errors_report_counts_a_person_once_for_all_variants_of_the_number(bench: Bench) -> None:
    with bench.database.transaction() as connection:
        contacts.update_people(connection, (), [Alias("BR.user", "5511987654321", datetime.now(UTC))])
    for to, outcome in (
        ("+5511987654321", Rejected(131000, "no (#131000)")),
        ("+551187654321", Retryable(131000, "no (#131000)")),
    ):
        bench.queue("hi", to=to)
        [claim] = bench.claim()
        bench.settle(claim, outcome)
    bench.sql("UPDATE wa.outbox SET customer = 'BR.user' WHERE state = 'queued'")

    span = (datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(hours=1))
    [found] = run_report(bench.database, "errors", *span)
    assert (found["failed"], found["retried"], found["customers"]) == (1, 1, 1)
    [narrowed] = run_narrowed_report(bench.database, "errors", span, customer="5511987654321")
    assert (narrowed["failed"], narrowed["retried"]) == (1, 1)


def test_the_stored_share_counts_accepted_messages(bench: Bench) -> None:
    bench.queue("a"), bench.queue("b", to="+222")
    for number, claim in enumerate(bench.claim()):
        bench.settle(claim, Accepted(f"wamid.{number}"))
    bench.sql("DELETE FROM whatsapp_messages WHERE message_id = 'wamid.1'")
    bench.sql(
        "UPDATE wa.send_attempts SET answered_at = (SELECT min(answered_at) FROM wa.send_attempts)"
    )  # of one hour
    span = (datetime.now(UTC) - timedelta(hours=2), datetime.now(UTC) + timedelta(seconds=1))

    found = run_report(bench.database, "volume", *span)

    assert [row["stored"] for row in found if row["stored"] is not None] == [0.5]


def test_a_spooled_outcome_counts_at_the_time_of_its_answer(bench: Bench) -> None:
    [reference] = bench.queue("a")
    bench.settle(bench.claim()[0], Accepted("wamid.1"))
    answered = datetime.now(UTC).replace(minute=20) - timedelta(hours=3)
    bench.sql("UPDATE wa.send_attempts SET answered_at = :at", at=answered)
    outcome = "verdict"  # the column has its name from the first schema
    bench.sql(
        f"INSERT INTO wa.send_attempts (reference, attempt, {outcome}, code, answered_at)"
        " VALUES (:id, 9, 'later', 130429, :at)",
        id=reference,
        at=answered,
    )

    def hours(since: datetime, until: datetime) -> list[datetime]:
        return [row["at"] for row in run_report(bench.database, "volume", since, until) if row["stored"] is not None]

    hour = answered.replace(minute=0, second=0, microsecond=0)
    now = datetime.now(UTC)
    assert hours(hour, now) == [hour]
    assert hours(hour + timedelta(hours=1), now) == []
    assert [row["last_at"] for row in run_report(bench.database, "errors", hour, now)] == [answered]
    assert run_report(bench.database, "errors", hour + timedelta(hours=1), now) == []


def test_a_message_without_text_is_left_out_of_the_average_length(database: Database) -> None:
    store(database, [ChatMessage(n, "+111", True, order=n) for n in range(3)])
    with database.transaction() as connection:
        connection.execute(sa.text("UPDATE whatsapp_messages SET content = nullif(content, 'text of minute 0')"))

    span = (PRESENT - timedelta(hours=HOURS), PRESENT)
    found = run_narrowed_report(database, "employees", span, by="employee")  # the three minutes may be of two days

    assert [row["average_length"] for row in found] == [len("text of minute 1")]


def test_a_message_without_a_creation_time_is_counted(database: Database) -> None:
    store(database, [ChatMessage(5, "+111", False), ChatMessage(5, "+111", False, order=1)])
    with database.transaction() as connection:
        connection.execute(sa.text("UPDATE whatsapp_messages SET created_at = NULL"))

    [row] = run_report(database, "unanswered", PRESENT - timedelta(hours=HOURS), PRESENT)

    assert (row["messages"], row["content"]) == (2, "text of minute 5")


def test_an_employee_is_found_by_name_or_id(database: Database) -> None:
    store(
        database,
        [
            ChatMessage(1, "+111", True, employee=1),
            ChatMessage(2, "+111", True, employee=2),
            ChatMessage(3, "+111", True, employee=7),
        ],
    )
    span = (PRESENT - timedelta(hours=HOURS), PRESENT)

    def by(name: str) -> int:
        return int(sum(row["total"] for row in run_narrowed_report(database, "types", span, employee=name)))

    assert (by("mia"), by(str(UUID(int=7)))) == (1, 1)
    for name in ("Twin", "Unknown", "caf\udce9"):
        with pytest.raises(BadInput):
            by(name)


def test_hour_buckets_follow_a_clock_change_of_half_an_hour(database: Database) -> None:
    around = datetime(2026, 10, 3, 15, tzinfo=UTC)  # Lord Howe goes forward at 15:30
    with database.transaction() as connection:
        for n in range(40):
            row = {"message_id": str(n), "from_phone": "+1", "message_type": "text", "direction": "incoming"}
            at = messages.utc(around - timedelta(hours=3) + timedelta(minutes=10 * n))
            messages.insert(connection, [{**row, "status": "received", "timestamp": at}])
    span = (around - timedelta(hours=5), around + timedelta(hours=6))

    found = run_narrowed_report(database, "volume", span, "Australia/Lord_Howe")

    assert sum(row["incoming"] for row in found) == 40


def test_a_row_without_a_customer_is_not_a_turn(database: Database) -> None:
    with database.transaction() as connection:
        row = {
            "message_id": "x",
            "from_phone": "",
            "message_type": "text",
            "direction": "incoming",
            "status": "received",
        }
        messages.insert(connection, [{**row, "timestamp": messages.utc(PRESENT)}])

    assert run_report(database, "unanswered", PRESENT - timedelta(days=1), PRESENT + timedelta(days=1)) == []


def test_an_invalid_custom_report_is_refused_with_its_fault(database: Database, tmp_path: Path) -> None:
    for text, expected in (
        ("-- include: nosuch\nSELECT 1", "includes 'nosuch'"),
        ("SELECT :custmer AS one", "unknown parameter :custmer"),
        ("-- column: two text Two\nSELECT 1 AS one", "has the column 'two'"),
        ("SELECT '\udcff'", "Cannot read the report"),
        ("SELECT nothing", "refuses the statement of .*mine.sql: column"),
        ("DELETE FROM whatsapp_messages", "mine.sql writes, but reports are read-only"),
        ("-- param: limit many\nSELECT 1 AS one LIMIT :limit", "the limit 'many' is not a number"),
        ("-- bars: two\n-- column: one integer One\nSELECT 1 AS one", "names the column 'two'"),
        (
            "-- threshold: one abve\n-- column: one span One\nSELECT 1 AS one",
            "is not a threshold",
        ),
        ("-- column: at instant At\nSELECT localtimestamp AS at", "at has no zone"),
        ("-- column: one integer One\nSELECT 'abc' AS one", "mine.sql: one is 'abc', which is not of the kind integer"),
    ):
        path = tmp_path / "mine.sql"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        span = Range(PRESENT - timedelta(days=1), PRESENT, "UTC")
        with pytest.raises(ConfigError, match=expected):
            runner.run(database, catalogue.Report(path), span, timeout=TIMEOUT)
    (tmp_path / "mine.sql").write_text("SELECT 7 % 2 AS one, '10:30' AS at")
    assert "7 % 2" in runner.runnable_sql(database, catalogue.Report(tmp_path / "mine.sql"), span)
    assert runner.run(database, catalogue.Report(tmp_path / "mine.sql"), span, timeout=TIMEOUT)[0]["one"] == 1


def test_nan_and_infinity_become_null(database: Database, tmp_path: Path) -> None:
    (tmp_path / "mine.sql").write_text(
        "SELECT 'NaN'::float8 AS one, 'NaN'::numeric AS two, 'Infinity'::float8 AS three"
    )
    span = Range(PRESENT - timedelta(days=1), PRESENT, "UTC")

    [row] = runner.run(database, catalogue.Report(tmp_path / "mine.sql"), span, timeout=TIMEOUT)

    assert row == {"one": None, "two": None, "three": None}


def test_a_colon_in_a_literal_is_not_a_parameter_and_an_interval_becomes_seconds(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "mine.sql").write_text(
        "-- column: one text One\n-- column: two span Two\n"
        'SELECT \'{"a":1, "b": ":since"}\' AS one, interval \'90 seconds\' AS two -- not a parameter\'s :since\n'
    )
    span = Range(PRESENT - timedelta(days=1), PRESENT, "UTC")

    [row] = runner.run(database, catalogue.Report(tmp_path / "mine.sql"), span, timeout=TIMEOUT)

    assert row == {"one": '{"a":1, "b": ":since"}', "two": 90.0}


def test_excluded_messages_are_counted_for_the_selected_customer_only(database: Database) -> None:
    store(
        database, [ChatMessage(1, "+111", True, failed=True), ChatMessage(2, "+222", False, kind="reaction", order=1)]
    )
    span = Range(PRESENT - timedelta(days=9), PRESENT, "UTC")

    def counted(customer: str | None) -> list[int]:
        [types] = [report for report in catalogue.reports() if report.name == "types"]
        narrowed = runner.narrow(database, types, customer=customer)
        return list(runner.exclusions(database, span, narrowed, TIMEOUT).values())

    assert [count for count in counted(None) if count] == [1, 1]
    assert [count for count in counted("222") if count] == [1]


def test_an_option_that_a_report_does_not_support_is_refused(database: Database) -> None:
    span = (PRESENT - timedelta(hours=1), PRESENT)
    for narrowed in ({"employee": "Mia"}, {"by": "day"}):
        with pytest.raises(BadInput, match="unanswered"):
            run_narrowed_report(database, "unanswered", span, **narrowed)
    [unanswered] = [r for r in catalogue.reports() if r.name == "unanswered"]
    store(database, [ChatMessage(60 * HOURS - 30, "+111", False)])
    with pytest.raises(BadInput, match="no column 'colour'"):
        runner.run(database, unanswered, Range(*span, "UTC"), sort="colour", timeout=TIMEOUT)


def test_rows_are_sorted_before_they_are_limited(database: Database) -> None:
    store(
        database,
        [
            ChatMessage(n, customer, False)
            for n, customer in enumerate(["+111", "+111", "+222", "+222", "+222", "+333"])
        ],
    )
    [completeness] = [r for r in catalogue.reports() if r.name == "completeness"]
    span = Range(PRESENT - timedelta(hours=HOURS), PRESENT, "UTC")

    [least] = runner.run(database, completeness, span, sort="total", limit=1, timeout=TIMEOUT)

    assert (least["customer"], least["total"]) == ("+333", 1)


@pytest.mark.parametrize("report", catalogue.reports(), ids=lambda r: r.name)
def test_the_printed_sql_with_its_values_gives_the_same_rows(database: Database, report: catalogue.Report) -> None:
    store(
        database,
        [ChatMessage(5, "+111", False), ChatMessage(9, "+222", True), ChatMessage(60, "+111", True, employee=1)],
    )
    span = Range(PRESENT - timedelta(hours=HOURS), PRESENT, "Europe/Berlin")

    with database.reading() as connection:
        found = (
            connection.exec_driver_sql(runner.runnable_sql(database, report, span).replace("%", "%%")).mappings().all()
        )

    asked = runner.run(database, report, span, timeout=TIMEOUT)
    drifting = {"longest_wait", "closes_in", "window_closes_in", "hours_waiting", "meaning"}
    assert [[v for k, v in row.items() if k not in drifting] for row in found] == [
        [str(v).lstrip("+") if k == "customer" else v for k, v in row.items() if k not in drifting] for row in asked
    ]


def test_the_window_is_measured_from_the_last_message(database: Database) -> None:
    now = datetime.now(UTC)
    minute = int((now - PRESENT + timedelta(hours=HOURS)).total_seconds() // 60)
    store(database, [ChatMessage(minute - 60 * 30, "+111", False), ChatMessage(minute - 60, "+111", False, order=1)])

    [row] = run_report(database, "unanswered", now - timedelta(hours=48), now + timedelta(seconds=1))

    assert float(row["window_closes_in"]) == pytest.approx(23 * 3600, abs=120)
    assert float(row["hours_waiting"]) == pytest.approx(30, abs=0.1)


def test_a_closed_window_has_no_remaining_time(database: Database) -> None:
    store(database, [ChatMessage(0, "+111", False)])

    [row] = run_report(database, "unanswered", PRESENT - timedelta(hours=HOURS + 1), PRESENT)

    assert row["window_closes_in"] is None


@pytest.mark.parametrize("report", catalogue.reports(), ids=lambda r: r.name)
def test_the_columns_of_a_report_match_its_header(database: Database, report: catalogue.Report) -> None:
    now = datetime.now(UTC)
    latest = HOURS * 60 - 10
    conversation = [ChatMessage(latest + n % 2, "+111", n % 2 > 0, order=n) for n in range(7)]
    store(
        database,
        [
            *conversation,
            ChatMessage(latest, "+222", True, failed=True, order=9),
            ChatMessage(latest, "+333", False, order=10),
        ],
    )

    found = runner.run(database, report, Range(now - timedelta(days=9), now, "UTC"), timeout=TIMEOUT)

    assert report.title
    assert report.header.about
    assert found
    assert [column.key for column in report.columns] == list(found[0])
    integers = [column.key for column in report.columns if column.kind == "integer"]
    assert {type(row[key]) for row in found for key in integers} <= {int, type(None)}


def test_a_report_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable, match="read-only"), database.reading() as connection:
        connection.execute(sa.text("DELETE FROM whatsapp_messages"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("monday", datetime(2026, 11, 23, tzinfo=ZoneInfo("Europe/Berlin"))),
        ("sun", datetime(2026, 11, 22, tzinfo=ZoneInfo("Europe/Berlin"))),
        ("yesterday", datetime(2026, 11, 22, tzinfo=ZoneInfo("Europe/Berlin"))),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=ZoneInfo("Europe/Berlin"))),
        ("2026-11-23T09:00", datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("Europe/Berlin"))),
        ("2026-11-23T09:00+00:00", datetime(2026, 11, 23, 9, tzinfo=UTC)),
    ],
)
def test_report_times_are_parsed(text: str, expected: datetime) -> None:
    assert instant(text, "Europe/Berlin", datetime(2026, 11, 23, 12, tzinfo=UTC)) == expected


def test_a_range_without_a_start_has_its_default_length_and_the_given_end() -> None:
    [types] = [report for report in catalogue.reports() if report.name == "types"]

    asked = range_of(types, since=None, until="2026-11-20", zone="UTC")

    assert (asked.since, asked.until) == (datetime(2026, 11, 13, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
    assert types.details
    assert range_of(types.details, since=None, until="2026-11-20", zone="UTC") == asked


def test_an_answer_after_the_range_counts_for_a_turn_in_the_range(database: Database) -> None:
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

    [row] = run_report(database, "response-times", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))

    assert (row["answered"], row["max"]) == (1, 48 * 3600)
