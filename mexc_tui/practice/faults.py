"""Faults between the exchange and its clients, from the scenario and the seed."""

from dataclasses import dataclass
from random import Random

from mexc_tui.practice.scenario import FaultKind, FaultPlan

FOR_REQUESTS = frozenset(
    {
        FaultKind.DELAY,
        FaultKind.LATE_REQUEST,
        FaultKind.LOSE_REQUEST,
        FaultKind.LOSE_RESPONSE,
        FaultKind.EXECUTED_500,
        FaultKind.EXECUTED_REFUSED,
        FaultKind.LATE_EXECUTION,
        FaultKind.RESET,
        FaultKind.HALF_OPEN,
        FaultKind.STALE_SNAPSHOT,
        FaultKind.MALFORMED_ROW,
        FaultKind.TOO_MANY_REQUESTS,
        FaultKind.BANNED,
        FaultKind.FIREWALL,
        FaultKind.MAINTENANCE,
    }
)
FOR_PUSHES = frozenset(
    {
        FaultKind.DELAY,
        FaultKind.DROP_PUSH,
        FaultKind.DUPLICATE_PUSH,
        FaultKind.REORDER_PUSH,
        FaultKind.SILENCE,
        FaultKind.HALF_OPEN,
        FaultKind.RESET,
    }
)


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """A fault that applies to one request or push."""

    kind: FaultKind
    amount_ms: int


class _PlannedFault:
    """A planned fault with its own random generator and remaining count."""

    def __init__(self, plan: FaultPlan, random: Random, start_ms: int) -> None:
        self.plan = plan
        self._random = random
        self._from_ms = start_ms + int(plan.at_s * 1000)
        self._until_ms = None if plan.for_s is None else self._from_ms + int(plan.for_s * 1000)
        self._left = plan.times

    def is_due(self, now_ms: int) -> bool:
        return now_ms >= self._from_ms and (self._until_ms is None or now_ms < self._until_ms)

    def applies(self, now_ms: int, path: str, method: str) -> bool:
        plan = self.plan
        if self._left == 0 or not self.is_due(now_ms) or not path.startswith(plan.path):
            return False
        if plan.method and plan.method.upper() != method:
            return False
        if plan.chance < 1 and self._random.random() >= plan.chance:
            return False
        if self._left is not None:
            self._left -= 1
        return True


class Faults:
    """All faults of a scenario."""

    def __init__(self, plans: tuple[FaultPlan, ...], seed: int, start_ms: int) -> None:
        armed = [_PlannedFault(plan, Random(f"{seed} fault {i}"), start_ms) for i, plan in enumerate(plans)]
        self._requests = [fault for fault in armed if fault.plan.kind in FOR_REQUESTS]
        self._pushes = [
            fault for fault in armed if fault.plan.kind in FOR_PUSHES and not _is_for_rest(fault.plan)
        ]
        self._skews = [fault for fault in armed if fault.plan.kind is FaultKind.CLOCK_SKEW]

    @property
    def affects_pushes(self) -> bool:
        """Whether any fault can affect pushes; False skips the check."""
        return bool(self._pushes)

    def of_request(self, now_ms: int, method: str, path: str) -> list[InjectedFault]:
        """Return the faults that apply to a request, in the order of the scenario."""
        return _draw(self._requests, now_ms, path, method=method)

    def of_push(self, now_ms: int, channel: str) -> list[InjectedFault]:
        """Return the faults that apply to one push on one socket."""
        return _draw(self._pushes, now_ms, channel, method="")

    def skew_ms(self, now_ms: int) -> int:
        """Return how far the exchange's clock is ahead, in ms."""
        return sum(fault.plan.amount_ms for fault in self._skews if fault.is_due(now_ms))


def _draw(faults: list[_PlannedFault], now_ms: int, path: str, *, method: str) -> list[InjectedFault]:
    return [
        InjectedFault(fault.plan.kind, fault.plan.amount_ms)
        for fault in faults
        if fault.applies(now_ms, path, method)
    ]


def _is_for_rest(plan: FaultPlan) -> bool:
    return plan.path.startswith("/") or bool(plan.method)
