"""Proof that Meta sent a webhook: HMAC-SHA256 of the app secret over the raw bytes (Meta: X-Hub-Signature-256)."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-Hub-Signature-256"
# The user agent of our self-test, whose unsigned request is not logged.
PROBE = "wa-verify"


def is_genuine(body: bytes, header: str | None, secret: str) -> bool:
    """Return True if the header is right, compared in constant time. Parse the body only after this.

    An empty secret makes no body genuine, since everyone could sign with it.
    """
    if not secret:
        return False
    claimed = (header or "").encode("ascii", "replace")
    return hmac.compare_digest(claimed, sign(body, secret).encode())


def sign(body: bytes, secret: str) -> str:
    """Return the header for a body, for a self-test and a replay."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
