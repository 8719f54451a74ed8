"""Watches the event loop: notices that it, this process or this machine stood still (reliability C3, C4)."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.model.view import LoopRow
from mexc_tui.ports.clock import Clock
from mexc_tui.sniping.saying import moment

log = logging.getLogger(__name__)

STEP_S = 0.1
NOTED_MS = 250
"""No wake-up for so long is a gap of the event loop: nothing planned before it is sent after it."""
STALE_MS = 2_000
"""After so long a gap everything received before is old: nothing is bought until the ledger was compared."""
MEASURED_S = 3.0
"""So long the exchange's clock may take to be measured anew; the ledger is compared after it."""
WARNED_MS = 60_000
"""A gap is warned of for so long."""
LOUD_MS = 1_000
"""A shorter gap is shown and counted, but not worth a line of the log each time."""
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class LoopGap:
    """One gap of the event loop. `ended_ns`: monotonic clock; `ended_ms`: wall clock."""

    length_ms: int
    ended_ns: int
    ended_ms: int


@dataclass(frozen=True, slots=True)
class _Tick:
    """Both clocks at one wake-up."""

    steady_ns: int
    wall_ms: int


class SuspendDetector:
    """One worker: compares each scheduled wake-up with the actual one, on both clocks.

    After a stopped process the steady clock is ahead; after a machine that slept it stood still as well, and
    the wall clock is ahead. A wall clock that somebody set looks the same: checking once more does no harm.
    """

    def __init__(
        self,
        clock: Clock,
        now_ms: Callable[[], int],
        distrust: Callable[[], None],
        resync: Callable[[], None],
        compare: Callable[[], None],
        compared_ms: Callable[[], int | None],
    ) -> None:
        """`now_ms`: the exchange's time; `distrust`: let no price count that was received before.

        `resync`: measure the exchange's clock; `compare`: compare the ledger; `compared_ms`: when that was
        last done, exchange's time.
        """
        self._clock = clock
        self._now_ms = now_ms
        self._distrust = distrust
        self._resync = resync
        self._compare = compare
        self._compared_ms = compared_ms
        self._tick = self._look()
        self._compare_ns: int | None = None
        """When the ledger is to be compared; None: no comparison is waited for."""
        self._asked_ms: int | None = None
        self._stale: LoopGap | None = None
        self.last: LoopGap | None = None
        self.longest: LoopGap | None = None
        self.count = 0
        """Of gaps since the start."""

    async def run(self, started: Started) -> None:
        """Wake up again and again."""
        started()
        self._tick = self._look()
        while True:
            await asyncio.sleep(STEP_S)
            self._wake_up()

    def stood_still_since(self, since_ns: int) -> int:
        """Return how many ms the event loop stood still after a moment of the monotonic clock; 0: it did not.

        Asked right before bytes are written: a gap that no wake-up has noticed yet counts, too.
        """
        last = self.last
        if last is not None and last.ended_ns > since_ns:
            return last.length_ms
        idle_ms = self._idle_ms(self._look())
        return idle_ms if idle_ms > NOTED_MS else 0

    @property
    def doubt(self) -> str:
        """Say why nothing may be bought after a long standstill; empty: it may."""
        stale = self._stale
        if stale is None:
            return ""
        return f"the engine was blocked for {stale.length_ms / 1_000:.1f} s: reconciling first"

    @property
    def warning(self) -> str:
        """Say that the event loop stood still lately; empty: it did not."""
        last = self.last
        if last is None or self._clock.now_ms() - last.ended_ms > WARNED_MS:
            return ""
        return f"the event loop was blocked for {last.length_ms:,} ms until {moment(last.ended_ms)}"

    def row(self) -> LoopRow:
        """Return the gaps since the start."""
        last, longest = self.last, self.longest
        return LoopRow(
            gaps=self.count,
            last_gap_ms=None if last is None else last.length_ms,
            last_ended_ms=None if last is None else last.ended_ms,
            longest_gap_ms=None if longest is None else longest.length_ms,
        )

    def _wake_up(self) -> None:
        now = self._look()
        idle_ms = self._idle_ms(now)
        self._tick = now
        if idle_ms > NOTED_MS:
            self._note(LoopGap(idle_ms, now.steady_ns, now.wall_ms))
        self._settle(now.steady_ns)

    def _note(self, gap: LoopGap) -> None:
        self.last, self.count = gap, self.count + 1
        if self.longest is None or gap.length_ms > self.longest.length_ms:
            self.longest = gap
        level = logging.WARNING if gap.length_ms >= LOUD_MS else logging.INFO
        log.log(level, "the event loop stood still for %d ms", gap.length_ms)
        if gap.length_ms > STALE_MS:
            self._stale, self._asked_ms = gap, None
            self._distrust()
            self._resync()
            self._compare_ns = gap.ended_ns + int(MEASURED_S * 1e9)

    def _settle(self, now_ns: int) -> None:
        """Have the ledger compared once the clock is measured; then the standstill is over."""
        if self._compare_ns is not None and now_ns >= self._compare_ns:
            self._compare_ns, self._asked_ms = None, self._now_ms()
            self._compare()
        compared_ms = self._compared_ms()
        if self._asked_ms is not None and compared_ms is not None and compared_ms >= self._asked_ms:
            self._stale = self._asked_ms = None

    def _look(self) -> _Tick:
        return _Tick(self._clock.monotonic_ns(), self._clock.now_ms())

    def _idle_ms(self, now: _Tick) -> int:
        """Return how long ago the last wake-up was, by the clock that says more."""
        steady_ms = (now.steady_ns - self._tick.steady_ns) // NS_PER_MS
        wall_ms = now.wall_ms - self._tick.wall_ms
        return max(steady_ms, abs(wall_ms - steady_ms))
