"""Is it really Meta who called? HMAC-SHA256 of the app secret over the raw bytes (Meta, webhooks: X-Hub-Signature-256)."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-Hub-Signature-256"
# Who asks whether the unsigned is refused says so, and is refused without alarm.
PROBE = "wa-verify"


def is_genuine(body: bytes, header: str | None, secret: str) -> bool:
    """Compared in constant time; a missing or malformed header is a wrong one. Parse the body only after this.

    An empty secret makes nothing genuine: everybody could sign with it.
    """
    if not secret:
        return False
    claimed = (header or "").encode("ascii", "replace")
    return hmac.compare_digest(claimed, sign(body, secret).encode())


def sign(body: bytes, secret: str) -> str:
    """The header's value for a body of our own: for a self-test and a replay."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
