"""When again. Full jitter, because retries that come in step make the next outage."""

from __future__ import annotations

import random
from datetime import timedelta

BASE, CAP = 1.0, 900.0
PAIR_STEPS = 6
# Send nothing for so long when the number is throttled.
THROTTLE_PAUSE = timedelta(seconds=1)


def full_jitter(tries: int, *, base: float = BASE, cap: float = CAP) -> float:
    """Seconds until the next try after `tries` that failed: anywhere up to a bound that doubles with each."""
    return random.uniform(0, min(cap, base * 2.0 ** min(tries, 30)))  # noqa: S311


def pair_pause(throttled: int) -> float:
    """Seconds to leave one customer alone after that many throttled tries: 4^X (Meta, pair rate limit)."""
    return 4.0 ** min(throttled, PAIR_STEPS)
