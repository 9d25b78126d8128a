"""Phone numbers with a scripted result, for testing any error.

+9990CCCCCC   accepted, then the status `failed` with the code CCCCCC, such as +9990131026
+9991CCCCCC   refused at once with the code CCCCCC
+9992…        accepted and delivered, never read
+9993…        accepted and sent, never delivered

No country has the code 999.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SCRIPTED = re.compile(r"999([01])([0-9]{6})")


@dataclass(frozen=True)
class Behaviour:
    """The result of a message: a refusal with a code, or its statuses, the last of them perhaps with a code."""

    refused: int | None = None
    statuses: tuple[str, ...] = ("sent", "delivered", "read")
    code: int | None = None


def behaviour_of(customer: str) -> Behaviour:
    scripted = _SCRIPTED.fullmatch(customer)
    if scripted:
        code = int(scripted[2])
        return Behaviour(refused=code) if scripted[1] == "1" else Behaviour(statuses=("sent", "failed"), code=code)
    if customer.startswith("9992"):
        return Behaviour(statuses=("sent", "delivered"))
    if customer.startswith("9993"):
        return Behaviour(statuses=("sent",))
    return Behaviour()
