"""Run a coroutine in a simulation."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from mexc_tui.simulation.clock import START_MS, VirtualClock
from mexc_tui.simulation.loop import run
from mexc_tui.simulation.network import Network

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Simulation:
    """Clock, network and random generator of a program in virtual time."""

    clock: VirtualClock
    network: Network
    rng: random.Random


def simulate(
    main: Callable[[Simulation], Awaitable[T]],
    *,
    seed: int = 0,
    shuffle: bool = False,
    start_ms: int = START_MS,
) -> T:
    """Run `main(sim)` in virtual time over an in-memory network; everything random follows `seed`.

    `shuffle` runs tasks that are ready in a shuffled order. Use it in a plain test function:
    `simulate(main)` with `async def main(sim: Simulation): ...` inside it.
    """
    # aiohttp draws WebSocket masks from the global generator.
    before = random.getstate()
    random.seed(seed)
    try:
        return run(_live(main, seed, start_ms), shuffle_seed=seed if shuffle else None)
    finally:
        random.setstate(before)


async def _live(main: Callable[[Simulation], Awaitable[T]], seed: int, start_ms: int) -> T:
    network = Network(seed)
    clock = VirtualClock(asyncio.get_running_loop(), start_ms=start_ms)
    try:
        return await main(Simulation(clock, network, random.Random(seed)))
    finally:
        await network.close()
