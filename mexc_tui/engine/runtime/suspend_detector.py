"""Detects that the event loop, the process or the machine was suspended (reliability C3, C4)."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.model.view import LoopRow
from mexc_tui.ports.clock import Clock
from mexc_tui.sniping.verdict_text import moment

log = logging.getLogger(__name__)

WAKE_INTERVAL_S = 0.1
GAP_MS = 250
"""A wake-up delayed by more than this is a gap: orders planned before it are not sent after it."""
STALE_MS = 2_000
"""After a longer gap all earlier data is stale: entries wait for a reconciliation."""
CLOCK_SYNC_S = 3.0
"""Time allowed for measuring the exchange clock before the reconciliation."""
WARNING_MS = 60_000
"""How long a gap is shown as a warning."""
LOG_WARNING_MS = 1_000
"""Shorter gaps are logged at INFO only."""
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class LoopGap:
    """A gap of the event loop. `ended_ns`: monotonic clock; `ended_ms`: wall clock."""

    length_ms: int
    ended_ns: int
    ended_ms: int


@dataclass(frozen=True, slots=True)
class _Tick:
    """Reading of both clocks at a wake-up."""

    steady_ns: int
    wall_ms: int


class SuspendDetector:
    """Worker that compares each scheduled wake-up with the actual one, on both clocks.

    After a stopped process the monotonic clock is ahead. After a suspended machine the monotonic clock has
    paused as well, and the wall clock is ahead. An adjusted wall clock looks the same; the additional
    reconciliation is harmless.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        now_ms: Callable[[], int],
        invalidate_prices: Callable[[], None],
        sync_clock: Callable[[], None],
        reconcile: Callable[[], None],
        reconciled_ms: Callable[[], int | None],
    ) -> None:
        """`now_ms`: exchange time; `invalidate_prices`: mark all prices received so far as stale.

        `sync_clock`: request a measurement of the exchange clock; `reconcile`: request a reconciliation;
        `reconciled_ms`: exchange time of the last one.
        """
        self._clock = clock
        self._now_ms = now_ms
        self._invalidate_prices = invalidate_prices
        self._sync_clock = sync_clock
        self._reconcile = reconcile
        self._reconciled_ms = reconciled_ms
        self._tick = self._read_clocks()
        self._reconcile_ns: int | None = None
        """When to request the reconciliation; None: none is due."""
        self._requested_ms: int | None = None
        self._stale: LoopGap | None = None
        self.last: LoopGap | None = None
        self.longest: LoopGap | None = None
        self.count = 0
        """Gaps since the start."""

    async def run(self, started: Started) -> None:
        """Check for a gap ten times a second until cancelled."""
        started()
        self._tick = self._read_clocks()
        while True:
            await asyncio.sleep(WAKE_INTERVAL_S)
            self._wake_up()

    def blocked_ms_since(self, since_ns: int) -> int:
        """Return the length in ms of the last gap that ended after `since_ns` (monotonic); 0: none.

        Called right before bytes are sent, so a gap that no wake-up has detected yet counts, too.
        """
        last = self.last
        if last is not None and last.ended_ns > since_ns:
            return last.length_ms
        idle_ms = self._idle_ms(self._read_clocks())
        return idle_ms if idle_ms > GAP_MS else 0

    @property
    def entry_block(self) -> str:
        """Return why entries wait after a long gap; empty: they do not."""
        stale = self._stale
        if stale is None:
            return ""
        return f"the engine was blocked for {stale.length_ms / 1_000:.1f} s: reconciling first"

    @property
    def warning(self) -> str:
        """Return a warning about a gap in the last minute; empty: none."""
        last = self.last
        if last is None or self._clock.now_ms() - last.ended_ms > WARNING_MS:
            return ""
        return f"the event loop was blocked for {last.length_ms:,} ms until {moment(last.ended_ms)}"

    def row(self) -> LoopRow:
        """Return gap statistics since the start."""
        last, longest = self.last, self.longest
        return LoopRow(
            gaps=self.count,
            last_gap_ms=None if last is None else last.length_ms,
            last_ended_ms=None if last is None else last.ended_ms,
            longest_gap_ms=None if longest is None else longest.length_ms,
        )

    def _wake_up(self) -> None:
        now = self._read_clocks()
        idle_ms = self._idle_ms(now)
        self._tick = now
        if idle_ms > GAP_MS:
            self._record(LoopGap(idle_ms, now.steady_ns, now.wall_ms))
        self._recover(now.steady_ns)

    def _record(self, gap: LoopGap) -> None:
        self.last, self.count = gap, self.count + 1
        if self.longest is None or gap.length_ms > self.longest.length_ms:
            self.longest = gap
        level = logging.WARNING if gap.length_ms >= LOG_WARNING_MS else logging.INFO
        log.log(level, "the event loop was blocked for %d ms", gap.length_ms)
        if gap.length_ms > STALE_MS:
            self._stale, self._requested_ms = gap, None
            self._invalidate_prices()
            self._sync_clock()
            self._reconcile_ns = gap.ended_ns + int(CLOCK_SYNC_S * 1e9)

    def _recover(self, now_ns: int) -> None:
        """Request a reconciliation once the clock is measured; allow entries once it is done."""
        if self._reconcile_ns is not None and now_ns >= self._reconcile_ns:
            self._reconcile_ns, self._requested_ms = None, self._now_ms()
            self._reconcile()
        reconciled_ms, requested_ms = self._reconciled_ms(), self._requested_ms
        if requested_ms is not None and reconciled_ms is not None and reconciled_ms >= requested_ms:
            self._stale = self._requested_ms = None

    def _read_clocks(self) -> _Tick:
        return _Tick(self._clock.monotonic_ns(), self._clock.now_ms())

    def _idle_ms(self, now: _Tick) -> int:
        """Return the time since the last wake-up, on the clock that shows more."""
        steady_ms = (now.steady_ns - self._tick.steady_ns) // NS_PER_MS
        wall_ms = now.wall_ms - self._tick.wall_ms
        return max(steady_ms, abs(wall_ms - steady_ms))
