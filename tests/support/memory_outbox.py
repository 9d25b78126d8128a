"""An outbox without a database, for unit tests of the worker's stages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from typing_extensions import override

from wa_cli.errors import RowRefused
from wa_cli.outbox.outbox import Claim, NumberShare, Outbox
from wa_cli.outbox.rate_limit import RateLimit
from wa_cli.outbox.settlement import Settled, Settlement
from wa_cli.outbox.sweeps import Expired, Sweeps


def claim(customer: str = "+123", *, attempt: int = 1, retry_count: int = 0, is_probe: bool = False) -> Claim:
    return Claim(
        reference=uuid4(),
        attempt=attempt,
        token=uuid4(),
        phone=customer,
        recipient=None,
        content={"type": "text", "text": {"body": "hi"}},
        customer=customer,
        retry_count=retry_count,
        is_probe=is_probe,
    )


class MemoryRateLimit(RateLimit):
    """A rate limit that records the names of its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.pauses: list[tuple[timedelta, timedelta]] = []
        self.shares: list[tuple[int, int]] = []

    @override
    def open_number(self, ceiling: float) -> None:
        self.calls.append("open_number")

    @override
    def slow_down(self, pause: timedelta, age: timedelta, *, throttled: int = 1, answers: int = 1) -> float | None:
        self.calls.append("slow_down")
        self.pauses.append((pause, age))
        self.shares.append((throttled, answers))
        return 5.0

    @override
    def block(self, why: str) -> bool:
        self.calls.append("block")
        return True

    @override
    def unblock(self) -> bool:
        self.calls.append("unblock")
        return True


STEPS = [
    "lose_leases",
    "decide_uncertain",
    "pass_heads_on",
    "expire",
    "repair_heads",
    "end_window_waits",
    "merge_pending_statuses",
    "prune",
]


class MemorySweeps(Sweeps):
    """Sweeps that record the names of their calls.

    A step with an entry in `failures` raises it. `decided` holds the decisions that evidence gives.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failures: dict[str, Exception] = {}
        self.decided: list[Any] = []
        self.expired = Expired()

    def _step(self, name: str) -> int:
        if name in self.failures:
            raise self.failures[name]
        self.calls.append(name)
        return 0

    @override
    def lose_leases(self) -> int:
        return self._step("lose_leases")

    @override
    def decide_uncertain(self, *, wait: timedelta, silence: timedelta, evidence_limit: timedelta) -> list[Any]:
        self._step("decide_uncertain")
        return self.decided

    @override
    def pass_heads_on(self, wait: timedelta) -> int:
        return self._step("pass_heads_on")

    @override
    def expire(self) -> Expired:
        self._step("expire")
        return self.expired

    @override
    def end_window_waits(self, after: str = "", limit: int = 1000) -> str:
        self._step("end_window_waits")
        return ""

    @override
    def repair_heads(self, after: str = "", limit: int = 1000) -> tuple[str, int]:
        return "", self._step("repair_heads")

    @override
    def merge_pending_statuses(self) -> int:
        return self._step("merge_pending_statuses")

    @override
    def prune(self, keep: timedelta) -> int:
        return self._step("prune")


@dataclass
class Refusal:
    """A refusal of outcomes with this reference by calls that write rows and do not leave out this column."""

    reference: object
    column: str | None = None


@dataclass
class MemoryOutbox(Outbox):
    """An outbox in memory. `due` messages can be claimed. Each error of `outages` is raised once, by the next call."""

    due: list[Claim] = field(default_factory=list)
    outages: list[Exception] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    settled: list[Settlement] = field(default_factory=list)
    without_row: list[Settlement] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    released: list[Claim] = field(default_factory=list)
    rate_limit: MemoryRateLimit = field(default_factory=MemoryRateLimit)
    sweeps: MemorySweeps = field(default_factory=MemorySweeps)
    share: NumberShare | None = None
    proofs: list[Settlement] = field(default_factory=list)

    @override
    def claim(self, limit: int, lease: timedelta) -> list[Claim]:
        self._answer()
        claimed, self.due = self.due[:limit], self.due[limit:]
        return claimed

    @override
    def release(self, claims: Iterable[Claim]) -> None:
        self._answer()
        self.released += claims

    @override
    def settle(
        self,
        settlements: Sequence[Settlement],
        *,
        rows_too: bool = True,
        left_out: frozenset[str] = frozenset(),
        failure: str | None = None,
    ) -> Settled:
        self._answer()
        if failure:
            self.failures.append(failure)
        refused = {refusal.reference for refusal in self.refusals if refusal.column not in left_out}
        if rows_too and any(settlement.reference in refused for settlement in settlements):
            raise RowRefused("the table refuses it")
        (self.settled if rows_too else self.without_row).extend(settlements)
        return Settled()

    @override
    def early_proofs(self, references: Sequence[UUID] | None = None) -> list[Settlement]:
        proofs, self.proofs = self.proofs, []
        return proofs

    @override
    def next_due(self) -> float | None:
        return 0.0

    @override
    def heartbeat(
        self,
        worker: str,
        host: str,
        pid: int,
        *,
        kind: str = "outgoing",
        idle: timedelta | None = None,
        rate: float | None = None,
    ) -> NumberShare | None:
        self._answer()
        return self.share

    def _answer(self) -> None:
        if self.outages:
            raise self.outages.pop(0)
