"""Retention deletes in small batches, pauses around openings, and recovers from a full disk."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from mexc_tui.engine.runtime.retention import BUSY_PAUSE_S, ROUND_INTERVAL_S, START_DELAY_S, RetentionWorker
from mexc_tui.model.storage import RetentionPeriods, StorageFull
from mexc_tui.practice.server import PracticeServer
from mexc_tui.simulation.clock import VirtualClock
from mexc_tui.simulation.loop import run
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import DAY, PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

KEEP = RetentionPeriods(journal_ms=1, metrics_ms=1, executions_ms=1, copies_ms=1)
NOW_MS = 1_800_000_000_000


class StorageDouble:
    """A store with `batches` batches per round that records when each was requested."""

    def __init__(self, batches: int, fails: Callable[[float], bool] = lambda _: False) -> None:
        self.batches = batches
        self.fails = fails
        self.requested_s = list[float]()
        self.copies = 0
        self._remaining = batches

    async def prune(self, keep: RetentionPeriods, now_ms: int) -> bool:
        assert (keep, now_ms) == (KEEP, NOW_MS)
        now_s = asyncio.get_running_loop().time()
        self.requested_s.append(now_s)
        if self.fails(now_s):
            raise StorageFull("The disk is full.")
        self._remaining -= 1
        if self._remaining:
            return True
        self._remaining = self.batches
        return False

    def delete_old_copies(self, keep: RetentionPeriods, now_ms: int) -> int:
        assert (keep, now_ms) == (KEEP, NOW_MS)
        self.copies += 1
        return 0


def run_retention(
    storage: StorageDouble,
    for_s: float,
    is_busy: Callable[[float], bool] = lambda _: False,
    *,
    clock_known_s: float = 0.0,
) -> list[float]:
    """Run the worker for `for_s` of virtual time; return when it requested batches, relative to its start."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        retention = RetentionWorker(
            storage=storage,
            keep=lambda: KEEP,
            now_ms=lambda: NOW_MS if loop.time() - started_s >= clock_known_s else None,
            is_busy=lambda: is_busy(loop.time() - started_s),
        )
        task = asyncio.create_task(retention.run(lambda: None))
        await asyncio.sleep(for_s)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return [at_s - started_s for at_s in storage.requested_s]

    return run(main())


def test_a_round_starts_two_minutes_after_the_start_and_every_six_hours() -> None:
    storage = StorageDouble(10)
    requested_s = run_retention(storage, START_DELAY_S + 3 * ROUND_INTERVAL_S + 60)
    assert len(requested_s) == 40
    assert requested_s[0] == START_DELAY_S
    assert min(after - before for before, after in pairwise(requested_s)) > 0.09
    assert storage.copies == 4


def test_nothing_is_deleted_around_an_opening_even_within_a_round() -> None:
    def is_busy(now_s: float) -> bool:
        return START_DELAY_S + 0.5 < now_s < START_DELAY_S + 500

    requested_s = run_retention(StorageDouble(10), START_DELAY_S + 600, is_busy)
    assert not [at_s for at_s in requested_s if is_busy(at_s)]
    assert 3 <= len([at_s for at_s in requested_s if at_s < START_DELAY_S + 1]) < 10
    assert len(requested_s) == 10
    assert requested_s[-1] < START_DELAY_S + 500 + BUSY_PAUSE_S + 2


def test_nothing_is_deleted_before_the_exchange_time_is_known() -> None:
    requested_s = run_retention(StorageDouble(10), START_DELAY_S + 700, clock_known_s=START_DELAY_S + 500)
    assert len(requested_s) == 10
    assert requested_s[0] >= START_DELAY_S + 500


@pytest.mark.parametrize("ahead_s", [-9 * 365 * 86_400, 0, 3_600, 9 * 365 * 86_400])
def test_the_exchange_time_is_unknown_while_the_clocks_differ_by_more_than_a_day(
    tmp_path: Path, ahead_s: int
) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        day.server = PracticeServer(DAY, 1, VirtualClock(ahead_ms=ahead_s * 1_000))
        await day.open()
        async with day.engine() as running:
            known_ms = running.engine.clock_worker.known_ms()
            assert (known_ms is None) is (abs(ahead_s) > 86_400)
            assert known_ms in (None, running.engine.parts.market.now_ms())

    simulate(main)


def test_a_full_disk_postpones_deletion_to_the_next_round() -> None:
    storage = StorageDouble(5, lambda now_s: now_s < 1_000)
    requested_s = run_retention(storage, START_DELAY_S + ROUND_INTERVAL_S + 60)
    assert len(requested_s) == 6
    assert storage.copies == 1
