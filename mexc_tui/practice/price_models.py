"""Models of the fair price and trading rate that simulated traders follow."""

import math
import random
from typing import Protocol

from mexc_tui.practice.scenario import ListingShape

STEADY_SPREAD = 0.0004
FAST_SWING, FAST_PULL_S = 0.003, 300.0
SLOW_SWING, SLOW_PULL_S = 0.02, 21_600.0
"""(share of the price, seconds to revert): a steady market is mean-reverting at any duration."""
OVER_S = 3_600.0
"""Time after an opening at which trading ends."""


class PriceModel(Protocol):
    """Fair price and trading rate of a market."""

    spread: float
    """Usual distance of the best quotes, as a share of the price."""

    def fair(self, now_ms: int) -> float:
        """Return the fair price in ticks. Times must not decrease."""
        ...

    def rate(self, now_ms: int) -> float:
        """Return trades per second; 0: trading has ended."""
        ...


class _MeanRevertingWalk:
    """A mean-reverting walk around 0 (Ornstein-Uhlenbeck, exact for any step)."""

    def __init__(self, swing: float, pull_s: float, rng: random.Random) -> None:
        self._swing = swing
        self._pull_s = pull_s
        self._rng = rng
        self._value = 0.0

    def after(self, seconds: float) -> float:
        kept = math.exp(-seconds / self._pull_s)
        self._value = self._value * kept + self._swing * math.sqrt(1 - kept * kept) * self._rng.gauss(0, 1)
        return self._value


class SteadyPrice:
    """An established pair."""

    spread = STEADY_SPREAD

    def __init__(self, *, ticks: float, trades_per_s: float, start_ms: int, rng: random.Random) -> None:
        self._ticks = ticks
        self._rate = trades_per_s
        self._at_ms = start_ms
        self._fast = _MeanRevertingWalk(FAST_SWING, FAST_PULL_S, rng)
        self._slow = _MeanRevertingWalk(SLOW_SWING, SLOW_PULL_S, rng)

    def fair(self, now_ms: int) -> float:
        """See PriceModel."""
        seconds = (now_ms - self._at_ms) / 1000
        self._at_ms = now_ms
        return self._ticks * math.exp(self._fast.after(seconds) + self._slow.after(seconds))

    def rate(self, now_ms: int) -> float:
        """See PriceModel."""
        return self._rate


_SPREADS = {
    ListingShape.RUSH: 0.004,
    ListingShape.SPIKE: 0.008,
    ListingShape.FADE: 0.005,
    ListingShape.DUD: 0.02,
    ListingShape.THIN: 0.04,
}
_RATES = {
    ListingShape.RUSH: (1.0, 120.0),
    ListingShape.SPIKE: (1.0, 60.0),
    ListingShape.FADE: (0.6, 120.0),
    ListingShape.DUD: (0.02, 600.0),
    ListingShape.THIN: (0.06, 600.0),
}
"""(share of the plan's trades per second at the opening, seconds in which they fall to a third)"""
MIN_RATE = 0.02
RISE_S = 90.0


class OpeningPrice:
    """A pair in the hour after its opening."""

    def __init__(
        self,
        *,
        shape: ListingShape,
        reference_ticks: float,
        peak: float,
        trades_per_s: float,
        opened_ms: int,
        rng: random.Random,
    ) -> None:
        self.spread = _SPREADS[shape]
        self._shape = shape
        self._ticks = reference_ticks
        self._peak = peak
        self._trades_per_s = trades_per_s
        self._opened_ms = opened_ms
        self._at_ms = opened_ms
        self._noise = _MeanRevertingWalk(self.spread, 20.0, rng)

    def fair(self, now_ms: int) -> float:
        """See PriceModel."""
        seconds = (now_ms - self._at_ms) / 1000
        self._at_ms = now_ms
        factor = price_multiple(self._shape, self._peak, (now_ms - self._opened_ms) / 1000)
        return max(self._ticks * factor * math.exp(self._noise.after(seconds)), 2.0)

    def rate(self, now_ms: int) -> float:
        """See PriceModel."""
        age_s = (now_ms - self._opened_ms) / 1000
        if age_s > OVER_S:
            return 0.0
        share, falls_s = _RATES[self._shape]
        return max(self._trades_per_s * share * math.exp(-age_s / falls_s), MIN_RATE)


def price_multiple(shape: ListingShape, peak: float, age_s: float) -> float:
    """Return the price `age_s` after an opening, as a multiple of the reference price."""
    gain = peak - 1
    match shape:
        case ListingShape.RUSH:
            risen = 1 + gain * (1 - math.exp(-min(age_s, RISE_S) / 20))
            settled = 1 + gain * 0.35
            return settled + (risen - settled) * math.exp(-max(age_s - RISE_S, 0) / 300)
        case ListingShape.SPIKE:
            if age_s < 6:
                return 1 + gain * age_s / 6
            low = min(0.35 * peak, 0.8)
            return low + (peak - low) * math.exp(-(age_s - 6) / 8)
        case ListingShape.FADE:
            return 0.4 + 0.6 * math.exp(-age_s / 240)
        case ListingShape.DUD:
            return 0.85 + 0.15 * math.exp(-age_s / 600)
        case ListingShape.THIN:
            return 1 + gain * 0.4 * (1 - math.exp(-age_s / 120))
