from __future__ import annotations

import httpx

from wa_cli.checks.account_answers import given
from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation

NAME, TITLE = "callback", "Webhook callback"

CHALLENGE = "2087341190"
TIMEOUT = 10.0


def run(installation: Installation) -> Finding:
    """Check that the callback URL at Meta answers the handshake with our verify token, as seen from here."""
    url = given(installation.account.number).callback
    facts = {"url": url}
    if url is None:
        return Finding(Level.SKIPPED, "Meta does not tell the callback URL of the number", facts=facts)
    if installation.verify_token is None:
        message = f"Meta posts to {url}; without WA_VERIFY_TOKEN the handshake cannot be tried"
        return Finding(Level.SKIPPED, message, facts=facts)
    query = {"hub.mode": "subscribe", "hub.challenge": CHALLENGE, "hub.verify_token": installation.verify_token}
    try:
        answer = httpx.get(url, params=query, timeout=TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        message = f"Meta posts to {url}, which cannot be reached from here: {type(error).__name__}"
        is_local = url.startswith(("http://127.0.0.1", "http://localhost"))
        return Finding(Level.SKIPPED if is_local else Level.WARNING, message, "wa serve", facts)
    if (answer.status_code, answer.text) != (200, CHALLENGE):
        message = f"Meta posts to {url}, which rejects our WA_VERIFY_TOKEN (HTTP {answer.status_code})"
        return Finding(Level.FAILED, message, facts=facts)
    return Finding(Level.OK, f"Meta posts to {url}, which answers the handshake", facts=facts)
