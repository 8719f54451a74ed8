"""Plan of a snipe's next order: renewed or dropped whenever the event loop was blocked."""

import asyncio
from collections.abc import Awaitable, Callable

from mexc_tui.engine.entries.entry_price import EntryPrice
from mexc_tui.engine.runtime.suspend_detector import SuspendDetector
from mexc_tui.ports.clock import Clock

CHECK_INTERVAL_S = 0.05
"""Interval at which a waiting snipe checks whether it may still buy."""
NO_BOUND = "no reference price bounds the entry"


class EntryPlan:
    """Time of the plan of one snipe, and whether it is still valid."""

    def __init__(
        self,
        *,
        price: EntryPrice,
        suspend_detector: SuspendDetector,
        clock: Clock,
        stop_reason: Callable[[], str],
        is_open: Callable[[], bool],
        renew: Callable[[], Awaitable[str]],
    ) -> None:
        """`stop_reason`: why nothing more may be sent; `is_open`: whether the opening is past.

        `renew`: measures connection and clock and runs the checklist; returns the failed checks.
        """
        self._price = price
        self._suspend_detector = suspend_detector
        self._clock = clock
        self._stop_reason = stop_reason
        self._is_open = is_open
        self._renew = renew
        self._planned_ns = clock.monotonic_ns()
        if is_open():
            price.miss_first()

    def begin(self) -> None:
        """Start a new plan: connection and clock are about to be measured."""
        self._planned_ns = self._clock.monotonic_ns()

    def blocked_since(self, since_ns: int) -> str:
        """Return that the engine was blocked after a time of the monotonic clock; empty: it was not."""
        stood_ms = self._suspend_detector.blocked_ms_since(since_ns)
        return f"the engine was blocked for {stood_ms / 1_000:.1f} s" if stood_ms else ""

    async def until_ready(self) -> str:
        """Return once an order can be priced from current data; else why no more orders may be sent."""
        while not (off := self._stop_reason()):
            if blocked := self.blocked_since(self._planned_ns):
                if refused := await self._plan_again():
                    return f"{blocked}: {refused}"
            elif self._price.cap() is not None:
                return ""
            elif self._price.is_first_missed:
                return NO_BOUND
            else:
                await self._price.moves_within(CHECK_INTERVAL_S)
        return off if self._price.cap() is not None else f"{off} (no price observed)"

    async def _plan_again(self) -> str:
        """Measure, check and refresh the order book; return why the order is dropped, empty: proceed."""
        is_open = self._is_open()
        if is_open:
            self._price.miss_first()
            if self._price.cap() is None:
                return NO_BOUND
        refused, unknown = await asyncio.gather(self._renew(), self._price.refresh_book())
        if unknown and is_open:
            return f"price unknown: {unknown}"
        return refused
