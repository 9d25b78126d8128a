"""What Meta may say of a token, a number and who listens, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wa_cli.cloud.account import Number, Token
from wa_cli.doctor import account
from wa_cli.errors import CloudError, Unauthorized

NOW = datetime(2026, 11, 25, tzinfo=UTC)
BOTH = ("whatsapp_business_messaging", "whatsapp_business_management")
GOOD = Number("+1 555-010-0000", "Shop", "GREEN", "STANDARD", "CONNECTED", "https://shop.example/webhook")


def saying(answer: Any) -> Callable[..., Any]:
    def ask(*_: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


@pytest.mark.parametrize(
    ("answer", "level", "said"),
    [
        (Token(True, None, BOTH), "ok", "does not expire"),
        (Token(True, NOW + timedelta(days=60), BOTH), "ok", "in 60 d"),
        (Token(True, NOW + timedelta(days=3), BOTH), "warning", "in 3 d"),
        (Token(False, None, ()), "failed", "not valid"),
        (Token(True, None, ("whatsapp_business_management",)), "failed", "may not: whatsapp_business_messaging"),
        (Token(True, None, BOTH[:1]), "warning", "cannot see the account"),
        (Token(True, None, ()), "ok", "does not expire"),  # nothing was said of permissions
        (Unauthorized("The token cannot be had: HTTP 401."), "failed", "HTTP 401"),
        (CloudError("no such path"), "skipped", "does not say"),
    ],
)
def test_tokens(answer: Any, level: str, said: str) -> None:
    found = account.token(saying(answer), lambda: NOW).look()

    assert (found.level, said in found.said) == (level, True), found.said


@pytest.mark.parametrize(
    ("changes", "rate", "level", "said"),
    [
        ({}, 80, "ok", "+15550100000 (Shop): quality GREEN"),
        ({"quality": "RED"}, 80, "warning", "block or report"),
        ({"status": "BANNED"}, 80, "failed", "it is BANNED"),
        ({"status": None}, 80, "ok", ""),
        ({}, 200, "warning", "WA_RATE is 200/s, and Meta takes 80"),
        ({"throughput": "HIGH"}, 200, "ok", ""),
        ({"throughput": "NOT_APPLICABLE"}, 200, "ok", ""),
        ({"phone": "+49 30 1234"}, 80, "warning", "rows would name another number"),
    ],
)
def test_numbers(changes: dict[str, Any], rate: float, level: str, said: str) -> None:
    number = Number(**{**GOOD.__dict__, **changes})

    found = account.number(saying(number), rate, "+15550100000").look()

    assert (found.level, said in found.said) == (level, True), found.said


@pytest.mark.parametrize(("apps", "level"), [(["wa"], "ok"), (["wa", "crm"], "ok"), ([], "failed"), (None, "skipped")])
def test_subscriptions(apps: list[str] | None, level: str) -> None:
    assert account.subscription(saying(apps)).look().level == level


def test_a_callback_that_is_not_known_or_not_there() -> None:
    unknown = Number(**{**GOOD.__dict__, "callback": None})
    away = Number(**{**GOOD.__dict__, "callback": "http://shop.invalid/webhook"})

    assert account.callback(saying(unknown), "token").look().level == "skipped"
    assert account.callback(saying(GOOD), None).look().level == "skipped"
    assert account.callback(saying(away), "token").look().level == "warning"
