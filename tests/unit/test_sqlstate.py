"""Each kind of PostgreSQL's errors: an outage is waited for, a refusal is one record's own."""

from __future__ import annotations

import psycopg2
import pytest

from wa_cli.database.sqlstate import Meaning, meaning


def an_error(code: str) -> psycopg2.Error:
    error = psycopg2.DatabaseError("no")
    error.__setstate__({"pgcode": code})  # type: ignore[no-untyped-call]
    return error


@pytest.mark.parametrize(
    "code", ["22021", "22P05", "23514", "23503", "25P02", "42501", "42P01", "55000", "P0001", "XX000"]
)
def test_what_stays_no_is_a_refusal(code: str) -> None:
    assert meaning(an_error(code)) is Meaning.REFUSAL


@pytest.mark.parametrize(
    "code", ["08006", "40001", "40P01", "53100", "53200", "53300", "57P01", "57P03", "58030", "25P03"]
)
def test_what_passes_later_is_an_outage(code: str) -> None:
    assert meaning(an_error(code)) is Meaning.OUTAGE


@pytest.mark.parametrize("code", ["40002", "53400"])
def test_a_class_of_outages_has_refusals_too(code: str) -> None:
    assert meaning(an_error(code)) is Meaning.REFUSAL


@pytest.mark.parametrize("code", ["57014", "55P03", "25006"])
def test_a_statement_that_was_ended_may_pass_again(code: str) -> None:
    assert meaning(an_error(code)) is Meaning.CUT


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg2.OperationalError("gone"), Meaning.OUTAGE),
        (psycopg2.InterfaceError("closed"), Meaning.OUTAGE),
        (psycopg2.ProgrammingError("wrong"), Meaning.REFUSAL),
    ],
)
def test_without_a_code_it_is_the_connection_or_the_driver(error: psycopg2.Error, expected: Meaning) -> None:
    assert meaning(error) is expected
