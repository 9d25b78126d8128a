"""Meta's error codes, a row each, with their effect on the number, the message and the next try.

Source: Meta's error-code pages and the experience of integrators. Titles are not matched. Only `code` decides, or the
HTTP status if there is no code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wa_cli.messages.outcomes import Blocked, Outcome, Rejected, Retryable


class Class(StrEnum):
    """The reaction of a sender to a code."""

    RETRY = "retry"
    THROTTLE_NUMBER = "throttle number"
    THROTTLE_PAIR = "throttle pair"
    BLOCKED = "blocked"
    PERMANENT = "permanent"


@dataclass(frozen=True)
class Code:
    number: int
    meaning: str
    kind: Class


_R, _T, _P, _B, _X = Class.RETRY, Class.THROTTLE_NUMBER, Class.THROTTLE_PAIR, Class.BLOCKED, Class.PERMANENT

_TABLE: list[tuple[int, Class, str]] = [
    (0, _B, "the token is invalid or revoked"),
    (1, _R, "unknown API error"),
    (2, _R, "the service is down or overloaded for the moment"),
    (3, _B, "the app lacks a capability or permission"),
    (4, _T, "the app's call rate limit is reached"),
    (10, _B, "the permission is missing or was removed"),
    (17, _T, "a Graph rate limit is reached"),
    (32, _T, "a Graph page rate limit is reached"),
    (33, _B, "the business number was deleted or its id is wrong"),
    (100, _X, "a parameter is invalid or missing"),
    (102, _B, "the session or token is invalid"),
    (104, _B, "the call's signature is missing"),
    (190, _B, "the token is invalid or expired"),
    (368, _B, "the account is blocked for a policy violation"),
    (613, _T, "a custom Graph rate limit is reached"),
    (803, _B, "the object was not found"),
    (2500, _B, "the call had no token, or an unknown path or version"),
    (80007, _T, "the business account's rate limit is reached"),
    (80008, _T, "too many management calls for the business account"),
    (130403, _X, "the business has blocked this customer"),
    (130429, _T, "the number's throughput is reached"),
    (130472, _X, "the customer is in a marketing experiment group"),
    (130497, _X, "the business may not message that country"),
    (131000, _R, "unknown error at WhatsApp"),
    (131005, _B, "access denied"),
    (131008, _X, "a required parameter is missing"),
    (131009, _X, "a parameter's value is invalid"),
    (131014, _X, "the link could not be fetched"),
    (131016, _R, "the service is unavailable"),
    (131021, _X, "the customer's number is the business's own"),
    (131026, _X, "undeliverable: not on WhatsApp, or the app is too old, or terms not accepted"),
    (131030, _X, "the number is not on the test number's allow list"),
    (131031, _B, "the account is locked"),
    (131037, _B, "the number's display name needs approval before sending"),
    (131042, _B, "a payment or eligibility problem"),
    (131043, _X, "the message expired"),
    (131044, _B, "a payment problem"),
    (131045, _B, "the number's registration or certificate has a problem"),
    (131047, _X, "more than 24 hours since the customer's last message: send a template"),
    (131048, _B, "too many messages were marked as spam: the number's quality is too low"),
    (131049, _X, "not delivered, to keep engagement healthy"),
    (131050, _X, "the customer opted out of marketing from this business"),
    (131051, _X, "the message type is not supported"),
    (131052, _X, "the media could not be downloaded"),
    (131053, _X, "the media could not be uploaded: type, size or link"),
    (131055, _X, "this endpoint does not take that template"),
    (131056, _P, "too many messages to this customer in a short time"),
    (131057, _R, "the account is in maintenance for the moment"),
    (131062, _X, "this message needs a phone number, not a user id"),
    (131063, _B, "marketing templates are disabled for this account"),
    (131064, _B, "a messaging limit is imposed on the account"),
    (131203, _X, "the group participant has not accepted the terms"),
    (132000, _X, "the number of template parameters differs from the definition"),
    (132001, _X, "the template does not exist in that language, or is not approved"),
    (132005, _X, "the rendered template is too long"),
    (132007, _X, "the template's content violates a policy"),
    (132008, _X, "a template parameter's value is invalid"),
    (132012, _X, "a template parameter's format differs from the definition"),
    (132015, _X, "the template is paused for low quality"),
    (132016, _X, "the template is disabled"),
    (132018, _X, "a template parameter is not valid"),
    (132068, _X, "the flow is blocked"),
    (132069, _R, "the flow is throttled"),
    (133000, _R, "an earlier deregistration is incomplete"),
    (133004, _R, "the registration server is unavailable"),
    (133005, _B, "the two-step PIN is wrong"),
    (133006, _B, "the number must be verified first"),
    (133008, _B, "too many PIN guesses"),
    (133009, _B, "PIN guesses came too fast"),
    (133010, _B, "the number is not registered on the Cloud API"),
    (133015, _R, "the number was deleted a moment ago"),
    (133016, _B, "too many registrations of this number"),
    (134011, _B, "the payments terms are not accepted"),
    (134100, _X, "only marketing templates are accepted here"),
    (134101, _R, "the template is still being synchronised"),
    (134102, _X, "the template is unavailable"),
    (135000, _X, "an error in the parameters"),
    (137000, _X, "the customer's identity key has changed"),
    (139000, _X, "the flow failed its integrity check"),
    (1752041, _X, "onboarding was already requested"),
]

CODES: dict[int, Code] = {number: Code(number, meaning, kind) for number, kind, meaning in _TABLE}

# Object id unknown or not visible to the token: the number or the token, not the message (Graph, code 100).
_UNKNOWN_OBJECT = 33
_PERMISSIONS = range(200, 300)


def classify(code: int | None, http_status: int, subcode: int | None = None) -> Class:
    """Return the class of a code. An unknown code is classified by its HTTP status."""
    if code == 100 and subcode == _UNKNOWN_OBJECT:
        return Class.BLOCKED
    if code in _PERMISSIONS:
        return Class.BLOCKED
    if code in CODES:
        return CODES[code].kind
    if http_status == 429:
        return Class.THROTTLE_NUMBER
    if http_status in (401, 403):
        return Class.BLOCKED
    return Class.RETRY if http_status >= 500 else Class.PERMANENT


def outcome(
    code: int | None,
    http_status: int,
    text: str,
    *,
    subcode: int | None = None,
    after: float | None = None,
    is_transient: bool = False,
) -> Outcome:
    """Return the outcome of an error of the send endpoint. `text` is Meta's text, `after` its Retry-After.

    `is_transient` is Meta's statement that the same call may succeed later. It counts for an unknown code.
    """
    why = text if code is None or f"#{code}" in text else f"{text} (#{code})"
    kind = classify(code, http_status, subcode)
    if is_transient and code not in CODES and kind is Class.PERMANENT:
        kind = Class.RETRY
    match kind:
        case Class.PERMANENT:
            return Rejected(code, why)
        case Class.BLOCKED:
            return Blocked(code, why)
        case Class.THROTTLE_NUMBER:
            return Retryable(code, why, scope="number", after=after, counts=False)
        case Class.THROTTLE_PAIR:
            return Retryable(code, why, scope="pair", after=after, counts=False)
        case _:
            return Retryable(code, why, after=after)


def meaning(code: int) -> str | None:
    """Return the meaning of a code in words, or None for an unknown one."""
    return CODES[code].meaning if code in CODES else None
