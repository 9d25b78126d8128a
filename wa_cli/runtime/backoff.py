"""The delay until the next try. With full jitter, since retries in step cause the next outage."""

from __future__ import annotations

import random
from datetime import timedelta

BASE, CAP = 1.0, 900.0
PAIR_STEPS = 6
# Pause of a throttled number.
THROTTLE_PAUSE = timedelta(seconds=1)


def full_jitter(tries: int, *, base: float = BASE, cap: float = CAP) -> float:
    """Return the seconds until the next try after `tries` failures: random, up to a bound that doubles each time."""
    return random.uniform(0, min(cap, base * 2.0 ** min(tries, 30)))  # noqa: S311


def pair_pause(throttled: int) -> float:
    """Return the seconds to pause for one customer after that many throttled tries: 4^X (Meta, pair rate limit)."""
    return 4.0 ** min(throttled, PAIR_STEPS)
