"""Workers are restarted after failures, repeated failures are reported, and stopping always completes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.engine.runtime.supervisor import (
    Started,
    StartFailed,
    Supervisor,
    SupervisorLimits,
    Worker,
    WorkerState,
    WorkerStatus,
)
from mexc_tui.model.storage import StorageFull
from mexc_tui.simulation.run import Simulation, simulate


class SupervisorFixture:
    """A supervisor with scripted workers and a log of their starts and ends."""

    def __init__(self, sim: Simulation, limits: SupervisorLimits | None = None) -> None:
        self.sim = sim
        self.log: list[str] = []
        self.reports: list[WorkerStatus] = []
        self.supervisor = Supervisor(sim.clock, sim.rng, report=self.reports.append, limits=limits)

    def worker(self, name: str, *lives: float | None, start_s: float = 0.0) -> Worker:
        """Return a worker whose run n fails after `lives[n]` seconds; None or no entry: never."""
        remaining = list(lives)

        async def run(started: Started) -> None:
            self.log.append(f"start {name}")
            try:
                await asyncio.sleep(start_s)
                started()
                self.log.append(f"ready {name}")
                life_s = remaining.pop(0) if remaining else None
                await asyncio.sleep(1e9 if life_s is None else life_s)
                raise OSError(f"{name} lost its\nconnection")
            finally:
                self.log.append(f"end {name}")

        return Worker(name=name, run=run)

    def status(self, name: str) -> WorkerStatus:
        return next(status for status in self.supervisor.statuses() if status.name == name)


def with_supervisor(
    main: Callable[[SupervisorFixture], Awaitable[None]], limits: SupervisorLimits | None = None
) -> None:
    async def run(sim: Simulation) -> None:
        fixture = SupervisorFixture(sim, limits)
        try:
            await main(fixture)
        finally:
            await fixture.supervisor.stop()

    simulate(run)


def test_workers_start_in_order_and_stop_in_reverse() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        await fixture.supervisor.start(
            [fixture.worker("store", start_s=2), fixture.worker("streams", start_s=1)]
        )
        await fixture.supervisor.stop()
        assert fixture.log == [
            "start store",
            "ready store",
            "start streams",
            "ready streams",
            "end streams",
            "end store",
        ]
        assert [status.state for status in fixture.supervisor.statuses()] == [WorkerState.STOPPED] * 2

    with_supervisor(main)


def test_later_workers_start_after_the_proceed_time_while_a_slow_worker_is_retried() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        tries = list[float]()

        async def run(started: Started) -> None:
            tries.append(asyncio.get_running_loop().time())
            await asyncio.sleep(5)
            if len(tries) == 1:
                raise OSError("no response")
            started()
            await asyncio.sleep(1e9)

        slow = Worker(name="slow", run=run, start_deadline_s=None, proceed_after_s=0.5)
        started_s = asyncio.get_running_loop().time()
        await fixture.supervisor.start([slow, fixture.worker("after")])
        assert round(asyncio.get_running_loop().time() - started_s, 3) == 0.5
        assert fixture.status("slow").state is WorkerState.STARTING
        assert fixture.status("after").state is WorkerState.RUNNING
        await asyncio.sleep(6)
        assert fixture.status("slow").failures == 1
        await asyncio.sleep(6)
        assert fixture.status("slow").state is WorkerState.RUNNING

    with_supervisor(main)


def test_a_failure_within_the_proceed_time_aborts_the_start() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        async def run(_: Started) -> None:
            raise OSError("broken")

        with pytest.raises(StartFailed, match="broken"):
            await fixture.supervisor.start([Worker(name="first", run=run, proceed_after_s=0.5)])

    with_supervisor(main)


def test_more_workers_can_be_started_later_and_stop_first() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        await fixture.supervisor.start([fixture.worker("store")])
        await fixture.supervisor.start([fixture.worker("desk")])
        await fixture.supervisor.stop()
        assert fixture.log[-2:] == ["end desk", "end store"]

    with_supervisor(main)


def test_a_worker_that_fails_to_start_stops_all_earlier_workers() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        async def fail(_: Started) -> None:
            raise PermissionError("permission denied")

        with pytest.raises(StartFailed, match="streams did not start: PermissionError: permission denied"):
            await fixture.supervisor.start(
                [fixture.worker("store"), Worker(name="streams", run=fail), fixture.worker("never")]
            )
        assert fixture.log == ["start store", "ready store", "end store"]

    with_supervisor(main)


def test_a_worker_that_is_not_ready_in_time_fails_the_start() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        with pytest.raises(StartFailed, match="not ready within 20 s"):
            await fixture.supervisor.start([fixture.worker("streams", start_s=21)])
        assert fixture.log == ["start streams", "end streams"]

    with_supervisor(main)


def test_a_cancelled_start_stops_the_started_workers() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await fixture.supervisor.start(
                    [fixture.worker("store"), fixture.worker("streams", start_s=9)]
                )
        assert fixture.log == ["start store", "ready store", "start streams", "end streams", "end store"]

    with_supervisor(main)


def test_two_workers_with_the_same_name_are_rejected() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        with pytest.raises(ValueError, match="two workers are named 'store'"):
            await fixture.supervisor.start([fixture.worker("store"), fixture.worker("store")])

    with_supervisor(main)


def test_H6_a_failing_worker_is_restarted_with_exponential_back_off_and_jitter() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        await fixture.supervisor.start([fixture.worker("streams", 1, 1, 1, 1)])
        await asyncio.sleep(200)
        pauses_s = [
            (after.since_ms - report.since_ms) / 1000
            for report, after in pairwise(fixture.reports)
            if report.state is WorkerState.BACKING_OFF
        ]
        shares = [pause_s / longest_s for pause_s, longest_s in zip(pauses_s, (1, 2, 4, 8), strict=True)]
        assert all(0.5 <= share <= 1 for share in shares)
        assert len(set(shares)) == 4
        status = fixture.status("streams")
        assert (status.state, status.restarts) == (WorkerState.RUNNING, 4)
        assert status.last_error == "OSError: streams lost its connection"

    with_supervisor(main)


def test_H6_three_failures_within_five_minutes_are_reported_as_degraded() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        await fixture.supervisor.start([fixture.worker("streams", 100, 100, 50)])
        await asyncio.sleep(205)
        assert not any(report.is_degraded for report in fixture.reports)
        await asyncio.sleep(60)
        degraded = [report for report in fixture.reports if report.is_degraded]
        assert (degraded[0].state, degraded[0].failures) == (WorkerState.BACKING_OFF, 3)
        assert fixture.status("streams").is_degraded

    with_supervisor(main)


def test_three_failures_spread_over_more_than_five_minutes_are_not_degraded() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        await fixture.supervisor.start([fixture.worker("streams", 1, 200, 200)])
        await asyncio.sleep(1_000)
        assert fixture.status("streams").restarts == 3
        assert not any(report.is_degraded for report in fixture.reports)

    with_supervisor(main)


def test_a_degraded_worker_recovers_after_five_minutes_without_failing() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        await fixture.supervisor.start([fixture.worker("streams", 1, 1, 1, 200)])
        await asyncio.sleep(250)
        assert fixture.status("streams").is_degraded
        await asyncio.sleep(250)
        assert fixture.status("streams").is_degraded
        await asyncio.sleep(50)
        recovered = fixture.reports[-1]
        assert (recovered.is_degraded, recovered.failures, recovered.state) == (False, 0, WorkerState.RUNNING)

    with_supervisor(main)


def test_a_degraded_worker_that_hangs_while_starting_has_not_recovered() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        starts = 0

        async def run(started: Started) -> None:
            nonlocal starts
            starts += 1
            if starts == 4:
                await asyncio.sleep(700)
            started()
            await asyncio.sleep(1 if starts < 4 else 1e9)
            raise OSError("gone")

        await fixture.supervisor.start([Worker(name="streams", run=run, start_deadline_s=1_000)])
        await asyncio.sleep(600)
        assert fixture.status("streams").is_degraded
        await asyncio.sleep(900)
        assert not fixture.status("streams").is_degraded

    with_supervisor(main)


def test_a_worker_that_returns_has_failed() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        async def return_early(started: Started) -> None:
            started()

        await fixture.supervisor.start([Worker(name="brief", run=return_early)])
        await asyncio.sleep(0.1)
        assert fixture.status("brief").last_error == "ended unexpectedly"

    with_supervisor(main)


def test_a_cancelled_future_inside_a_worker_counts_as_a_failure() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        async def await_cancelled_future(started: Started) -> None:
            started()
            gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            gone.cancel()
            await gone

        await fixture.supervisor.start([Worker(name="waiter", run=await_cancelled_future)])
        await asyncio.sleep(0.1)
        status = fixture.status("waiter")
        assert (status.state, status.last_error) == (WorkerState.BACKING_OFF, "CancelledError")

    with_supervisor(main)


def test_a_worker_that_hangs_during_a_restart_is_restarted() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        starts: list[Started] = []

        async def run(started: Started) -> None:
            starts.append(started)
            if len(starts) != 2:
                started()
            await asyncio.sleep(1 if len(starts) == 1 else 1e9)
            raise OSError("gone")

        await fixture.supervisor.start([Worker(name="streams", run=run)])
        await asyncio.sleep(15)
        starts[0]()
        assert fixture.status("streams").state is WorkerState.STARTING
        await asyncio.sleep(30)
        status = fixture.status("streams")
        assert (status.state, status.restarts) == (WorkerState.RUNNING, 2)
        assert status.last_error == "not ready within 20 s"

    with_supervisor(main)


def test_H2_a_worker_that_does_not_stop_delays_the_others_by_its_deadline_only() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        release = asyncio.Event()

        async def ignore_cancellation(started: Started) -> None:
            started()
            while not release.is_set():
                with suppress(asyncio.CancelledError):
                    await release.wait()

        await fixture.supervisor.start(
            [fixture.worker("store"), Worker(name="stuck", run=ignore_cancellation)]
        )
        started_ms = fixture.sim.clock.now_ms()
        await fixture.supervisor.stop()
        assert fixture.sim.clock.now_ms() - started_ms == 5_000
        assert [status.state for status in fixture.supervisor.statuses()] == [
            WorkerState.STOPPED,
            WorkerState.STUCK,
        ]
        release.set()
        await asyncio.sleep(0.1)
        assert fixture.status("stuck").state is WorkerState.STOPPED
        assert fixture.status("stuck").restarts == 0

    with_supervisor(main)


def test_an_error_while_stopping_is_recorded_without_a_restart() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        async def fail_on_cancel(started: Started) -> None:
            started()
            try:
                await asyncio.sleep(1e9)
            finally:
                raise OSError("the disk is full")

        await fixture.supervisor.start([Worker(name="store", run=fail_on_cancel)])
        await fixture.supervisor.stop()
        await asyncio.sleep(100)
        status = fixture.status("store")
        assert (status.state, status.last_error) == (WorkerState.STOPPED, "OSError: the disk is full")
        assert status.restarts == 0

    with_supervisor(main)


def test_stopping_a_worker_does_not_wait_for_its_back_off() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        await fixture.supervisor.start([fixture.worker("streams", 1)])
        await asyncio.sleep(1.1)
        assert fixture.status("streams").state is WorkerState.BACKING_OFF
        started_ms = fixture.sim.clock.now_ms()
        await fixture.supervisor.stop()
        assert fixture.sim.clock.now_ms() == started_ms
        assert fixture.status("streams").state is WorkerState.STOPPED

    with_supervisor(main)


def test_a_cancelled_stop_still_ends_every_worker() -> None:
    async def main(fixture: SupervisorFixture) -> None:
        async def clean_up_slowly(started: Started) -> None:
            started()
            try:
                await asyncio.sleep(1e9)
            finally:
                await asyncio.sleep(4)

        await fixture.supervisor.start([fixture.worker("store"), Worker(name="slow", run=clean_up_slowly)])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await fixture.supervisor.stop()
        await asyncio.sleep(0.1)
        assert fixture.status("store").state is WorkerState.STOPPED

    with_supervisor(main)


def test_a_failing_status_callback_does_not_stop_the_worker() -> None:
    async def main(sim: Simulation) -> None:
        def refuse(_: WorkerStatus) -> None:
            raise RuntimeError("callback failed")

        fixture = SupervisorFixture(sim)
        supervisor = Supervisor(sim.clock, sim.rng, report=refuse)
        await supervisor.start([fixture.worker("streams", 1)])
        await asyncio.sleep(10)
        assert supervisor.statuses()[0].state is WorkerState.RUNNING
        await supervisor.stop()

    simulate(main)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.lists(st.lists(st.floats(0, 400), max_size=8), min_size=1, max_size=4))
def test_every_worker_ends_once_per_start_whenever_workers_fail(seed: int, lives: list[list[float]]) -> None:
    async def main(sim: Simulation) -> None:
        fixture = SupervisorFixture(sim)
        workers = [fixture.worker(str(number), *life) for number, life in enumerate(lives)]
        await fixture.supervisor.start(workers)
        await asyncio.sleep(sim.rng.random() * 3_000)
        await fixture.supervisor.stop()
        for number in range(len(lives)):
            starts, ends = (fixture.log.count(f"{what} {number}") for what in ("start", "end"))
            assert starts == ends == fixture.status(str(number)).restarts + 1
        assert all(status.state is WorkerState.STOPPED for status in fixture.supervisor.statuses())

    simulate(main, seed=seed, shuffle=True)


def test_a_self_explanatory_error_is_logged_once_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main(fixture: SupervisorFixture) -> None:
        async def fail(_: Started) -> None:
            raise StorageFull("the disk is full; free some space.")

        with pytest.raises(StartFailed, match="the disk is full"):
            await fixture.supervisor.start([Worker(name="polls", run=fail)])
        assert caplog.records == []

        async def fail_later(started: Started) -> None:
            started()
            await fail(started)

        await fixture.supervisor.start([Worker(name="detection", run=fail_later)])
        await asyncio.sleep(0.1)
        (record,) = caplog.records
        assert record.getMessage() == "worker detection failed: the disk is full; free some space."
        assert record.exc_info is None

    with_supervisor(main)
