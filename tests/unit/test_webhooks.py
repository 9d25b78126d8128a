"""Parsing of Meta's webhooks: every type, every shape, and invalid input."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wa_cli.cloud import webhook_content, webhook_splitting, webhooks
from wa_cli.errors import BadInput
from wa_cli.messages.incoming import Alias, Contact, IncomingMessage, Media, Notification

AT = datetime(2026, 10, 20, 12, 40, tzinfo=UTC)

METADATA = {"display_phone_number": "15550100000", "phone_number_id": "42"}


def body(value: Any, field: str = "messages") -> str:
    return json.dumps(webhooks.notify(value, field, "1"))


def notification(*, field: str = "messages", **value: Any) -> str:
    return body({"messaging_product": "whatsapp", "metadata": METADATA, **value}, field)


def message(**changes: Any) -> dict[str, Any]:
    return {
        "from": "15551234567",
        "id": "wamid.A",
        "timestamp": "1792500000",
        "type": "text",
        "text": {"body": "Oi"},
        **changes,
    }


def parse_message(**changes: Any) -> IncomingMessage:
    payload = {key: item for key, item in message(**changes).items() if key != "text" or "text" in changes}
    [found] = webhooks.parse(notification(messages=[payload])).messages
    return found


def test_a_text_becomes_a_message_with_its_sender() -> None:
    contacts = [{"wa_id": "99", "profile": {"name": "Not me"}}, {"wa_id": "15551234567", "profile": {"name": "Ana"}}]

    parsed = webhooks.parse(notification(messages=[message(context={"id": "wamid.Q"})], contacts=contacts))

    [found] = parsed.messages
    assert (found.phone, found.content, found.context_wamid) == ("+15551234567", "Oi", "wamid.Q")
    assert parsed.contacts[1] == Contact(AT, "15551234567", name="Ana", source="wamid.A", is_sender=True)
    assert (found.phone_number_id, found.business_phone) == ("42", "+15550100000")
    assert found.sent_at.isoformat() == "2026-10-20T12:40:00+00:00"


def flow_reply(answers: dict[str, Any], *, name: str = "flow", body: str = "Sent") -> dict[str, Any]:
    reply = {"name": name, "body": body, "response_json": json.dumps(answers)}
    return {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}


def order(**changes: Any) -> dict[str, Any]:
    item = {"product_retailer_id": "red", "quantity": 2, "item_price": 2.5, **changes}
    return {"type": "order", "order": {"product_items": [item]}}


EXAMPLES: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({"type": "image", "image": {"caption": "olá", "id": "1"}}, "olá", None),
    ({"type": "document", "document": {"caption": "", "filename": "nota.pdf", "id": "1"}}, "nota.pdf", None),
    ({"type": "sticker", "sticker": {"id": "1", "animated": False}}, None, None),
    ({"type": "reaction", "reaction": {"message_id": "wamid.X", "emoji": "👍"}}, "👍", "wamid.X"),
    ({"type": "reaction", "reaction": {"message_id": "wamid.X"}}, "reaction removed", "wamid.X"),
    (
        {"type": "button", "button": {"payload": "STOP", "text": "Parar"}, "context": {"id": "wamid.T"}},
        "Parar",
        "wamid.T",
    ),
    (
        {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "a", "title": "Um"}}},
        "Um",
        None,
    ),
    (
        {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "a", "title": "Yes"}}},
        "Yes",
        None,
    ),
    (
        {
            "type": "interactive",
            "interactive": {
                "type": "nfm_reply",
                "nfm_reply": {"body": "Sent", "response_json": '{"flow_token":"x","first_day":1,"more":[2]}'},
            },
        },
        "first day: 1, more: 2",
        None,
    ),
    (
        flow_reply({"flow_token": "t", "name": "Ann Miller", "type": "refund"}),
        "name: Ann Miller, type: refund",
        None,
    ),
    (
        flow_reply({"newsletter": True, "toppings": ["ham", "olives"], "slots": [{"day": "Mon", "time": "10:00"}]}),
        "newsletter: yes, toppings: ham, olives, slots: day Mon, time 10:00",
        None,
    ),
    (
        flow_reply({"values": {"in_pin_code": "400063"}}, name="address_message", body="Ann Miller\nMumbai"),
        "Ann Miller\nMumbai",
        None,
    ),
    (
        {"type": "errors", "errors": [{"code": 131051, "error_data": {"details": "Unsupported message received"}}]},
        "message not available: Unsupported message received",
        None,
    ),
    (
        {
            "type": "interactive",
            "interactive": {"type": "call_permission_reply", "call_permission_reply": {"response": "accept"}},
        },
        "call permission: accept",
        None,
    ),
    ({"type": "interactive", "interactive": {"type": "from_tomorrow"}}, None, None),
    (
        {"type": "location", "location": {"latitude": 1, "longitude": 2, "name": "Loja", "address": "Rua"}},
        "Loja, Rua (1, 2)",
        None,
    ),
    (
        {"type": "location", "location": {"latitude": 1, "longitude": 2, "name": "Loja", "address": "Loja, Rua 5"}},
        "Loja, Rua 5 (1, 2)",
        None,
    ),
    ({"type": "location", "location": {"latitude": -23.5, "longitude": -46.6}}, "-23.5, -46.6", None),
    (
        {
            "type": "contacts",
            "contacts": [
                {"name": {"formatted_name": "Ana Souza"}},
                {"name": {"first_name": "Bo"}},
                {"org": {"company": "Loja"}},
                {"phones": [{"phone": "+1 555"}]},
                {"vcard": "BEGIN:VCARD\r\nFN;CHARSET=UTF-8: Sheena Nelson\r\nEND:VCARD", "org": {"company": "No"}},
                {},
                None,
            ],
        },
        "Ana Souza; Bo; Loja; +1 555; Sheena Nelson",
        None,
    ),
    (
        {"type": "order", "order": {"product_items": [{"product_retailer_id": "red", "quantity": 2}]}},
        "2 x red",
        None,
    ),
    ({"type": "order", "order": {"text": "by Friday", "product_items": []}}, "by Friday", None),
    (order(currency="EUR"), "2 x red, total 5.00 EUR", None),
    (order(), "2 x red, total 5.00", None),
    (order(currency=["EUR"]), "2 x red, total 5.00", None),
    (order(currency={"code": "EUR"}), "2 x red, total 5.00", None),
    (order(item_price="1e400", currency="EUR"), "2 x red", None),
    (order(quantity="nan", currency="EUR"), "nan x red", None),
    ({"type": "contacts", "contacts": [{"emails": [{"email": "ana@example.org"}]}]}, "ana@example.org", None),
    ({"type": "system", "system": {"type": "user_changed_number", "body": "moved", "wa_id": "99"}}, "moved", None),
    ({"type": "system", "system": {"type": "user_changed_number", "wa_id": "99"}}, "changed to 99", None),
    (
        {
            "type": "unsupported",
            "errors": [{"code": 131051, "error_data": {"details": "Message type is currently not supported."}}],
            "unsupported": {"type": "unknown"},
        },
        "message not available: Message type is currently not supported.",
        None,
    ),
    (
        {"type": "unsupported", "unsupported": {"type": "unknown"}},
        "message not available: unknown is not supported",
        None,
    ),
    ({"type": "unsupported", "text": {"body": "a new kind of text"}}, "a new kind of text", None),
    (
        {
            "type": "edit",
            "edit": {
                "original_message_id": "wamid.X",
                "message": {"type": "image", "image": {"caption": "now", "id": "1"}},
            },
        },
        "now",
        "wamid.X",
    ),
    ({"type": "revoke", "revoke": {"original_message_id": "wamid.X"}}, None, "wamid.X"),
    (
        {"type": "unsupported", "errors": [{"code": 131051}], "unsupported": {"type": "poll_creation"}},
        "message not available: poll creation is not supported",
        None,
    ),
    (
        {"type": "unsupported", "errors": [{"code": 131060, "title": "This message is unavailable."}]},
        "message not available: This message is unavailable.",
        None,
    ),
    (
        {"type": "video", "video": {}, "errors": [{"code": 131052, "error_data": {"details": "file is too large"}}]},
        "video not available: file is too large",
        None,
    ),
    (
        {
            "type": "order",
            "order": {
                "text": "hurry",
                "product_items": [
                    {"product_retailer_id": "A", "quantity": 2, "item_price": 9.5, "currency": "USD"},
                    {"product_retailer_id": "B", "quantity": 1, "item_price": 5, "currency": "USD"},
                ],
            },
        },
        "2 x A, 1 x B, total 24.00 USD: hurry",
        None,
    ),
    ({"type": "request_welcome"}, None, None),
    ({"type": "hologram", "hologram": {"x": 1, "caption": "look"}}, "look", None),
    ({"type": "hologram"}, None, None),
    ({"type": "text", "text": None}, None, None),
    ({"type": "contacts", "contacts": "none"}, None, None),
]


@pytest.mark.parametrize(("item", "content", "refers_to"), EXAMPLES)
def test_every_message_type_has_its_readable_content(
    item: dict[str, Any], content: str | None, refers_to: str | None
) -> None:
    found = parse_message(**item)

    assert (found.message_type, found.content, found.context_wamid) == (item["type"], content, refers_to)
    assert found.raw["type"] == item["type"]


def test_every_supported_message_type_has_an_example() -> None:
    assert set(webhook_content.READERS) - {item["type"] for item, *_ in EXAMPLES} == {"audio", "voice"}


def test_a_media_file_has_its_id_type_hash_and_url() -> None:
    part = {"id": 2002, "mime_type": "audio/ogg; codecs=opus", "sha256": "abc=", "voice": True, "url": "https://x/1"}

    found = parse_message(type="audio", audio=part)

    assert found.media == Media("2002", "audio/ogg; codecs=opus", "abc=", "https://x/1")


@pytest.mark.parametrize(
    ("sender", "contacts"),
    [
        ({"from_user_id": "BR.1A2B"}, []),
        ({"from": "", "from_user_id": "BR.1A2B"}, []),
        ({"from": "BR.1A2B"}, [{"wa_id": "BR.1A2B", "profile": {"name": "Ana"}}]),
        ({}, [{"user_id": "BR.1A2B", "profile": {"name": "Ana"}}]),
    ],
)
def test_a_sender_without_a_phone_number_is_identified_by_the_user_id(
    sender: dict[str, str], contacts: list[Any]
) -> None:
    item = {key: value for key, value in message().items() if key != "from"} | sender

    parsed = webhooks.parse(notification(messages=[item], contacts=contacts))

    [found] = parsed.messages
    assert (found.phone, found.user_id) == (None, "BR.1A2B")
    assert [contact.name for contact in parsed.contacts] == (["Ana"] if contacts else [])


def test_contacts_and_aliases_link_the_keys_of_one_person() -> None:
    payload = [
        message(from_user_id="BR.1A"),
        message(type="system", system={"type": "user_changed_number", "wa_id": "15557654321"}),
        message(type="system", system={"type": "user_changed_user_id", "user_id": "BR.2B"}),
    ]
    update = notification(field="user_id_update", user_id={"previous": "BR.2B", "current": "BR.3C"})

    parsed = webhooks.parse(notification(messages=payload))
    assert parsed.contacts == (Contact(AT, "15551234567", "BR.1A", source="wamid.A", is_sender=True),)
    assert parsed.aliases == (
        Alias("15551234567", "15557654321", AT, is_change=True, source="wamid.A"),
        Alias("15551234567", "BR.2B", AT, is_change=True, source="wamid.A"),
    )
    [alias] = webhooks.parse(update).aliases
    assert (alias.old, alias.new, alias.is_change) == ("BR.2B", "BR.3C", True)


SEEN = {"wa_id": "15551234567", "user_id": "BR.1A"}
PAIRS: dict[str, dict[str, Any]] = {
    "a status": {
        "statuses": [{"id": "w", "status": "sent", "recipient_id": "15551234567", "recipient_user_id": "BR.1A"}]
    },
    "the contacts beside a status": {
        "statuses": [{"id": "w", "status": "sent", "recipient_id": "15551234567"}],
        "contacts": [SEEN],
    },
    "a participant of a group": {
        "statuses": [
            {
                "id": "w",
                "status": "read",
                "recipient_id": "120363000000000001@g.us",
                "recipient_type": "group",
                "recipient_participant_id": "15551234567",
                "recipient_participant_user_id": "BR.1A",
            }
        ]
    },
    "a call": {"calls": [{"id": "c", "event": "connect", "from": "15551234567", "from_user_id": "BR.1A"}]},
    "an echo": {"message_echoes": [{"id": "w", "type": "text", "to": "15551234567", "to_user_id": "BR.1A"}]},
    "a preference": {"user_preferences": [SEEN]},
    "contacts alone": {"contacts": [SEEN]},
    "a synchronised contact": {
        "state_sync": [{"action": "add", "contact": {"phone_number": "+1 555 123 4567", "user_id": "BR.1A"}}]
    },
    "an answered request": {
        "messages": [
            {
                "id": "w",
                "type": "contacts",
                "from_user_id": "BR.1A",
                "contacts": [{"origin": "contact_request", "phones": [{"wa_id": "15551234567"}]}],
            }
        ]
    },
}


@pytest.mark.parametrize("value", PAIRS.values(), ids=PAIRS.keys())
def test_a_phone_number_and_its_user_id_are_linked_by_every_kind_of_webhook(value: dict[str, Any]) -> None:
    parsed = webhooks.parse(notification(**value))

    assert ("15551234567", "BR.1A") in {(contact.phone, contact.user_id) for contact in parsed.contacts}


def test_a_shared_contact_of_another_person_is_not_the_sender() -> None:
    card = {"origin": "other", "phones": [{"wa_id": "15551234567"}]}
    item = {"id": "w", "type": "contacts", "from_user_id": "BR.1A", "contacts": [card]}

    parsed = webhooks.parse(notification(messages=[item]))

    assert not any(contact.phone for contact in parsed.contacts)


@pytest.mark.parametrize(
    ("system", "old", "new"),
    [
        ({"wa_id": "15557654321", "body": "User Zoe changed from 15551234567 to 15557654321"}, None, None),
        ({"body": "User Zoe changed from 15551234567 to 15557654321"}, None, None),
        ({"new_wa_id": "15557654321", "previous_user_id": "BR.1A"}, "BR.1A", None),
        ({"user_id": "BR.2B", "body": "User Ivo changed from BR.1A to BR.2B"}, "BR.1A", "BR.2B"),
        ({"body": "User Ivo changed from BR.1A to BR.2B."}, "BR.1A", "BR.2B"),
    ],
)
def test_a_change_of_number_or_user_id_is_parsed_without_a_sender(
    system: dict[str, Any], old: str | None, new: str | None
) -> None:
    item = {"id": "wamid.S", "timestamp": "1792500000", "type": "system", "system": system}

    parsed = webhooks.parse(notification(messages=[item]))

    [alias] = parsed.aliases
    assert (alias.old, alias.new.rstrip(".")) == (old or "15551234567", new or "15557654321")
    assert (len(parsed.messages), parsed.unreadable) == (1, ())


def test_people_of_imported_history_and_of_groups_are_known() -> None:
    person = {"wa_id": "15551234567", "user_id": "BR.1A2B", "username": "ana"}
    thread = {"id": "15551234567", "context": person, "messages": [message(timestamp="1792500000")]}
    joined = {"group_id": "g", "timestamp": "1792500000", "added_participants": [{"wa_id": "1777", "user_id": "BR.9"}]}
    phones = [{"phone": "+1 (720) 000-0018"}, {"phone": "(555) 123-4567"}]
    card = {"origin": "contact_request", "phones": phones}
    shared = message(from_user_id="BR.7", type="contacts", contacts=[card])
    del shared["from"]

    history = webhooks.parse(notification(field="history", history=[{"threads": [thread]}])).contacts
    group = webhooks.parse(notification(field="group_participants_update", groups=[joined])).contacts
    request = webhooks.parse(notification(messages=[shared])).contacts

    assert [(c.at, c.phone, c.user_id, c.username) for c in history] == [(AT, "15551234567", "BR.1A2B", "ana")]
    assert [(c.at, c.phone, c.user_id) for c in group] == [(AT, "1777", "BR.9")]
    assert [(c.phone, c.user_id) for c in request if c.phone] == [("17200000018", "BR.7")]


def test_an_unsupported_edit_is_an_edit() -> None:
    edit = message(type="unsupported", unsupported={"type": "edit"}, errors=[{"code": 131051}])

    [found] = webhooks.parse(notification(messages=[edit])).messages

    assert found.message_type == "edit"


def test_statuses_of_payments_and_calls_are_notices() -> None:
    payment = {"id": "w", "type": "payment", "status": "failed", "timestamp": "1", "payment": {"reference_id": "o"}}
    ringing = {"id": "c", "type": "call", "status": "RINGING", "timestamp": "1"}

    parsed = webhooks.parse(notification(statuses=[payment]))
    rung = webhooks.parse(notification(field="calls", statuses=[ringing]))

    assert (parsed.statuses, len(parsed.notices), rung.statuses, len(rung.notices)) == ((), 1, (), 1)


@pytest.mark.parametrize(
    ("event", "kind", "content"),
    [
        ({"event": "connect"}, "call", "call"),
        ({"event": "terminate", "status": "COMPLETED", "duration": 80}, "call", "call, 1m 20s"),
        ({"event": "terminate", "status": "FAILED"}, "missed_call", "missed call"),
        ({"event": "terminate", "status": "COMPLETED"}, "missed_call", "missed call"),
        ({"event": "terminate", "status": "COMPLETED", "start_time": "1792500005"}, "call", "call"),
        ({"event": "terminate", "status": "FAILED", "duration": 0}, "missed_call", "missed call"),
        ({"event": "terminate"}, "missed_call", "missed call"),
    ],
)
def test_a_customers_call_is_a_message(event: dict[str, Any], kind: str, content: str) -> None:
    call = {"id": "wacid.1", "from": "15551234567", "timestamp": "1792500000", "direction": "USER_INITIATED", **event}

    [found] = webhooks.parse(notification(field="calls", calls=[call])).messages

    assert (found.message_type, found.content, found.is_placeholder) == (kind, content, event == {"event": "connect"})


@pytest.mark.parametrize("sender", [{"from": "15551234567"}, {"from_user_id": "BR.1A2B3C4D5E"}, {}])
@pytest.mark.parametrize(
    "event",
    [
        {"event": "call_recording_available", "call_recording": {"type": "audio", "audio": {"id": "1"}}},
        {"event": "call_transcription_available", "call_transcript": {"document": {"id": "1"}}},
    ],
)
def test_a_recording_of_a_call_is_a_notice_with_its_data(event: dict[str, Any], sender: dict[str, str]) -> None:
    item = {"id": "wacid.1", "timestamp": "1792500000", **event, **sender}

    parsed = webhooks.parse(notification(field="calls", calls=[item]))

    assert (parsed.messages, parsed.unreadable) == ((), ())
    assert [notice.raw for notice in parsed.notices] == [{"calls": [item]}]


def test_a_taken_call_has_the_time_at_which_it_began() -> None:
    end = {"event": "terminate", "start_time": "1792499900", "end_time": "1792500000", "duration": 100}
    call = {"id": "wacid.1", "from": "15551234567", "timestamp": "1792500000", **end}

    [found] = webhooks.parse(notification(field="calls", calls=[call])).messages

    assert found.sent_at == AT - timedelta(seconds=100)


def test_a_group_message_names_its_group() -> None:
    [found] = webhooks.parse(notification(messages=[message(group_id="120363000000000001@g.us")])).messages

    assert (found.group_id, found.phone) == ("120363000000000001@g.us", "+15551234567")


def test_a_message_written_in_the_business_app_is_outgoing() -> None:
    echo = {**message(), "from": "15550100000", "to": "15551234567"}
    contacts = [{"wa_id": "15551234567", "profile": {"name": "Ana"}}]

    parsed = webhooks.parse(notification(field="smb_message_echoes", message_echoes=[echo], contacts=contacts))

    [found] = parsed.messages
    assert (found.by_us, found.phone) == (True, "+15551234567")
    assert [(contact.phone, contact.name) for contact in parsed.contacts] == [("15551234567", "Ana")]


def test_history_contains_earlier_messages_of_both_sides() -> None:
    payload = [
        message(id="wamid.1", history_context={"status": "READ"}),
        {**message(id="wamid.2"), "from": "15550100000", "history_context": {"status": "ERROR"}},
        {"from": "15550100000", "id": "wamid.3", "timestamp": "1792500000", "type": "media_placeholder"},
    ]
    chunk = {
        "metadata": {"phase": 0, "chunk_order": 1, "progress": 10},
        "threads": [{"id": "15551234567", "messages": payload}],
    }

    found = webhooks.parse(notification(field="history", history=[chunk])).messages

    assert [(m.by_us, m.phone, m.from_history, m.status) for m in found] == [
        (False, "+15551234567", True, None),
        (True, "+15551234567", True, "failed"),
        (True, "+15551234567", True, None),
    ]


def test_a_webhook_without_messages_and_statuses_is_a_notice() -> None:
    values_by_field = {
        "message_template_status_update": {"event": "REJECTED", "message_template_id": 1},
        "user_preferences": {"metadata": METADATA, "user_preferences": [{"wa_id": "1", "value": "stop"}]},
        "messages": {"metadata": METADATA, "errors": [{"code": 130429}]},
        "history": {"metadata": METADATA, "history": [{"errors": [{"code": 2593109}]}]},
        "from_tomorrow": {"x": 1},
    }

    found = [webhooks.parse(body(value, field)) for field, value in values_by_field.items()]

    assert [len(notification.notices) for notification in found] == [1] * len(values_by_field)
    assert [notification.notices[0].field for notification in found] == list(values_by_field)
    assert not any(notification.unreadable or notification.messages for notification in found)


def test_equal_notices_have_the_same_id_and_different_notices_have_different_ids() -> None:
    def notice(time: int, event: str = "FLAGGED") -> str:
        data = webhooks.notify({"event": event, "phone": "1"}, "phone_number_quality_update")
        data["entry"][0]["time"] = time
        return webhooks.parse(json.dumps(data)).notices[0].id

    assert notice(1) == notice(1)
    assert len({notice(1), notice(2), notice(1, "UNFLAGGED")}) == 3


def test_errors_beside_messages_become_a_notice_and_keep_the_messages() -> None:
    found = webhooks.parse(notification(messages=[message()], errors=[{"code": 131052}]))

    assert (len(found.messages), len(found.notices)) == (1, 1)


def test_a_status_has_its_reference_its_attempt_and_its_error() -> None:
    status = {
        "id": "wamid.O",
        "status": "failed",
        "timestamp": 1792500010,
        "recipient_id": "5511",
        "biz_opaque_callback_data": "wa:060e0119-051c-4f79-9159-9e7b5134b2fe:2",
        "errors": [{"code": 131047, "title": "Re-engagement message", "error_data": {"details": "more than 24 hours"}}],
    }

    [found] = webhooks.parse(notification(statuses=[status])).statuses

    assert (str(found.reference), found.attempt) == ("060e0119-051c-4f79-9159-9e7b5134b2fe", 2)
    assert (found.code, found.reason) == (131047, "131047: more than 24 hours")


def test_an_unreadable_item_does_not_affect_other_items() -> None:
    broken = [None, 5, {}, message(id="w" * 600), message(id=None), {"id": "x", "timestamp": "1"}]

    found = webhooks.parse(notification(messages=[message(), *broken, message(id="wamid.B")], statuses=[{}, "x"]))

    assert [m.wamid for m in found.messages] == ["wamid.A", "wamid.B"]
    assert len(found.unreadable) == len(broken) + 2
    assert all(reason for _, reason in found.unreadable)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("1792500000.5", 1792500000.5), (1792500000123, 1792500000.123), ("1792500000123", 1792500000.123)],
)
def test_a_time_in_another_unit_is_converted(given: object, meant: float) -> None:
    [found] = webhooks.parse(notification(messages=[message(timestamp=given)])).messages

    assert found.sent_at.timestamp() == meant


@pytest.mark.parametrize("given", [0, "0", "soon", -5, None, 1e300, [1], True])
def test_an_invalid_time_is_replaced_by_the_present(given: object) -> None:
    [found] = webhooks.parse(notification(messages=[message(timestamp=given)])).messages

    assert abs((found.sent_at - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.parametrize("code", [10**12, True, "131047", 1.5, [1]])
def test_an_invalid_error_code_is_kept_only_in_the_reason(code: object) -> None:
    status = {"id": "wamid.A", "status": "failed", "timestamp": "1", "errors": [{"code": code, "title": "No"}]}

    [found] = webhooks.parse(notification(statuses=[status])).statuses

    assert (found.code, found.reason) == (None, f"{code}: No")


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "{}", '{"entry": 5}', '{"object": "page", "entry": []}', "[" * 100_000, '{"entry":[NaN]}'],
)
def test_an_invalid_notification_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        webhooks.parse(text)


@pytest.mark.parametrize("strange", [json.loads('{"a":' * 90 + "1" + "}" * 90), int("9" * 4200)])
def test_a_value_that_cannot_be_read_does_not_affect_the_messages_beside_it(strange: Any) -> None:
    first, second = message(), message(id="wamid.B", odd=strange)
    text = notification(messages=[first, second]).replace("9" * 4200, "9" * 5000)

    parsed = webhooks.parse(text)

    assert [one.wamid for one in parsed.messages] == ["wamid.A", "wamid.B"]
    assert len(parsed.unreadable) == (not isinstance(strange, int))


@pytest.mark.parametrize("entry", [None, 5, {}, {"changes": 5}, {"changes": [None]}, {"changes": [{"value": 5}]}])
def test_parts_of_an_unknown_shape_are_unreadable_and_not_ignored(entry: Any) -> None:
    found = webhooks.parse(json.dumps({"entry": [entry]}))

    assert len(found.unreadable) == 1
    assert found == Notification(unreadable=found.unreadable)


def test_a_contact_is_only_in_the_piece_of_its_message() -> None:
    """Otherwise the contacts of a body with 1,000 people would be copied a thousand times."""
    payload = [message(id=f"wamid.{n}", **{"from": str(10_000 + n)}) for n in range(8)]
    people = [{"wa_id": str(10_000 + n), "profile": {"name": f"N{n}"}} for n in range(8)]

    pieces = webhook_splitting.split(json.loads(notification(messages=payload, contacts=people)), 100)

    values = [json.loads(piece)["entry"][0]["changes"][0]["value"] for piece in pieces]
    assert [[c["wa_id"] for c in value["contacts"]] for value in values] == [[one["from"]] for one in payload]
    assert [webhooks.parse(piece).contacts[-1].name for piece in pieces] == [f"N{n}" for n in range(8)]


def test_pieces_do_not_exceed_the_limit_unless_a_single_update_does() -> None:
    many = [message(id=f"wamid.{n}", text={"body": "x" * 500}) for n in range(1000)]
    data = json.loads(notification(messages=[*many, message(id="wamid.large", text={"body": "x" * 300_000})]))

    pieces = webhook_splitting.split(data, 200_000)

    assert sorted(map(len, pieces))[-2] <= 200_000
    assert len(pieces) < 16
    assert max(map(len, pieces)) > 300_000


@pytest.mark.parametrize(
    ("item", "kind", "content"),
    [
        ({"location": {"latitude": 1, "longitude": 2}}, "location", "1, 2"),
        ({"image": {"id": "1", "caption": "look"}}, "image", "look"),
        ({"contacts": [{"name": {"formatted_name": "Ana"}}]}, "contacts", "Ana"),
        ({"text": {"body": "hi"}}, "text", "hi"),
        ({"text": {"body": "hi"}, "image": {"id": "1"}}, "unknown", "hi"),
        ({}, "unknown", None),
    ],
)
def test_an_item_without_a_type_gets_the_type_of_its_only_content(
    item: dict[str, Any], kind: str, content: str | None
) -> None:
    found = parse_message(**{"type": None, **item})

    assert (found.message_type, found.content, found.is_placeholder) == (kind, content, kind == "unknown")


@pytest.mark.parametrize(
    ("reply", "content"),
    [
        ({"response": "reject"}, "call permission: reject"),
        ({"response": "accept", "is_permanent": True}, "call permission: accept, permanent"),
        (
            {"response": "accept", "is_permanent": False, "expiration_timestamp": 1792500000},
            "call permission: accept, until 2026-10-20 12:40 UTC",
        ),
        ({}, "call permission: unknown"),
    ],
)
def test_a_call_permission_reply_shows_its_duration(reply: dict[str, Any], content: str) -> None:
    found = parse_message(
        type="interactive", interactive={"type": "call_permission_reply", "call_permission_reply": reply}
    )

    assert found.content == content


def test_a_timestamp_in_a_reply_is_shown_as_a_time() -> None:
    paid = {"payment_method": "upi", "payment_timestamp": 1792500000, "reference_id": "A1"}

    found = parse_message(type="interactive", interactive={"type": "payment_method", "payment_method": paid})

    assert found.content == "payment method: upi, payment timestamp: 2026-10-20 12:40 UTC, reference id: A1"


VALUE = {"metadata": {"display_phone_number": "1 555 010", "phone_number_id": "42"}}


@pytest.mark.parametrize(
    ("value", "field", "kept"),
    [
        ({"errors": [{"code": 1}], "event": "ENDPOINT", "flow_id": "7"}, "flows", {"errors", "event", "flow_id"}),
        ({"errors": [{"code": 1}], **VALUE}, "messages", {"errors"}),
        ({"statuses": [{"id": "w", "status": "read"}], "errors": [{"code": 1}], **VALUE}, "messages", {"errors"}),
        ({"statuses": [{"id": "w", "status": "read"}], "brand": {"x": 1}, **VALUE}, "messages", {"brand"}),
        ({"messages": [], **VALUE}, "messages", {"messages", "metadata"}),
        ({"messages": {"not": "a list"}, **VALUE}, "messages", {"messages"}),
    ],
)
def test_content_that_no_row_stores_is_a_notice(value: dict[str, Any], field: str, kept: set[str]) -> None:
    [notice] = webhooks.parse(json.dumps(webhooks.notify(value, field))).notices

    assert set(notice.raw) == kept
    assert notice.error_codes == ((1,) if "errors" in value else ())


@pytest.mark.parametrize("field", ["messages", "smb_message_echoes"])
def test_an_echo_in_the_list_of_messages_is_outgoing(field: str) -> None:
    echo = {"id": "w", "from": "1555010", "to": "77", "timestamp": "1792500000", "type": "text", "text": {"body": "a"}}

    [message] = webhooks.parse(json.dumps(webhooks.notify({**VALUE, "messages": [echo]}, field))).messages

    assert (message.by_us, message.phone, message.business_phone) == (True, "+77", "+1555010")


def test_the_business_number_is_not_a_customer() -> None:
    payload = {"id": "w", "from_user_id": "BR.1", "timestamp": "1792500000", "type": "text", "text": {"body": "a"}}
    contacts = [{"wa_id": "1555010", "user_id": "BR.1", "profile": {"name": "Shop"}}]

    found = webhooks.parse(json.dumps(webhooks.notify({**VALUE, "contacts": contacts, "messages": [payload]})))

    assert [person for person in found.contacts if person.phone] == []
    assert (found.messages[0].phone, found.messages[0].user_id) == (None, "BR.1")
