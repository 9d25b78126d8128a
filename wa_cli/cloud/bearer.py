"""The access token of every request. A token that was replaced on disk is used without a restart."""

from __future__ import annotations

from collections.abc import Callable, Generator

import httpx

from wa_cli.errors import ConfigError

UNAUTHORIZED = 401


class BearerToken(httpx.Auth):
    """Adds the token to requests. After a 401 it reads the token again with `reread`, and repeats the request if it
    changed.

    The repetition is safe: after a 401 the API has not acted on the request (Meta, error 190).
    """

    def __init__(self, token: str, reread: Callable[[], str | None] | None = None) -> None:
        self._token = token
        self._reread = reread

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        used = self._token
        request.headers["Authorization"] = f"Bearer {used}"
        response = yield request
        if response.status_code != UNAUTHORIZED:
            return
        self._renew()
        if self._token != used:
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _renew(self) -> None:
        """Take the token that is on disk now. Keep the old one while none can be read."""
        try:
            self._token = (self._reread and self._reread()) or self._token
        except ConfigError:
            return
