"""What Meta says, and whether it is Meta."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wa_cli.cloud import codes, signature, webhooks
from wa_cli.cloud.codes import Class
from wa_cli.errors import BadInput
from wa_cli.messages.verdicts import Blocked, Later, Refused
from wa_cli.sandbox import callbacks

SECRET = "sandbox-app-secret"


@pytest.mark.parametrize(
    ("body", "digest"),
    [
        (
            b'{"object":"whatsapp_business_account","entry":[]}',
            "913cea235cb673f466a0582c763b0bb96410f81ab66a376a326c45d9e9f4f041",
        ),
        (b'{"t":"Ol\\u00e1 \\ud83d\\ude00 a\\/b"}', "2c928bc0146e5df0b17fabc61e8bf96d323eea3179e72898575f799ee70d8b78"),
        ('{"t":"Olá 😀 a/b"}'.encode(), "9fbf25b18cafa06983de7315c5526e968d6ce839a9150b94f3bbc034a3490ff2"),
    ],
)
def test_signatures_of_known_bodies(body: bytes, digest: str) -> None:
    assert signature.is_genuine(body, f"sha256={digest}", SECRET)


@pytest.mark.parametrize("header", [None, "", "sha1=abc", "sha256=", "sha256=" + "0" * 64, "sha256=é", "Ω"])
def test_a_wrong_or_missing_signature_is_not_genuine(header: str | None) -> None:
    assert not signature.is_genuine(b"{}", header, SECRET)


def test_the_sandbox_writes_and_signs_as_meta_does() -> None:
    body = callbacks.encode({"t": "Olá 😀 a/b"})

    assert body == b'{"t":"Ol\\u00e1 \\ud83d\\ude00 a\\/b"}'
    assert signature.is_genuine(body, callbacks.sign(body, SECRET), SECRET)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (131026, 400, Class.PERMANENT),
        (130429, 400, Class.THROTTLE_NUMBER),
        (131056, 400, Class.THROTTLE_PAIR),
        (190, 401, Class.BLOCKED),
        (3, 500, Class.BLOCKED),
        (134102, 500, Class.PERMANENT),
        (210, 403, Class.BLOCKED),
        (999999, 500, Class.RETRY),
        (999999, 429, Class.THROTTLE_NUMBER),
        (999999, 400, Class.PERMANENT),
    ],
)
def test_a_code_has_a_class_and_an_unknown_one_goes_by_its_status(code: int, status: int, kind: Class) -> None:
    assert codes.classify(code, status) is kind


def test_an_object_that_the_token_cannot_see_blocks_the_number() -> None:
    assert codes.classify(100, 400) is Class.PERMANENT
    assert codes.classify(100, 400, subcode=33) is Class.BLOCKED


def test_every_code_makes_a_verdict_that_says_it() -> None:
    for number, code in codes.CODES.items():
        verdict = codes.verdict(number, 400, "(#x) said")
        assert isinstance(verdict, (Refused, Later, Blocked))
        assert str(number) in verdict.why
        assert code.meaning


def notification(**value: Any) -> str:
    metadata = {"display_phone_number": "15550100000", "phone_number_id": "42"}
    changes = [{"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]})


def message(**changes: Any) -> dict[str, Any]:
    return {
        "from": "5511",
        "id": "wamid.A",
        "timestamp": "1792500000",
        "type": "text",
        "text": {"body": "Oi"},
        **changes,
    }


def test_a_text_becomes_a_message_with_its_sender() -> None:
    contacts = [{"wa_id": "99", "profile": {"name": "Not me"}}, {"wa_id": "5511", "profile": {"name": "Ana"}}]

    [found] = webhooks.parse(notification(messages=[message(context={"id": "wamid.Q"})], contacts=contacts)).messages

    assert (found.phone, found.name, found.content, found.context_wamid) == ("+5511", "Ana", "Oi", "wamid.Q")
    assert (found.number, found.business_phone) == ("42", "+15550100000")
    assert found.sent_at.isoformat() == "2026-10-20T12:40:00+00:00"


@pytest.mark.parametrize(
    ("item", "content"),
    [
        ({"type": "image", "image": {"caption": "olá", "id": "1"}}, "olá"),
        ({"type": "reaction", "reaction": {"message_id": "wamid.X", "emoji": "👍"}}, "👍"),
        ({"type": "reaction", "reaction": {"message_id": "wamid.X"}}, None),
        ({"type": "button", "button": {"payload": "STOP", "text": "Parar"}}, "Parar"),
        (
            {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "a", "title": "Um"}}},
            "Um",
        ),
        ({"type": "location", "location": {"latitude": 1, "longitude": 2, "name": "Loja"}}, "Loja"),
        ({"type": "unsupported", "errors": [{"code": 131051}]}, None),
        ({"type": "hologram", "hologram": {"x": 1}}, None),
        ({"type": "text", "text": None}, None),
    ],
)
def test_other_types_keep_what_a_person_would_read_and_unknown_ones_are_kept(
    item: dict[str, Any], content: Any
) -> None:
    [found] = webhooks.parse(notification(messages=[message(**item)])).messages

    assert (found.message_type, found.content) == (item["type"], content)
    assert found.raw["type"] == item["type"]


def test_a_sender_without_a_phone_is_known_by_the_user_id() -> None:
    item = message(from_user_id="BR.1A")
    del item["from"]

    [found] = webhooks.parse(notification(messages=[item])).messages

    assert (found.phone, found.user_id) == (None, "BR.1A")


def test_a_status_carries_its_echo_and_its_error() -> None:
    status = {
        "id": "wamid.O",
        "status": "failed",
        "timestamp": "1792500010",
        "recipient_id": "5511",
        "biz_opaque_callback_data": "wa:060e0119-051c-4f79-9159-9e7b5134b2fe:2",
        "errors": [{"code": 131047, "title": "Re-engagement message", "error_data": {"details": "more than 24 hours"}}],
    }

    [found] = webhooks.parse(notification(statuses=[status])).statuses

    assert (str(found.reference), found.attempt) == ("060e0119-051c-4f79-9159-9e7b5134b2fe", 2)
    assert (found.code, found.reason) == (131047, "131047: more than 24 hours")


def test_one_bad_item_never_takes_its_neighbours_with_it() -> None:
    broken = [None, 5, {}, message(timestamp="soon"), message(id=None), {"id": "x", "timestamp": "1"}]

    found = webhooks.parse(notification(messages=[message(), *broken, message(id="wamid.B")], statuses=[{}, "x"]))

    assert [m.wamid for m in found.messages] == ["wamid.A", "wamid.B"]
    assert len(found.unreadable) == len(broken) + 2
    assert all(reason for _, reason in found.unreadable)


@pytest.mark.parametrize("body", ["", "x", "[]", "{}", '{"entry": 5}', "[" * 100_000])
def test_what_is_no_notification_says_so(body: str) -> None:
    with pytest.raises(BadInput):
        webhooks.parse(body)


@pytest.mark.parametrize("entry", [None, 5, {}, {"changes": 5}, {"changes": [None]}, {"changes": [{"value": 5}]}])
def test_parts_of_no_known_shape_are_passed_over(entry: Any) -> None:
    assert webhooks.parse(json.dumps({"entry": [entry]})) == webhooks.Notification()
