"""Workers are kept at work; one that keeps failing is reported, and stopping always comes to an end."""

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


class Office:
    """A supervisor with workers that a test directs, and a diary of all that they do."""

    def __init__(self, sim: Simulation, limits: SupervisorLimits | None = None) -> None:
        self.sim = sim
        self.diary: list[str] = []
        self.reports: list[WorkerStatus] = []
        self.supervisor = Supervisor(sim.clock, sim.rng, report=self.reports.append, limits=limits)

    def worker(self, name: str, *lives: float | None, start_s: float = 0.0) -> Worker:
        """Return a worker that lives so many seconds the first time, the second ...; then, or at None, on."""
        left = list(lives)

        async def run(started: Started) -> None:
            self.diary.append(f"start {name}")
            try:
                await asyncio.sleep(start_s)
                started()
                self.diary.append(f"ready {name}")
                life_s = left.pop(0) if left else None
                await asyncio.sleep(1e9 if life_s is None else life_s)
                raise OSError(f"{name} lost its\nconnection")
            finally:
                self.diary.append(f"end {name}")

        return Worker(name, run)

    def status(self, name: str) -> WorkerStatus:
        return next(status for status in self.supervisor.statuses() if status.name == name)


def in_office(main: Callable[[Office], Awaitable[None]], limits: SupervisorLimits | None = None) -> None:
    async def live(sim: Simulation) -> None:
        office = Office(sim, limits)
        try:
            await main(office)
        finally:
            await office.supervisor.stop()

    simulate(live)


def test_workers_start_one_after_another_and_stop_in_reverse() -> None:
    async def main(office: Office) -> None:
        await office.supervisor.start(
            [office.worker("store", start_s=2), office.worker("streams", start_s=1)]
        )
        await office.supervisor.stop()
        assert office.diary == [
            "start store",
            "ready store",
            "start streams",
            "ready streams",
            "end streams",
            "end store",
        ]
        assert [status.state for status in office.supervisor.statuses()] == [WorkerState.STOPPED] * 2

    in_office(main)


def test_one_that_is_not_waited_for_goes_on_beside_those_after_it_and_is_tried_again() -> None:
    async def main(office: Office) -> None:
        tries = list[float]()

        async def run(started: Started) -> None:
            tries.append(asyncio.get_running_loop().time())
            await asyncio.sleep(5)
            if len(tries) == 1:
                raise OSError("nobody answers")
            started()
            await asyncio.sleep(1e9)

        slow = Worker("slow", run, start_deadline_s=None, go_on_s=0.5)
        began_s = asyncio.get_running_loop().time()
        await office.supervisor.start([slow, office.worker("after")])
        assert round(asyncio.get_running_loop().time() - began_s, 3) == 0.5
        assert office.status("slow").state is WorkerState.STARTING
        assert office.status("after").state is WorkerState.RUNNING
        await asyncio.sleep(6)
        assert office.status("slow").failures == 1
        await asyncio.sleep(6)
        assert office.status("slow").state is WorkerState.RUNNING

    in_office(main)


def test_one_that_fails_within_the_time_it_is_waited_for_ends_the_start() -> None:
    async def main(office: Office) -> None:
        async def run(_: Started) -> None:
            raise OSError("broken")

        with pytest.raises(StartFailed, match="broken"):
            await office.supervisor.start([Worker("first", run, go_on_s=0.5)])

    in_office(main)


def test_more_workers_can_be_started_later_and_stop_first() -> None:
    async def main(office: Office) -> None:
        await office.supervisor.start([office.worker("store")])
        await office.supervisor.start([office.worker("desk")])
        await office.supervisor.stop()
        assert office.diary[-2:] == ["end desk", "end store"]

    in_office(main)


def test_a_worker_that_does_not_start_stops_all_before_it() -> None:
    async def main(office: Office) -> None:
        async def fail(_: Started) -> None:
            raise PermissionError("the file is not ours")

        with pytest.raises(StartFailed, match="streams did not start: PermissionError: the file is not ours"):
            await office.supervisor.start(
                [office.worker("store"), Worker("streams", fail), office.worker("never")]
            )
        assert office.diary == ["start store", "ready store", "end store"]

    in_office(main)


def test_a_worker_that_is_not_ready_in_time_fails_the_start() -> None:
    async def main(office: Office) -> None:
        with pytest.raises(StartFailed, match="not ready within 20 s"):
            await office.supervisor.start([office.worker("streams", start_s=21)])
        assert office.diary == ["start streams", "end streams"]

    in_office(main)


def test_a_start_that_is_cancelled_stops_what_had_started() -> None:
    async def main(office: Office) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await office.supervisor.start([office.worker("store"), office.worker("streams", start_s=9)])
        assert office.diary == ["start store", "ready store", "start streams", "end streams", "end store"]

    in_office(main)


def test_two_workers_of_one_name_are_refused() -> None:
    async def main(office: Office) -> None:
        with pytest.raises(ValueError, match="two workers are named 'store'"):
            await office.supervisor.start([office.worker("store"), office.worker("store")])

    in_office(main)


def test_H6_a_failing_worker_is_started_again_after_a_growing_pause_with_jitter() -> None:
    async def main(office: Office) -> None:
        await office.supervisor.start([office.worker("streams", 1, 1, 1, 1)])
        await asyncio.sleep(200)
        pauses_s = [
            (after.since_ms - report.since_ms) / 1000
            for report, after in pairwise(office.reports)
            if report.state is WorkerState.BACKING_OFF
        ]
        shares = [pause_s / longest_s for pause_s, longest_s in zip(pauses_s, (1, 2, 4, 8), strict=True)]
        assert all(0.5 <= share <= 1 for share in shares)
        assert len(set(shares)) == 4
        status = office.status("streams")
        assert (status.state, status.restarts) == (WorkerState.RUNNING, 4)
        assert status.last_error == "OSError: streams lost its connection"

    in_office(main)


def test_H6_three_failures_within_five_minutes_are_reported_as_degraded() -> None:
    async def main(office: Office) -> None:
        await office.supervisor.start([office.worker("streams", 100, 100, 50)])
        await asyncio.sleep(205)
        assert not any(report.is_degraded for report in office.reports)
        await asyncio.sleep(60)
        degraded = [report for report in office.reports if report.is_degraded]
        assert (degraded[0].state, degraded[0].failures) == (WorkerState.BACKING_OFF, 3)
        assert office.status("streams").is_degraded

    in_office(main)


def test_three_failures_spread_over_more_than_five_minutes_are_not_degraded() -> None:
    async def main(office: Office) -> None:
        await office.supervisor.start([office.worker("streams", 1, 200, 200)])
        await asyncio.sleep(1_000)
        assert office.status("streams").restarts == 3
        assert not any(report.is_degraded for report in office.reports)

    in_office(main)


def test_a_degraded_worker_recovers_after_five_minutes_without_failing() -> None:
    async def main(office: Office) -> None:
        await office.supervisor.start([office.worker("streams", 1, 1, 1, 200)])
        await asyncio.sleep(250)
        assert office.status("streams").is_degraded
        await asyncio.sleep(250)
        assert office.status("streams").is_degraded
        await asyncio.sleep(50)
        recovered = office.reports[-1]
        assert (recovered.is_degraded, recovered.failures, recovered.state) == (False, 0, WorkerState.RUNNING)

    in_office(main)


def test_a_degraded_worker_that_hangs_while_starting_has_not_recovered() -> None:
    async def main(office: Office) -> None:
        starts = 0

        async def run(started: Started) -> None:
            nonlocal starts
            starts += 1
            if starts == 4:
                await asyncio.sleep(700)
            started()
            await asyncio.sleep(1 if starts < 4 else 1e9)
            raise OSError("gone")

        await office.supervisor.start([Worker("streams", run, start_deadline_s=1_000)])
        await asyncio.sleep(600)
        assert office.status("streams").is_degraded
        await asyncio.sleep(900)
        assert not office.status("streams").is_degraded

    in_office(main)


def test_a_worker_that_returns_has_failed() -> None:
    async def main(office: Office) -> None:
        async def leave(started: Started) -> None:
            started()

        await office.supervisor.start([Worker("brief", leave)])
        await asyncio.sleep(0.1)
        assert office.status("brief").last_error == "ended unexpectedly"

    in_office(main)


def test_a_cancellation_that_comes_up_inside_a_worker_is_a_failure_like_any_other() -> None:
    async def main(office: Office) -> None:
        async def wait_for_somebody_who_gave_up(started: Started) -> None:
            started()
            gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            gone.cancel()
            await gone

        await office.supervisor.start([Worker("waiter", wait_for_somebody_who_gave_up)])
        await asyncio.sleep(0.1)
        status = office.status("waiter")
        assert (status.state, status.last_error) == (WorkerState.BACKING_OFF, "CancelledError")

    in_office(main)


def test_a_worker_that_hangs_while_starting_again_is_tried_again() -> None:
    async def main(office: Office) -> None:
        starts: list[Started] = []

        async def run(started: Started) -> None:
            starts.append(started)
            if len(starts) != 2:
                started()
            await asyncio.sleep(1 if len(starts) == 1 else 1e9)
            raise OSError("gone")

        await office.supervisor.start([Worker("streams", run)])
        await asyncio.sleep(15)
        starts[0]()
        assert office.status("streams").state is WorkerState.STARTING
        await asyncio.sleep(30)
        status = office.status("streams")
        assert (status.state, status.restarts) == (WorkerState.RUNNING, 2)
        assert status.last_error == "not ready within 20 s"

    in_office(main)


def test_H2_a_worker_that_does_not_stop_holds_the_others_up_for_its_deadline_only() -> None:
    async def main(office: Office) -> None:
        let_go = asyncio.Event()

        async def cling(started: Started) -> None:
            started()
            while not let_go.is_set():
                with suppress(asyncio.CancelledError):
                    await let_go.wait()

        await office.supervisor.start([office.worker("store"), Worker("clinging", cling)])
        began_ms = office.sim.clock.now_ms()
        await office.supervisor.stop()
        assert office.sim.clock.now_ms() - began_ms == 5_000
        assert [status.state for status in office.supervisor.statuses()] == [
            WorkerState.STOPPED,
            WorkerState.STUCK,
        ]
        let_go.set()
        await asyncio.sleep(0.1)
        assert office.status("clinging").state is WorkerState.STOPPED
        assert office.status("clinging").restarts == 0

    in_office(main)


def test_an_error_while_stopping_is_kept_and_nothing_is_started_again() -> None:
    async def main(office: Office) -> None:
        async def stumble(started: Started) -> None:
            started()
            try:
                await asyncio.sleep(1e9)
            finally:
                raise OSError("the disk is full")

        await office.supervisor.start([Worker("store", stumble)])
        await office.supervisor.stop()
        await asyncio.sleep(100)
        status = office.status("store")
        assert (status.state, status.last_error) == (WorkerState.STOPPED, "OSError: the disk is full")
        assert status.restarts == 0

    in_office(main)


def test_stopping_a_worker_that_backs_off_does_not_wait_for_it() -> None:
    async def main(office: Office) -> None:
        await office.supervisor.start([office.worker("streams", 1)])
        await asyncio.sleep(1.1)
        assert office.status("streams").state is WorkerState.BACKING_OFF
        began_ms = office.sim.clock.now_ms()
        await office.supervisor.stop()
        assert office.sim.clock.now_ms() == began_ms
        assert office.status("streams").state is WorkerState.STOPPED

    in_office(main)


def test_a_stop_that_is_cancelled_still_ends_every_worker() -> None:
    async def main(office: Office) -> None:
        async def tidy_long(started: Started) -> None:
            started()
            try:
                await asyncio.sleep(1e9)
            finally:
                await asyncio.sleep(4)

        await office.supervisor.start([office.worker("store"), Worker("slow", tidy_long)])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await office.supervisor.stop()
        await asyncio.sleep(0.1)
        assert office.status("store").state is WorkerState.STOPPED

    in_office(main)


def test_a_report_that_raises_does_not_stop_the_worker() -> None:
    async def main(sim: Simulation) -> None:
        def refuse(_: WorkerStatus) -> None:
            raise RuntimeError("nobody is at home")

        office = Office(sim)
        supervisor = Supervisor(sim.clock, sim.rng, report=refuse)
        await supervisor.start([office.worker("streams", 1)])
        await asyncio.sleep(10)
        assert supervisor.statuses()[0].state is WorkerState.RUNNING
        await supervisor.stop()

    simulate(main)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.lists(st.lists(st.floats(0, 400), max_size=8), min_size=1, max_size=4))
def test_whatever_fails_when_every_worker_ends_once_for_each_start_and_no_task_is_left(
    seed: int, lives: list[list[float]]
) -> None:
    async def main(sim: Simulation) -> None:
        office = Office(sim)
        workers = [office.worker(str(number), *life) for number, life in enumerate(lives)]
        await office.supervisor.start(workers)
        await asyncio.sleep(sim.rng.random() * 3_000)
        await office.supervisor.stop()
        for number in range(len(lives)):
            starts, ends = (office.diary.count(f"{what} {number}") for what in ("start", "end"))
            assert starts == ends == office.status(str(number)).restarts + 1
        assert all(status.state is WorkerState.STOPPED for status in office.supervisor.statuses())

    simulate(main, seed=seed, shuffle=True)


def test_what_is_wrong_in_plain_words_is_said_once_and_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main(office: Office) -> None:
        async def fail(_: Started) -> None:
            raise StorageFull("the disk is full; free some space.")

        with pytest.raises(StartFailed, match="the disk is full"):
            await office.supervisor.start([Worker("polls", fail)])
        assert caplog.records == []

        async def fail_later(started: Started) -> None:
            started()
            await fail(started)

        await office.supervisor.start([Worker("detection", fail_later)])
        await asyncio.sleep(0.1)
        (record,) = caplog.records
        assert record.getMessage() == "worker detection failed: the disk is full; free some space."
        assert record.exc_info is None

    in_office(main)
