"""Signatures of webhooks, and the classes of Meta's error codes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from wa_cli.cloud import codes, signature
from wa_cli.cloud.codes import Class
from wa_cli.messages.outcomes import Blocked, Rejected, Retryable
from wa_cli.sandbox import callbacks, host

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
def test_the_signatures_of_known_bodies_are_genuine(body: bytes, digest: str) -> None:
    assert signature.is_genuine(body, f"sha256={digest}", SECRET)


@pytest.mark.parametrize("header", [None, "", "sha1=abc", "sha256=", "sha256=" + "0" * 64, "sha256=é", "Ω"])
def test_a_wrong_or_missing_signature_is_not_genuine(header: str | None) -> None:
    assert not signature.is_genuine(b"{}", header, SECRET)


def test_no_signature_is_genuine_with_an_empty_secret() -> None:
    assert not signature.is_genuine(b"{}", signature.sign(b"{}", ""), "")


def test_the_sandbox_replaces_an_incomplete_app_secret(tmp_path: Path) -> None:
    (tmp_path / "app_secret").touch()

    made = host.app_secret(tmp_path)

    assert len(made) == 32
    assert host.app_secret(tmp_path) == made
    assert [path.name for path in tmp_path.iterdir()] == ["app_secret"]
    assert stat.S_IMODE((tmp_path / "app_secret").stat().st_mode) == 0o600


def test_the_sandbox_encodes_and_signs_bodies_as_meta_does() -> None:
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
def test_a_known_code_has_a_class_and_an_unknown_code_is_classified_by_its_http_status(
    code: int, status: int, kind: Class
) -> None:
    assert codes.classify(code, status) is kind


def test_an_object_that_the_token_cannot_see_blocks_the_number() -> None:
    assert codes.classify(100, 400) is Class.PERMANENT
    assert codes.classify(100, 400, subcode=33) is Class.BLOCKED


def test_every_code_gives_an_outcome_that_names_the_code() -> None:
    for number, code in codes.CODES.items():
        outcome = codes.outcome(number, 400, "(#x) said")
        assert isinstance(outcome, (Rejected, Retryable, Blocked))
        assert str(number) in outcome.why
        assert code.meaning
