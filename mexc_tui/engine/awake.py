"""Notices that this process or machine stood still: what was heard before that is old (reliability C3)."""

import asyncio
import logging
from collections.abc import Callable

from mexc_tui.engine.ports import Clock
from mexc_tui.engine.supervisor import Started

log = logging.getLogger(__name__)

STEP_S = 1.0
GAP_MS = 2_000
"""A second that took so much longer is a gap."""
MEASURED_S = 3.0
"""So long the exchange's clock may take to be measured anew; books are compared after it."""
NS_PER_MS = 1_000_000


class Awake:
    """One worker: holds each second against both clocks.

    After a stopped process the steady clock is ahead; after a machine that slept it stood still as well, and
    the wall clock is ahead. A wall clock that somebody set looks the same: looking once more does no harm.
    """

    def __init__(
        self,
        clock: Clock,
        distrust: Callable[[], None],
        resync: Callable[[], None],
        compare: Callable[[], None],
    ) -> None:
        """`distrust`: let no price count that was heard before; `resync`: measure the exchange's clock."""
        self._clock = clock
        self._distrust = distrust
        self._resync = resync
        self._compare = compare

    async def run(self, started: Started) -> None:
        """Look each second."""
        started()
        before = self._look()
        while True:
            await asyncio.sleep(STEP_S)
            now = self._look()
            gap_ms = _gap_ms(before, now)
            before = now
            if gap_ms > GAP_MS:
                log.warning("this engine stood still for %.1f s: clock and books are looked at", gap_ms / 1e3)
                self._distrust()
                self._resync()
                await asyncio.sleep(MEASURED_S)
                self._compare()
                before = self._look()

    def _look(self) -> tuple[int, int]:
        return self._clock.monotonic_ns() // NS_PER_MS, self._clock.now_ms()


def _gap_ms(before: tuple[int, int], now: tuple[int, int]) -> int:
    """Return by how much a second was longer than one, by the clock that says more."""
    steady_ms, wall_ms = now[0] - before[0], now[1] - before[1]
    return max(steady_ms - round(STEP_S * 1_000), abs(wall_ms - steady_ms))
