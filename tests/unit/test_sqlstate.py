"""The kinds of PostgreSQL errors: an outage is retried, and a refusal concerns a single record."""

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
def test_a_permanent_error_is_a_refusal(code: str) -> None:
    assert meaning(an_error(code)) is Meaning.REFUSAL


@pytest.mark.parametrize(
    "code", ["08006", "40001", "40P01", "53100", "53200", "53300", "57P01", "57P03", "58030", "25P03"]
)
def test_a_temporary_error_is_an_outage(code: str) -> None:
    assert meaning(an_error(code)) is Meaning.OUTAGE


@pytest.mark.parametrize("code", ["40002", "53400"])
def test_some_codes_of_outage_classes_are_refusals(code: str) -> None:
    assert meaning(an_error(code)) is Meaning.REFUSAL


@pytest.mark.parametrize("code", ["57014", "55P03", "25006"])
def test_a_cancelled_statement_may_succeed_later(code: str) -> None:
    assert meaning(an_error(code)) is Meaning.CUT


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg2.OperationalError("gone"), Meaning.OUTAGE),
        (psycopg2.InterfaceError("closed"), Meaning.OUTAGE),
        (psycopg2.ProgrammingError("wrong"), Meaning.REFUSAL),
    ],
)
def test_an_error_without_a_code_is_classified_by_its_exception_type(error: psycopg2.Error, expected: Meaning) -> None:
    assert meaning(error) is expected
