"""Meta's answers about an account, fetched once for all checks that need them."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from wa_cli.cloud.account import AccountClient, Number, Token
from wa_cli.errors import CloudError

T = TypeVar("T")


@dataclass(frozen=True)
class Answers:
    """The answer to each question, or the error in its place."""

    token: Token | CloudError
    number: Number | CloudError
    subscribers: list[str] | CloudError | None


async def fetch_answers(client: AccountClient, *, number: str, token: str, business: str | None) -> Answers:
    """Ask for everything. Subscribers are asked for only if the account `business` is known."""
    return Answers(
        token=await _answer(client.token(token)),
        number=await _answer(client.number(number)),
        subscribers=None if business is None else await _answer(client.subscribers(business)),
    )


def given(answer: T | CloudError) -> T:
    """Return the answer. Raise the error that stands in its place."""
    if isinstance(answer, CloudError):
        raise answer
    return answer


async def _answer(question: Awaitable[T]) -> T | CloudError:
    try:
        return await question
    except CloudError as error:
        return error
