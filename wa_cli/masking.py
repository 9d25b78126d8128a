"""Settings without passwords and keys, for printing."""

from __future__ import annotations

import re
from urllib.parse import unquote

HIDDEN = "…"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# A name in a query or in a connection string whose value is a secret. `passfile` is the path of a file.
_SECRET = re.compile(
    r"pass(?!file)|pwd|secret|token|credential|signature|apikey|accesskey|(^|[_-])(sig|key)$|^auth$", re.I
)
_PAIR = re.compile(r"([?&;#])([^=?&;#]*)=([^&]*)")
_CONNECTION_PAIR = re.compile(r"(\w+)(\s*=\s*)('(?:[^'\\]|\\.)*'?|(?:[^\s\\]|\\.)+)")
# A host, with port and path, and a query: an @ after that is part of a value.
_HOST_AND_QUERY = re.compile(r"[^:/?@]*(:\d*)?(/[^?]*)?\?[^=&@]+=")


def mask(secret: str) -> str:
    """Return enough of a secret to tell two apart, and never enough to use it."""
    return f"{secret[:3]}{HIDDEN}{secret[-2:]}" if len(secret) >= 16 else HIDDEN


def mask_url(text: str) -> str:
    """Return a URL, or a connection string like `host=db password=…`, without passwords and keys. Other text is
    unchanged.
    """
    begin = _URL.match(text)
    if begin is None:
        return _CONNECTION_PAIR.sub(_masked_connection_pair, text)
    rest = text[begin.end() :]
    login = _login(rest)
    tail = _masked_pairs(rest[len(login) :])
    return begin[0] + _masked_login(login, begin[0]) + tail


def is_secret(name: str) -> bool:
    """Return True if a parameter of this name is a secret."""
    return _SECRET.search(unquote(name)) is not None


def _login(rest: str) -> str:
    """Return the part before the host, with its @. A password may have any character, so the last possible @ ends it."""
    before_query = rest.partition("?")[0]
    if "@" in before_query:
        login = before_query[: before_query.rindex("@") + 1]
    elif "@" in rest and not _HOST_AND_QUERY.match(rest):
        login = rest[: rest.rindex("@") + 1]
    else:
        return ""
    return "" if "/" in login and ":" not in login.partition("/")[0] else login


def _masked_login(login: str, scheme: str) -> str:
    user, colon, _ = login.partition(":")
    if colon:
        return f"{user}:{HIDDEN}@"
    is_key = login and (scheme.lower().startswith("http") or "%3a" in login.lower())
    return f"{HIDDEN}@" if is_key else login


def _masked_pairs(query: str) -> str:
    def masked(found: re.Match[str]) -> str:
        value = HIDDEN if is_secret(found[2]) else _masked_pairs(found[3])
        return f"{found[1]}{found[2]}={value}"

    return _PAIR.sub(masked, query)


def _masked_connection_pair(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{HIDDEN}" if _SECRET.search(found[1]) else found[0]
