"""Waiting for a moment of the monotonic clock: exactly, and never less (performance 5)."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mexc_tui.ports.clock import Clock

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
SPIN_NS = 2 * NS_PER_MS
"""A loop's timers are late by a millisecond and more: the last of the wait is spent looking at the clock."""


async def sleep_until(clock: "Clock", at_ns: int) -> None:
    """Return at `at_ns` or up to some milliseconds later."""
    while True:
        left_ns = at_ns - clock.monotonic_ns()
        if left_ns <= 0:
            return
        await asyncio.sleep(left_ns / NS_PER_S)


async def spin_until(clock: "Clock", at_ns: int) -> None:
    """Return at `at_ns` or as soon after it as the loop lets us; others have their turns meanwhile."""
    await sleep_until(clock, at_ns - SPIN_NS)
    now_ns = clock.monotonic_ns()
    while now_ns < at_ns:
        await asyncio.sleep(0)
        before_ns, now_ns = now_ns, clock.monotonic_ns()
        if now_ns == before_ns:
            # A clock that does not advance while others run is moved by timers alone.
            await sleep_until(clock, at_ns)
            return
