"""Gaps of the event loop are detected, warned of, and followed by a comparison (reliability C3, C4)."""

import asyncio
from collections.abc import Callable

import pytest

from mexc_tui.engine.runtime.suspend_detector import MEASURED_S, SuspendDetector
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.stalls import sleep_machine, stand_still


class Watched:
    """A watch with what it has done."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.done = list[str]()
        self.compared_ms: int | None = None
        self.awake = SuspendDetector(
            sim.clock,
            sim.clock.now_ms,
            self._doer("distrust"),
            self._doer("resync"),
            self._doer("compare"),
            lambda: self.compared_ms,
        )

    def _doer(self, what: str) -> Callable[[], None]:
        return lambda: self.done.append(what)


def watching(work: Callable[[Watched], object]) -> None:
    """Run a watch for a second, then `work`."""

    async def main(sim: Simulation) -> None:
        watched = Watched(sim)
        task = asyncio.create_task(watched.awake.run(lambda: None))
        await asyncio.sleep(1)
        result = work(watched)
        if asyncio.iscoroutine(result):
            await result
        task.cancel()

    simulate(main)


def test_C4_a_loop_that_runs_has_no_gap() -> None:
    async def work(watched: Watched) -> None:
        since_ns = watched.sim.clock.monotonic_ns()
        await asyncio.sleep(60)
        assert watched.awake.stood_still_since(since_ns) == 0
        assert (watched.awake.count, watched.awake.warning, watched.awake.doubt) == (0, "", "")

    watching(work)


@pytest.mark.parametrize("seconds", [0.3, 1.5, 9.0])
def test_C4_a_gap_is_seen_before_and_after_the_loop_wakes_up(seconds: float) -> None:
    async def work(watched: Watched) -> None:
        since_ns = watched.sim.clock.monotonic_ns()
        stand_still(seconds)
        at_once = watched.awake.stood_still_since(since_ns)
        await asyncio.sleep(0.2)
        noted = watched.awake.stood_still_since(since_ns)
        assert abs(at_once - seconds * 1_000) <= 100
        assert abs(noted - seconds * 1_000) <= 100
        assert watched.awake.stood_still_since(watched.sim.clock.monotonic_ns()) == 0
        assert "was blocked" in watched.awake.warning
        assert watched.awake.count == 1
        await asyncio.sleep(61)
        assert not watched.awake.warning

    watching(work)


def test_C4_a_short_delay_is_no_gap() -> None:
    async def work(watched: Watched) -> None:
        since_ns = watched.sim.clock.monotonic_ns()
        stand_still(0.14)
        assert watched.awake.stood_still_since(since_ns) == 0
        await asyncio.sleep(0.2)
        assert watched.awake.count == 0

    watching(work)


def test_C3_a_machine_that_slept_is_seen_by_its_wall_clock() -> None:
    async def work(watched: Watched) -> None:
        since_ns = watched.sim.clock.monotonic_ns()
        sleep_machine(watched.sim, 30)
        assert abs(watched.awake.stood_still_since(since_ns) - 30_000) <= 1
        await asyncio.sleep(0.2)
        assert watched.done == ["distrust", "resync"]

    watching(work)


def test_C3_after_a_long_gap_entries_wait_until_the_ledger_was_compared_since() -> None:
    async def work(watched: Watched) -> None:
        stand_still(4)
        await asyncio.sleep(0.2)
        assert watched.done == ["distrust", "resync"]
        assert "blocked for 4." in watched.awake.doubt
        watched.compared_ms = watched.sim.clock.now_ms()
        await asyncio.sleep(1)
        assert watched.awake.doubt, "that comparison began before the clock was measured"
        await asyncio.sleep(MEASURED_S)
        assert watched.done == ["distrust", "resync", "compare"]
        assert watched.awake.doubt
        watched.compared_ms = watched.sim.clock.now_ms()
        await asyncio.sleep(0.2)
        assert not watched.awake.doubt

    watching(work)


def test_C3_a_gap_during_the_comparison_makes_entries_wait_for_another() -> None:
    async def work(watched: Watched) -> None:
        stand_still(4)
        await asyncio.sleep(MEASURED_S + 0.5)
        stand_still(4)
        await asyncio.sleep(0.2)
        watched.compared_ms = watched.sim.clock.now_ms()
        await asyncio.sleep(0.2)
        assert watched.awake.doubt
        await asyncio.sleep(MEASURED_S)
        watched.compared_ms = watched.sim.clock.now_ms()
        await asyncio.sleep(0.2)
        assert not watched.awake.doubt

    watching(work)
