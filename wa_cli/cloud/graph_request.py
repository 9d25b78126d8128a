"""Requests for objects of the Graph API, and the errors of refused ones. Sending a message returns an outcome instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from wa_cli.cloud import codes
from wa_cli.errors import CloudError, NotFound, Unauthorized

# Codes of an object that does not exist, or that the token may not see.
UNKNOWN_OBJECT = 100


async def get(http: httpx.AsyncClient, url: str, what: str, **params: str) -> Mapping[str, Any]:
    """Return the object at `url`, or an empty one if the answer is not an object. Raises CloudError, Unauthorized or
    NotFound.
    """
    with translated(what):
        response = await http.get(url, params=params or None)
        check(response, what)
        answer = response.json()
    return answer if isinstance(answer, Mapping) else {}


async def post(http: httpx.AsyncClient, url: str, what: str, body: Mapping[str, Any], *, verb: str) -> None:
    """Post to an object. `verb` names the change in errors. Raises CloudError, Unauthorized or NotFound."""
    with translated(what, verb):
        response = await http.post(url, json=dict(body))
        check(response, what, verb)


def check(response: httpx.Response, what: str, verb: str = "read") -> None:
    """Raise the error of an answer unless its status is 200."""
    status = response.status_code
    if status == 200:
        return
    message = f"Cannot {verb} {what}: HTTP {status}"
    code, subcode = _error_code(response)
    kind = codes.classify(code, status, subcode) if code is not None else None
    if code == UNKNOWN_OBJECT or (kind is None and status in (404, 410)):
        raise NotFound(f"Cannot find {what}: it does not exist, or belongs to another business (HTTP {status}).")
    if kind is codes.Class.BLOCKED or (kind is None and status in (401, 403)):
        raise Unauthorized(f"{message}.", hint="Check that WA_ACCESS_TOKEN is valid and of this business.")
    if kind is codes.Class.PERMANENT:
        raise NotFound(f"{message}, code {code}.")
    raise CloudError(f"{message}.")


def _error_code(response: httpx.Response) -> tuple[int | None, int | None]:
    """Return Meta's code and subcode if the answer is an error of Meta that was read."""
    if not response.is_stream_consumed and not response.is_closed:
        return None, None  # a download, whose answers have no such body
    try:
        error = response.json()["error"]
        code, subcode = error["code"], error.get("error_subcode")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None
    return (code if isinstance(code, int) else None), (subcode if isinstance(subcode, int) else None)


@contextmanager
def translated(what: str, verb: str = "read") -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        raise CloudError(f"Cannot {verb} {what} now: {type(error).__name__} {error}".rstrip()) from error
