"""Spreads expensive requests over time, so that a burst leaves request budget to other callers."""

import asyncio

from mexc_tui.model.stream import NS_PER_S
from mexc_tui.ports.clock import Clock


class WeightAllowance:
    """Token bucket: grants `burst` of weight at once and `per_s` afterwards. For one caller at a time."""

    def __init__(self, clock: Clock, burst: int, per_s: int) -> None:
        self._clock = clock
        self._burst = burst
        self._per_s = per_s
        self._available = float(burst)
        self._refilled_ns = clock.monotonic_ns()

    async def acquire(self, weight: int) -> None:
        """Wait until this weight may be spent; a weight above the burst takes the whole burst."""
        required = min(weight, self._burst)
        missing = required - self._refill()
        if missing > 0:
            await asyncio.sleep(missing / self._per_s + 0.001)
            self._refill()
        self._available -= required

    def _refill(self) -> float:
        now_ns = self._clock.monotonic_ns()
        refill = (now_ns - self._refilled_ns) / NS_PER_S * self._per_s
        self._available, self._refilled_ns = min(self._available + refill, self._burst), now_ns
        return self._available
