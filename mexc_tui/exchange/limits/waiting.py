"""Waits until an exact time of the monotonic clock, never less (performance 5)."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mexc_tui.ports.clock import Clock

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
SPIN_NS = 2 * NS_PER_MS
"""Last part of a wait, spent polling the clock: event-loop timers are late by a millisecond or more."""


async def sleep_until(clock: "Clock", at_ns: int) -> None:
    """Sleep until `at_ns` or a few milliseconds later."""
    while True:
        left_ns = at_ns - clock.monotonic_ns()
        if left_ns <= 0:
            return
        await asyncio.sleep(left_ns / NS_PER_S)


async def spin_until(clock: "Clock", at_ns: int) -> None:
    """Wait until `at_ns`, polling the clock at the end. Other tasks run meanwhile."""
    await sleep_until(clock, at_ns - SPIN_NS)
    now_ns = clock.monotonic_ns()
    while now_ns < at_ns:
        await asyncio.sleep(0)
        before_ns, now_ns = now_ns, clock.monotonic_ns()
        if now_ns == before_ns:
            # A virtual clock advances by timers only.
            await sleep_until(clock, at_ns)
            return
