"""Asking the Graph API for an object, and what its refusals mean. What sends a message has verdicts instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from wa_cli.cloud import codes
from wa_cli.errors import CloudError, NotFound, Unauthorized

# Of an object that is not there, or that the token may not see.
UNKNOWN_OBJECT = 100


async def get(http: httpx.AsyncClient, url: str, what: str, **params: str) -> Mapping[str, Any]:
    """The object at `url`, empty where the answer is none. Raises CloudError: Unauthorized, NotThere, or for now."""
    with translated(what):
        response = await http.get(url, params=params or None)
        check(response, what)
        answer = response.json()
    return answer if isinstance(answer, Mapping) else {}


def check(response: httpx.Response, what: str) -> None:
    """Raise what the answer means unless it is 200."""
    status = response.status_code
    if status == 200:
        return
    said = f"{what} cannot be had: HTTP {status}"
    code, subcode = _error_code(response)
    kind = codes.classify(code, status, subcode) if code is not None else None
    if code == UNKNOWN_OBJECT or (kind is None and status in (404, 410)):
        raise NotFound(f"{what} is not there any more, or not ours (HTTP {status}).")
    if kind is codes.Class.BLOCKED or (kind is None and status in (401, 403)):
        raise Unauthorized(f"{said}.", hint="Is WA_ACCESS_TOKEN valid, and of this business?")
    if kind is codes.Class.PERMANENT:
        raise NotFound(f"{said}, code {code}.")
    raise CloudError(f"{said}.")


def _error_code(response: httpx.Response) -> tuple[int | None, int | None]:
    """Meta's code and subcode, where the answer is an error of Meta's that was read."""
    if not response.is_stream_consumed and not response.is_closed:
        return None, None  # a download: its answers have no such body
    try:
        error = response.json()["error"]
        code, subcode = error["code"], error.get("error_subcode")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None
    return (code if isinstance(code, int) else None), (subcode if isinstance(subcode, int) else None)


@contextmanager
def translated(what: str) -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        raise CloudError(f"{what} cannot be had now: {type(error).__name__} {error}".rstrip()) from error
