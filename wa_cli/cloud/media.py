"""Files at Meta: where one lies, and its bytes.

Facts from outside (Meta, business-phone-numbers/media): the URL of a file lives five minutes and needs the token; hashes are
in base64 or in hex; `file_size` is a number or a string. The token goes to the host that Meta names and to no other: over
https, to a public address, or to the very place that the API itself is at, as the sandbox's files are.
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
    """Where a file lies for the next five minutes, and what Meta says of it."""

    url: str
    mime_type: str | None
    sha256: str | None


class MediaClient:
    """`base_url` is the API's with the version. Every method raises CloudError: Unauthorized where it is the token's fault,
    NotThere where Meta says that there is no such file, which is also what it says of another business's.
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
            raise NotFound(f"{media_id!r} is no id of a file.")
        asked = {"phone_number_id": number} if number else {}
        found = await graph_request.get(self._http, f"{self.base_url}/{media_id}", f"The file {media_id}", **asked)
        if not isinstance(found.get("url"), str):
            raise CloudError(f"The answer for the file {media_id} names no URL.")
        return Located(found["url"], _word(found.get("mime_type")), _word(found.get("sha256")))

    async def download(self, url: str, into: IO[bytes]) -> tuple[int, bytes]:
        """Write it there; its size and SHA-256."""
        size, digest = 0, hashlib.sha256()
        with graph_request.translated("The file"):
            http = self._client_for(url)
            async with asyncio.timeout(URL_LIFETIME), http.stream("GET", url, follow_redirects=False) as response:
                if response.status_code in (404, 410):
                    raise CloudError("The file's URL is not good any more.")
                graph_request.check(response, "The file")
                async for chunk in response.aiter_bytes():
                    size += len(chunk)
                    if size > LARGEST:
                        raise NotFound(f"The file is larger than {LARGEST >> 20} MB.")
                    digest.update(chunk)
                    await asyncio.to_thread(into.write, chunk)
        return size, digest.digest()

    def _client_for(self, url: str) -> httpx.AsyncClient:
        """The client that may send the token to this URL. Raises CloudError where none may."""
        if public_hosts.origin(url) == public_hosts.origin(self.base_url):
            return self._http
        public_hosts.check(url)
        if self._outside is None:
            self._outside = public_hosts.client(self._http)
        return self._outside


def same_hash(claimed: str, digest: bytes) -> bool:
    """Whether a hash as Meta writes it, in base64 or in hex, is this one."""
    if re.fullmatch(r"[0-9a-fA-F]{64}", claimed):
        return bytes.fromhex(claimed) == digest
    try:
        return base64.b64decode(claimed + "=" * (-len(claimed) % 4), validate=True) == digest
    except (binascii.Error, ValueError):
        return False


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
