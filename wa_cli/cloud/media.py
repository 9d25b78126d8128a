"""Files at Meta: their location and their bytes.

Facts from outside (Meta, business-phone-numbers/media): the URL of a file lives five minutes and needs the token.
Hashes are in base64 or in hex. `file_size` is a number or a string. The token is sent only to the host that Meta
names, over https and to a public address, or to the address of the API itself, where the sandbox keeps its files.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import IO, Any

import httpx

from wa_cli.cloud import graph_request, public_hosts
from wa_cli.errors import CloudError, NotFound

URL_LIFETIME = 300.0
# Documents have up to 100 MB.
LARGEST = 128 << 20
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True)
class Located:
    """The location of a file for the next five minutes, and Meta's description of it."""

    url: str
    mime_type: str | None
    sha256: str | None


class MediaClient:
    """A client of the media endpoints.

    `base_url` is the URL of the API with the version. Every method raises CloudError: Unauthorized if the token is
    refused, NotFound for an unknown file, which is also Meta's answer for a file of another business.
    """

    def __init__(self, http: httpx.AsyncClient, base_url: str = "") -> None:
        self.base_url = base_url
        self._http = http
        self._outside: httpx.AsyncClient | None = None

    async def close(self) -> None:
        if self._outside:
            await self._outside.aclose()

    async def locate(self, media_id: str, number: str | None) -> Located:
        if not _ID.fullmatch(media_id):
            raise NotFound(f"{media_id!r} is not the id of a file.")
        asked = {"phone_number_id": number} if number else {}
        found = await graph_request.get(self._http, f"{self.base_url}/{media_id}", f"the file {media_id}", **asked)
        if not isinstance(found.get("url"), str):
            raise CloudError(f"The answer for the file {media_id} does not have a URL.")
        return Located(found["url"], _word(found.get("mime_type")), _word(found.get("sha256")))

    async def download(self, url: str, into: IO[bytes]) -> tuple[int, bytes]:
        """Write the file to `into`. Return its size and its SHA-256."""
        size, digest = 0, hashlib.sha256()
        with graph_request.translated("the file"):
            http = self._client_for(url)
            async with asyncio.timeout(URL_LIFETIME), http.stream("GET", url, follow_redirects=False) as response:
                if response.status_code in (404, 410):
                    raise CloudError("The URL of the file has expired.")
                graph_request.check(response, "the file")
                async for chunk in response.aiter_bytes():
                    size += len(chunk)
                    if size > LARGEST:
                        raise NotFound(f"The file is larger than {LARGEST >> 20} MB.")
                    digest.update(chunk)
                    await asyncio.to_thread(into.write, chunk)
        return size, digest.digest()

    def _client_for(self, url: str) -> httpx.AsyncClient:
        """Return the client that may send the token to this URL. Raises CloudError if none may."""
        if public_hosts.origin(url) == public_hosts.origin(self.base_url):
            return self._http
        public_hosts.check(url)
        if self._outside is None:
            self._outside = public_hosts.client(self._http)
        return self._outside


def same_hash(claimed: str, digest: bytes) -> bool:
    """Return True if a hash as Meta writes it, in base64 or in hex, is this one."""
    if re.fullmatch(r"[0-9a-fA-F]{64}", claimed):
        return bytes.fromhex(claimed) == digest
    try:
        return base64.b64decode(claimed + "=" * (-len(claimed) % 4), validate=True) == digest
    except (binascii.Error, ValueError):
        return False


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
