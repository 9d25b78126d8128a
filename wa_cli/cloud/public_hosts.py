"""Requests with the token to hosts that an answer named: over https and to public addresses only."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

from wa_cli.errors import CloudError

Address = IPv4Address | IPv6Address
# IPv4 addresses inside IPv6 ones: translated (RFC 6052, RFC 8215) and the old compatible form (RFC 4291).
_CARRIERS_OF_IPV4 = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port. Raises httpx.InvalidURL."""
    parsed = httpx.URL(url)
    return parsed.scheme, parsed.host, parsed.port


def check(url: str) -> None:
    """Raise CloudError unless the token may be sent there. The addresses of a name are checked when it is connected to."""
    scheme, host, _ = origin(url)
    if scheme != "https":
        raise CloudError(f"The URL of the file is on {scheme}://{host}: the token is sent over https only.")
    try:
        address = ip_address(host)
    except ValueError:
        return
    _check_address(host, address)


def client(like: httpx.AsyncClient) -> httpx.AsyncClient:
    """Return a client with the token, headers and time-out of `like` that connects to public addresses only."""
    transport = AiohttpTransport(client=_session)
    return httpx.AsyncClient(transport=transport, auth=like.auth, headers=like.headers, timeout=like.timeout)


def _session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(resolver=_PublicResolver(), use_dns_cache=False, ssl=httpx.create_ssl_context())
    return aiohttp.ClientSession(connector=connector)


class _PublicResolver(AbstractResolver):
    """The resolver of the system. It refuses names of this machine and of private networks."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for result in found:
            _check_address(host, ip_address(result["host"].partition("%")[0]))
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _check_address(host: str, address: Address) -> None:
    if not _is_public(address):
        raise CloudError(f"The URL of the file is on {host}, which is {address}: not a public address.")


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return _is_public(address.ipv4_mapped)
        if address.sixtofour or address.teredo or address.is_site_local:
            return False
        if any(address in network for network in _CARRIERS_OF_IPV4):
            return False
    return address.is_global and not address.is_multicast
