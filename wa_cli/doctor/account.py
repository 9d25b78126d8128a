from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import httpx

from wa_cli.cloud.account import AccountClient, Number, Token
from wa_cli.errors import CloudError, Unauthorized
from wa_cli.verify.base import Check, Finding, Level

NEEDED = ("whatsapp_business_messaging",)
ADVISED = ("whatsapp_business_management",)
SOON = timedelta(days=14)
# Messages a second that a number of each level may send (Meta, throughput).
THROUGHPUT = {"STANDARD": 80.0, "HIGH": 1000.0}
CHALLENGE = "2087341190"
TIMEOUT = 10.0

T = TypeVar("T")


@dataclass(frozen=True)
class Answers:
    """What Meta answered to each question, or what became of it instead."""

    token: Token | CloudError
    number: Number | CloudError
    subscribers: list[str] | CloudError | None


async def fetch_answers(client: AccountClient, *, number: str, token: str, business: str | None) -> Answers:
    """Everything that there is to ask; without `business` nobody knows whose subscribers."""
    return Answers(
        token=await _answer(client.token(token)),
        number=await _answer(client.number(number)),
        subscribers=None if business is None else await _answer(client.subscribers(business)),
    )


async def _answer(question: Awaitable[T]) -> T | CloudError:
    try:
        return await question
    except CloudError as error:
        return error


def _given(answer: T | CloudError) -> T:
    if isinstance(answer, CloudError):
        raise answer
    return answer


def checks(
    answers: Callable[[], Answers],
    now: Callable[[], datetime],
    rate: float,
    business_phone: str,
    verify_token: str | None,
) -> list[Check]:
    """What follows from the answers, which are asked for when the first check looks."""

    def get_number() -> Number:
        return _given(answers().number)

    return [
        token(lambda: _given(answers().token), now),
        number(get_number, rate, business_phone),
        subscription(lambda: _given(answers().subscribers)),
        callback(get_number, verify_token),
    ]


def token(ask: Callable[[], Token], now: Callable[[], datetime]) -> Check:
    """The token: taken, for how long, and for what."""

    def look() -> Finding:
        try:
            found = ask()
        except Unauthorized as error:
            return Finding(Level.FAILED, error.message.rstrip("."), error.hint)
        except CloudError as error:
            return Finding(Level.SKIPPED, f"Meta does not say how long it is good, or for what: {error.message}")
        facts = {"valid": found.is_valid, "expires_at": found.expires_at, "permissions": list(found.permissions)}
        if not found.is_valid:
            return Finding(Level.FAILED, "the token is not valid any more", "a new one into WA_ACCESS_TOKEN", facts)
        if missing := [scope for scope in NEEDED if found.permissions and scope not in found.permissions]:
            return Finding(Level.FAILED, f"the token may not: {', '.join(missing)}", facts=facts)
        if found.expires_at:
            left = found.expires_at - now()
            said = f"the token ends on {found.expires_at:%Y-%m-%d %H:%M} UTC, in {left.days} d"
            level = Level.WARNING if left < SOON else Level.OK
            hint = "a system user's token does not expire" if left < SOON else None
            return Finding(level, said, hint, facts)
        if missing := [scope for scope in ADVISED if found.permissions and scope not in found.permissions]:
            said = f"the token is good, but cannot see the account: it lacks {', '.join(missing)}"
            return Finding(Level.WARNING, said, facts=facts)
        return Finding(Level.OK, "the token is good and does not expire", facts=facts)

    return Check("token", "Token", look)


def number(ask: Callable[[], Number], rate: float, business_phone: str) -> Check:
    """The number: what Meta thinks of it, and whether WA_RATE and WA_BUSINESS_PHONE fit it."""

    def look() -> Finding:
        found = ask()
        digits = "".join(filter(str.isdigit, found.phone))
        facts = {
            "phone": f"+{digits}",
            "name": found.name,
            "quality": found.quality,
            "throughput": found.throughput,
            "status": found.status,
        }
        said = f"+{digits} ({found.name}): quality {found.quality}, throughput {found.throughput}"
        if found.status not in (None, "CONNECTED"):
            return Finding(Level.FAILED, f"{said}; it is {found.status}", facts=facts)
        worries = []
        if found.quality in ("RED", "YELLOW"):
            worries.append("customers block or report its messages")
        if rate > THROUGHPUT.get(found.throughput, rate):
            worries.append(f"WA_RATE is {rate:g}/s, and Meta takes {THROUGHPUT[found.throughput]:g}")
        if digits and business_phone.lstrip("+") not in (digits, "business"):
            worries.append(f"WA_BUSINESS_PHONE is {business_phone}: rows would name another number")
        if worries:
            return Finding(Level.WARNING, f"{said}; {worries[0]}", facts=facts, details=tuple(worries[1:]))
        return Finding(Level.OK, said, facts=facts)

    return Check("number", "Number", look)


def subscription(ask: Callable[[], list[str] | None]) -> Check:
    """Whether an app is told of the account's messages: without it the callback is verified and stays silent."""

    def look() -> Finding:
        apps = ask()
        if apps is None:
            return Finding(Level.SKIPPED, "WA_BUSINESS_ACCOUNT_ID is not set: who is told is not asked")
        facts = {"apps": apps}
        if not apps:
            said = "no app is subscribed to the account: no webhook will ever come"
            return Finding(Level.FAILED, said, "POST /{account}/subscribed_apps with the token", facts)
        if len(apps) > 1:
            said = f"{len(apps)} apps are told: {', '.join(apps)}; where one fails, Meta repeats to all"
            return Finding(Level.OK, said, facts=facts)
        return Finding(Level.OK, f"{apps[0]} is told of the account's messages", facts=facts)

    return Check("subscription", "Webhook subscription", look)


def callback(ask: Callable[[], Number], verify_token: str | None) -> Check:
    """Where Meta posts: does it answer the handshake, asked from here?"""

    def look() -> Finding:
        url = ask().callback
        facts = {"url": url}
        if url is None:
            return Finding(Level.SKIPPED, "Meta does not say where it posts the number's webhooks", facts=facts)
        if verify_token is None:
            said = f"Meta posts to {url}; without WA_VERIFY_TOKEN it cannot be asked whether it is ours"
            return Finding(Level.SKIPPED, said, facts=facts)
        asked = {"hub.mode": "subscribe", "hub.challenge": CHALLENGE, "hub.verify_token": verify_token}
        try:
            answer = httpx.get(url, params=asked, timeout=TIMEOUT)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = f"Meta posts to {url}, which cannot be reached from here: {type(error).__name__}"
            is_ours_alone = url.startswith(("http://127.0.0.1", "http://localhost"))
            return Finding(Level.SKIPPED if is_ours_alone else Level.WARNING, why, "wa serve", facts)
        if (answer.status_code, answer.text) != (200, CHALLENGE):
            why = f"Meta posts to {url}, which does not know our WA_VERIFY_TOKEN (HTTP {answer.status_code})"
            return Finding(Level.FAILED, why, facts=facts)
        return Finding(Level.OK, f"Meta posts to {url}, which answers as ours, from here", facts=facts)

    return Check("callback", "Webhook callback", look)
