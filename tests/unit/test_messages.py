"""Messages: their content, their queue bodies and the columns of their rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from wa_cli.errors import BadInput
from wa_cli.messages import content, outcomes
from wa_cli.messages.content.base import Columns
from wa_cli.messages.content.media import document, image
from wa_cli.messages.content.template import template
from wa_cli.messages.content.text import text
from wa_cli.messages.incoming import parse_opaque
from wa_cli.messages.outgoing import EARLIEST, LATEST, OutgoingMessage

REFERENCE = "060e0119-051c-4f79-9159-9e7b5134b2fe"


def body(**changes: Any) -> str:
    return json.dumps({"reference": REFERENCE, "phone_number": "+123", "message_data": text("hi"), **changes})


@pytest.mark.parametrize(
    "message",
    [
        text(""),
        text("   "),
        text("x" * 4097),
        {"type": "text"},
        {"type": "text", "text": "hi"},
        {"type": "text", "text": {"body": 5}},
        {},
        {"type": 5},
        {"type": "x" * 21, "x" * 21: {}},
        image("ftp://example.org/a.png"),
        image("https://example.org/a.png", "x" * 1025),
        {"type": "image", "image": {}},
        {"type": "image", "image": {"id": "1", "link": "https://example.org/a"}},
        {"type": "audio", "audio": {"id": "1", "caption": "no"}},
        template("Bad Name", "en_US"),
        template("good_name", ""),
        template("good_name", "en_US", ["two\nlines"]),
        template("good_name", "en_US", ["five     spaces"]),
    ],
)
def test_content_that_the_api_would_refuse_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        content.check(message)


@pytest.mark.parametrize(
    "message",
    [
        text("x" * 4096),
        image("https://example.org/a.png", "x" * 1024),
        document("https://example.org/a.pdf", "a.pdf", "here"),
        template("hello_world", "en_US"),
        {"type": "location", "location": {"latitude": 1, "longitude": 2}},
        {"type": "image", "image": {"id": "1234"}},
    ],
)
def test_valid_content_passes(message: dict[str, Any]) -> None:
    content.check(message)


def test_each_content_type_fills_its_columns() -> None:
    assert content.columns(text("hi")).content == "hi"
    picture = content.columns(image("https://example.org/a.png?x=1", "Look"))
    assert (picture.content, picture.media_url, picture.media_type) == (
        "Look",
        "https://example.org/a.png?x=1",
        "image/png",
    )
    assert content.columns(document("https://example.org/9", "bill.pdf")).media_type == "application/pdf"
    sent = content.columns(template("order_shipped", "en_US", ["Ana", "42"]))
    assert (sent.content, sent.template_name, sent.template_params) == ("Ana, 42", "order_shipped", ["Ana", "42"])
    assert content.columns({"type": "location", "location": {}}) == Columns()


def test_every_content_type_is_registered_under_its_name() -> None:
    assert all(name == kind.name for name, kind in content.CONTENT_TYPES.items())


def test_a_queue_body_of_an_older_producer_is_parsed() -> None:
    old = json.dumps(
        {"phone_number": "491511234", "message_data": {"type": "text", "content": "hi", "media_url": None}}
    )

    first = OutgoingMessage.from_body(old, queue_id="m-1")

    assert (first.phone, first.content) == ("+491511234", text("hi"))
    assert OutgoingMessage.from_body(old, queue_id="m-1").reference == first.reference
    assert OutgoingMessage.from_body(old, queue_id="m-2").reference != first.reference


def test_a_media_message_of_an_older_producer_is_parsed() -> None:
    data = {"type": "image", "content": "Look", "media_url": "https://example.org/a.png"}

    message = OutgoingMessage.from_body(body(message_data=data), queue_id="1")

    assert message.content == image("https://example.org/a.png", "Look")


@pytest.mark.parametrize(
    "metadata",
    [
        {"employee_id": "Mia"},
        {"employee_id": 42},
        {"queued_at": "yesterday"},
        {"queued_at": [1]},
        {"queued_at": 10**30},
    ],
)
def test_an_invalid_secondary_value_is_ignored(metadata: dict[str, object]) -> None:
    message = OutgoingMessage.from_body(body(metadata=metadata), queue_id="1")

    assert message.employee_id is None
    assert abs((message.queued_at - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.parametrize("number", ["15551234567.0", "+15551234567.0", 15551234567.0])
def test_a_decimal_phone_number_of_a_producer_is_refused(number: object) -> None:
    with pytest.raises(BadInput):
        OutgoingMessage.from_body(body(phone_number=number), queue_id="1")


@pytest.mark.parametrize(
    ("metadata", "campaign", "sent_by"),
    [
        ({}, None, "human"),
        ({"campaign": ""}, None, "human"),
        ({"campaign": False}, None, "human"),
        ({"campaign": 0}, None, "human"),
        ({"campaign": " "}, None, "human"),
        ({"campaign": "spring"}, "spring", "campaign"),
        ({"campaign": "spring", "sent_by": "human"}, "spring", "human"),
        ({"sent_by": "AUTOMATIC"}, None, "automatic"),
        ({"sent_by": " Campaign "}, None, "campaign"),
        ({"sent_by": "bot"}, None, "automatic"),
        ({"sent_by": 7}, None, "automatic"),
    ],
)
def test_the_kind_of_sender_is_read_so_that_no_program_ends_a_turn(
    metadata: dict[str, object], campaign: str | None, sent_by: str
) -> None:
    message = OutgoingMessage.from_body(body(metadata=metadata), queue_id="1")

    assert (message.campaign, message.sent_by) == (campaign, sent_by)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("+1 (555) 010-0000", "+15550100000"),
        ("15550100000", "+15550100000"),
        (15550100000, "+15550100000"),
        ("business", "business"),
        ("Shop", "Shop"),
        ("", None),
    ],
)
def test_the_number_of_the_business_is_stored_in_one_form(written: object, stored: str | None) -> None:
    message = OutgoingMessage.from_body(body(metadata={"business_phone": written}), queue_id="1")

    assert message.business_phone == stored


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (1792500000, datetime(2026, 10, 20, 12, 40, tzinfo=UTC)),
        ("1792500000", datetime(2026, 10, 20, 12, 40, tzinfo=UTC)),
        (1792500000123, datetime(2026, 10, 20, 12, 40, 0, 123000, tzinfo=UTC)),
        ("2026-10-20T12:40:00", datetime(2026, 10, 20, 12, 40, tzinfo=UTC)),
        ("9999-12-31T23:59:59-14:00", LATEST),
        ("0001-01-01T00:00:00+14:00", EARLIEST),
    ],
)
def test_a_time_is_parsed_in_every_format_of_a_producer(given: object, meant: datetime) -> None:
    message = OutgoingMessage.from_body(body(metadata={"expires_at": given, "queued_at": given}), queue_id="1")

    assert (message.expires_at, message.queued_at) == (meant, meant)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "not json",
        "[]",
        "null",
        "[" * 100_000,
        body(message_data=None),
        body(message_data={"type": "image"}),
        body(phone_number="hello"),
        body(phone_number=None),
        body(reference="not-a-uuid"),
        body(metadata={"due_at": 5}),
        body(metadata={"due_at": "soon"}),
        body(metadata={"expires_at": True}),
        body(phone_number=15551234567.0),
        body(phone_number=True),
        body(phone_number="0049171234567"),
        body(recipient="BR.1A\x002B", phone_number=None),
        body(message_data={**text("hi"), "to": "+15557654321"}),
        body(message_data={**text("hi"), "context": "wamid.X"}),
        body(message_data={**text("hi"), "context": {"message_id": 5}}),
        body(message_data={"type": "document", "document": {"id": "1", "filename": 5}}),
        body(message_data={"type": "document", "document": {"id": "1", "filename": ["a"]}}),
        body(message_data={"type": "new", "new": 1}).replace("1}", '{"a":' * 500 + "1" + "}" * 501),
    ],
)
def test_an_unreadable_queue_body_is_refused_with_a_reason(broken: str) -> None:
    with pytest.raises(BadInput) as error:
        OutgoingMessage.from_body(broken, queue_id="1")

    assert error.value.message


@pytest.mark.parametrize("words", ["nul\x00", "half \ud800 a pair", "bad\udcff"])
def test_a_text_with_invalid_characters_is_refused_and_not_changed(words: str) -> None:
    with pytest.raises(BadInput, match="cannot be sent"):
        OutgoingMessage(text(words), phone="+123").check()


def test_a_literal_backslash_sequence_is_not_a_nul_character() -> None:
    OutgoingMessage(text("C:\\u0000"), phone="+123").check()


def test_a_user_id_replaces_a_missing_phone_number() -> None:
    message = OutgoingMessage.from_body(body(phone_number=None, recipient="BR.1A2B"), queue_id="1")

    assert (message.recipient, message.customer) == ("BR.1A2B", "BR.1A2B")


@pytest.mark.parametrize("text", [None, 5, "", "job-77", "wa:x:1", "wa:" + "-" * 36 + ":1", f"wa:{REFERENCE}:-1"])
def test_callback_data_of_another_program_are_ignored(text: Any) -> None:
    assert parse_opaque(text) is None


@pytest.mark.parametrize(
    "outcome",
    [
        outcomes.Accepted("wamid.1", alias="5511", paced=True),
        outcomes.Rejected(131026, "no"),
        outcomes.Retryable(130429, "slow", scope="number", after=3.0, counts=False),
        outcomes.NotTransmitted("no route"),
        outcomes.Blocked(190, "token"),
        outcomes.Unknown("cut"),
    ],
)
def test_an_outcome_is_unchanged_after_the_spool(outcome: outcomes.Outcome) -> None:
    assert outcomes.from_record(json.loads(json.dumps(outcomes.to_record(outcome)))) == outcome


@pytest.mark.parametrize(
    "data",
    [
        {"type": "image", "image": {"link": "https://[x"}},
        {"type": "template", "template": {"name": "a", "language": {"code": "en"}, "components": 5}},
        {"type": "template", "template_name": "a", "parameters": 5},
        {"type": "text", "text": 5},
        {"type": "text", "text": {"body": ["a"]}},
        {"type": "location", "location": {"latitude": float("nan"), "longitude": 1}},
        {"type": "image", "image": []},
        [],
    ],
)
def test_a_malformed_message_is_refused_as_bad_input(data: object) -> None:
    body = json.dumps({"phone_number": "+123", "message_data": data})

    with pytest.raises(BadInput):
        OutgoingMessage.from_body(body, queue_id="1")
