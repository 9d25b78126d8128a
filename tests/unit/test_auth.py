"""The keys of the messaging API in the setting `WA_API_KEYS`."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi")

from wa_cli.errors import ConfigError
from wa_cli.messages.states import SentBy
from wa_cli.server.auth import Keys, parse_keys

EMPLOYEE = "7b0fdd1c-26b5-4bd3-8a2c-4ba8c9f5a111"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (None, {}),
        ("one", {"one": None}),
        ("one, two ,", {"one": None, "two": None}),
        (f"one={EMPLOYEE}", {"one": EMPLOYEE}),
        ("c2VjcmV0MQ==", {"c2VjcmV0MQ==": None}),
        ("c2VjcmV0MTI=", {"c2VjcmV0MTI=": None}),
        (f"c2VjcmV0MQ=={EMPLOYEE}", {"c2VjcmV0MQ=": EMPLOYEE}),
        (f"c2VjcmV0MQ==={EMPLOYEE},c2VjcmV0MTI=", {"c2VjcmV0MQ==": EMPLOYEE, "c2VjcmV0MTI=": None}),
        (f" one = {EMPLOYEE} ", {"one": EMPLOYEE}),
    ],
)
def test_keys_and_their_employees_are_separated(text: str | None, keys: dict[str, str | None]) -> None:
    assert {key: caller.employee for key, caller in parse_keys(text).items()} == keys


@pytest.mark.parametrize(
    ("words", "employee", "sent_by"),
    [
        ("automatic", None, SentBy.AUTOMATIC),
        (f"{EMPLOYEE}:campaign", EMPLOYEE, SentBy.CAMPAIGN),
        (f"automatic:{EMPLOYEE}", EMPLOYEE, SentBy.AUTOMATIC),
    ],
)
def test_a_key_may_set_the_employee_and_the_kind_of_sender(words: str, employee: str | None, sent_by: SentBy) -> None:
    [caller] = parse_keys(f"one={words}").values()

    assert (caller.employee, caller.sent_by) == (employee, sent_by)
    assert caller.name
    assert "one" not in caller.name


@pytest.mark.parametrize("text", [f"={EMPLOYEE}", "one,=", "==", f"one, ={EMPLOYEE}"])
def test_an_empty_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"key \d is empty"):
        parse_keys(text)


@pytest.mark.parametrize(
    ("words", "names_employees", "only_reads"),
    [("*", True, False), ("*:automatic", True, False), ("metrics", False, True)],
)
def test_a_key_may_name_employees_or_only_read(words: str, names_employees: bool, only_reads: bool) -> None:
    [caller] = parse_keys(f"one={words}").values()

    assert (caller.names_employees, caller.only_reads, caller.employee) == (names_employees, only_reads, None)


@pytest.mark.parametrize("words", ["ana:ben", "*:ana", "ana:*", "metrics:ana", "metrics:automatic", "*:metrics"])
def test_contradictory_words_of_a_key_are_refused_without_printing_the_key(words: str) -> None:
    with pytest.raises(ConfigError, match="key 2") as error:
        parse_keys(f"one,secret-key={words}")

    assert "secret-key" not in error.value.message


def test_a_base64_key_is_accepted_and_a_wrong_or_empty_key_is_refused() -> None:
    keys = Keys(parse_keys("c2VjcmV0MQ=="), open_to_this_machine=False)

    assert keys.caller("127.0.0.1", {"authorization": "Bearer c2VjcmV0MQ=="})
    assert not keys.caller("127.0.0.1", {"authorization": "Bearer c2VjcmV0MQ"})
    assert not keys.caller("127.0.0.1", {"authorization": "Bearer "})
    assert not keys.caller("127.0.0.1", {})
