from __future__ import annotations

import httpx

from wa_cli.cloud import signature, webhooks
from wa_cli.verify.base import Check, Finding, Level

CHALLENGE = "1158201444"
TIMEOUT = 10.0


def check(url: str, secret: str | None, verify_token: str | None) -> Check:
    """The webhook at `url`: does it answer the handshake, take what is signed, and refuse what is not?"""

    def look() -> Finding:
        try:
            return _look(url, secret, verify_token)
        except httpx.TransportError:
            return Finding(Level.SKIPPED, f"no service answers at {url}", "wa serve")

    return Check("webhook", "Webhook", look)


def _look(url: str, secret: str | None, verify_token: str | None) -> Finding:
    said = []
    if verify_token:
        asked = {"hub.mode": "subscribe", "hub.challenge": CHALLENGE, "hub.verify_token": verify_token}
        answer = httpx.get(url, params=asked, timeout=TIMEOUT)
        if (answer.status_code, answer.text) != (200, CHALLENGE):
            what = f"{url} does not answer the handshake (HTTP {answer.status_code}): has it our WA_VERIFY_TOKEN?"
            return Finding(Level.FAILED, what)
        said.append("answers the handshake")
    body = b'{"object":"%s","entry":[]}' % webhooks.OBJECT.encode()
    unsigned = httpx.post(url, content=body, headers={"User-Agent": signature.PROBE}, timeout=TIMEOUT).status_code
    if unsigned == 200:
        return Finding(Level.FAILED, f"{url} takes webhooks that nobody signed: was --insecure-no-signature meant?")
    if secret:
        signed = httpx.post(
            url, content=body, headers={signature.HEADER: signature.sign(body, secret)}, timeout=TIMEOUT
        )
        if signed.status_code != 200:
            why = "has it our WA_APP_SECRET?" if signed.status_code == 401 else "is its queue there?"
            said_no = f"{url} does not take what is signed with our secret (HTTP {signed.status_code}): {why}"
            return Finding(Level.FAILED, said_no, "wa queue status")
        said.append("takes what is signed")
    said.append(f"refuses what is not (HTTP {unsigned})")
    return Finding(Level.OK, f"{url} {', '.join(said)}", facts={"url": url, "unsigned": unsigned})
