"""The checks of a token, a business number and its webhooks, for each answer that Meta may give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wa_cli.checks import callback, number, subscription, token
from wa_cli.checks.account_answers import Answers
from wa_cli.checks.installation import Installation
from wa_cli.cloud.account import Number, Token
from wa_cli.errors import CloudError, Unauthorized

NOW = datetime(2026, 11, 25, tzinfo=UTC)
BOTH = ("whatsapp_business_messaging", "whatsapp_business_management")
VALID = Token(True, None, BOTH)
GOOD = Number("+1 555-010-0000", "Shop", "GREEN", "STANDARD", "CONNECTED", "https://shop.example/webhook")


def installation(answers: Answers, **settings: Any) -> Installation:
    return Installation(
        open_database=lambda: pytest.fail("no database"), since=NOW, fetch_account=lambda: answers, **settings
    )


@pytest.mark.parametrize(
    ("answer", "level", "message"),
    [
        (Token(True, None, BOTH), "ok", "does not expire"),
        (Token(True, NOW + timedelta(days=60), BOTH), "ok", "in 60 d"),
        (Token(True, NOW + timedelta(days=3), BOTH), "warning", "in 3 d"),
        (Token(False, None, ()), "failed", "not valid"),
        (
            Token(True, None, ("whatsapp_business_management",)),
            "failed",
            "lacks the permission whatsapp_business_messaging",
        ),
        (Token(True, None, BOTH[:1]), "warning", "cannot read the account"),
        (Token(True, None, ()), "ok", "does not expire"),  # Meta names no permission
        (Unauthorized("The token was refused: HTTP 401."), "failed", "HTTP 401"),
        (CloudError("no such path"), "skipped", "does not tell"),
    ],
)
def test_the_token_check_reports_validity_expiry_and_permissions(
    answer: Any, level: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token, "now", lambda: NOW)

    found = token.run(installation(Answers(answer, GOOD, None)))

    assert (found.level, message in found.message) == (level, True), found.message


@pytest.mark.parametrize(
    ("changes", "rate", "level", "message"),
    [
        ({}, 80, "ok", "+15550100000 (Shop): quality GREEN"),
        ({"quality": "RED"}, 80, "warning", "block or report"),
        ({"status": "BANNED"}, 80, "failed", "its status is BANNED"),
        ({"status": None}, 80, "ok", ""),
        ({}, 200, "warning", "WA_RATE is 200/s, and Meta allows 80"),
        ({"throughput": "HIGH"}, 200, "ok", ""),
        ({"throughput": "NOT_APPLICABLE"}, 200, "ok", ""),
        ({"phone": "+49 30 1234"}, 80, "warning", "which is another number"),
    ],
)
def test_the_number_check_reports_quality_status_and_rate(
    changes: dict[str, Any], rate: float, level: str, message: str
) -> None:
    answer = Number(**{**GOOD.__dict__, **changes})

    found = number.run(installation(Answers(VALID, answer, None), rate=rate, business_phone="+15550100000"))

    assert (found.level, message in found.message) == (level, True), found.message


@pytest.mark.parametrize(("apps", "level"), [(["wa"], "ok"), (["wa", "crm"], "ok"), ([], "failed"), (None, "skipped")])
def test_the_subscription_check_requires_a_subscribed_app(apps: list[str] | None, level: str) -> None:
    assert subscription.run(installation(Answers(VALID, GOOD, apps))).level == level


@pytest.mark.parametrize(
    ("url", "verify_token", "level"),
    [
        (None, "token", "skipped"),
        ("https://shop.example/webhook", None, "skipped"),
        ("http://shop.invalid/webhook", "token", "warning"),
    ],
)
def test_an_unknown_callback_is_skipped_and_a_failing_callback_is_a_warning(
    url: str | None, verify_token: str | None, level: str
) -> None:
    answers = Answers(VALID, Number(**{**GOOD.__dict__, "callback": url}), None)

    assert callback.run(installation(answers, verify_token=verify_token)).level == level
