"""Trouble on request: a share of the sends meets it, as `throttled=3%,cut_accepted=1%` asks.

throttled          refused with 130429, as when the number's throughput is reached
failed             HTTP 500 with Meta's own error object: not taken, try again
gateway_rejected   HTTP 504 of a gateway, and what is behind it never saw the message
gateway_accepted   HTTP 504 of a gateway, and what is behind it took the message
cut_before         the connection is cut when the request is read, before the message is taken
cut_accepted       the message is taken, and the connection cut before the answer
slow               the message is taken, and the answer comes seconds late
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
    """Kind → share of the sends, together at most 1."""

    shares: Mapping[str, float] = field(default_factory=dict)

    def draw(self) -> str | None:
        """What the next send meets."""
        at = random.random()  # noqa: S311
        for kind, share in self.shares.items():
            at -= share
            if at < 0:
                return kind
        return None


def parse(text: str) -> Faults:
    """The faults of `KIND=SHARE,…`. Raises BadInput for what is none."""
    shares: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        kind, _, share = part.partition("=")
        if kind not in KINDS:
            raise BadInput(f"{kind!r} is not a fault.", hint=f"They are {', '.join(KINDS)}.")
        shares[kind] = _share(share, part)
    if sum(shares.values()) > 1:
        raise BadInput(f"The shares of {text!r} are more than the whole.")
    return Faults(shares)


def _share(text: str, part: str) -> float:
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise BadInput(f"{part!r} names no share between 0 and 1.", hint="Like throttled=3%")
    return share
