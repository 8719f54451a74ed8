"""Pairs displayed by front ends: each is streamed for a minute after the last request."""

from collections.abc import Callable

WATCH_MS = 60_000
CAPACITY = 8
"""Pairs watched at once. Three streams each, which leaves connections to the streams of listings."""
PROTECTED_MS = 5_000
"""A pair requested this recently is not replaced, so that two front ends do not evict each other."""


class WatchedSymbols:
    """Pairs displayed by front ends, with the exchange time of the last request."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._requested_ms: dict[str, int] = {}

    def watch(self, symbol: str) -> str:
        """Watch a pair for a minute; return why that is impossible now; empty: it is watched."""
        now_ms = self._now_ms()
        self._remove_expired(now_ms)
        if symbol not in self._requested_ms and len(self._requested_ms) >= CAPACITY:
            oldest = min(self._requested_ms, key=lambda name: self._requested_ms[name])
            if now_ms - self._requested_ms[oldest] < PROTECTED_MS:
                return f"{CAPACITY} symbols are already watched: close one, or wait a few seconds"
            del self._requested_ms[oldest]
        self._requested_ms[symbol] = now_ms
        return ""

    def is_new(self, symbol: str) -> bool:
        """Return whether the pair is not watched yet."""
        self._remove_expired(self._now_ms())
        return symbol not in self._requested_ms

    def remaining_s(self, symbol: str) -> float:
        """Return how much longer the pair is watched; 0: not watched."""
        requested_ms = self._requested_ms.get(symbol)
        return 0.0 if requested_ms is None else max(requested_ms + WATCH_MS - self._now_ms(), 0) / 1_000

    def symbols(self) -> tuple[str, ...]:
        """Return the watched pairs."""
        self._remove_expired(self._now_ms())
        return tuple(self._requested_ms)

    def _remove_expired(self, now_ms: int) -> None:
        for name in [symbol for symbol, at_ms in self._requested_ms.items() if now_ms - at_ms > WATCH_MS]:
            del self._requested_ms[name]
