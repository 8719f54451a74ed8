"""Plays many plans on several processes, and reduces what failed."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from mexc_tui.verification.golden import GOLDEN
from mexc_tui.verification.plan import CommandKind, CrashPlan, RunPlan, draw
from mexc_tui.verification.run import RunResult, play
from mexc_tui.verification.shrink import shrunk


@dataclass(slots=True)
class CampaignResult:
    """What many runs injected and found."""

    runs: int = 0
    seconds: float = 0.0
    crashes: int = 0
    port_calls: int = 0
    bought: int = 0
    """Runs in which an order was filled: the others prove little."""
    settled_s: list[float] = field(default_factory=list[float])
    """Virtual seconds until each unknown order was settled once the faults were over."""
    settled_beside_flow_s: list[float] = field(default_factory=list[float])
    """The same for runs with a deposit or withdrawal: its difference must stay constant for ten seconds."""
    injected: Counter[str] = field(default_factory=Counter[str])
    """How many of each kind of fault and command."""
    failed: list[RunResult] = field(default_factory=list[RunResult])

    def add(self, result: RunResult) -> None:
        """Count one run."""
        self.runs += 1
        self.crashes += result.crashes
        self.port_calls += result.port_calls
        self.bought += result.bought
        has_flow = CommandKind.DEPOSIT.value in result.plan.kinds()
        times_s = self.settled_beside_flow_s if has_flow else self.settled_s
        times_s += result.settled_s
        self.injected.update(result.plan.kinds())
        if result.violations:
            self.failed.append(result)

    @property
    def runs_per_s(self) -> float:
        """Return the speed over all processes together."""
        return self.runs / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """A golden scenario with one crash."""

    scenario: str
    crash: CrashPlan

    def plan(self) -> RunPlan:
        """Return the plan to play."""
        return replace(GOLDEN[self.scenario], crashes=(self.crash,))


def crash_points(names: Iterable[str], *, every: int = 1, first: int = 1) -> Iterator[CrashPoint]:
    """Return a crash before and after each port call of golden scenarios: `first`, and each `every`-th after.

    A scenario is played once without a crash to count its calls.
    """
    for name in names:
        for at_call in range(first, play(GOLDEN[name]).port_calls + 1, every):
            for is_after in (False, True):
                yield CrashPoint(name, CrashPlan(at_call, is_after=is_after))


def run_seed(seed: int) -> RunResult:
    """Play one seed."""
    return play(draw(seed))


def run_plans(
    plans: Iterable[RunPlan],
    *,
    workers: int | None = None,
    on_result: Callable[[RunResult], None] | None = None,
) -> CampaignResult:
    """Play plans on so many processes (None: one for each core). `on_result` is called for each run."""
    total, start_s = CampaignResult(), time.monotonic()
    for result in _results(plans, workers or os.cpu_count() or 1):
        total.add(result)
        if on_result is not None:
            on_result(result)
    total.seconds = time.monotonic() - start_s
    return total


def _results(plans: Iterable[RunPlan], workers: int) -> Iterator[RunResult]:
    if workers == 1:
        yield from map(play, plans)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(play, plans)


def reduced(result: RunResult) -> RunResult:
    """Return a run with as few faults, crashes and commands as the first violation needs."""
    kind = result.violations[0].split(":")[0]

    def fails(plan: RunPlan) -> bool:
        return any(one.startswith(kind) for one in play(plan).violations)

    return play(shrunk(result.plan, fails))
