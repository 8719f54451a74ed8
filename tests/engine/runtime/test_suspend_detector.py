"""Gaps of the event loop are detected, reported and followed by a reconciliation (reliability C3, C4)."""

import asyncio
from collections.abc import Callable

import pytest

from mexc_tui.engine.runtime.suspend_detector import CLOCK_SYNC_S, SuspendDetector
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.stalls import stop_process, suspend_machine


class DetectorFixture:
    """A detector with the calls that it made."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.calls = list[str]()
        self.reconciled_ms: int | None = None
        self.detector = SuspendDetector(
            clock=sim.clock,
            now_ms=sim.clock.now_ms,
            invalidate_prices=self._recorder("invalidate prices"),
            sync_clock=self._recorder("sync clock"),
            reconcile=self._recorder("reconcile"),
            reconciled_ms=lambda: self.reconciled_ms,
        )

    def _recorder(self, call: str) -> Callable[[], None]:
        return lambda: self.calls.append(call)


def with_detector(work: Callable[[DetectorFixture], object]) -> None:
    """Run a detector for a second, then `work`."""

    async def main(sim: Simulation) -> None:
        fixture = DetectorFixture(sim)
        task = asyncio.create_task(fixture.detector.run(lambda: None))
        await asyncio.sleep(1)
        result = work(fixture)
        if asyncio.iscoroutine(result):
            await result
        task.cancel()

    simulate(main)


def test_C4_a_running_loop_has_no_gap() -> None:
    async def work(fixture: DetectorFixture) -> None:
        since_ns = fixture.sim.clock.monotonic_ns()
        await asyncio.sleep(60)
        assert fixture.detector.blocked_ms_since(since_ns) == 0
        assert (fixture.detector.count, fixture.detector.warning, fixture.detector.entry_block) == (0, "", "")

    with_detector(work)


@pytest.mark.parametrize("seconds", [0.3, 1.5, 9.0])
def test_C4_a_gap_is_detected_before_and_after_the_next_wake_up(seconds: float) -> None:
    async def work(fixture: DetectorFixture) -> None:
        since_ns = fixture.sim.clock.monotonic_ns()
        stop_process(seconds)
        at_once = fixture.detector.blocked_ms_since(since_ns)
        await asyncio.sleep(0.2)
        afterwards = fixture.detector.blocked_ms_since(since_ns)
        assert abs(at_once - seconds * 1_000) <= 100
        assert abs(afterwards - seconds * 1_000) <= 100
        assert fixture.detector.blocked_ms_since(fixture.sim.clock.monotonic_ns()) == 0
        assert "was blocked" in fixture.detector.warning
        assert fixture.detector.count == 1
        await asyncio.sleep(61)
        assert not fixture.detector.warning

    with_detector(work)


def test_C4_a_short_delay_is_no_gap() -> None:
    async def work(fixture: DetectorFixture) -> None:
        since_ns = fixture.sim.clock.monotonic_ns()
        stop_process(0.14)
        assert fixture.detector.blocked_ms_since(since_ns) == 0
        await asyncio.sleep(0.2)
        assert fixture.detector.count == 0

    with_detector(work)


def test_C3_a_suspended_machine_is_detected_by_its_wall_clock() -> None:
    async def work(fixture: DetectorFixture) -> None:
        since_ns = fixture.sim.clock.monotonic_ns()
        suspend_machine(fixture.sim, 30)
        assert abs(fixture.detector.blocked_ms_since(since_ns) - 30_000) <= 1
        await asyncio.sleep(0.2)
        assert fixture.calls == ["invalidate prices", "sync clock"]

    with_detector(work)


def test_C3_after_a_long_gap_entries_wait_for_a_later_reconciliation() -> None:
    async def work(fixture: DetectorFixture) -> None:
        stop_process(4)
        await asyncio.sleep(0.2)
        assert fixture.calls == ["invalidate prices", "sync clock"]
        assert "blocked for 4." in fixture.detector.entry_block
        fixture.reconciled_ms = fixture.sim.clock.now_ms()
        await asyncio.sleep(1)
        assert fixture.detector.entry_block, "that reconciliation began before the clock was measured"
        await asyncio.sleep(CLOCK_SYNC_S)
        assert fixture.calls == ["invalidate prices", "sync clock", "reconcile"]
        assert fixture.detector.entry_block
        fixture.reconciled_ms = fixture.sim.clock.now_ms()
        await asyncio.sleep(0.2)
        assert not fixture.detector.entry_block

    with_detector(work)


def test_C3_a_gap_during_the_reconciliation_makes_entries_wait_for_another() -> None:
    async def work(fixture: DetectorFixture) -> None:
        stop_process(4)
        await asyncio.sleep(CLOCK_SYNC_S + 0.5)
        stop_process(4)
        await asyncio.sleep(0.2)
        fixture.reconciled_ms = fixture.sim.clock.now_ms()
        await asyncio.sleep(0.2)
        assert fixture.detector.entry_block
        await asyncio.sleep(CLOCK_SYNC_S)
        fixture.reconciled_ms = fixture.sim.clock.now_ms()
        await asyncio.sleep(0.2)
        assert not fixture.detector.entry_block

    with_detector(work)
