from __future__ import annotations

import httpx

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation, WebhookTarget
from wa_cli.cloud import signature, webhooks

NAME, TITLE = "webhook", "Webhook"

CHALLENGE = "1158201444"
TIMEOUT = 10.0


def run(installation: Installation) -> Finding | None:
    """Check that the webhook answers the handshake, accepts a signed notification and rejects an unsigned one."""
    if installation.get_webhook is None:
        return None
    target = installation.get_webhook()
    try:
        return _handshake_failure(target) or _signature_finding(target)
    except httpx.TransportError:
        return Finding(Level.SKIPPED, f"no service answers at {target.url}", "wa serve")


def _handshake_failure(target: WebhookTarget) -> Finding | None:
    if not target.verify_token:
        return None
    query = {"hub.mode": "subscribe", "hub.challenge": CHALLENGE, "hub.verify_token": target.verify_token}
    answer = httpx.get(target.url, params=query, timeout=TIMEOUT)
    if (answer.status_code, answer.text) == (200, CHALLENGE):
        return None
    message = f"{target.url} does not answer the handshake (HTTP {answer.status_code})"
    return Finding(Level.FAILED, message, hint="Start the service with the same WA_VERIFY_TOKEN.")


def _signature_finding(target: WebhookTarget) -> Finding:
    body = b'{"object":"%s","entry":[]}' % webhooks.OBJECT.encode()
    unsigned = _post(target.url, body, {"User-Agent": signature.PROBE})
    if unsigned == 200:
        message = f"{target.url} accepts unsigned webhooks"
        return Finding(Level.FAILED, message, hint="Start the service without --insecure-no-signature.")
    passed = ["answers the handshake"] if target.verify_token else []
    if target.secret:
        signed = _post(target.url, body, {signature.HEADER: signature.sign(body, target.secret)})
        if signed != 200:
            return _signed_failure(target.url, signed)
        passed.append("accepts signed webhooks")
    passed.append(f"rejects unsigned ones (HTTP {unsigned})")
    return Finding(Level.OK, f"{target.url} {', '.join(passed)}", facts={"url": target.url, "unsigned": unsigned})


def _signed_failure(url: str, status: int) -> Finding:
    message = f"{url} rejects a webhook that is signed with our secret (HTTP {status})"
    if status == 401:
        return Finding(Level.FAILED, message, hint="Start the service with the same WA_APP_SECRET.")
    return Finding(Level.FAILED, message, "wa queue status")


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    return httpx.post(url, content=body, headers=headers, timeout=TIMEOUT).status_code
