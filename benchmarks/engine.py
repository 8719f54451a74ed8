"""The engine on all pairs: its start, a poll of exchangeInfo, and the longest turn of its loop."""

import asyncio
import gc
import os
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from benchmarks.common import Row, emit, percentile
from mexc_tui.app.composition import RunningEngine, running_engine
from mexc_tui.app.endpoints import SystemClock, practice_exchange
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.host.paths import paths_of
from mexc_tui.model.listing import ListingSource

ROUNDS = 10
PAUSE_S = 1.5
"""Polls weigh 25: the request budget delays a shorter interval."""
WARM_S = 5.0
"""Time for the exchange to precompute its pairs; afterwards it responds at full speed."""


@asynccontextmanager
async def engine(folder: Path) -> AsyncGenerator[tuple[RunningEngine, float]]:
    """Run an engine on a calm day; yields it and the seconds from start to ready."""
    async with practice_exchange("calm", 1) as endpoint:
        await asyncio.sleep(WARM_S)
        began = time.perf_counter()
        place = EngineLocation(endpoint, is_practice=True, paths=paths_of("practice", {"HOME": str(folder)}))
        async with running_engine(place, EngineEnvironment(SystemClock(), Random(1))) as running:
            yield running, time.perf_counter() - began


async def poll_costs(running: RunningEngine) -> list[float]:
    """Return the CPU milliseconds of this process, all threads, for each poll."""
    costs: list[float] = []
    for _ in range(ROUNDS):
        await asyncio.sleep(PAUSE_S)
        began = time.process_time()
        await running.engine.polls.poll_now(ListingSource.EXCHANGE_INFO)
        costs.append((time.process_time() - began) * 1e3)
    return costs


async def longest_holds(running: RunningEngine) -> list[float]:
    """Return the longest turn of the loop during each poll, in milliseconds."""
    held: list[float] = []
    for _ in range(ROUNDS):
        await asyncio.sleep(PAUSE_S)
        laps: list[float] = []
        watching = asyncio.create_task(_watch(laps))
        await running.engine.polls.poll_now(ListingSource.EXCHANGE_INFO)
        watching.cancel()
        held.append(max(laps))
    return held


async def _watch(laps: list[float]) -> None:
    """Record the thread time of each turn of the loop: this task runs once per turn."""
    while True:
        began = time.thread_time()
        await asyncio.sleep(0)
        laps.append((time.thread_time() - began) * 1e3)


def rss_mb() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(folder: Path) -> list[Row]:
    """Return all rows."""
    async with engine(folder) as (running, ready_s):
        gc.collect()
        gc.freeze()  # as the headless run does once it is ready
        costs, held = await poll_costs(running), await longest_holds(running)
        memory = rss_mb()
    group = "engine, 2,000 pairs"
    return [
        Row(group, "start to ready", ready_s, ready_s, "s", note="exchange already running; at most 2"),
        Row(group, "exchangeInfo: total", percentile(costs, 0.5), percentile(costs, 0.99), "ms",
            note="CPU of the process; at most 30"),
        Row(group, "exchangeInfo: longest block", percentile(held, 0.5), percentile(held, 0.99), "ms",
            note="CPU of one turn of the loop; at most 5"),
        Row(group, "memory", memory, memory, "MB", note="RSS; at most 120"),
    ]  # fmt: skip


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        emit(asyncio.run(measure(Path(folder))))


if __name__ == "__main__":
    main()
