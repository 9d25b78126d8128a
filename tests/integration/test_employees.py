"""Employees: names, teams, people who leave, the business's own tables, and requests that name an employee."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.integration.conftest import Bench
from tests.support.running_service import running_service
from wa_cli.assembly import business_tables
from wa_cli.backlog import Backlog
from wa_cli.clock import now
from wa_cli.database import sqlfiles
from wa_cli.database.engine import Database
from wa_cli.errors import BadInput, ConfigError
from wa_cli.messages.outcomes import Accepted
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.reports import catalogue, runner
from wa_cli.reports.ranges import Range
from wa_cli.server.auth import Keys, parse_keys
from wa_cli.server.employees import EmployeeLookup
from wa_cli.settings import sources
from wa_cli.settings.sources import Loaded
from wa_cli.store.conversations import Conversations
from wa_cli.store.employees import Employees, Entry, Saved, id_of

LIMIT = timedelta(seconds=30)


@pytest.fixture
def employees(database: Database) -> Employees:
    return Employees(database)


def report(database: Database, name: str, by: str | None = None) -> list[Mapping[str, Any]]:
    [found] = [one for one in catalogue.reports() if one.name == name]
    asked = Range(now() - timedelta(days=1), now() + timedelta(minutes=1), "UTC")
    return list(runner.run(database, found, asked, runner.narrow(database, found, by=by), timeout=LIMIT))


def send_as(bench: Bench, employee: UUID, to: str = "+4917012345") -> None:
    bench.queue("hello", to=to, employee_id=employee)
    [claim] = bench.claim()
    bench.settle(claim, Accepted(f"wamid.{uuid4().hex}"))


def test_reports_credit_the_right_person_after_one_left_and_names_changed(employees: Employees, bench: Bench) -> None:
    ana, ben = (employees.add(name, None, "support").id for name in ("Ana Diaz", "Ben Weber"))
    for sender in (ana, ana, ben):
        send_as(bench, sender)
    employees.leave("ben")
    successor = employees.add("Ben Weber", None, "sales").id
    send_as(bench, successor)
    employees.rename("ana", "Ana Weber")

    found = {row["employee"]: (row["team"], row["messages"]) for row in report(bench.database, "employees", "employee")}

    assert found == {
        "Ana Weber": ("support", 2),
        f"Ben Weber ({ben})": ("support", 1),
        f"Ben Weber ({successor})": ("sales", 1),
    }
    by_team = {row["team"]: (row["messages"], row["share"]) for row in report(bench.database, "employees", "team")}
    assert by_team == {"support": (3, 0.75), "sales": (1, 0.25)}


@pytest.mark.parametrize("who", ["Ana Diaz", "ana diaz", "ana", " Ana ", "dia", "ANA D"])
def test_an_employee_is_found_by_name_and_by_the_start_of_a_word(employees: Employees, who: str) -> None:
    ana = employees.add("Ana Diaz", None, None)
    employees.add("Joana Lima", None, None)

    assert id_of(employees.database, who) == ana.id
    assert id_of(employees.database, str(ana.id).upper()) == ana.id


@pytest.mark.parametrize(
    ("who", "reason"), [("nosuch", "Unknown"), ("", "Unknown"), ("a", "2 employees"), ("%", "Unk")]
)
def test_a_name_that_fits_none_or_several_is_refused(employees: Employees, who: str, reason: str) -> None:
    employees.add("Ana Diaz", None, None)
    employees.add("Anton Maier", None, None)

    with pytest.raises(BadInput, match=reason):
        id_of(employees.database, who)


def test_the_whole_name_wins_over_the_start_of_another(employees: Employees) -> None:
    ana = employees.add("Ana", None, None)
    employees.add("Ana Diaz", None, None)

    assert id_of(employees.database, "ana") == ana.id


def test_nothing_is_sent_for_a_former_employee_unless_another_has_the_name(employees: Employees) -> None:
    employees.add("Ana Diaz", None, None)
    employees.leave("ana")
    with pytest.raises(BadInput, match="Ana Diaz left on"):
        id_of(employees.database, "ana")
    successor = employees.add("Ana Diaz", None, None)

    assert id_of(employees.database, "ana") == successor.id


def test_two_active_employees_do_not_get_one_name(employees: Employees) -> None:
    employees.add("Ana Diaz", None, None)
    employees.add("Ben Weber", None, None)

    for change in (
        lambda: employees.add("ana  DIAZ", None, None),
        lambda: employees.rename("ben", "Ana Diaz"),
        lambda: employees.save([Entry("Cem"), Entry("Ana Diaz", uuid4())]),
        lambda: employees.save([Entry("Cem", uuid4()), Entry("cem", uuid4())]),
    ):
        with pytest.raises(BadInput, match="two active employees"):
            change()
    assert [one.employee.name for one in employees.activity(now(), with_former=True)] == ["Ana Diaz", "Ben Weber"]


def test_an_import_adds_and_updates_and_repeats_without_a_change(employees: Employees) -> None:
    known = employees.add("Ana Diaz", None, "support")
    entries = [Entry("ana diaz", None, "sales"), Entry("Ben", UUID(int=7), None), Entry("Cem", None, "sales")]

    assert employees.save(entries, rehearse=True) == Saved(2, 1, 0)
    assert employees.save(entries) == Saved(2, 1, 0)
    assert employees.save(entries) == Saved(0, 0, 3)
    found = {one.employee.name: one.employee for one in employees.activity(now(), with_former=False)}
    assert (found["ana diaz"].id, found["ana diaz"].team, found["Ben"].id) == (known.id, "sales", UUID(int=7))
    assert employees.save([Entry("Ben Weber", UUID(int=7))]) == Saved(0, 1, 0)


def test_an_import_does_not_bring_back_who_left_and_rejoin_does(employees: Employees) -> None:
    ana = employees.add("Ana Diaz", None, "support")
    employees.leave("ana")

    assert employees.save([Entry("Ana Diaz", ana.id)]) == Saved(0, 0, 1)
    with pytest.raises(BadInput, match="Ana Diaz left on"):
        id_of(employees.database, "ana")
    employees.rejoin("ana")
    assert id_of(employees.database, "ana") == ana.id


@pytest.mark.parametrize(("who", "is_found"), [("ana", True), ("Ana Diaz", True), ("an", False), ("dia", False)])
def test_a_stored_name_is_a_whole_word_of_the_name(employees: Employees, who: str, is_found: bool) -> None:
    ana = employees.add("Ana Diaz", None, None)

    if is_found:
        assert id_of(employees.database, who, by_whole_words=True) == ana.id
    else:
        with pytest.raises(BadInput, match="Unknown"):
            id_of(employees.database, who, by_whole_words=True)


# Tables of the business.


def loaded(**environ: str) -> Loaded:
    return sources.load(environ={name.upper(): value for name, value in environ.items()})


def of_business(database_url: str, **environ: str) -> Database:
    settings = loaded(**environ)
    database = Database(database_url, relations=business_tables.relations(settings))
    business_tables.check(database, settings)
    return database


@pytest.fixture
def staff(bench: Bench) -> UUID:
    """The table hr.staff with other column names and ids as text, and `users` with phones."""
    ana = uuid4()
    bench.sql('CREATE SCHEMA hr; CREATE TABLE hr.staff (user_id text, "Full name" text, dept varchar(20))')
    bench.sql("INSERT INTO hr.staff VALUES (:id, 'Ana Diaz', 'support'), ('17', 'Number', NULL)", id=str(ana).upper())
    bench.sql("CREATE TABLE users (phone varchar(20), name varchar(50))")
    bench.sql("INSERT INTO users VALUES ('+4917012345', 'Shop Berlin'), ('4917054321', NULL)")
    return ana


def test_names_of_the_business_are_in_reports_and_conversations(bench: Bench, staff: UUID, database_url: str) -> None:
    send_as(bench, staff)
    own = of_business(
        database_url, wa_employees='hr.staff(user_id, "Full name", dept)', wa_customers="users(phone, name)"
    )
    try:
        [row] = report(own, "employees", "employee")
        assert (row["employee"], row["team"]) == ("Ana Diaz", "support")
        conversations = Conversations(own, LIMIT)
        assert conversations.name("4917012345") == "Shop Berlin"
        [message] = conversations.both_sides("4917012345", now() - timedelta(days=1), 5)
        assert message["employee"] == "Ana Diaz"
        [person] = conversations.people("49170", 5)
        assert person["name"] == "Shop Berlin"
        assert id_of(own, "ana") == staff
    finally:
        own.close()


def test_the_sql_for_psql_reads_the_table_of_the_business(bench: Bench, staff: UUID, database_url: str) -> None:
    send_as(bench, staff)
    own = of_business(database_url, wa_employees='hr.staff(user_id, "Full name", dept)')
    [employees] = [one for one in catalogue.reports() if one.name == "employees"]
    asked = Range(now() - timedelta(days=1), now() + timedelta(minutes=1), "UTC")
    sql = runner.runnable_sql(own, employees, asked, runner.Narrowed(by="employee"))
    own.close()

    assert "hr.staff" in sql
    assert [row["employee"] for row in bench.sql(sql.replace(":", r"\:"))] == ["Ana Diaz"]


def test_an_employee_with_several_rows_is_one_employee(bench: Bench, staff: UUID, database_url: str) -> None:
    send_as(bench, staff)
    bench.sql("INSERT INTO hr.staff VALUES (:id, 'Ana Diaz', 'sales')", id=str(staff))
    own = of_business(database_url, wa_employees='hr.staff(user_id, "Full name", dept)')
    [message] = Conversations(own, LIMIT).both_sides("4917012345", now() - timedelta(days=1), 5)
    own.close()

    assert message["employee"] == "Ana Diaz"


def test_every_relation_that_a_setting_replaces_has_an_alias() -> None:
    """A subquery needs one before PostgreSQL 16."""
    own = {"all", "lock", "save"}  # of wa's own table
    for path in sqlfiles.root().glob("*/**/*.sql"):
        if path.parent.name not in ("migrations",) and path.stem not in own:
            for relation in ("wa.employees", "wa.customers"):
                for rest in re.findall(rf"(?:FROM|JOIN) {re.escape(relation)}\b(.*)", path.read_text()):
                    assert rest.startswith(" AS "), path


@pytest.mark.parametrize(
    ("setting", "table"),
    [("wa_employees", "nosuch"), ("wa_employees", "hr.staff(id, name)"), ("wa_customers", "hr.staff")],
)
@pytest.mark.usefixtures("staff")
def test_a_table_that_cannot_be_read_is_an_error_with_the_setting(database_url: str, setting: str, table: str) -> None:
    with pytest.raises(ConfigError, match=setting.upper()):
        of_business(database_url, **{setting: table})


# Requests that name an employee.


@pytest.fixture
def post(bench: Bench, database: Database, employees: Employees, tmp_path: Any) -> Any:
    employees.add("Ana Diaz", UUID(int=1), None)
    employees.add("Ben Weber", UUID(int=2), None)
    outgoing, incoming = (PostgresQueue(name, database) for name in ("outgoing", "incoming"))
    keys = Keys(parse_keys("plain,hers=ana,any=*,reader=metrics"), open_to_this_machine=False)
    backlog = Backlog(outgoing, incoming, bench.outbox)
    with running_service(incoming, database, tmp_path / "spool", backlog, keys=keys) as service:

        def send(key: str, **more: str) -> tuple[int, Any]:
            headers = {"Authorization": f"Bearer {key}"}
            body = {"phone_number": "+123", "text": "hi", **more}
            answer = httpx.post(f"{service.url}/messaging/send/text", json=body, headers=headers)
            if answer.status_code != 200:
                return answer.status_code, answer.json()["error"]
            [delivery] = outgoing.receive(5, LIMIT)
            outgoing.ack([delivery])
            return 200, json.loads(delivery.body)["metadata"].get("employee_id")

        send.url = service.url  # type: ignore[attr-defined]
        yield send


def test_the_employee_of_a_request_is_that_of_the_key_or_the_named_one(post: Any) -> None:
    assert post("plain") == (200, None)
    assert post("hers") == (200, str(UUID(int=1)))
    assert post("any") == (200, None)
    assert post("any", employee="ben") == (200, str(UUID(int=2)))
    assert post("any", employee=str(UUID(int=9))) == (200, str(UUID(int=9)))
    assert post("any", employee="nosuch")[0] == 400
    assert post("plain", employee="ben")[0] == 403
    assert post("hers", employee="ben")[0] == 403


def test_a_key_for_metrics_reads_and_does_not_send(post: Any) -> None:
    headers = {"Authorization": "Bearer reader"}

    assert post("reader")[0] == 403
    assert httpx.get(f"{post.url}/metrics", headers=headers).status_code == 200
    assert httpx.get(f"{post.url}/messaging/queue/status", headers=headers).status_code == 200


def test_a_key_with_an_unknown_employee_is_refused_at_start_and_not_printed(employees: Employees) -> None:
    lookup = EmployeeLookup(lambda who: id_of(employees.database, who))

    with pytest.raises(ConfigError, match="the employee of key 2 is unknown") as error:
        lookup.check(parse_keys("one,secret-key=Mia"))

    assert "secret" not in error.value.message
    assert "Mia" not in error.value.message
