"""Files of the sandbox's customers. They are made from their id, so that they survive a restart."""

from __future__ import annotations

import base64
import hashlib
import secrets
import struct
import time
import zlib
from dataclasses import dataclass

URL_LIFETIME = 300
# The first digits of an id tell the type of its file.
_TYPES = {
    "31": "image/png",
    "32": "video/mp4",
    "33": "audio/ogg; codecs=opus",
    "34": "application/pdf",
    "35": "image/webp",
}
KINDS = {"image": "31", "echo_image": "31", "video": "32", "audio": "33", "document": "34", "sticker": "35"}


@dataclass(frozen=True)
class File:
    id: str
    mime_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The hash in base64, as in webhooks."""
        return base64.b64encode(hashlib.sha256(self.content).digest()).decode()


def make(kind: str) -> File:
    """Return a new file of that message type. Any other type gets a picture."""
    found = find(KINDS.get(kind, "31") + f"{secrets.randbelow(10**13):013}")
    assert found is not None
    return found


def find(identity: str) -> File | None:
    """Return the file of that id, or None."""
    mime_type = _TYPES.get(identity[:2]) if len(identity) == 15 and identity.isdigit() else None
    if mime_type is None:
        return None
    content = _png(int(identity[2:])) if mime_type == "image/png" else f"A file of the sandbox: {identity}\n".encode()
    return File(identity, mime_type, content)


def ticket(identity: str, secret: str, now: float | None = None) -> str:
    """Return the token of a URL that is valid for five minutes."""
    until = int(now if now is not None else time.time()) + URL_LIFETIME
    return f"{until}-{_mark(identity, until, secret)}"


def is_good(identity: str, given: str, secret: str) -> bool:
    until, _, mark = given.partition("-")
    return (
        until.isdigit()
        and int(until) > time.time()
        and secrets.compare_digest(mark, _mark(identity, int(until), secret))
    )


def _mark(identity: str, until: int, secret: str) -> str:
    return hashlib.sha256(f"{identity}/{until}/{secret}".encode()).hexdigest()[:24]


def _png(seed: int) -> bytes:
    """Return a small picture of one colour."""
    colour = bytes((seed & 255, seed >> 8 & 255, seed >> 16 & 255))
    rows = b"".join(b"\x00" + colour * 16 for _ in range(16))
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
