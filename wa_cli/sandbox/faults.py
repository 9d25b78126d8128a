"""Faults on request: `throttled=3%,cut_accepted=1%` names the shares of sends that meet one.

throttled          refused with 130429, as when the number's throughput is reached
failed             HTTP 500 with Meta's own error object: not accepted, to be retried
gateway_rejected   HTTP 504 of a gateway, and the API behind it never saw the message
gateway_accepted   HTTP 504 of a gateway, and the API behind it accepted the message
cut_before         the connection is closed after the request, and the message is not accepted
cut_accepted       the message is accepted, and the connection is closed before the answer
slow               the message is accepted, and the answer comes seconds late
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from wa_cli.errors import BadInput

KINDS = ("throttled", "failed", "gateway_rejected", "gateway_accepted", "cut_before", "cut_accepted", "slow")
AFTER_TAKING = ("gateway_accepted", "cut_accepted", "slow")
SLOW_SECONDS = 3.0


@dataclass(frozen=True)
class Faults:
    """Shares of the sends by kind of fault, together at most 1."""

    shares: Mapping[str, float] = field(default_factory=dict)

    def draw(self) -> str | None:
        """Return the fault of the next send, or None."""
        at = random.random()  # noqa: S311
        for kind, share in self.shares.items():
            at -= share
            if at < 0:
                return kind
        return None


def parse(text: str) -> Faults:
    """Parse `KIND=SHARE,…`. Raises BadInput."""
    shares: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        kind, _, share = part.partition("=")
        if kind not in KINDS:
            raise BadInput(f"{kind!r} is not a fault.", hint=f"Use one of {', '.join(KINDS)}.")
        shares[kind] = _share(share, part)
    if sum(shares.values()) > 1:
        raise BadInput(f"The shares of {text!r} are more than 100 %.")
    return Faults(shares)


def _share(text: str, part: str) -> float:
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise BadInput(f"{part!r} has no share between 0% and 100%.", hint="Write it like throttled=3%.")
    return share
