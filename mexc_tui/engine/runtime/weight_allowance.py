"""Spreads dear questions in time, so that a burst of them leaves the request budget to others."""

import asyncio

from mexc_tui.model.stream import NS_PER_S
from mexc_tui.ports.clock import Clock


class WeightAllowance:
    """Grants `burst` of weight at once and `per_s` from then on. For one caller at a time."""

    def __init__(self, clock: Clock, burst: int, per_s: int) -> None:
        self._clock = clock
        self._burst = burst
        self._per_s = per_s
        self._left = float(burst)
        self._noted_ns = clock.monotonic_ns()

    async def take(self, weight: int) -> None:
        """Return when this weight may be asked for; more than the burst takes the whole of it."""
        wanted = min(weight, self._burst)
        missing = wanted - self._refilled()
        if missing > 0:
            await asyncio.sleep(missing / self._per_s + 0.001)
            self._refilled()
        self._left -= wanted

    def _refilled(self) -> float:
        now_ns = self._clock.monotonic_ns()
        grown = (now_ns - self._noted_ns) / NS_PER_S * self._per_s
        self._left, self._noted_ns = min(self._left + grown, self._burst), now_ns
        return self._left
